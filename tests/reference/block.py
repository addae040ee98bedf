"""Outcomes, source ranges, roots and the header (docs/format.md, section 5)."""

from dataclasses import dataclass

from . import cbor, merkle
from .digests import ZERO, block_hash
from .errors import CODE_NUMBERS
from .state import Place


@dataclass
class Range:
    """What a block took of a source."""

    first_offset: int
    next_offset: int
    last_digest: bytes = ZERO

    def leaf(self, source: int) -> bytes:
        return cbor.encode([source, self.first_offset, self.next_offset, self.last_digest])


def outcome(
    verdict: int,
    code: str | None,
    source: int,
    offset: int,
    timestamp_ms: int,
    link: int,
    records: int,
    digest: bytes,
) -> bytes:
    """An outcome's 64 bytes."""
    number = 0 if code is None else CODE_NUMBERS[code]
    return (
        bytes([verdict, number])
        + source.to_bytes(2, "big")
        + offset.to_bytes(8, "big")
        + timestamp_ms.to_bytes(8, "big", signed=True)
        + link.to_bytes(8, "big")
        + records.to_bytes(4, "big")
        + digest
    )


def link_to(place: Place) -> int:
    return place[0] << 24 | place[1]


@dataclass(frozen=True, slots=True)
class Block:
    """A block's parts and its header."""

    height: int
    records: list[bytes]
    annexes: list[bytes | None]
    outcomes: list[bytes]
    ranges: list[Range]
    header: bytes

    @property
    def hash(self) -> bytes:
        return block_hash(self.header)


def build(
    chain: str,
    height: int,
    previous: bytes,
    time_ms: int,
    records: list[bytes],
    annexes: list[bytes | None],
    outcomes: list[bytes],
    ranges: list[Range],
) -> Block:
    """A block from what was decided."""
    inputs_root = merkle.root([one.leaf(source) for source, one in enumerate(ranges)] + outcomes)
    header = cbor.encode(
        [1, 1, chain, height, previous, time_ms, len(records), merkle.root(records), inputs_root]
    )
    return Block(height, records, annexes, outcomes, ranges, header)
