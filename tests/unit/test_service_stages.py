"""Stages by themselves: what a failure does to the others, what a relay sends to a difficult broker."""

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError
from aiokafka.producer.message_accumulator import BatchBuilder
from service_chain import Chain, Day, make_day, until

from farechain import _core
from farechain.errors import FarechainError
from farechain.pipeline.clock import BlockClock
from farechain.pipeline.ingest import BlockLimits, Ingest
from farechain.pipeline.relay import OMITTED, Message, Position, Relay
from farechain.service import opening
from farechain.service.running import Service
from farechain.sources import Chunk
from farechain.sources.spool import SpoolSource
from farechain.sources.together import Together


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return make_day(tmp_path_factory.mktemp("day"))


# Ingest -----------------------------------------------------------------------------------------


class Failing(SpoolSource):
    """A spool whose reads fail after some."""

    def __init__(self, directory: Path, partitions: Sequence[Any], reads: int) -> None:
        super().__init__(directory, partitions)
        self.left = reads

    async def read(self, timeout_ms: int) -> list[Chunk]:
        self.left -= 1
        if self.left < 0:
            raise FarechainError("E_TOPIC_TRUNCATED", "payments.metro/0 ends before the ledger's position", 3)
        return await super().read(timeout_ms)


class Trickling(SpoolSource):
    """A spool that hands over one file's records at a time."""

    def __init__(self, directory: Path, partitions: Sequence[Any]) -> None:
        super().__init__(directory, partitions)
        self.waiting: list[Chunk] = []

    async def read(self, timeout_ms: int) -> list[Chunk]:
        self.waiting = self.waiting or await super().read(timeout_ms)
        first, self.waiting = self.waiting[:1], self.waiting[1:]
        return first

    async def lag(self) -> dict[int, int]:
        held = {chunk.partition: len(chunk.records or ()) for chunk in self.waiting}
        return {index: behind + held.get(index, 0) for index, behind in (await super().lag()).items()}


async def ingest_until_it_fails(
    chain: Chain, ledger: _core.Ledger, clock: BlockClock, reads: int
) -> BaseException:
    source = Failing(chain.day.spool, opening.partitions_of(ledger), reads)
    await source.start()
    ingest = Ingest(
        ledger, source, limits=BlockLimits(50, 1), clock=clock, on_block=lambda _sealed: None, first=[0]
    )
    with pytest.raises(Exception) as told:  # noqa: PT011  the test is about which one it is
        await ingest.run(asyncio.Event())
    await source.close()
    return told.value


async def test_a_failing_source_is_told_as_itself_and_what_was_sealed_is_durable(
    tmp_path: Path, day: Day
) -> None:
    chain = Chain(tmp_path, day)
    ledger = opening.open_ledger(chain.settings)
    told = await ingest_until_it_fails(chain, ledger, BlockClock(), reads=20)
    assert isinstance(told, FarechainError)
    assert told.code == "E_TOPIC_TRUNCATED"
    assert ledger.height > 0
    ledger.close()
    await chain.to_the_end()
    assert chain.differences() == 0


async def test_a_jump_of_the_clock_stops_sealing(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day)
    ledger = opening.open_ledger(chain.settings)
    wall = iter([1_795_500_000.0, 1_795_500_000.1, 1_795_500_061.0])
    clock = BlockClock(wall=lambda: next(wall), monotonic=lambda: 5.0)
    told = await ingest_until_it_fails(chain, ledger, clock, reads=1000)
    assert isinstance(told, FarechainError)
    assert (told.code, told.exit_code) == ("E_CLOCK", 4)
    assert ledger.height == 1
    ledger.close()
    await chain.to_the_end()
    assert chain.differences() == 0


async def test_large_records_seal_a_block_before_there_are_many(tmp_path: Path, day: Day) -> None:
    heights = []
    for name, max_bytes in (("wide", 2**30), ("narrow", 20_000)):
        (tmp_path / name).mkdir()
        chain = Chain(tmp_path / name, day)
        ledger = opening.open_ledger(chain.settings)
        source = Trickling(day.spool, opening.partitions_of(ledger))
        await source.start()
        limits = BlockLimits(100_000, 60_000, max_bytes)
        ingest = Ingest(
            ledger, source, limits=limits, clock=BlockClock(), on_block=lambda _sealed: None, first=[0]
        )
        stop = asyncio.Event()
        running = asyncio.create_task(ingest.run(stop))
        await until(partial(all_read, source))
        stop.set()
        await running
        heights.append(ledger.height)
        assert ledger.status()["inputs"] == day.inputs
        ledger.close()
    assert heights[1] > heights[0]


async def all_read(source: SpoolSource) -> bool:
    return all(behind == 0 for behind in (await source.lag()).values())


async def test_commands_are_read_to_their_end_before_payments(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day, max_inputs=16)
    await chain.to_the_end()
    ledger = chain.ledger()
    seen_payment = False
    for height in range(1, ledger.height + 1):
        block = ledger.block(height)
        assert block is not None
        topics = {each["topic"] for each in block["ranges"]}
        seen_payment = seen_payment or any(topic.startswith("payments") for topic in topics)
        assert not (seen_payment and "farechain.commands" in topics)
    assert seen_payment


async def test_a_stage_that_hangs_is_left_at_the_deadline(
    tmp_path: Path, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Chain(tmp_path, day)
    limits = chain.settings.limits.model_copy(update={"drain_deadline_s": 0.2})
    reached = asyncio.Event()

    async def hang(_self: Together, _timeout_ms: int) -> list[Chunk]:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(Together, "read", hang)
    stop = asyncio.Event()
    running = asyncio.create_task(
        Service(chain.settings.model_copy(update={"limits": limits}), None).run(stop)
    )
    await reached.wait()
    stop.set()
    with pytest.raises(FarechainError, match=r"not drained in 0.2 s") as told:
        await running
    assert told.value.exit_code == 4
    monkeypatch.undo()
    await chain.to_the_end()
    assert chain.differences() == 0


async def test_a_stage_that_fails_ends_the_service_with_its_error(
    tmp_path: Path, day: Day, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    chain = Chain(tmp_path, day, max_inputs=50)
    read, reads = SpoolSource.read, iter(range(6))

    async def fail_later(self: SpoolSource, timeout_ms: int) -> list[Chunk]:
        if next(reads, None) is None:
            raise FarechainError("E_TOPIC_RECREATED", "payments.metro is another topic now", 3)
        return await read(self, timeout_ms)

    monkeypatch.setattr(SpoolSource, "read", fail_later)
    with pytest.raises(FarechainError, match="another topic") as told:
        await Service(chain.settings, None).run(asyncio.Event())
    assert (told.value.code, told.value.exit_code) == ("E_TOPIC_RECREATED", 3)
    assert "stopped by ingest: E_TOPIC_RECREATED" in caplog.text
    monkeypatch.undo()
    published = int((chain.settings.public_dir / "checkpoint").read_text().split("\n")[1])
    assert published == chain.ledger().height + 1 > 1
    await chain.to_the_end()
    assert chain.differences() == 0


# Relay ------------------------------------------------------------------------------------------


class Producer:
    """What a relay needs of a producer, with a broker's moods: keeps what it was sent by partition."""

    def __init__(self, partitions: int = 4, limit_bytes: int = 1_000_000) -> None:
        self.partitions = partitions
        self.limit_bytes = limit_bytes
        self.sent: dict[int, list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]]] = {}
        self.refusals = 0

    async def partitions_for(self, _topic: str) -> set[int]:
        if self.refusals:
            self.refusals -= 1
            raise KafkaConnectionError("away")
        return set(range(self.partitions))

    def create_batch(self) -> "Batch":
        return Batch()

    async def send_batch(self, batch: "Batch", _topic: str, *, partition: int) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if batch.size > self.limit_bytes:
            done.set_exception(MessageSizeTooLargeError())
        else:
            self.sent.setdefault(partition, []).extend(batch.messages)
            done.set_result(None)
        return done


class Batch:
    """aiokafka's batch builder, with what went in."""

    def __init__(self) -> None:
        self.builder = BatchBuilder(1000, 0, is_transactional=False)
        self.messages: list[Any] = []
        self.size = 0

    def append(self, *, key: Any, value: Any, timestamp: None, headers: Any) -> Any:
        added = self.builder.append(key=key, value=value, timestamp=timestamp, headers=headers)
        if added is not None:
            self.messages.append((key, value, list(headers)))
            self.size += added.size
        return added


class Blocks:
    """A ledger as a relay sees it: a height, and messages by height."""

    def __init__(self, blocks: list[list[Message]]) -> None:
        self.blocks = blocks

    @property
    def height(self) -> int:
        return len(self.blocks) - 1

    def fetch(self, first: int, max_blocks: int) -> tuple[int, list[Message]]:
        last = min(first + max_blocks, len(self.blocks))
        return last, [message for block in self.blocks[first:last] for message in block]


def relay_of(blocks: Blocks, producer: Producer, place: Path, told: list[str] | None = None) -> Relay:
    def tell(reason: str) -> None:
        if told is not None:
            told.append(reason)

    ledger, sender = _as_any(blocks), _as_any(producer)
    return Relay(ledger, blocks.fetch, sender, "receipts", Position(place / "position.json"), on_trouble=tell)


def _as_any(value: object) -> Any:
    return value


def messages(count: int, size: int = 10) -> list[Message]:
    return [(b"%d" % (n % 7), b"%d " % n + b"x" * size, [("h", b"%d" % n)]) for n in range(count)]


async def relay_all(relay: Relay) -> None:
    stop = asyncio.Event()
    stop.set()
    await relay.run(stop)


async def test_every_message_is_sent_once_in_the_order_of_its_key(tmp_path: Path) -> None:
    sent, producer = messages(500), Producer()
    blocks = Blocks([sent[:1], [], sent[1:200], sent[200:]])
    await relay_all(relay_of(blocks, producer, tmp_path))
    assert sorted(m for each in producer.sent.values() for m in each) == sorted(map(tuple, sent))
    for each in producer.sent.values():
        numbers = [int(message[2][0][1]) for message in each]
        assert numbers == sorted(numbers)
    assert len({partition for partition, each in producer.sent.items() for m in each if m[0] == b"3"}) == 1
    assert json.loads((tmp_path / "position.json").read_text()) == {"next_height": 4}


async def test_a_relay_goes_on_where_it_was(tmp_path: Path) -> None:
    first, producer = messages(10), Producer()
    blocks = Blocks([first])
    await relay_all(relay_of(blocks, producer, tmp_path))
    blocks.blocks.append(messages(3))
    relay = relay_of(blocks, producer, tmp_path)
    assert relay.lag_blocks == 1
    await relay_all(relay)
    assert sum(map(len, producer.sent.values())) == 13
    assert relay.lag_blocks == 0


async def test_a_broker_that_is_away_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("farechain.pipeline.relay.RETRY_S", 0.01)
    producer, told = Producer(), list[str]()
    producer.refusals = 3
    relay = relay_of(Blocks([messages(5)]), producer, tmp_path, told)
    stop = asyncio.Event()
    running = asyncio.create_task(relay.run(stop))
    await until(lambda: relay.lag_blocks == 0)
    stop.set()
    await running
    assert len(told) == 3
    assert told[0].startswith("receipts: KafkaConnectionError")
    assert sum(map(len, producer.sent.values())) == 5


async def test_a_relay_leaves_when_told_though_the_broker_is_away(tmp_path: Path) -> None:
    producer = Producer()
    producer.refusals = 1
    relay = relay_of(Blocks([messages(5)]), producer, tmp_path)
    await relay_all(relay)
    assert relay.lag_blocks == 1
    assert not (tmp_path / "position.json").exists()


async def test_a_message_too_large_goes_without_its_value_and_says_so(tmp_path: Path) -> None:
    producer = Producer(partitions=1, limit_bytes=2000)
    small = messages(2)
    large: Message = (b"k", b"x" * 5000, [("fc-dlq-code", b"E_SIZE")])
    await relay_all(relay_of(Blocks([[small[0], large, small[1]]]), producer, tmp_path))
    assert producer.sent[0][-2:] == [(b"k", None, [("fc-dlq-code", b"E_SIZE"), OMITTED]), small[1]]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"next_height": -1}', '{"next_height": "1"}'])
def test_a_damaged_position_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "position.json").write_text(content)
    with pytest.raises(FarechainError, match="delete it"):
        Position(tmp_path / "position.json")
