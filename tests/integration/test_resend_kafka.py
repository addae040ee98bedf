"""Records sent again on a real broker: by range, out of the dead letters, and by a process that is killed."""

import asyncio
import json
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from farechain import _core
from farechain.adapt import KafkaSink
from farechain.broker import Broker, ensure_topics
from farechain.cli import main
from farechain.client import Device, SignedEvent
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
from farechain.keys import write_key
from farechain.service.running import Service
from farechain.signed_event import sign_event

pytestmark = pytest.mark.kafka
BUREAU, ISSUER, GATE = (bytes([number]) * 32 for number in (1, 2, 3))
SELLER, TAX_CODE = "91440300708461136T", "3010101020202000000"
PATIENCE_S = 60.0
PARTITIONS = 2
RIDES = 40


def command(seed: bytes, number: int, kind: str, **members: Any) -> SignedEvent:
    data = {"kind": kind, "network": "shenzhen", "command_id": f"c-{number}", **members}
    made = {"kind": "farechain.command.v1", "source": "test", "event_id": f"{number}"}
    return sign_event(seed, data, key=f"c-{number}".encode(), **made)


def key_command(number: int, signer: bytes, owner: bytes, role: str, scenes: list[str]) -> SignedEvent:
    public_key = _core.public_key(owner).hex()
    return command(
        signer, number, "REGISTER_KEY", public_key=public_key, role=role, tax_id=SELLER, scenes=scenes,
        from_height=0, to_height=None,
    )  # fmt: skip


def all_but_the_gates_key() -> list[SignedEvent]:
    rate = {"scene": "METRO", "tax_code": TAX_CODE, "rate": 300}
    scene = {"code": "METRO", "name": "metro", "detail": []}
    policy = {**rate, "policy": "AUTO", "stored_value": "AT_RIDE"}
    grant = {"code": "144032609110", "from": 1, "to": 1000, "tax_id": None}
    return [
        command(BUREAU, 1, "ADMIT_ISSUER", tax_id=SELLER, name="metro", credit_limit_fen=None),
        key_command(2, BUREAU, ISSUER, "ISSUER", []),
        command(BUREAU, 3, "SCENE_TABLE", rows=[scene]),
        command(BUREAU, 4, "RATE_TABLE", rows=[{**rate, "from": "2020-01-01", "to": None}]),
        command(ISSUER, 5, "MANDATE", rows=[policy]),
        command(BUREAU, 6, "GRANT_NUMBERS", **grant),
    ]


def rides() -> list[SignedEvent]:
    gate = Device(name="gate-1", seed=GATE, network="shenzhen", seller_tax_id=SELLER)
    at = datetime.now(UTC) - timedelta(minutes=5)
    return [
        gate.payment(channel="CASH", txn_id=f"t{i}", scene="METRO", gross_fen=200, paid_fen=200, paid_at=at)
        for i in range(RIDES)
    ]


class Town:
    """Two topics, a ledger over them, and its configuration."""

    def __init__(self, broker: Broker, place: Path) -> None:
        prefix = f"{uuid.uuid4().hex[:8]}."
        self.broker, self.place = broker, place
        self.commands, self.metro, self.copies = (prefix + name for name in ("commands", "metro", "copies"))
        write_key(place / "bureau.key", BUREAU)
        (place / "bureau.pub").write_text(_core.public_key(BUREAU).hex() + "\n")
        topics = ((self.commands, 1), (self.metro, PARTITIONS))
        self.settings = Settings(
            ledger=LedgerSettings(path=place / "ledger", bureau_key_file=place / "bureau.pub"),
            source=SourceSettings(
                topics=tuple(TopicSettings(name=name, partitions=n) for name, n in topics),
                first=(self.commands,),
            ),
            kafka=KafkaSettings(bootstrap=broker.bootstrap, group_id=prefix),
            blocks=BlockSettings(max_age_ms=20),
            public_log=PublicLogSettings(key_file=place / "log.key"),
            outputs=OutputSettings(enabled=False),
        )
        self.config = place / "farechain.toml"
        self.config.write_text(to_toml(self.settings))

    async def begin(self) -> None:
        topics = {self.commands: 1, self.metro: PARTITIONS, self.copies: PARTITIONS}
        await ensure_topics(self.broker.bootstrap, topics)
        assert await asyncio.to_thread(main, ["init", "--config", str(self.config)]) == 0

    async def send(self, topic: str, events: list[SignedEvent]) -> None:
        async with KafkaSink(self.broker.bootstrap, topic) as sink:
            for event in events:
                await sink.send(event)

    async def ingest(self) -> dict[str, Any]:
        """Everything that is there now; then the counts of the ledger."""
        assert await Service(self.settings, None, until_end=True).run(asyncio.Event()) is not None
        return _core.Ledger.open(str(self.settings.ledger.path), readonly=True).status()

    async def records(self, topic: str) -> list[Any]:
        """Every record of a topic, by partition and offset."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.broker.bootstrap)
        await consumer.start()
        try:
            places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            left = sum((await consumer.end_offsets(places)).values())
            found: list[Any] = []
            async with asyncio.timeout(PATIENCE_S):
                while len(found) < left:
                    for batch in (await consumer.getmany(timeout_ms=200)).values():
                        found += batch
            return sorted(found, key=lambda record: (record.partition, record.offset))
        finally:
            await consumer.stop()


def started(command: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def run(town: Town, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """The answer of a verb that succeeds."""
    capsys.readouterr()
    code = await asyncio.to_thread(main, [*words, "--config", str(town.config), "--json"])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    answer: dict[str, Any] = json.loads(captured.out)
    return answer


async def test_events_whose_key_came_late_are_sent_again_and_issued(
    kafka_broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    town = Town(kafka_broker, tmp_path)
    await town.begin()
    await town.send(town.commands, all_but_the_gates_key())
    await town.send(town.metro, rides())
    assert (await town.ingest())["rejected"] == {"E_KEY_UNKNOWN": RIDES}
    await town.send(town.commands, [key_command(7, ISSUER, GATE, "DEVICE", ["METRO"])])
    await town.ingest()

    dry = await run(town, capsys, "replay", town.metro, "--dry-run")
    assert sum(each["unknown"] for each in dry["partitions"]) == RIDES
    answer = await run(town, capsys, "dlq", "replay", "--code", "E_KEY_UNKNOWN")
    assert (answer["chosen"], answer["sent"]) == (RIDES, 0)
    answer = await run(town, capsys, "dlq", "replay", "--code", "E_KEY_UNKNOWN", "--yes", "--rate", "0")
    assert answer["sent"] == RIDES
    answer = await run(town, capsys, "dlq", "replay", "--code", "E_KEY_UNKNOWN", "--yes")
    assert (answer["sent"], answer["left_out"]) == (0, {"that were sent again before (--again)": RIDES})

    status = await town.ingest()
    assert (status["invoices"], status["duplicates"]) == (RIDES, 0)
    assert (await run(town, capsys, "dlq", "ls", "--open"))["found"] == 0
    found = await town.records(town.metro)
    originals = {
        f"{town.metro}/{r.partition}/{r.offset}": r
        for r in found
        if dict(r.headers).keys() == {"fc-kid", "fc-sig"}
    }
    copies = [record for record in found if "fc-replay" in dict(record.headers)]
    assert (len(originals), len(copies)) == (RIDES, RIDES)
    for copy in copies:
        of = originals[copy.headers[-1][1].decode()]
        assert (copy.partition, copy.key, copy.value) == (of.partition, of.key, of.value)
        assert list(copy.headers[:-1]) == list(of.headers)

    # The whole topic once more: all are duplicates now, and the same command again sends nothing.
    dry = await run(town, capsys, "replay", town.metro, "--dry-run")
    assert sum(each["known"] for each in dry["partitions"]) == 2 * RIDES
    answer = await run(town, capsys, "replay", town.metro, "--rate", "0")
    assert answer["sent"] == 2 * RIDES
    assert (await run(town, capsys, "replay", town.metro, "--rate", "0"))["sent"] == 0
    status = await town.ingest()
    assert (status["invoices"], status["duplicates"]) == (RIDES, 2 * RIDES)


async def test_a_replay_that_was_killed_goes_on_where_it_was(
    kafka_broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    town = Town(kafka_broker, tmp_path)
    await town.begin()
    await town.send(town.metro, rides())
    source = ("--from-bootstrap", kafka_broker.bootstrap, "--to-topic", town.copies)
    words = ["replay", town.metro, *source, "--position", str(tmp_path / "position.json")]
    command = [sys.executable, "-m", "farechain", *words, "--rate", "4", "--config", str(town.config)]
    process = started(command)
    deadline = time.monotonic() + PATIENCE_S
    while (
        not (tmp_path / "position.json").exists()
        or not json.loads((tmp_path / "position.json").read_text())["sent"]
    ):
        assert process.poll() is None
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    process.kill()
    process.wait()
    before = len(await town.records(town.copies))
    assert 0 < before < RIDES

    answer = await run(town, capsys, *words, "--rate", "0")
    assert answer["sent_in_all"] == RIDES
    sent = [dict(record.headers)["fc-replay"].decode() for record in await town.records(town.copies)]
    assert set(sent) == {f"{town.metro}/{r.partition}/{r.offset}" for r in await town.records(town.metro)}
    assert RIDES <= len(sent) <= RIDES + 4, "at most the round that was on its way is sent twice"
    answer = await run(town, capsys, *words)
    assert (answer["sent"], answer["sent_in_all"]) == (0, RIDES)


async def test_ranges_by_partition_offset_and_time(
    kafka_broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    town = Town(kafka_broker, tmp_path)
    await town.begin()
    await town.send(town.metro, rides())
    marked = time.time_ns() // 1_000_000 + 2
    await asyncio.to_thread(lambda: time.sleep(0.01))
    await town.send(town.metro, rides())
    of_one = [record.offset for record in await town.records(town.metro) if record.partition == 1]
    bounds = ("--partition", "1", "--from-offset", "2", "--to-offset", "7")
    dry = await run(town, capsys, "replay", town.metro, *bounds, "--dry-run")
    (part,) = dry["partitions"]
    assert (part["partition"], part["first"], part["end"], part["records"]) == (1, 2, 7, 5)
    since = datetime.fromtimestamp(marked / 1000, UTC).isoformat()
    for words, count in (
        (("--since", since), RIDES),
        (("--until", since), RIDES),
        (("--until", "2020-01-01"), 0),
    ):
        dry = await run(town, capsys, "replay", town.metro, *words, "--dry-run")
        assert sum(each["records"] for each in dry["partitions"]) == count, words
    answer = await run(town, capsys, "replay", town.metro, *bounds, "--to-topic", town.copies)
    assert answer["sent"] == 5
    assert [record.partition for record in await town.records(town.copies)] == [1] * 5
    assert max(of_one) > 7
    capsys.readouterr()
    for wrong, code in (["nosuch"], 3), ([town.metro, "--partition", "9"], 2):
        assert await asyncio.to_thread(main, ["replay", *wrong, "--config", str(town.config)]) == code
