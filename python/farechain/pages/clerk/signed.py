"""Whether a presentation is signed by a key: asked before the ledger is, whose word is the last."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from farechain.presentation import Presentation

PRESENTED = b"application/vnd.farechain.present"


def is_signed(public_key: bytes, shown: Presentation) -> bool:
    """Whether this key signed it (docs/format.md, section 3, Sides).

    Args:
        public_key: 32 bytes.
    """
    code, number = shown.invoice
    payload = b"\x84" + b"".join(
        [_text(code), _head(0, number), _text(shown.reimburser), _text(shown.claim_id)]
    )
    signed = b"DSSEv1 %d %b %d %b" % (len(PRESENTED), PRESENTED, len(payload), payload)
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(shown.signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _text(text: str) -> bytes:
    return _head(3, len(text)) + text.encode("ascii")


def _head(major: int, value: int) -> bytes:
    """The head of a value in deterministic CBOR."""
    if value < 24:
        return bytes([major << 5 | value])
    width = next(width for width in (1, 2, 4) if value < 1 << 8 * width)
    return bytes([major << 5 | 24 + width.bit_length() - 1]) + value.to_bytes(width, "big")
