"""The Kafka source on a real broker: every record once, in order, and from the ledger's own topic only."""

import asyncio
import time

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition
from kafka_records import (
    at,
    contents,
    decoded,
    digests,
    messages,
    new_topic,
    read_to_end,
    read_until,
    send,
    send_transactions,
    source,
)

from farechain.broker import Broker, ensure_topics
from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.sources.kafka import KafkaSource

pytestmark = pytest.mark.kafka
BOTH_WAYS = pytest.mark.parametrize("raw", [True, False], ids=["raw", "getmany"])


async def refusal_at_start(reading: KafkaSource) -> FarechainError:
    with pytest.raises(FarechainError) as refused:
        await reading.start()
    await reading.close()
    return refused.value


@pytest.mark.parametrize("compression", [None, "gzip", "snappy", "lz4", "zstd"])
async def test_both_ways_deliver_what_was_sent(kafka_broker: Broker, compression: str | None) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    sent = messages(257)
    await send(kafka_broker.bootstrap, topic, sent, per_batch=50, compression=compression)
    seen = []
    for raw in (True, False):
        reading = source(kafka_broker.bootstrap, [at(topic, topic_id)], raw=raw)
        await reading.start()
        assert reading.raw is raw
        seen.append(await read_to_end(reading))
        await reading.close()
    assert contents(seen[0]) == sent
    assert [record[0] for record in seen[0]] == list(range(257))
    assert digests(seen[0]) == digests(seen[1])
    assert seen[0] == seen[1]


@BOTH_WAYS
async def test_reading_goes_on_at_the_position_inside_a_batch(kafka_broker: Broker, raw: bool) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    await send(kafka_broker.bootstrap, topic, messages(30))
    whole = source(kafka_broker.bootstrap, [at(topic, topic_id)], raw=raw)
    await whole.start()
    before = await read_to_end(whole)
    await whole.close()
    resumed = source(kafka_broker.bootstrap, [at(topic, topic_id, 15, digests(before)[14])], raw=raw)
    await resumed.start()
    assert await resumed.lag() == {0: 15}
    after = [record for record in await read_to_end(resumed) if record[0] >= 15]
    await resumed.close()
    assert after == before[15:]


@BOTH_WAYS
async def test_aborted_transactions_are_left_out(kafka_broker: Broker, raw: bool) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    kept = messages(8)
    await send(kafka_broker.bootstrap, topic, kept[:3])
    parts = [(kept[3:5], True), (messages(12, 900), False), (kept[5:8], True), (messages(7, 950), False)]
    await send_transactions(kafka_broker.bootstrap, topic, parts)
    reading = source(kafka_broker.bootstrap, [at(topic, topic_id)], raw=raw)
    await reading.start()
    records = await read_to_end(reading)
    await reading.close()
    assert contents(records) == kept
    assert records[-1][0] > len(kept), "offsets have holes where markers and aborted records lie"


@BOTH_WAYS
async def test_a_position_behind_aborted_records_is_compared_with_the_last_kept_one(
    kafka_broker: Broker, raw: bool
) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    await send(kafka_broker.bootstrap, topic, messages(4))
    await send_transactions(kafka_broker.bootstrap, topic, [(messages(40, 900), False)])
    first = source(kafka_broker.bootstrap, [at(topic, topic_id)], raw=raw)
    await first.start()
    records = await read_to_end(first)
    await first.close()
    await send(kafka_broker.bootstrap, topic, messages(2, 50))
    right = source(kafka_broker.bootstrap, [at(topic, topic_id, 45, digests(records)[-1])], raw=raw)
    await right.start()
    assert contents(await read_until(right, 47)) == messages(2, 50)
    await right.close()
    wrong = source(kafka_broker.bootstrap, [at(topic, topic_id, 45, digests(records)[-2])], raw=raw)
    assert (await refusal_at_start(wrong)).code == "E_TOPIC_RECREATED"


async def test_raw_chunks_of_aborted_records_alone_still_move_the_position(kafka_broker: Broker) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    await send_transactions(kafka_broker.bootstrap, topic, [(messages(10), False)])
    reading = source(kafka_broker.bootstrap, [at(topic, topic_id)])
    await reading.start()
    assert await read_to_end(reading) == []
    assert await reading.lag() == {0: 0}
    await reading.close()


@BOTH_WAYS
async def test_a_killed_broker_costs_no_record_and_repeats_none(kafka_broker: Broker, raw: bool) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    await send(kafka_broker.bootstrap, topic, messages(50))
    reading = source(kafka_broker.bootstrap, [at(topic, topic_id)], raw=raw)
    await reading.start()
    records = await read_until(reading, 50)
    await asyncio.to_thread(kafka_broker.kill)
    assert await reading.read(300) == []
    await asyncio.to_thread(kafka_broker.restart)
    await send(kafka_broker.bootstrap, topic, messages(50, 50))
    records += await read_until(reading, 100)
    await reading.close()
    assert contents(records) == messages(100)


async def delete_records(bootstrap: str, topic: str, before: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before)})
    await admin.close()


async def recreate(bootstrap: str, topic: str) -> bytes:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.delete_topics([topic])
    await admin.close()
    async with asyncio.timeout(20):
        while True:
            try:
                return (await ensure_topics(bootstrap, {topic: 1}))[topic]
            except FarechainError:  # the old one is still being deleted
                await asyncio.sleep(0.1)


async def test_a_position_below_the_start_stops_and_says_so(kafka_broker: Broker) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    await send(kafka_broker.bootstrap, topic, messages(30))
    await delete_records(kafka_broker.bootstrap, topic, 20)
    refused = await refusal_at_start(source(kafka_broker.bootstrap, [at(topic, topic_id, 10)]))
    assert refused.code == "E_TOPIC_TRUNCATED"
    assert "[20, 30)" in refused.message
    assert "10" in refused.message


async def test_a_position_behind_the_end_stops_and_says_so(kafka_broker: Broker) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    await send(kafka_broker.bootstrap, topic, messages(30))
    refused = await refusal_at_start(source(kafka_broker.bootstrap, [at(topic, topic_id, 31)]))
    assert refused.code == "E_TOPIC_TRUNCATED"
    assert "[0, 30)" in refused.message


@BOTH_WAYS
async def test_records_deleted_before_they_were_read_stop_a_running_source(
    kafka_broker: Broker, raw: bool
) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    reading = source(kafka_broker.bootstrap, [at(topic, topic_id)], raw=raw)
    await reading.start()
    await send(kafka_broker.bootstrap, topic, messages(5))
    await read_until(reading, 5)
    reading.pause([0])
    await send(kafka_broker.bootstrap, topic, messages(5, 5))
    await delete_records(kafka_broker.bootstrap, topic, 9)
    reading.resume([0])
    with pytest.raises(FarechainError) as stopped:
        await read_until(reading, 10)
    await reading.close()
    assert stopped.value.code == "E_TOPIC_TRUNCATED"


async def test_retention_of_what_was_read_is_no_reason_to_stop(kafka_broker: Broker) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    await send(kafka_broker.bootstrap, topic, messages(30))
    await delete_records(kafka_broker.bootstrap, topic, 20)
    reading = source(kafka_broker.bootstrap, [at(topic, topic_id, 20, b"d" * 32)])
    await reading.start()
    records = await read_to_end(reading)
    await reading.close()
    assert contents([record for record in records if record[0] >= 20]) == messages(30)[20:]


async def test_a_recreated_topic_is_refused_by_its_id(kafka_broker: Broker) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    await send(kafka_broker.bootstrap, topic, messages(30))
    assert await recreate(kafka_broker.bootstrap, topic) != topic_id
    refused = await refusal_at_start(source(kafka_broker.bootstrap, [at(topic, topic_id, 30)]))
    assert refused.code == "E_TOPIC_RECREATED"


async def test_a_topic_with_other_records_is_refused_though_it_has_grown_past(kafka_broker: Broker) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    await send(kafka_broker.bootstrap, topic, messages(30, 500))
    other = digests([(9, 0, *messages(1, 9)[0][:2], messages(1, 9)[0][2])])[0]
    refused = await refusal_at_start(source(kafka_broker.bootstrap, [at(topic, topic_id, 10, other)]))
    assert refused.code == "E_TOPIC_RECREATED"
    assert "offset 9" in refused.message


@BOTH_WAYS
async def test_a_topic_recreated_while_it_is_read_stops_the_source(kafka_broker: Broker, raw: bool) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    await send(kafka_broker.bootstrap, topic, messages(10))
    reading = source(kafka_broker.bootstrap, [at(topic, topic_id)], raw=raw)
    await reading.start()
    await read_until(reading, 10)
    await recreate(kafka_broker.bootstrap, topic)
    with pytest.raises(FarechainError) as stopped:
        await read_until(reading, 100)
    await reading.close()
    assert stopped.value.code == "E_TOPIC_RECREATED"


async def test_a_missing_topic_and_a_missing_partition_are_named(kafka_broker: Broker) -> None:
    refused = await refusal_at_start(source(kafka_broker.bootstrap, [at("test.nowhere", bytes(16))]))
    assert (refused.code, "test.nowhere" in refused.message) == ("E_TOPIC_UNKNOWN", True)
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    refused = await refusal_at_start(source(kafka_broker.bootstrap, [at(topic, topic_id, partition=1)]))
    assert refused.code == "E_TOPIC_UNKNOWN"


async def test_nobody_at_the_address_is_exit_code_4() -> None:
    refused = await refusal_at_start(source("127.0.0.1:9", [at("t", bytes(16))]))
    assert (refused.code, refused.exit_code) == ("E_BROKER", EXIT_UNAVAILABLE)
    assert "127.0.0.1:9" in refused.message
    assert "\n" not in refused.message


@BOTH_WAYS
async def test_a_paused_partition_yields_nothing_and_then_everything(kafka_broker: Broker, raw: bool) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap, 2)
    for partition in (0, 1):
        await send(kafka_broker.bootstrap, topic, messages(20), partition=partition)
    partitions = [at(topic, topic_id), at(topic, topic_id, partition=1)]
    reading = source(kafka_broker.bootstrap, partitions, raw=raw)
    await reading.start()
    reading.pause([1])
    first = await read_until(reading, 20)
    assert {chunk.partition for chunk in await reading.read(300)} == set()
    assert await reading.lag() == {0: 0, 1: 20}
    reading.resume([1])
    second = await read_until(reading, 20, index=1)
    await reading.close()
    assert contents(first) == contents(second) == messages(20)


async def test_a_read_returns_as_soon_as_something_is_there(kafka_broker: Broker) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    reading = source(kafka_broker.bootstrap, [at(topic, topic_id)])
    await reading.start()
    assert await reading.read(50) == []
    waiting = asyncio.create_task(reading.read(20_000))
    began = time.monotonic()
    await send(kafka_broker.bootstrap, topic, messages(1))
    chunks = await waiting
    await reading.close()
    assert contents(decoded(chunks[0])) == messages(1)
    assert time.monotonic() - began < 10


async def committed(bootstrap: str, group: str, topic: str) -> int | None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group)
    await consumer.start()
    try:
        offset: int | None = await consumer.committed(TopicPartition(topic, 0))
        return offset
    finally:
        await consumer.stop()


async def test_positions_are_mirrored_while_running_and_at_the_end(kafka_broker: Broker) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    await send(kafka_broker.bootstrap, topic, messages(30))
    reading = source(kafka_broker.bootstrap, [at(topic, topic_id)], group_id="test.mirror")
    await reading.start()
    await reading.commit([10])
    async with asyncio.timeout(20):
        while await committed(kafka_broker.bootstrap, "test.mirror", topic) != 10:
            await reading.read(100)
    await reading.commit([25])
    await reading.close()
    assert await committed(kafka_broker.bootstrap, "test.mirror", topic) == 25
