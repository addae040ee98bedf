"""What is scanned from a document: the address to check it at, the proof itself, the older line."""

import base64

from farechain.export.amounts import local, yuan
from farechain.export.document import InvoiceDocument

CRC_POLYNOMIAL = 0x8005
ORDINARY_ELECTRONIC = "10"
"""The invoice's type in the older line: an electronic ordinary invoice."""
ORDINARY_ALL_DIGITAL = "32"
"""The type of an all-digital one: no code, a number of twenty digits, the total, no check code."""


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
    if document.is_all_digital:
        values = [ORDINARY_ALL_DIGITAL, "", document.name, yuan(document.total_fen), day, ""]
    else:
        values = [ORDINARY_ELECTRONIC, document.code, document.number, yuan(document.net_fen), day]
        values.append(document.check_code)
    return sealed_line(",".join(["01", *values, ""]))
