"""From a real broker into a ledger: both ways of fetching make the same blocks; nothing lost or doubled."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from kafka_records import messages, new_topic, read_to_end, send, send_transactions, source

from farechain._core import Intake, Ledger, public_key
from farechain.broker import Broker, ensure_topics
from farechain.errors import FarechainError
from farechain.pipeline.clock import BlockClock
from farechain.pipeline.ingest import BlockLimits, Ingest, Sealed
from farechain.sources import Partition, RawChunk
from farechain.sources.kafka import KafkaSource

pytestmark = pytest.mark.kafka
TIME_MS = 1_767_570_000_000


def create(path: Path, sources: Sequence[tuple[str, bytes, int]]) -> Ledger:
    Ledger.create(
        str(path),
        network="shenzhen",
        chain="shenzhen/0",
        bureau=public_key(bytes(32)),
        sources=sources,
        regions=["4403"],
        time_ms=TIME_MS,
    )
    return Ledger.open(str(path))


def partitions_of(ledger: Ledger) -> list[Partition]:
    return [Partition(*position) for position in ledger.positions()[1:]]


async def push_to_end(reading: KafkaSource, intake: Intake) -> None:
    async with asyncio.timeout(30):
        while True:
            for chunk in await reading.read(100):
                number = chunk.partition + 1
                if isinstance(chunk, RawChunk):
                    intake.push_raw(number, chunk.data, chunk.fetch_offset, chunk.aborted)
                else:
                    intake.push_records(number, chunk.records, chunk.next_offset)
            if not any((await reading.lag()).values()):
                return


async def test_both_ways_make_the_same_block(kafka_broker: Broker, tmp_path: Path) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    for number, compression in enumerate([None, "gzip", "snappy", "lz4", "zstd"]):
        await send(kafka_broker.bootstrap, topic, messages(40, 40 * number), compression=compression)
    aborted = [(messages(9, 900), False), (messages(5, 200), True), (messages(30, 950), False)]
    await send_transactions(kafka_broker.bootstrap, topic, aborted)
    heads, positions = [], []
    for raw in (True, False):
        ledger = create(tmp_path / str(raw), [(topic, topic_id, 0)])
        reading = source(kafka_broker.bootstrap, partitions_of(ledger), raw=raw)
        await reading.start()
        intake = ledger.intake()
        await push_to_end(reading, intake)
        assert intake.pending == 205
        ledger.commit(ledger.prepare(intake.seal(8192)), TIME_MS + 1)
        await reading.close()
        heads.append(ledger.head)
        positions.append(ledger.positions()[1])
        ledger.close()
    assert heads[0] == heads[1]
    assert positions[0] == positions[1]
    assert positions[0][3] > 240, "the position is behind the last aborted transaction"


async def test_a_ledger_behind_an_aborted_tail_opens_again(kafka_broker: Broker, tmp_path: Path) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    await send(kafka_broker.bootstrap, topic, messages(10))
    await send_transactions(kafka_broker.bootstrap, topic, [(messages(20, 900), False)])
    ledger = create(tmp_path / "ledger", [(topic, topic_id, 0)])
    for expected in (10, 0):
        reading = source(kafka_broker.bootstrap, partitions_of(ledger))
        await reading.start()
        intake = ledger.intake()
        await push_to_end(reading, intake)
        assert intake.pending == expected
        ledger.commit(ledger.prepare(intake.seal(8192)), TIME_MS + 1)
        await reading.close()
    ledger.close()


async def ingest(ledger: Ledger, reading: KafkaSource, *, inputs: int = 0) -> list[Sealed]:
    """Runs to the end of the source, or until so many inputs are durable."""
    stop = asyncio.Event()
    sealed: list[Sealed] = []

    def on_block(block: Sealed) -> None:
        sealed.append(block)
        if inputs and sum(one.committed.inputs for one in sealed) >= inputs:
            stop.set()

    limits = BlockLimits(max_inputs=64, max_age_ms=50)
    pipeline = Ingest(
        ledger, reading, limits=limits, clock=BlockClock(), on_block=on_block, first=[0], until_end=not inputs
    )
    async with asyncio.timeout(60):
        await pipeline.run(stop)
    return sealed


async def test_kills_and_stops_lose_nothing_and_double_nothing(kafka_broker: Broker, tmp_path: Path) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap, 2)
    sent = [messages(400), messages(300, 1_000)]
    for partition in (0, 1):
        await send(kafka_broker.bootstrap, topic, sent[partition][:200], partition=partition)
    path = tmp_path / "ledger"
    ledger = create(path, [(topic, topic_id, 0), (topic, topic_id, 1)])
    reading = source(kafka_broker.bootstrap, partitions_of(ledger))
    await reading.start()
    running = asyncio.create_task(ingest(ledger, reading, inputs=500))
    await asyncio.to_thread(kafka_broker.kill)
    await asyncio.to_thread(kafka_broker.restart)
    for partition in (0, 1):
        await send(kafka_broker.bootstrap, topic, sent[partition][200:], partition=partition)
    first = await running
    await reading.close()
    ledger.close()
    ledger = Ledger.open(str(path))
    reading = source(kafka_broker.bootstrap, partitions_of(ledger), raw=False)
    await reading.start()
    second = await ingest(ledger, reading)
    await reading.close()
    assert sum(block.committed.inputs for block in first + second) == 700
    assert [position[3] for position in ledger.positions()[1:]] == [400, 300]
    ledger.close()


async def test_the_first_partition_is_durable_before_any_other(kafka_broker: Broker, tmp_path: Path) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap, 2)
    for partition in (1, 0):
        await send(kafka_broker.bootstrap, topic, messages(300), partition=partition)
    ledger = create(tmp_path / "ledger", [(topic, topic_id, 0), (topic, topic_id, 1)])
    reading = source(kafka_broker.bootstrap, partitions_of(ledger))
    await reading.start()
    await ingest(ledger, reading)
    await reading.close()
    _, rows = ledger.outcomes(0, ledger.height + 1)
    assert [row[1] for row in rows] == [0] * 300 + [1] * 300
    ledger.close()


async def test_a_topic_that_lost_what_the_ledger_has_is_refused(kafka_broker: Broker, tmp_path: Path) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap)
    other, _ = await new_topic(kafka_broker.bootstrap)
    await send(kafka_broker.bootstrap, topic, messages(20))
    await send(kafka_broker.bootstrap, other, messages(40, 500))
    ledger = create(tmp_path / "ledger", [(topic, topic_id, 0)])
    reading = source(kafka_broker.bootstrap, partitions_of(ledger))
    await reading.start()
    await ingest(ledger, reading)
    await reading.close()
    (held,) = partitions_of(ledger)
    ledger.close()
    other_id = (await ensure_topics(kafka_broker.bootstrap, {other: 1}))[other]
    taken = source(kafka_broker.bootstrap, [Partition(other, other_id, 0, held.position, held.last_digest)])
    with pytest.raises(FarechainError) as refused:
        await taken.start()
    await taken.close()
    assert refused.value.code == "E_TOPIC_RECREATED"
    right = source(kafka_broker.bootstrap, [held])
    await right.start()
    assert [record for record in await read_to_end(right) if record[0] >= 20] == []
    await right.close()
