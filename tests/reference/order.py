"""An order as it is decided: a command, or one of a batch's; its signer and its records' identities."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .digests import identity, leaf_hash
from .inputs import kid_of
from .state import Key


@dataclass(frozen=True)
class Order:
    kind: int
    fields: list[Any]
    canonical: bytes
    key: Key
    height: int
    block_time: int
    identities: Iterator[bytes]
    """Those of the input's records to come."""

    @property
    def root(self) -> bytes:
        return leaf_hash(self.canonical)

    @property
    def kid(self) -> bytes:
        return kid_of(self.key.public_key)


def identities_of(occupied: bytes) -> Iterator[bytes]:
    """The input's own identity for its first record, and one for each after it."""
    yield occupied
    part = 1
    while True:
        yield identity(b"PART", occupied, part.to_bytes(4, "big"))
        part += 1
