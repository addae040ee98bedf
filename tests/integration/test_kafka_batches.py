"""Record batches that only a real broker makes: compacted with holes, hostile though the broker took them."""

import asyncio
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from kafka_records import Message, at, messages, new_topic, read_to_end, send, source
from test_kafka_ledger import create, ingest, partitions_of

from farechain.broker import Broker
from farechain.errors import EXIT_REFUSED, FarechainError

pytestmark = pytest.mark.kafka

COMPACTED = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.001",
    "segment.ms": "50",
    "compression.type": "producer",
}


async def configure(bootstrap: str, *resources: ConfigResource) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    for response in await admin.alter_configs(list(resources)):
        for code, message, *_rest in response.resources:
            assert code == 0, message
    await admin.close()


async def sent_and_compacted(bootstrap: str, compression: str | None) -> tuple[str, bytes, int]:
    """A topic whose older records of a key are gone; its name, id and end."""
    topic, topic_id = await new_topic(bootstrap)
    await configure(
        bootstrap,
        ConfigResource(ConfigResourceType.BROKER, "1", {"log.cleaner.backoff.ms": "100"}),
        ConfigResource(ConfigResourceType.TOPIC, topic, COMPACTED),
    )
    sent: list[Message] = [(b"key %d" % (n % 7), b"value %d" % n, []) for n in range(60)]
    sent += [(b"once %d" % n, b"value %d" % n, []) for n in range(20)]
    await send(bootstrap, topic, sent, compression=compression)
    end = len(sent)
    async with asyncio.timeout(60):
        while True:
            # The last segment is never compacted: every record of these rolls the one before.
            await send(bootstrap, topic, [(b"roll", b"%d" % end, [])])
            end += 1
            reading = source(bootstrap, [at(topic, topic_id)], raw=False)
            await reading.start()
            read = await read_to_end(reading)
            await reading.close()
            if [record[0] for record in read if record[0] < 80] == list(range(53, 80)):
                return topic, topic_id, end
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("compression", [None, "lz4"])
async def test_a_compacted_topic_has_holes_and_both_ways_make_the_same_block(
    kafka_broker: Broker, tmp_path: Path, compression: str | None
) -> None:
    topic, topic_id, end = await sent_and_compacted(kafka_broker.bootstrap, compression)
    seen = []
    for raw in (True, False):
        ledger = create(tmp_path / str(raw), [(topic, topic_id, 0)])
        reading = source(kafka_broker.bootstrap, partitions_of(ledger), raw=raw)
        await reading.start()
        await ingest(ledger, reading)
        await reading.close()
        seen.append(ledger.positions()[1])
        assert ledger.outcomes(0, ledger.height + 1)[1][0][2] == 53
        ledger.close()
    assert seen[0] == seen[1]
    assert seen[0][3] == end


async def test_a_batch_that_the_broker_took_and_that_hurts_ends_ingest_after_what_lies_before_it(
    kafka_broker: Broker, tmp_path: Path
) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    await send(kafka_broker.bootstrap, topic, messages(25))
    await send(kafka_broker.bootstrap, topic, [(b"bomb", bytes(65 << 20), [])], compression="gzip")
    await send(kafka_broker.bootstrap, topic, messages(5, 100))
    ledger = create(tmp_path / "ledger", [(topic, topic_id, 0)])
    for _start in range(2):
        reading = source(kafka_broker.bootstrap, partitions_of(ledger))
        await reading.start()
        with pytest.raises(FarechainError) as stopped:
            await ingest(ledger, reading)
        await reading.close()
        assert (stopped.value.code, stopped.value.exit_code) == ("E_BATCH", EXIT_REFUSED)
        assert f"{topic}/0: record batch at offset 25: larger than 64 MiB" in stopped.value.message
        assert "\n" not in stopped.value.message
        assert ledger.positions()[1][3] == 25
    ledger.close()
