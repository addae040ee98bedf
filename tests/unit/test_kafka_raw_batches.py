"""Raw record batches: what aiokafka's fetcher is given instead of its own, and when that is refused."""

import logging

import aiokafka
import pytest
from aiokafka.consumer import fetcher
from aiokafka.structs import TopicPartition
from kafka_batches import batch

from farechain import _core
from farechain.sources import Partition, raw_batches
from farechain.sources.kafka import KafkaSource
from farechain.sources.raw_batches import Fetched, RawPartitionRecords, RawRecords


def iterator(data: bytes, fetch_offset: int, aborted: list[tuple[int, int]] | None) -> RawPartitionRecords:
    return RawPartitionRecords(
        TopicPartition("t", 0), RawRecords(data), aborted, fetch_offset, None, None, False, 1
    )


def test_the_bytes_of_a_fetch_pass_untouched_with_what_the_response_says() -> None:
    data = batch(5, 3, codec=3) + batch(8, 2)[:70]
    (fetched,) = iterator(data, 6, [(7, 5)])
    assert fetched.data is data
    assert fetched == Fetched(data, 6, [(7, 5)], 8)


def test_where_a_batch_makes_no_sense_the_position_stays_before_it() -> None:
    damaged = batch(3, 2)[:23] + b"\xff\xff\xff\xff"
    (fetched,) = iterator(batch(0, 3) + damaged + batch(5, 2), 0, None)
    assert fetched.next_offset == 3


def test_anything_fetched_is_handed_over_and_nothing_is_not() -> None:
    assert RawRecords(batch(0, 3)).has_next()
    assert RawRecords(batch(0, 3)[:5]).has_next(), "Rust says that it is cut"
    assert not RawRecords(b"").has_next()
    assert not RawRecords(None).has_next()
    assert RawRecords(batch(0, 3)[:40]).size_in_bytes() == 40


def test_the_iterator_yields_once_and_then_stands_behind_the_chunk() -> None:
    records = iterator(batch(0, 3), 1, None)
    assert records.next_fetch_offset == 1
    assert [fetched.next_offset for fetched in records] == [3]
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
    monkeypatch.setattr(raw_batches, "end_of_batches", lambda data, at: _core.end_of_batches(data, at) + 1)
    assert "differs" in (raw_batches.refusal() or "")


def test_aborted_transactions_that_do_not_pass_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_batches, "Fetched", lambda data, at, _aborted, end: Fetched(data, at, [], end))
    assert raw_batches.refusal() == "the bytes of a sample did not pass"


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


async def test_a_refusal_falls_back_to_decoding_in_python_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class StartedError(Exception):
        pass

    class Consumer:
        def __init__(self, **settings: object) -> None:
            assert settings["check_crcs"] is True
            raise StartedError

    monkeypatch.setattr(aiokafka, "__version__", "0.15.0")
    monkeypatch.setattr("farechain.sources.kafka.AIOKafkaConsumer", Consumer)
    source = KafkaSource("127.0.0.1:9", [Partition("t", bytes(16), 0, 0, bytes(32))], group_id="g")
    assert source.raw
    with caplog.at_level(logging.WARNING), pytest.raises(StartedError):
        await source._open()
    assert not source.raw
    assert [record.getMessage() for record in caplog.records] == [
        "raw record batches are off, records are decoded in Python: aiokafka 0.15.0 is not 0.14.0"
    ]
