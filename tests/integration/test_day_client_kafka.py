"""The client and the adapter on a real broker: what they send is there, where the spool would have it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from farechain import _core
from farechain.adapt import KafkaSink, adapt, read_rules
from farechain.broker import Broker, ensure_topics
from farechain.client import Client, Device, SignedEvent
from farechain.errors import FarechainError
from farechain.partition import partition_of

pytestmark = pytest.mark.kafka
SEED = bytes(range(32))
SELLER = "91440300MA9FC001XP"
PARTITIONS = 4


def rides(count: int) -> list[SignedEvent]:
    gate = Device(name="gate-1", seed=SEED, network="shenzhen", seller_tax_id=SELLER)
    at = datetime(2026, 3, 9, tzinfo=UTC)
    return [
        gate.payment(
            channel="CASH",
            txn_id=f"t{i}",
            scene="METRO",
            gross_fen=200,
            paid_fen=200,
            paid_at=at,
            detail={"exit": "罗湖"},
        )
        for i in range(count)
    ]


async def stored(bootstrap: str, topic: str, count: int) -> dict[bytes, tuple[int, bytes, dict[str, bytes]]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="none")
    await consumer.start()
    try:
        places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        consumer.assign(places)
        for place in places:
            consumer.seek(place, 0)
        found: dict[bytes, tuple[int, bytes, dict[str, bytes]]] = {}
        while len(found) < count:
            for batch in (await consumer.getmany(timeout_ms=1000)).values():
                for record in batch:
                    assert record.key not in found
                    found[record.key] = (record.partition, record.value, dict(record.headers))
        return found
    finally:
        await consumer.stop()


async def test_events_arrive_as_they_were_signed_in_the_partition_of_their_key(kafka_broker: Broker) -> None:
    topic = "day-client"
    await ensure_topics(kafka_broker.bootstrap, {topic: PARTITIONS})
    sent = rides(40)
    async with Client(kafka_broker.bootstrap) as client:
        places = [await client.send(topic, ride) for ride in sent]
    found = await stored(kafka_broker.bootstrap, topic, len(sent))
    for ride, (partition, _) in zip(sent, places, strict=True):
        assert found[ride.key] == (partition, ride.value, dict(ride.headers))
        assert partition == partition_of(ride.key, PARTITIONS)
    assert {partition for partition, _ in places} == set(range(PARTITIONS))


async def test_an_unknown_topic_is_one_line(kafka_broker: Broker) -> None:
    with pytest.raises(FarechainError) as refused:
        async with Client(kafka_broker.bootstrap, {"request_timeout_ms": 2000}) as client:
            await client.send("day-nowhere", rides(1)[0])
    assert (refused.value.code, refused.value.exit_code) == ("E_BROKER", 4)


async def test_adapted_rows_arrive_all_of_them(kafka_broker: Broker, tmp_path: Path) -> None:
    topic = "day-adapt"
    await ensure_topics(kafka_broker.bootstrap, {topic: PARTITIONS})
    (tmp_path / "m.toml").write_text(
        f'topic = "{topic}"\npartitions = {PARTITIONS}\n[input]\nformat = "csv"\n[constants]\nkind = "PAID"\n'
        f'network = "shenzhen"\nchannel = "CASH"\nscene = "METRO"\nseller_tax_id = "{SELLER}"\n[fields]\n'
        'txn_id = "id"\ngross_fen = "fen"\npaid_fen = "fen"\npaid_at = "at"\n'
    )
    lines = [f"a{i},{200 if i % 100 else 'two'},2026-03-09T10:00:00+08:00" for i in range(1200)]
    (tmp_path / "in.csv").write_text("id,fen,at\n" + "\n".join(lines) + "\n")
    sink = KafkaSink(kafka_broker.bootstrap, topic)
    done = await adapt(
        [tmp_path / "in.csv"], read_rules(tmp_path / "m.toml"), seed=SEED, source="s", sink=sink,
        rejects=tmp_path / "rejects",
    )  # fmt: skip
    assert (done.rows, done.events, done.rejects) == (1200, 1188, 12)
    found = await stored(kafka_broker.bootstrap, topic, 1188)
    assert {json.loads(value)["data"]["txn_id"] for _, value, _ in found.values()} == {
        f"a{i}" for i in range(1200) if i % 100
    }
    public_key = _core.public_key(SEED)
    verdicts = _core.verify_batch(
        [public_key] * len(found),
        [value for _, value, _ in found.values()],
        [headers["fc-sig"] for _, _, headers in found.values()],
    )
    assert all(verdicts)
