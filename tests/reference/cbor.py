"""Deterministic CBOR (RFC 8949 section 4.2.1): the subset that farechain uses, both ways."""

from typing import Any

HEADS = {24: 1, 25: 2, 26: 4, 27: 8}
"""Additional information and the bytes of the argument that follow it."""


def head(major: int, argument: int) -> bytes:
    """A data item's head with its argument in the shortest form."""
    if argument < 24:
        return bytes([major << 5 | argument])
    for information, size in HEADS.items():
        if argument < 1 << 8 * size:
            return bytes([major << 5 | information]) + argument.to_bytes(size, "big")
    raise ValueError(f"{argument} has no head")


def encode(value: Any) -> bytes:
    """Encodes None, booleans, integers of 64 bits, bytes, text, lists and maps with text keys."""
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return head(3, len(text)) + text
    if isinstance(value, list | tuple):
        return head(4, len(value)) + b"".join(encode(item) for item in value)
    if isinstance(value, dict):
        pairs = sorted((encode(key), encode(item)) for key, item in value.items())
        return head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    raise TypeError(f"{type(value).__name__} has no place in a record")


def decode(data: bytes) -> Any:
    """The value of these bytes. Raises ``ValueError`` unless encoding it gives the same bytes again."""
    value, end = _item(data, 0)
    if end != len(data) or encode(value) != data:
        raise ValueError("not deterministic CBOR")
    return value


def _item(data: bytes, at: int) -> tuple[Any, int]:
    if at >= len(data):
        raise ValueError("the bytes end early")
    major, argument, at = data[at] >> 5, data[at] & 31, at + 1
    if argument in HEADS:
        size = HEADS[argument]
        argument, at = int.from_bytes(_take(data, at, size), "big"), at + size
    elif argument >= 24:
        raise ValueError("no such head")
    if major in (0, 1):
        return (argument if major == 0 else -1 - argument), at
    if major in (2, 3):
        part = _take(data, at, argument)
        return (part if major == 2 else part.decode()), at + argument
    if major == 4:
        items = []
        for _ in range(argument):
            item, at = _item(data, at)
            items.append(item)
        return items, at
    if major == 5:
        pairs = {}
        for _ in range(argument):
            key, at = _item(data, at)
            pairs[key], at = _item(data, at)
        return pairs, at
    if major == 7 and argument in (20, 21, 22):
        return {20: False, 21: True, 22: None}[argument], at
    raise ValueError("tags and floats have no place here")


def _take(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise ValueError("the bytes end early")
    return data[at : at + size]
