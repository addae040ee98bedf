"""Since when events wait, from chunks as sources give them."""

import struct

import pytest

from farechain._core import SourceRecord
from farechain.pipeline.taken import CHUNKS_MAX, Taken
from farechain.sources import Chunk, RawChunk

NOW = 1_000_000


def chunk(partition: int, first: int, *times_ms: int, end: int | None = None) -> Chunk:
    records: list[SourceRecord] = [
        (first + at, time_ms, None, None, []) for at, time_ms in enumerate(times_ms)
    ]
    return Chunk(partition, records, end)


def test_what_was_taken_waits_until_the_ledger_is_beyond_it() -> None:
    taken = Taken(2)
    taken.add(chunk(0, 10, 500, 600))
    taken.add(chunk(0, 12, 700))
    taken.add(chunk(1, 0, 400))
    assert taken.oldest_ms([10, 0], {}, NOW) == {0: 500, 1: 400}
    assert taken.oldest_ms([11, 1], {}, NOW) == {0: 500}, "the chunk is not durable as a whole"
    assert taken.oldest_ms([12, 1], {}, NOW) == {0: 700}
    assert taken.oldest_ms([13, 1], {}, NOW) == {}


def test_a_hole_is_no_event() -> None:
    taken = Taken(1)
    taken.add(Chunk(0, (), 99))
    assert taken.oldest_ms([0], {}, NOW) == {}


def test_what_was_not_fetched_is_at_most_as_old_as_what_came_before_it() -> None:
    """Of a backlog the last fetch says how old it is; after a quiet night it says nothing."""
    taken = Taken(1)
    taken.add(chunk(0, 0, 500))
    assert taken.oldest_ms([1], {0: 7}, NOW) == {0: NOW}, "seen behind for the first time now"
    assert taken.oldest_ms([1], {0: 7}, NOW + 9_000) == {0: NOW}
    taken.add(chunk(0, 1, NOW + 4_000))
    assert taken.oldest_ms([2], {0: 6}, NOW + 9_000) == {0: NOW + 4_000}
    assert taken.oldest_ms([2], {0: 0}, NOW + 9_000) == {}
    assert taken.oldest_ms([2], {0: 1}, NOW + 20_000) == {0: NOW + 20_000}


def test_memory_is_bounded_and_nothing_gets_younger() -> None:
    taken = Taken(1)
    for at in range(3 * CHUNKS_MAX):
        taken.add(chunk(0, at, 1_000 + at))
    assert taken.oldest_ms([CHUNKS_MAX - 1], {}, NOW) == {0: 1_000 + CHUNKS_MAX - 1}
    assert taken.oldest_ms([3 * CHUNKS_MAX - 1], {}, NOW) == {0: 1_000 + CHUNKS_MAX - 1}
    assert taken.oldest_ms([3 * CHUNKS_MAX], {}, NOW) == {}


def batch(magic: int, attributes: int, first_ms: int, largest_ms: int) -> bytes:
    head = struct.pack(">qii", 0, 100, 0)
    return head + struct.pack(">bIhiqq", magic, 0, attributes, 0, first_ms, largest_ms) + bytes(40)


@pytest.mark.parametrize(
    ("data", "first_ms"),
    [
        (batch(2, 0, 700, 900), 700),
        (batch(2, 8, 700, 900), 900),  # stamped by the broker: one time for all
        (batch(1, 0, 700, 900), None),
        (batch(2, 0, 700, 900)[:42], None),
        (b"", None),
    ],
)
def test_the_time_of_a_raw_batch_is_in_its_header(data: bytes, first_ms: int | None) -> None:
    raw = RawChunk(0, data, 0, (), 1)
    assert raw.first_ms() == first_ms
    taken = Taken(1)
    taken.add(raw)
    assert taken.oldest_ms([0], {}, NOW) == ({} if first_ms is None else {0: first_ms})
