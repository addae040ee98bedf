"""Raw record batches: what is kept, left out and refused. The batches are by aiokafka's own builder."""

import struct

import aiokafka
import pytest
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from farechain.sources import raw_batches
from farechain.sources.raw_batches import RawPartitionRecords, RawRecords, take

ABORT, COMMIT = 0, 1


def batch(
    base: int, count: int, *, producer_id: int = -1, transactional: bool = False, codec: int = 0
) -> bytes:
    builder = DefaultRecordBatchBuilder(2, codec, int(transactional), producer_id, 0, 0, 100_000)
    for delta in range(count):
        builder.append(
            delta, 1_000 + base + delta, b"k%d" % (base + delta), b"v" * 20, [("h", b"x"), ("n", None)]
        )
    built = builder.build()
    built[:8] = struct.pack(">q", base)
    return bytes(built)


def marker(base: int, producer_id: int, kind: int) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, 1, producer_id, 0, -1, 1_000)
    builder.append(0, 0, struct.pack(">hh", 0, kind), struct.pack(">hi", 0, 0), [])
    built = builder.build()
    built[:8] = struct.pack(">q", base)
    built[22] |= 0x20
    return bytes(built)


def by_aiokafka(
    data: bytes, fetch_offset: int, aborted: list[tuple[int, int]] | None
) -> tuple[list[int], int]:
    records = fetcher.PartitionRecords(
        TopicPartition("t", 0),
        MemoryRecords(data),
        aborted,
        fetch_offset,
        None,
        None,
        False,
        fetcher.READ_COMMITTED,
    )
    return [record.offset for record in records], records.next_fetch_offset


def offsets(data: bytes) -> list[int]:
    found, batches = [], MemoryRecords(data)
    while batches.has_next():
        one = batches.next_batch()
        if not one.is_control_batch:
            found += [record.offset for record in one]
    return found


TRANSACTIONS = b"".join(
    [
        batch(0, 3),
        batch(3, 2, producer_id=7, transactional=True),
        batch(5, 4, producer_id=8, transactional=True),
        batch(9, 1, producer_id=7, transactional=True),
        marker(10, 7, ABORT),
        batch(11, 2, producer_id=7, transactional=True),
        marker(13, 8, COMMIT),
        marker(14, 7, COMMIT),
        batch(15, 1, producer_id=9),
        batch(20, 3, producer_id=7, transactional=True),
        marker(23, 7, ABORT),
    ]
)
ABORTED = [(7, 20), (7, 3)]


def test_aborted_transactions_are_left_out_as_aiokafka_does() -> None:
    chunk = take(TRANSACTIONS, 0, ABORTED)
    expected, next_offset = by_aiokafka(TRANSACTIONS, 0, ABORTED)
    assert offsets(chunk.data) == expected == [0, 1, 2, 5, 6, 7, 8, 11, 12, 15]
    assert chunk.next_offset == next_offset == 24


@pytest.mark.parametrize("cut", range(len(batch(0, 3)), len(TRANSACTIONS), 61))
def test_a_response_cut_anywhere_ends_after_its_last_whole_batch(cut: int) -> None:
    data = TRANSACTIONS[:cut]
    expected, next_offset = by_aiokafka(data, 0, ABORTED)
    chunk = take(data, 0, ABORTED)
    assert (offsets(chunk.data), chunk.next_offset) == (expected, next_offset)
    assert take(data, 0, None).next_offset == by_aiokafka(data, 0, None)[1]


def test_without_aborted_transactions_the_bytes_pass_untouched() -> None:
    data = batch(5, 3, codec=3) + batch(8, 2)[:70]
    chunk = take(data, 6, [])
    assert chunk.data is data
    assert (chunk.fetch_offset, chunk.data_next, chunk.next_offset) == (6, 8, 8)


def test_a_tail_that_was_left_out_shows_as_a_hole() -> None:
    data = batch(0, 2) + batch(2, 6, producer_id=7, transactional=True)
    chunk = take(data, 0, [(7, 2)])
    assert (offsets(chunk.data), chunk.data_next, chunk.next_offset) == ([0, 1], 2, 8)


def test_offsets_with_holes_pass() -> None:
    data = batch(4, 1) + batch(90, 2)
    assert take(data, 2, None).next_offset == 92


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("message format 1", batch(0, 1)[:16] + b"\x01" + batch(0, 1)[17:]),
        ("a length shorter than the header", struct.pack(">qi", 0, 40) + batch(0, 1)[12:]),
        ("a negative last delta", batch(0, 1)[:23] + b"\xff\xff\xff\xff" + batch(0, 1)[27:]),
        ("a negative offset", struct.pack(">q", -5) + batch(0, 1)[8:]),
        ("a batch that repeats offsets", batch(0, 3) + batch(2, 3)),
    ],
)
def test_a_response_that_makes_no_sense_stops_the_partition(what: str, data: bytes) -> None:
    with pytest.raises(CorruptRecordException):
        take(data, 0, None)
    with pytest.raises(CorruptRecordException):
        take(data, 0, [(7, 0)])


def test_has_next_wants_a_whole_batch() -> None:
    data = batch(0, 3)
    assert RawRecords(data).has_next()
    assert not RawRecords(data[:-1]).has_next()
    assert not RawRecords(data[:40]).has_next()
    assert not RawRecords(None).has_next()
    assert RawRecords(data[:40]).size_in_bytes() == 40


def test_the_iterator_yields_once_and_then_stands_behind_the_chunk() -> None:
    records = RawPartitionRecords(
        TopicPartition("t", 0), RawRecords(batch(0, 3)), None, 1, None, None, False, 1
    )
    assert records.next_fetch_offset == 1
    assert [chunk.next_offset for chunk in records] == [3]
    assert records.next_fetch_offset == 3
    assert list(records) == []


def test_the_installed_aiokafka_is_the_known_one() -> None:
    assert raw_batches.refusal() is None


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aiokafka, "__version__", "0.15.0")
    assert raw_batches.refusal() == "aiokafka 0.15.0 is not 0.14.0"


def test_another_signature_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "PartitionRecords", lambda tp, records: None)
    assert raw_batches.refusal() == "PartitionRecords takes other arguments"


def test_a_reading_that_differs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_batches, "take", lambda data, at, aborted: take(data, at, None))
    assert "differs" in (raw_batches.refusal() or "")


def test_a_self_check_that_fails_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(fetcher, "MemoryRecords")
    assert "self-check failed" in (raw_batches.refusal() or "")


def test_install_changes_one_consumer_and_not_the_module() -> None:
    class Consumer:
        def __init__(self) -> None:
            self._fetcher = object.__new__(fetcher.Fetcher)

    changed, other = Consumer(), Consumer()
    before = fetcher.PartitionRecords
    raw_batches.install(changed)
    names = changed._fetcher._proc_fetch_request.__func__.__globals__
    assert names["PartitionRecords"] is RawPartitionRecords
    assert names["MemoryRecords"] is RawRecords
    assert other._fetcher._proc_fetch_request.__func__ is fetcher.Fetcher._proc_fetch_request
    assert fetcher.PartitionRecords is before
