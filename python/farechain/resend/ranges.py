"""Ranges of a topic: found by offset or time, read to their end, sent again."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from farechain.errors import EXIT_UNAVAILABLE, EXIT_USAGE, FarechainError
from farechain.resend.known import Known
from farechain.resend.position import Range, ReplayPosition
from farechain.resend.sending import Copy, Resender
from farechain.sources.kafka_client import connected, unreachable
from farechain.sources.topic_metadata import topic_metadata

SILENCE_S = 30.0
"""A range from which nothing comes for so long is given up; what was sent is noted."""
POLL_MS = 500
Record = Any
"""A record as aiokafka's consumer has it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which records of a topic, by offset or the broker's timestamp, ends exclusive; ``None``: no bound."""

    topic: str
    partitions: tuple[int, ...] = ()
    from_offset: int | None = None
    to_offset: int | None = None
    since_ms: int | None = None
    until_ms: int | None = None


@dataclass(slots=True)
class Looked:
    """What a range holds. ``known``: the ledger has it; ``unknown``: not; ``unreadable``: nobody can tell.

    Times are the broker's, milliseconds since 1970.
    """

    records: int = 0
    bytes: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    known: int = 0
    unknown: int = 0
    unreadable: int = 0


@asynccontextmanager
async def reading(bootstrap: str, security: Mapping[str, Any]) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer without group and partitions. Raises ``FarechainError`` (``E_BROKER``), also inside."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        **security,
    )
    try:
        await consumer.start()
        yield consumer
    except (KafkaError, OSError) as error:
        raise unreachable(bootstrap, error) from error
    finally:
        await consumer.stop()


async def partition_count(bootstrap: str, security: Mapping[str, Any], asked: Asked) -> int:
    """How many partitions the topic has.

    Raises:
        FarechainError: ``E_BROKER``, ``E_TOPIC_UNKNOWN``; ``E_USAGE`` where a partition is not there.
    """
    async with connected(bootstrap, security) as client:
        found = await topic_metadata(client, [asked.topic])
    if asked.topic not in found:
        raise FarechainError("E_TOPIC_UNKNOWN", f"there is no topic {asked.topic}: correct its name")
    count = found[asked.topic].partitions
    if absent := set(asked.partitions) - set(range(count)):
        message = f"{asked.topic} has no partition {min(absent)}: it has {count}"
        raise FarechainError("E_USAGE", message, EXIT_USAGE)
    return count


async def ranges_of(consumer: AIOKafkaConsumer, asked: Asked, partitions: int) -> list[Range]:
    """What is asked for of a topic of so many partitions, as offsets that are there now.

    Raises:
        KafkaError: the broker does not answer.
    """
    tps = [TopicPartition(asked.topic, number) for number in sorted(asked.partitions or range(partitions))]
    # Ends by times and offsets are asked for as an assigned reader: what is not committed lies beyond them.
    consumer.assign(tps)
    begins, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
    first = await _by_time(consumer, tps, asked.since_ms, begins, ends)
    end = await _by_time(consumer, tps, asked.until_ms, ends, ends)
    found = []
    for tp in tps:
        low = max(begins[tp], first[tp], asked.from_offset or 0)
        high = min(ends[tp], end[tp], ends[tp] if asked.to_offset is None else asked.to_offset)
        found.append(Range(tp.partition, low, max(low, high), low))
    return found


async def _by_time(
    consumer: AIOKafkaConsumer,
    tps: Sequence[TopicPartition],
    at_ms: int | None,
    otherwise: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> dict[TopicPartition, int]:
    if at_ms is None:
        return dict(otherwise)
    found = await consumer.offsets_for_times(dict.fromkeys(tps, at_ms))
    return {tp: ends[tp] if found.get(tp) is None else found[tp].offset for tp in tps}


async def records_of(
    consumer: AIOKafkaConsumer, topic: str, ranges: Sequence[Range], at_once: int
) -> AsyncIterator[list[Record]]:
    """The records from ``next`` to ``end`` of each range, in rounds; moves no range.

    Raises:
        FarechainError: ``E_BROKER``: the broker is silent, or has the range no more.
        KafkaError: the broker does not answer.
    """
    ends = {TopicPartition(topic, each.partition): each.end for each in ranges if each.next < each.end}
    if not ends:
        return
    starts = {each.partition: each.next for each in ranges}
    consumer.assign(list(ends))
    for tp in ends:
        consumer.seek(tp, starts[tp.partition])
    heard = time.monotonic()
    while ends:
        fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=at_once)
        records = [
            record for tp, batch in fetched.items() for record in batch if record.offset < ends.get(tp, 0)
        ]
        if records:
            heard = time.monotonic()
            yield records
        for tp in list(ends):
            # By the reader's position, since what follows a range's last record may be no record.
            if await consumer.position(tp) >= ends[tp]:
                consumer.pause(tp)
                del ends[tp]
        if time.monotonic() - heard > SILENCE_S:
            message = f"nothing comes from {topic}/{min(tp.partition for tp in ends)}: see the broker"
            raise FarechainError("E_BROKER", message, EXIT_UNAVAILABLE)


async def look(
    consumer: AIOKafkaConsumer, topic: str, ranges: Sequence[Range], known: Known
) -> dict[int, Looked]:
    """Reads ranges and tells what they hold and what of it the ledger has already; sends nothing."""
    found = {each.partition: Looked() for each in ranges}
    async for records in records_of(consumer, topic, ranges, 5_000):
        await asyncio.to_thread(_count, records, found, known)
    return found


def _count(records: Sequence[Record], found: Mapping[int, Looked], known: Known) -> None:
    for record in records:
        one = found[record.partition]
        one.records += 1
        one.bytes += len(record.value or b"")
        one.first_ms = record.timestamp if one.first_ms is None else min(one.first_ms, record.timestamp)
        one.last_ms = record.timestamp if one.last_ms is None else max(one.last_ms, record.timestamp)
        kid = next((value for name, value in record.headers if name == "fc-kid"), None)
        has = known.has(record.key, record.value, (kid or b"").decode("ascii", "replace"))
        if has is None:
            one.unreadable += 1
        elif has:
            one.known += 1
        else:
            one.unknown += 1


async def replay(
    consumer: AIOKafkaConsumer,
    topic: str,
    position: ReplayPosition,
    resender: Resender,
    *,
    at_once: int,
    on_sent: Callable[[int], None] = lambda _sent: None,
) -> None:
    """Sends what is left of the ranges; the position moves behind what the broker has acknowledged.

    Killed at any moment and begun again, it sends at most ``at_once`` records twice.
    """
    by_partition = {each.partition: each for each in position.ranges}
    async for records in records_of(consumer, topic, position.ranges, at_once):
        copies = [
            Copy(f"{topic}/{r.partition}/{r.offset}", r.partition, r.key, r.value, list(r.headers))
            for r in records
        ]
        await resender.send(copies)
        for record in records:
            by_partition[record.partition].next = record.offset + 1
        position.sent += len(records)
        await asyncio.to_thread(position.save)
        on_sent(position.sent)
    for each in position.ranges:
        each.next = each.end
    await asyncio.to_thread(position.save)
