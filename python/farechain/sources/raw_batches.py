"""Record batches as the broker sent them, past aiokafka's decoding: Rust checks and decodes them instead.

Works with the one aiokafka version it was written against. ``install`` swaps two names that one consumer's
fetcher looks up: the reader of a fetch response's bytes and the iterator over a partition's records. Nothing
else in the process sees them. Any other version, or a failed self-check, is refused, and the caller decodes
with aiokafka.

Read committed: data of aborted transactions is left out here, since only the response says which it is.
"""

import inspect
import struct
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiokafka
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.control_record import ABORT_MARKER, ControlRecord
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.structs import TopicPartition

KNOWN_VERSION = "0.14.0"
PARTITION_RECORDS = [
    "tp",
    "records",
    "aborted_transactions",
    "fetch_offset",
    "key_deserializer",
    "value_deserializer",
    "check_crcs",
    "isolation_level",
]

LOG_OVERHEAD = 12
HEADER_BYTES = 61
MAGIC_AT = 16
TRANSACTIONAL = 0x10
CONTROL = 0x20
_HEAD = struct.Struct(">qi4xB4xhi16xq")
"""Base offset, length, magic, attributes, last offset delta, producer id: the first 51 bytes of a batch."""

Aborted = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class RawChunk:
    """Whole batches of one partition, and perhaps a cut one behind them.

    Attributes:
        data: the batches; those of aborted transactions are left out.
        fetch_offset: what was asked for.
        data_next: the offset after the last batch in ``data``; ``fetch_offset`` if there is none.
        next_offset: the offset after the last batch that was fetched.
    """

    data: bytes
    fetch_offset: int
    data_next: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class _Batch:
    start: int
    end: int
    base: int
    next: int
    attributes: int
    producer_id: int


def take(data: bytes, fetch_offset: int, aborted: Aborted | None) -> RawChunk:
    """Finds where the whole batches of a response end, and leaves out aborted ones.

    Raises:
        CorruptRecordException: a batch that is not message format 2, or is out of order: stop.
    """
    next_offset = fetch_offset
    if not aborted:
        for batch in _batches(data, fetch_offset):
            next_offset = batch.next
        return RawChunk(data, fetch_offset, next_offset, next_offset)
    kept: list[bytes] = []
    data_next = fetch_offset
    dropping = _AbortedProducers(aborted)
    for batch in _batches(data, fetch_offset):
        next_offset = batch.next
        if not dropping.drops(batch, data):
            kept.append(data[batch.start : batch.end])
            data_next = batch.next
    return RawChunk(b"".join(kept), fetch_offset, data_next, next_offset)


def _batches(data: bytes, fetch_offset: int) -> Iterator[_Batch]:
    at, expected, size = 0, 0, len(data)
    while size - at >= HEADER_BYTES:
        base, length, magic, attributes, last_delta, producer_id = _HEAD.unpack_from(data, at)
        end = at + LOG_OVERHEAD + length
        if magic != 2 or length < HEADER_BYTES - LOG_OVERHEAD or last_delta < 0 or base < expected:
            raise CorruptRecordException(f"record batch at offset {base} of a fetch at {fetch_offset}")
        if end > size:
            return
        expected = base + last_delta + 1
        yield _Batch(at, end, base, expected, attributes, producer_id)
        at = end


class _AbortedProducers:
    """Whose transactional batches are left out, while walking on (as ``PartitionRecords`` does)."""

    def __init__(self, aborted: Aborted) -> None:
        self._coming = sorted(aborted, key=lambda entry: entry[1])
        self._now: set[int] = set()

    def drops(self, batch: _Batch, data: bytes) -> bool:
        if not batch.attributes & TRANSACTIONAL:
            return False
        while self._coming and self._coming[0][1] <= batch.base:
            self._now.add(self._coming.pop(0)[0])
        if batch.attributes & CONTROL:
            if _is_abort_marker(data[batch.start : batch.end]):
                self._now.discard(batch.producer_id)
            return False
        return batch.producer_id in self._now


def _is_abort_marker(batch: bytes) -> bool:
    record = next(iter(DefaultRecordBatch(batch)))
    return bool(ControlRecord.parse(record.key) == ABORT_MARKER)


class RawRecords:
    """Stands for ``MemoryRecords``: holds a response's bytes."""

    def __init__(self, data: bytes | None) -> None:
        self.data = data or b""

    def size_in_bytes(self) -> int:
        """All bytes, a cut batch included."""
        return len(self.data)

    def has_next(self) -> bool:
        """Whether at least one batch is whole."""
        if len(self.data) < HEADER_BYTES:
            return False
        length: int = _HEAD.unpack_from(self.data)[1]
        return LOG_OVERHEAD + length <= len(self.data)


class RawPartitionRecords:
    """Stands for ``PartitionRecords``: yields one ``RawChunk``, then ``next_fetch_offset`` is behind it."""

    def __init__(
        self,
        _tp: TopicPartition,
        records: RawRecords,
        aborted_transactions: Aborted | None,
        fetch_offset: int,
        *_decoding: Any,
    ) -> None:
        self._records: RawRecords | None = records
        self._aborted = aborted_transactions
        self.next_fetch_offset = fetch_offset

    def __iter__(self) -> Iterator[RawChunk]:
        return self

    def __next__(self) -> RawChunk:
        if self._records is None:
            raise StopIteration
        chunk = take(self._records.data, self.next_fetch_offset, self._aborted)
        self._records = None
        self.next_fetch_offset = chunk.next_offset
        return chunk


def install(consumer: AIOKafkaConsumer) -> None:
    """Makes a started consumer yield one ``RawChunk`` per fetched partition. Call it before ``assign``."""
    method = fetcher.Fetcher._proc_fetch_request
    names = {**method.__globals__, "MemoryRecords": RawRecords, "PartitionRecords": RawPartitionRecords}
    swapped = types.FunctionType(
        method.__code__, names, method.__name__, method.__defaults__, method.__closure__
    )
    consumer._fetcher._proc_fetch_request = types.MethodType(swapped, consumer._fetcher)


def refusal() -> str | None:
    """Why raw batches cannot be used with the aiokafka that is installed; None if they can."""
    if aiokafka.__version__ != KNOWN_VERSION:
        return f"aiokafka {aiokafka.__version__} is not {KNOWN_VERSION}"
    looked_up = set(fetcher.Fetcher._proc_fetch_request.__code__.co_names)
    if not {"MemoryRecords", "PartitionRecords"} <= looked_up:
        return "its fetcher looks up other names"
    if list(inspect.signature(fetcher.PartitionRecords).parameters) != PARTITION_RECORDS:
        return "PartitionRecords takes other arguments"
    try:
        return _self_check()
    except Exception as error:  # whatever it is, decoding with aiokafka does not depend on it
        return f"the self-check failed: {error!r}"


def _self_check() -> str | None:
    """Reads by both ways: a batch, one of an aborted transaction, one that is cut."""
    data = _sample(0, producer_id=-1) + _sample(3, producer_id=7) + _sample(6, producer_id=-1)[:80]
    aborted = [(7, 3)]
    tp = TopicPartition("self-check", 0)
    theirs = fetcher.PartitionRecords(
        tp, fetcher.MemoryRecords(data), aborted, 0, None, None, True, fetcher.READ_COMMITTED
    )
    offsets = [record.offset for record in theirs]
    ours = RawPartitionRecords(tp, RawRecords(data), aborted, 0, None, None, True, fetcher.READ_COMMITTED)
    chunks = list(ours)
    batches, decoded = fetcher.MemoryRecords(chunks[0].data), []
    while batches.has_next():
        decoded += [record.offset for record in batches.next_batch()]
    if decoded != offsets or ours.next_fetch_offset != theirs.next_fetch_offset:
        return f"its reading of a sample differs: {offsets} and {decoded}"
    return None


def _sample(base: int, *, producer_id: int) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, int(producer_id >= 0), producer_id, 0, 0, 10_000)
    for delta in range(3):
        builder.append(delta, 1_000, b"key", b"value", [])
    batch = builder.build()
    batch[:8] = base.to_bytes(8, "big")
    return bytes(batch)
