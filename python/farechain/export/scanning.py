"""What is scanned from a document: the address to check it at, the proof itself, the older line."""

import base64
import math
from typing import Any

import zxingcpp

from farechain.export.amounts import local, yuan
from farechain.export.document import InvoiceDocument

CRC_POLYNOMIAL = 0x8005
ORDINARY_ELECTRONIC = "10"
"""The invoice's type in the older line: an electronic ordinary invoice."""
QUIET_MODULES = 4
DARK, LIGHT = 0, 255


def verify_address(document: InvoiceDocument) -> str:
    """The address in the code on the face: hash, number and the total in fen without a sign."""
    values = f"hash={document.hash.hex()}&bill_num={document.number}&total_amount={abs(document.total_fen)}"
    return f"{document.verify_url}/v/scan?{values}"


def proof_address(document: InvoiceDocument) -> str | None:
    """An address that carries the whole proof in its fragment, which no browser sends to a server.

    The proof is base32 without padding, which a QR code packs as densely as bytes.
    """
    if document.evidence is None:
        return None
    proof = base64.b32encode(document.evidence.proof).decode().rstrip("=")
    return f"{document.verify_url}/#proof={proof}"


def crc16_umts(data: bytes) -> int:
    """CRC-16/UMTS: polynomial 0x8005, start 0, not reflected, no final xor."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ CRC_POLYNOMIAL if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def sealed_line(fields: str) -> str:
    """A line in the older form with its CRC: ``fields`` ends in the comma before it."""
    return f"{fields}{crc16_umts(fields.encode('ascii')):04X},"


def older_line(document: InvoiceDocument) -> str:
    """``01,type,code,number,amount,yyyymmdd,check,CRC,`` as readers made for paper invoices expect it."""
    day = local(document.issued_at_ms, document.utc_offset_min).strftime("%Y%m%d")
    values = [
        "01",
        ORDINARY_ELECTRONIC,
        document.code,
        document.number,
        yuan(document.net_fen),
        day,
        document.check_code,
        "",
    ]
    return sealed_line(",".join(values))


def qr_svg(text: str, level: str) -> str:
    """A QR code with its quiet zone as an SVG of one path, one unit a module.

    ``level`` is the error correction: ``M`` for what is scanned from paper, ``L`` for much data. Raises
    ``ValueError`` for more than a code can hold.
    """
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    # The image has the buffer protocol, which its stub does not say.
    image: Any = code.to_image(scale=1, add_quiet_zones=False)
    pixels = memoryview(image).tobytes()
    modules = math.isqrt(len(pixels))
    path = []
    for y in range(modules):
        row = pixels[y * modules : (y + 1) * modules]
        x = 0
        while (x := row.find(DARK, x)) >= 0:
            end = row.find(LIGHT, x)
            end = modules if end < 0 else end
            path.append(f"M{x + QUIET_MODULES} {y + QUIET_MODULES}h{end - x}v1H{x + QUIET_MODULES}z")
            x = end
    side = modules + 2 * QUIET_MODULES
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'<path d="{"".join(path)}"/></svg>'
    )
