"""Which record sets which keys of the map of current state (docs/format.md, section 9)."""

from collections.abc import Iterable

from . import cbor
from .digests import identity, leaf_hash

REDUCED = 2
LIFECYCLE = {*range(42, 50), 51, *range(53, 58)}


def invoice_key(code: str, number: int) -> bytes:
    """The key of an invoice or a red letter."""
    return identity(b"INVOICE", code.encode(), number.to_bytes(4, "big"))


def keys(record: bytes, annex: bytes | None) -> list[bytes]:
    """The keys that get this record's hash."""
    _, kind, *fields = cbor.decode(record)
    match kind:
        case 1:
            return [invoice_key(*fields[:2]), fields[9]]
        case 2:
            return [invoice_key(*fields[:2]), invoice_key(*fields[4:6])]
        case 3:
            return [fields[8]]
        case 4:
            return [fields[3]] if fields[1] == REDUCED else []
        case 5:
            return [invoice_key(*fields[:2]), *_payments(annex)]
        case 6:
            return [invoice_key(*fields[:2]), invoice_key(*fields[4:6]), *_payments(annex)]
        case 7:
            return [invoice_key(*fields[4:6]), fields[3]]
        case _ if kind in LIFECYCLE:
            return [invoice_key(*fields[1:3])]
    return []


def _payments(annex: bytes | None) -> list[bytes]:
    assert annex is not None
    return [payment[0] for payment in cbor.decode(annex)[2]]


def apply(entries: dict[bytes, bytes], records: Iterable[tuple[bytes, bytes | None]]) -> None:
    """Sets the keys of records, each with its annex, in the order of the log."""
    for record, annex in records:
        for key in keys(record, annex):
            entries[key] = leaf_hash(record)
