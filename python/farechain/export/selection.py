"""Which invoices are exported, and the walk over them in the order in which they were issued."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from farechain._core import Ledger, decode_header, decode_record

BLUES = frozenset({"BLUE", "CLAIMED"})
REDS = frozenset({"RED", "RED_OF_LINES"})
INVOICES = BLUES | REDS
"""Kinds of record that a document is made of; all others are payments, commands and what commands did."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A range of blocks, and within it all invoices or those whose number is in a range.

    Heights and numbers are inclusive; days are turned into times before, ``from_ms`` up to but not including
    ``to_ms``.
    """

    first_block: int
    last_block: int
    code: str | None = None
    from_number: int = 1
    to_number: int = 99_999_999
    from_ms: int | None = None
    to_ms: int | None = None

    def has(self, record: bytes) -> bool:
        """Whether a record is an invoice of this selection."""
        fields = decode_record(record)
        if fields["kind"] not in INVOICES:
            return False
        if self.code is not None and (
            fields["code"] != self.code or not self.from_number <= fields["number"] <= self.to_number
        ):
            return False
        issued = fields["issued_at_ms"]
        return (self.from_ms is None or issued >= self.from_ms) and (
            self.to_ms is None or issued < self.to_ms
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands; as a position, the next one to look at."""

    height: int
    index: int


def day_start_ms(day: date, utc_offset_min: int) -> int:
    """When a day began in the zone of genesis."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(minutes=utc_offset_min)
    return int(midnight.timestamp()) * 1000


def first_block_at(ledger: Ledger, time_ms: int, last_block: int) -> int:
    """The first block whose time is not before this; one beyond ``last_block`` where there is none."""
    low, high = 1, last_block + 1
    while low < high:
        middle = (low + high) // 2
        if decode_header(ledger.headers(middle, 1)[0])["time_ms"] < time_ms:
            low = middle + 1
        else:
            high = middle
    return low


def walk(ledger: Ledger, selection: Selection, start: Place) -> Iterator[tuple[Place, bytes]]:
    """Places and records of the selected invoices from ``start`` on; holds one record at a time."""
    for height in range(max(start.height, selection.first_block), selection.last_block + 1):
        count = decode_header(ledger.headers(height, 1)[0])["record_count"]
        for index in range(start.index if height == start.height else 0, count):
            record = ledger.record(height, index)
            if record is not None and selection.has(record):
                yield Place(height, index), record
