"""What became of inputs: from the ledger on this machine, or from the receipts topic of any cluster."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from farechain.config import Settings
from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.service import opening
from farechain.sources.kafka_client import connected
from farechain.sources.topic_metadata import topic_metadata

FETCH_MS = 500


class Outcome(NamedTuple):
    """What became of one input; ``total_fen`` is its invoice's, None where it has none."""

    height: int
    topic: str
    partition: int
    offset: int
    verdict: str
    total_fen: int | None


Take = Callable[[Outcome], None]


def take_from_ledger(settings: Settings, first_height: int, take: Take) -> None:
    """Hands over every outcome of the ledger from a height on, in the order of the chain. Blocks."""
    ledger = opening.open_ledger(settings, readonly=True)
    try:
        for height in range(first_height, ledger.height + 1):
            _next, rows = ledger.outcomes(height, 1)
            for topic, partition, offset, verdict, _code, _state, total, *_rest in rows:
                take(Outcome(height, topic, partition, offset, verdict, total))
    finally:
        ledger.close()


async def ends_of_receipts(settings: Settings) -> dict[int, int]:
    """Where the receipts topic ends now, by partition."""
    async with _receipts(settings) as (consumer, partitions):
        ends = await consumer.end_offsets(partitions)
        return {each.partition: offset for each, offset in ends.items()}


async def take_from_receipts(settings: Settings, first: Mapping[int, int], take: Take) -> None:
    """Hands over what receipts say, from these offsets to the present ends.

    A receipt may be sent again; it has its id then, and is handed over once.
    """
    seen: set[tuple[int, int]] = set()
    async with _receipts(settings) as (consumer, partitions):
        ends = await consumer.end_offsets(partitions)
        left = {each for each in partitions if first.get(each.partition, 0) < ends[each]}
        consumer.assign(list(left))
        for each in left:
            consumer.seek(each, first.get(each.partition, 0))
        while left:
            for each, records in (await consumer.getmany(timeout_ms=FETCH_MS)).items():
                for record in records:
                    _take_receipt(orjson.loads(record.value), seen, take)
                if records and records[-1].offset + 1 >= ends[each]:
                    left.discard(each)


def _take_receipt(receipt: dict[str, object], seen: set[tuple[int, int]], take: Take) -> None:
    _chain, height, index = str(receipt["id"]).rsplit("/", 2)
    if (place := (int(height), int(index))) in seen:
        return
    seen.add(place)
    topic, partition, offset = str(receipt["subject"]).rsplit("/", 2)
    data = receipt["data"]
    assert isinstance(data, dict)
    total = data.get("invoice", {}).get("total_fen")
    take(Outcome(int(height), topic, int(partition), int(offset), data["verdict"], total))


@asynccontextmanager
async def _receipts(settings: Settings) -> AsyncIterator[tuple[AIOKafkaConsumer, list[TopicPartition]]]:
    bootstrap, topic = settings.kafka.bootstrap, settings.outputs.receipts
    security = opening.security_of(settings.kafka)
    async with connected(bootstrap, security) as client:
        found = await topic_metadata(client, [topic])
    if topic not in found:
        message = f"there is no topic {topic} with receipts at {bootstrap}: correct [outputs]"
        raise FarechainError("E_TOPIC_UNKNOWN", message, EXIT_UNAVAILABLE)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, **security)
    await consumer.start()
    try:
        yield consumer, [TopicPartition(topic, number) for number in range(found[topic].partitions)]
    finally:
        await consumer.stop()
