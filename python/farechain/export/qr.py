"""QR codes as pictures: runs of modules as a path for what is small, a pixel a module for what is large."""

import math
import struct
import zlib
from typing import Any

import zxingcpp

QUIET_MODULES = 4
DARK, LIGHT = 0, 255
FIXED_MASK = 3
"""A proof is as good as random, so no mask is better than another; trying all eight costs five times more."""


def svg(text: str) -> str:
    """A code for paper (error correction M) with its quiet zone, one unit a module, on white.

    Raises ``ValueError`` for more than a code can hold.
    """
    pixels, modules = _modules(text, ec_level="M")
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
        f'<path fill="#fff" d="M0 0h{side}v{side}H0z"/><path d="{"".join(path)}"/></svg>'
    )


def png(text: str) -> bytes:
    """A code for much data (error correction L), one pixel a module, without its quiet zone.

    Raises ``ValueError`` for more than a code can hold.
    """
    pixels, modules = _modules(text, ec_level="L", data_mask=FIXED_MASK)
    # Each row begins with its filter: none.
    rows = b"".join(b"\0" + pixels[y * modules : (y + 1) * modules] for y in range(modules))
    header = struct.pack(">IIBBBBB", modules, modules, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _modules(text: str, **options: Any) -> tuple[bytes, int]:
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, **options)
    # The image has the buffer protocol, which its stub does not say.
    image: Any = code.to_image(scale=1, add_quiet_zones=False)
    pixels = memoryview(image).tobytes()
    return pixels, math.isqrt(len(pixels))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
