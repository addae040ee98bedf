"""The whole service on a real broker: topics in, receipts and dead letters out, owners that die or stop."""

import asyncio
import inspect
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from farechain import _core
from farechain.broker import Broker, ensure_topics, produce_spool
from farechain.cli import main
from farechain.config import (
    BlockSettings,
    KafkaSettings,
    LedgerSettings,
    OutputSettings,
    PublicLogSettings,
    Settings,
    SourceSettings,
    TopicSettings,
)
from farechain.config_file import to_toml
from farechain.day import generate
from farechain.errors import FarechainError
from farechain.service.running import Service

pytestmark = pytest.mark.kafka
TOPICS = {
    "farechain.commands": 1,
    "payments.metro": 4,
    "payments.road": 2,
    "payments.parking": 1,
    "payments.scenic": 1,
}
PATIENCE_S = 60.0


async def until(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    """Returns once ``holds()`` is true; fails when it is not within a minute."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = holds()
            if await answer if inspect.isawaitable(answer) else answer:
                return
            await asyncio.sleep(0.05)


class Network:
    """Topics of its own on the shared broker, a day to send to them, and a ledger made over them."""

    def __init__(self, broker: Broker, place: Path) -> None:
        self.prefix = f"t{uuid.uuid4().hex[:8]}."
        self.broker = broker
        self.spool = place / "spool"
        made = generate(place / "day", place / "keys", seed=3, invoices=1000, date="2026-11-23")
        self.inputs = made.inputs
        self.spool.mkdir()
        for file in (place / "day" / "spool").iterdir():
            text = file.read_bytes().replace(b'{"topic":"', b'{"topic":"' + self.prefix.encode())
            (self.spool / f"{self.prefix}{file.name}").write_bytes(text)
        self.settings = Settings(
            ledger=LedgerSettings(path=place / "ledger", bureau_key_file=place / "keys" / "bureau.pub"),
            source=SourceSettings(
                topics=tuple(
                    TopicSettings(name=self.prefix + name, partitions=n) for name, n in TOPICS.items()
                ),
                first=(self.prefix + "farechain.commands",),
            ),
            kafka=KafkaSettings(bootstrap=broker.bootstrap, group_id=self.prefix),
            blocks=BlockSettings(max_inputs=60, max_age_ms=20),
            public_log=PublicLogSettings(key_file=place / "log.key"),
            outputs=OutputSettings(
                receipts=self.prefix + "receipts", dead_letters=self.prefix + "deadletter"
            ),
        )
        self.config = place / "farechain.toml"
        self.config.write_text(to_toml(self.settings))

    async def topics(self) -> None:
        inputs = {self.prefix + name: partitions for name, partitions in TOPICS.items()}
        outputs = {self.settings.outputs.receipts: 4, self.settings.outputs.dead_letters: 1}
        await ensure_topics(self.broker.bootstrap, inputs | outputs)

    async def send(self, *, part: Callable[[str], bool] = lambda _name: True) -> None:
        """Sends the files whose names ``part`` admits."""
        chosen = self.spool.parent / f"sending-{uuid.uuid4().hex[:8]}"
        chosen.mkdir()
        for file in self.spool.iterdir():
            if part(file.name):
                shutil.copy(file, chosen / file.name)
        await produce_spool(self.broker.bootstrap, chosen)

    async def init(self) -> None:
        assert await asyncio.to_thread(main, ["init", "--config", str(self.config)]) == 0

    def done(self) -> dict[str, Any]:
        ledger = _core.Ledger.open(str(self.settings.ledger.path), readonly=True)
        return ledger.status()

    async def received(self, topic: str) -> list[Any]:
        """Every record of a topic."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.broker.bootstrap)
        await consumer.start()
        try:
            partitions = [TopicPartition(topic, n) for n in range(4 if topic.endswith("receipts") else 1)]
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            left = sum((await consumer.end_offsets(partitions)).values())
            records: list[Any] = []
            async with asyncio.timeout(PATIENCE_S):
                while len(records) < left:
                    for batch in (await consumer.getmany(timeout_ms=200)).values():
                        records += batch
            return records
        finally:
            await consumer.stop()

    async def outputs_are_complete(self) -> None:
        """One receipt an input, by id; one dead letter a rejected input, with its reason. They may repeat."""
        status = self.done()
        assert status["inputs"] == self.inputs
        assert status["invoices"] == 1000
        ids = {
            json.loads(record.value)["id"] for record in await self.received(self.settings.outputs.receipts)
        }
        assert len(ids) == self.inputs
        letters = [dict(record.headers) for record in await self.received(self.settings.outputs.dead_letters)]
        places = {(each["fc-dlq-topic"], each["fc-dlq-partition"], each["fc-dlq-offset"]) for each in letters}
        assert len(places) == sum(status["rejected"].values())
        assert {each["fc-dlq-code"].decode() for each in letters} == set(status["rejected"])
        public = str(self.settings.public_dir)
        vkey = (self.settings.public_dir / "vkey").read_text().strip()
        assert _core.audit(str(self.settings.ledger.path), public=public, vkey=vkey)["ok"]


async def test_a_broker_that_dies_costs_nothing(kafka_broker: Broker, tmp_path: Path) -> None:
    network = Network(kafka_broker, tmp_path)
    await network.topics()
    await network.init()
    await network.send(part=lambda name: "metro" not in name)
    stop = asyncio.Event()
    running = asyncio.create_task(Service(network.settings, None).run(stop))
    await until(lambda: network.done()["inputs"] > 0)
    await asyncio.to_thread(kafka_broker.kill)
    await asyncio.to_thread(kafka_broker.restart)
    await network.send(part=lambda name: "metro" in name)
    await until(lambda: network.done()["inputs"] == network.inputs)
    stop.set()
    summary = await running
    assert summary is not None
    assert summary.unfinished() is None
    await network.outputs_are_complete()


async def test_a_missing_output_topic_is_named(kafka_broker: Broker, tmp_path: Path) -> None:
    network = Network(kafka_broker, tmp_path)
    await network.topics()
    await network.init()
    outputs = network.settings.outputs.model_copy(update={"receipts": "nosuch.receipts"})
    with pytest.raises(FarechainError, match="nosuch.receipts") as told:  # noqa: RUF043
        await Service(network.settings.model_copy(update={"outputs": outputs}), None).run(asyncio.Event())
    assert (told.value.code, told.value.exit_code) == ("E_TOPIC_UNKNOWN", 4)


class Process:
    """``farechain serve`` in a process of its own."""

    def __init__(self, config: Path) -> None:
        command = [sys.executable, "-m", "farechain", "serve", "--config", str(config), "--port", "0"]
        self.log = config.with_name(f"serve-{uuid.uuid4().hex[:8]}.log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stderr=log, stdout=log)

    def url(self) -> str:
        deadline = time.monotonic() + PATIENCE_S
        while "listening on " not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return re.split(r'[\s"]', self.log.read_text().split("listening on ")[1])[0]

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def end(self) -> int:
        self.signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    started: list[Process] = []
    yield started
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
        each.process.wait()


async def until_answer(url: str, part: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:

        async def answers() -> bool:
            return part in (await http.get(url)).text

        await until(answers)


async def test_a_standby_waits_for_a_stopped_owner_and_takes_over_from_a_dead_one(
    kafka_broker: Broker, tmp_path: Path, processes: list[Process]
) -> None:
    network = Network(kafka_broker, tmp_path)
    await network.topics()
    await network.init()
    await network.send(part=lambda name: "metro" not in name)
    owner = Process(network.config)
    processes.append(owner)
    await until_answer(owner.url() + "/readyz", '"ready":true')
    standby = Process(network.config)
    processes.append(standby)
    await until_answer(standby.url() + "/readyz", "another process owns")

    owner.signal(signal.SIGSTOP)
    await network.send(part=lambda name: "metro" in name)
    height = network.done()["blocks"]
    await asyncio.sleep(1.5)  # three times the standby's pause between tries
    await until_answer(standby.url() + "/readyz", "another process owns")
    assert network.done()["blocks"] == height

    owner.signal(signal.SIGKILL)
    await until_answer(standby.url() + "/readyz", '"ready":true')
    await until(lambda: network.done()["inputs"] == network.inputs)
    assert standby.end() == 0, standby.log.read_text()
    await network.outputs_are_complete()
