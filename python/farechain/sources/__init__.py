"""Where inputs come from: partitions read at the ledger's positions, in chunks, each offset checked.

A source knows nothing of the ledger but the positions and digests it is given. ``kafka`` reads topics,
``spool`` files of the same records; both refuse a partition that is not the one the ledger has read from.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from farechain._core import SourceRecord

NO_DIGEST = bytes(32)
NO_TOPIC_ID = bytes(16)

BATCH_TIMES = struct.Struct(">bIhiqq")
"""From byte 16 of a record batch: magic, CRC, attributes, last offset delta, first and largest time in ms."""
MAGIC_AT, MAGIC = 16, 2
APPEND_TIME = 8
"""The attribute of a batch that the broker stamped, all its records with the largest time."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition as the ledger knows it.

    Attributes:
        topic: its topic's name.
        topic_id: the topic's 16-byte id from genesis; zeros for a spool.
        partition: its number.
        position: the offset wanted next.
        last_digest: digest of the last input below ``position``; zeros if there was none.
    """

    topic: str
    topic_id: bytes
    partition: int
    position: int
    last_digest: bytes

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one partition yielded, in offset order.

    Attributes:
        partition: index into the source's list of partitions.
        records: ``(offset, timestamp_ms, key, value, headers)`` tuples; empty where only a hole is told.
        next_offset: the position after ``records`` where the source knows of a hole at their end.
    """

    partition: int
    records: "Sequence[SourceRecord]"
    next_offset: int | None

    def first_ms(self) -> int | None:
        """The time of its first record, Unix ms; None where it has none."""
        return self.records[0][1] if self.records else None


@dataclass(frozen=True, slots=True)
class RawChunk:
    """The same as record batches of Kafka, as they were fetched.

    Attributes:
        partition: index into the source's list of partitions.
        data: whole batches, and perhaps a cut one behind them.
        fetch_offset: what was asked for.
        aborted: transactions whose data is to be left out, ``(producer id, first offset)``.
        next_offset: the position after the last whole batch.
    """

    partition: int
    data: bytes
    fetch_offset: int
    aborted: Sequence[tuple[int, int]]
    next_offset: int

    def first_ms(self) -> int | None:
        """The time of its first batch, Unix ms; None where that cannot be read, which ``push_raw`` tells."""
        if len(self.data) < MAGIC_AT + BATCH_TIMES.size:
            return None
        magic, _crc, attributes, _last, first_ms, largest_ms = BATCH_TIMES.unpack_from(self.data, MAGIC_AT)
        if magic != MAGIC:
            return None
        return int(largest_ms if attributes & APPEND_TIME else first_ms)


class Source(Protocol):
    """Reads partitions. Every method but ``__init__`` belongs to one event loop."""

    async def start(self) -> None:
        """Opens every partition at its position, after it was checked to be the one the ledger has read from.

        Raises:
            FarechainError: ``E_TOPIC_UNKNOWN``; ``E_TOPIC_RECREATED`` (other id, or the last record read has
                another digest); ``E_TOPIC_TRUNCATED`` (the position is beyond the end or below the start).
        """

    async def read(self, timeout_ms: int) -> Sequence[Chunk | RawChunk]:
        """What has arrived: at once when something is there, else nothing after ``timeout_ms``.

        Raises:
            FarechainError: the partition was truncated or recreated, or cannot be read: stop.
        """

    def urgent(self) -> "Sequence[Chunk]":
        """What has arrived and somebody waits for: it goes ahead of everything that ``read`` yielded."""

    async def lag(self) -> dict[int, int]:
        """Partition index -> offsets between the position and the end, for every partition."""

    def pause(self, partitions: Sequence[int]) -> None:
        """Yields nothing of these (indices) until ``resume``."""

    def resume(self, partitions: Sequence[int]) -> None:
        """Takes up again what was paused, where it stood."""

    async def commit(self, positions: Sequence[int]) -> None:
        """Tells others how far the ledger is, one position a partition: a mirror; returns at once."""

    async def close(self) -> None:
        """Ends reading; the last positions told by ``commit`` are mirrored first."""
