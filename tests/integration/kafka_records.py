"""Sends records to topics and reads them back as the core sees them, for the tests of the Kafka source."""

import asyncio
import time
import uuid
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.consumer import fetcher
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from farechain._core import SourceRecord, input_digest
from farechain.broker import ensure_topics
from farechain.sources import NO_DIGEST, Chunk, Partition, RawChunk
from farechain.sources.kafka import KafkaSource
from farechain.sources.topic_checks import source_record

Message = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]

READ_TIMEOUT_S = 30.0


def messages(count: int, first: int = 0) -> list[Message]:
    """Messages that differ, with every kind of null among them."""
    made: list[Message] = []
    for n in range(first, first + count):
        headers: list[tuple[str, bytes | None]] = [("fc-kid", b"%032x" % n), ("fc-sig", bytes(64))]
        if n % 5 == 0:
            headers += [("none", None), ("empty", b"")]
        key = None if n % 7 == 0 else b"key %d" % n
        value = None if n % 11 == 3 else b'{"n":%d,"text":"%s"}' % (n, b"x" * (n % 50))
        made.append((key, value, headers))
    return made


async def new_topic(bootstrap: str, partitions: int = 1) -> tuple[str, bytes]:
    """A topic that no other test has: name and id."""
    name = f"test.{uuid.uuid4().hex[:12]}"
    return name, (await ensure_topics(bootstrap, {name: partitions}))[name]


async def send(
    bootstrap: str,
    topic: str,
    sent: Sequence[Message],
    *,
    partition: int = 0,
    per_batch: int = 10,
    compression: str | None = None,
) -> None:
    """Sends messages in batches of known size, idempotently."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, compression_type=compression
    )
    await producer.start()
    try:
        await _send_batches(producer, topic, partition, sent, per_batch)
    finally:
        await producer.stop()


async def send_transactions(
    bootstrap: str, topic: str, parts: Sequence[tuple[Sequence[Message], bool]]
) -> None:
    """Sends each part in a transaction of its own and commits or aborts it."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=uuid.uuid4().hex)
    await producer.start()
    try:
        for sent, commits in parts:
            await producer.begin_transaction()
            await _send_batches(producer, topic, 0, sent, 5)
            await (producer.commit_transaction() if commits else producer.abort_transaction())
    finally:
        await producer.stop()


async def _send_batches(
    producer: AIOKafkaProducer, topic: str, partition: int, sent: Sequence[Message], per_batch: int
) -> None:
    for at in range(0, len(sent), per_batch):
        builder = producer.create_batch()
        for key, value, headers in sent[at : at + per_batch]:
            assert builder.append(timestamp=None, key=key, value=value, headers=headers) is not None
        await (await producer.send_batch(builder, topic, partition=partition))


def at(
    name: str, topic_id: bytes, position: int = 0, last: bytes = NO_DIGEST, partition: int = 0
) -> Partition:
    """A partition as the ledger would tell it."""
    return Partition(name, topic_id, partition, position, last)


def source(bootstrap: str, partitions: Sequence[Partition], **settings: Any) -> KafkaSource:
    """A source with a group of its own."""
    return KafkaSource(bootstrap, partitions, **{"group_id": f"group.{uuid.uuid4().hex[:12]}", **settings})


def decoded(chunk: Chunk | RawChunk) -> list[SourceRecord]:
    """The data records of a chunk, whichever way it was fetched; raw ones are decoded by aiokafka."""
    if isinstance(chunk, Chunk):
        return list(chunk.records)
    records = fetcher.PartitionRecords(
        TopicPartition("", chunk.partition),
        MemoryRecords(chunk.data),
        chunk.aborted,
        chunk.fetch_offset,
        None,
        None,
        True,
        fetcher.READ_COMMITTED,
    )
    return [source_record(record) for record in records]


async def read_until(reading: KafkaSource, position: int, *, index: int = 0) -> list[SourceRecord]:
    """Reads one partition until what is below ``position`` has come."""
    records: list[SourceRecord] = []
    deadline = time.monotonic() + READ_TIMEOUT_S
    reached = 0
    while reached < position:
        assert time.monotonic() < deadline, f"reached offset {reached} of {position}"
        for chunk in await reading.read(200):
            if chunk.partition == index:
                got = decoded(chunk)
                records += got
                reached = max([reached, chunk.next_offset or 0, *(record[0] + 1 for record in got)])
    return records


async def read_to_end(reading: KafkaSource) -> list[SourceRecord]:
    """Reads until the source says that nothing is behind."""
    records: list[SourceRecord] = []
    async with asyncio.timeout(READ_TIMEOUT_S):
        while True:
            for chunk in await reading.read(100):
                records += decoded(chunk)
            if not any((await reading.lag()).values()):
                return records


def contents(records: Sequence[SourceRecord]) -> list[Message]:
    """Records without what the broker adds."""
    return [(key, value, headers) for _offset, _time, key, value, headers in records]


def digests(records: Sequence[SourceRecord]) -> list[bytes]:
    """What the ledger would commit to."""
    return [input_digest(record) for record in records]
