"""The few forms of deterministic CBOR (RFC 8949, 4.2.1) that an outsider needs to make a digest again."""

from collections.abc import Iterable

_WHOLE, _OCTETS, _TEXT, _ARRAY = 0, 2, 3, 4


def _head(major: int, value: int) -> bytes:
    if value < 24:
        return bytes([major << 5 | value])
    for more, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << 8 * size:
            return bytes([major << 5 | more]) + value.to_bytes(size, "big")
    raise ValueError(f"{value} has no form in 64 bits")


def whole(value: int) -> bytes:
    """An integer from 0 on."""
    return _head(_WHOLE, value)


def octets(value: bytes) -> bytes:
    """A byte string."""
    return _head(_OCTETS, len(value)) + value


def text(value: str) -> bytes:
    """A text string."""
    encoded = value.encode()
    return _head(_TEXT, len(encoded)) + encoded


def array(items: Iterable[bytes]) -> bytes:
    """An array of what is encoded already."""
    encoded = list(items)
    return _head(_ARRAY, len(encoded)) + b"".join(encoded)
