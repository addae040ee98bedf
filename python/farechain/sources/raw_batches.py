"""Record batches as the broker sent them, past aiokafka's decoding: Rust checks and decodes them instead.

Nothing here looks at a batch. Which transactions were aborted only the response says, so that goes with it.

Works with the one aiokafka version it was written against. ``install`` swaps two names that one consumer's
fetcher looks up: the reader of a fetch response's bytes and the iterator over a partition's records. Nothing
else in the process sees them. Any other version, or a failed self-check, is refused, and the caller decodes
with aiokafka.
"""

import inspect
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiokafka
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.structs import TopicPartition

from farechain._core import end_of_batches

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

Aborted = Sequence[tuple[int, int]]
"""A response's aborted transactions: producer id and first offset."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch brought of one partition.

    Attributes:
        data: whole batches, and perhaps a cut one behind them.
        fetch_offset: what was asked for.
        aborted: transactions whose data is to be left out.
        next_offset: the offset after the last whole batch.
    """

    data: bytes
    fetch_offset: int
    aborted: Aborted
    next_offset: int


class RawRecords:
    """Stands for ``MemoryRecords``: holds a response's bytes."""

    def __init__(self, data: bytes | None) -> None:
        self.data = data or b""

    def size_in_bytes(self) -> int:
        """All bytes, a cut batch included."""
        return len(self.data)

    def has_next(self) -> bool:
        """Whether there is anything: Rust says what is wrong where that is not a whole batch."""
        return bool(self.data)


class RawPartitionRecords:
    """Stands for ``PartitionRecords``: yields one ``Fetched``, then ``next_fetch_offset`` is behind it."""

    def __init__(
        self,
        _tp: TopicPartition,
        records: RawRecords,
        aborted_transactions: Aborted | None,
        fetch_offset: int,
        *_decoding: Any,
    ) -> None:
        self._records: RawRecords | None = records
        self._aborted = aborted_transactions or ()
        self.next_fetch_offset = fetch_offset

    def __iter__(self) -> Iterator[Fetched]:
        return self

    def __next__(self) -> Fetched:
        if self._records is None:
            raise StopIteration
        data, fetch_offset, self._records = self._records.data, self.next_fetch_offset, None
        self.next_fetch_offset = end_of_batches(data, fetch_offset)
        return Fetched(data, fetch_offset, self._aborted, self.next_fetch_offset)


def install(consumer: AIOKafkaConsumer) -> None:
    """Makes a started consumer yield one ``Fetched`` per fetched partition. Call it before ``assign``."""
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
    """Passes a response by both ways: a batch, one of an aborted transaction, one that is cut."""
    data = _sample(0, producer_id=-1) + _sample(3, producer_id=7) + _sample(6, producer_id=-1)[:80]
    aborted = [(7, 3)]
    tp = TopicPartition("self-check", 0)
    theirs = fetcher.PartitionRecords(
        tp, fetcher.MemoryRecords(data), aborted, 0, None, None, True, fetcher.READ_COMMITTED
    )
    offsets = [record.offset for record in theirs]
    ours = RawPartitionRecords(tp, RawRecords(data), aborted, 0, None, None, True, fetcher.READ_COMMITTED)
    (chunk,) = ours
    if offsets != [0, 1, 2] or ours.next_fetch_offset != theirs.next_fetch_offset:
        return f"its reading of a sample differs: {offsets}, and then {theirs.next_fetch_offset}"
    if (chunk.data, chunk.fetch_offset, list(chunk.aborted)) != (data, 0, aborted):
        return "the bytes of a sample did not pass"
    return None


def _sample(base: int, *, producer_id: int) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, int(producer_id >= 0), producer_id, 0, 0, 10_000)
    for delta in range(3):
        builder.append(delta, 1_000, b"key", b"value", [])
    batch = builder.build()
    batch[:8] = base.to_bytes(8, "big")
    return bytes(batch)
