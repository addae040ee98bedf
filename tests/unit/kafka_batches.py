"""Record batches by aiokafka's own builder, what aiokafka reads out of them, and what the ledger takes."""

import struct
from pathlib import Path

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

from farechain import _core
from farechain.sources.topic_checks import source_record

START_MS = 1_772_323_200_000
SOURCE = 1
ABORT, COMMIT = 0, 1


def batch(
    base: int, count: int, *, producer_id: int = -1, transactional: bool = False, codec: int = 0
) -> bytes:
    """``count`` records that differ, with every kind of null among them."""
    builder = DefaultRecordBatchBuilder(2, codec, int(transactional), producer_id, 0, 0, 1_000_000)
    for delta in range(count):
        n = base + delta
        key = None if n % 7 == 3 else b"k%d" % n
        value = None if n % 11 == 5 else b"v%d" % n + b"x" * (n % 300)
        headers = [("h", b"x"), ("none", None), ("empty", b"")] if n % 3 else []
        builder.append(delta, 1_000 + n, key, value, headers)
    return placed(bytes(builder.build()), base)


def placed(built: bytes, base: int) -> bytes:
    """The same batch at another base offset, which the CRC does not cover."""
    return struct.pack(">q", base) + built[8:]


def marker(base: int, producer_id: int, kind: int) -> bytes:
    """The end of a transaction."""
    builder = DefaultRecordBatchBuilder(2, 0, 1, producer_id, 0, -1, 1_000)
    builder.append(0, 0, struct.pack(">hh", 0, kind), struct.pack(">hi", 0, 0), [])
    built = bytearray(placed(bytes(builder.build()), base))
    built[22] |= 0x20
    return signed(bytes(built))


def signed(changed: bytes) -> bytes:
    """The CRC put right, so that what was changed is looked at."""
    return changed[:17] + struct.pack(">I", calc_crc32c(changed[21:])) + changed[21:]


def with_field(built: bytes, at: int, field: bytes) -> bytes:
    """A batch whose bytes at ``at`` are others, its CRC put right."""
    return signed(built[:at] + field + built[at + len(field) :])


def ledger(place: Path, partitions: int = 1) -> _core.Ledger:
    """A new ledger of one topic; its sources begin at ``SOURCE``."""
    _core.Ledger.create(
        str(place),
        network="shenzhen",
        chain="shenzhen/0",
        bureau=_core.public_key(bytes([1]) * 32),
        sources=[("payments", bytes(16), number) for number in range(partitions)],
        regions=["4403"],
        time_ms=START_MS,
    )
    return _core.Ledger.open(str(place))


def by_aiokafka(
    data: bytes, fetch_offset: int, aborted: list[tuple[int, int]] | None
) -> tuple[list[_core.SourceRecord], int]:
    """What aiokafka reads of a fetch, and the offset that it wants next."""
    records = fetcher.PartitionRecords(
        TopicPartition("payments", 0),
        MemoryRecords(data),
        aborted,
        fetch_offset,
        None,
        None,
        True,
        fetcher.READ_COMMITTED,
    )
    read = [source_record(record) for record in records]
    return read, records.next_fetch_offset


def committed(intake: _core.Intake, opened: _core.Ledger) -> tuple[bytes, list[int]]:
    """Makes all that waits durable; the head, and the offsets of the inputs."""
    while not intake.is_empty:
        opened.commit(opened.prepare(intake.seal(1_000_000)), START_MS + 1)
    _next, rows = opened.outcomes(0, opened.height + 1)
    head = opened.head
    opened.close()
    return head, [row[2] for row in rows]
