"""Whether every event is accounted for: what blocks say of each topic-partition, and whether it joins."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from farechain._core import Ledger

BLOCKS = 64
"""Blocks of a page: a full one has 8,192 outcomes."""


@dataclass(slots=True)
class PartitionView:
    """What some consecutive blocks consumed of a topic-partition.

    Attributes:
        first_offset: where the first of its ranges begins; ``next_offset``: where the last one ends.
        ranges: how many of the blocks moved it.
        verdicts: outcomes by verdict; ``outcomes`` is their sum.
        joins: each range begins where the one before it ends.
        ordered: each outcome stands in its block's range, its offset above the one before it.
        last_digest: of the last input of the partition, hex; None where nothing moved.
    """

    topic: str
    partition: int
    first_offset: int
    next_offset: int
    ranges: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    joins: bool = True
    ordered: bool = True
    last_digest: str | None = None

    @property
    def outcomes(self) -> int:
        """How many inputs were decided."""
        return self.verdicts.total()

    @property
    def without_record(self) -> int:
        """Offsets that are no record: Kafka's marks of transactions, or compacted away."""
        return self.next_offset - self.first_offset - self.outcomes

    @property
    def whole(self) -> bool:
        """Whether nothing can be missing between its ends."""
        return self.joins and self.ordered and self.without_record >= 0


@dataclass(frozen=True, slots=True)
class Completeness:
    """What blocks ``first`` to ``last`` consumed; ``at_head``: the last one is the ledger's last.

    ``ends`` says, where it is the head, whether each partition ends at the ledger's own position and digest.
    """

    first: int
    last: int
    partitions: list[PartitionView]
    at_head: bool
    ends: bool


def completeness(ledger: Ledger, last: int | None = None, blocks: int = BLOCKS) -> Completeness:
    """Reads some blocks up to ``last`` (None: the ledger's last). Blocks while they are read."""
    head = ledger.height
    last = head if last is None else min(last, head)
    first = max(1, last - blocks + 1)
    found: dict[int, PartitionView] = {}
    for height in range(first, last + 1):
        block = ledger.block(height)
        if block is not None:
            _add(found, block)
    positions = ledger.positions()
    ends = all(
        (view.next_offset, view.last_digest) == (positions[source][3], positions[source][4].hex())
        for source, view in found.items()
    )
    return Completeness(
        first, last, [found[source] for source in sorted(found)], last == head, last != head or ends
    )


def _add(found: dict[int, PartitionView], block: dict[str, Any]) -> None:
    expected: dict[int, int] = {}
    ends: dict[int, int] = {}
    for each in block["ranges"]:
        source, first, following = each["source"], each["first_offset"], each["next_offset"]
        view = found.setdefault(source, PartitionView(each["topic"], each["partition"], first, first))
        view.joins &= view.next_offset == first <= following
        view.next_offset = following
        view.ranges += 1
        view.last_digest = each["last_digest"].hex()
        expected[source], ends[source] = first, following
    for outcome in block["outcomes"]:
        source, offset = outcome["source"], outcome["offset"]
        view = found.setdefault(source, PartitionView(outcome["topic"], outcome["partition"], offset, offset))
        view.verdicts[outcome["verdict"]] += 1
        view.ordered &= expected.get(source, offset + 1) <= offset < ends.get(source, 0)
        expected[source] = offset + 1
