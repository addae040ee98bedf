"""The development broker: ends with its parent, keeps its topics over a kill; topics, bulk producer."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path

import pytest
from kafka_records import at, contents, messages, new_topic, read_to_end, source

from farechain.broker import Broker, attach, ensure_topics, produce_spool, start, topic_ids
from farechain.broker.ready import answering_brokers
from farechain.cli import broker as verb
from farechain.errors import FarechainError

pytestmark = pytest.mark.kafka

PARENT = """
import sys, time
from pathlib import Path
from farechain.broker import start
broker = start(Path(sys.argv[1]), fallback=False)
print(broker.pid, flush=True)
time.sleep(600)
"""


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.05)


def test_a_killed_parent_leaves_no_broker_behind(kafka_broker: Broker, tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until_gone(pid)


def test_a_killed_supervisor_takes_its_broker_along(kafka_broker: Broker, tmp_path: Path) -> None:
    broker = start(tmp_path, fallback=False)
    supervisor = json.loads((tmp_path / "broker.json").read_text())["supervisor"]
    os.kill(supervisor, signal.SIGKILL)
    wait_until_gone(broker.pid)
    assert attach(tmp_path) is None
    began = time.monotonic()
    broker.stop()
    assert time.monotonic() - began < 5


async def test_topics_and_ids_survive_a_kill(kafka_broker: Broker) -> None:
    topic, topic_id = await new_topic(kafka_broker.bootstrap, 3)
    pid, cpu_s, bootstrap = kafka_broker.pid, kafka_broker.cpu_seconds(), kafka_broker.bootstrap
    kafka_broker.kill()
    assert not kafka_broker.running
    host, _, port = bootstrap.rpartition(":")
    assert answering_brokers(host, int(port)) == 0
    kafka_broker.restart()
    assert kafka_broker.pid != pid
    assert kafka_broker.bootstrap == bootstrap
    assert kafka_broker.cpu_seconds() > cpu_s > 0
    assert await topic_ids(bootstrap, [topic, "test.nowhere"]) == {topic: topic_id}
    assert await ensure_topics(bootstrap, {topic: 3}) == {topic: topic_id}
    with pytest.raises(FarechainError) as refused:
        await ensure_topics(bootstrap, {topic: 4})
    assert refused.value.code == "E_TOPIC_PARTITIONS"


def spool(directory: Path, topic: str, partition: int, count: int) -> None:
    def text(value: bytes | None) -> str | None:
        return None if value is None else b64encode(value).decode()

    with (directory / f"{topic}-{partition}.jsonl").open("w") as file:
        for offset, (key, value, headers) in enumerate(messages(count)):
            fields = {
                "topic": topic,
                "partition": partition,
                "offset": offset,
                "timestamp": 1,
                "key": text(key),
            }
            fields |= {"headers": [[name, text(header)] for name, header in headers], "value": text(value)}
            file.write(json.dumps(fields) + "\n")
        file.write('{"topic":')


async def test_a_spool_is_produced_as_it_is_and_dated_by_the_broker(
    kafka_broker: Broker, tmp_path: Path
) -> None:
    began_ms = time.time() * 1000
    topic, topic_id = await new_topic(kafka_broker.bootstrap, 2)
    spool(tmp_path, topic, 0, 9_000)
    spool(tmp_path, topic, 1, 5)
    assert await produce_spool(kafka_broker.bootstrap, tmp_path) == 9_005
    for partition, count in ((0, 9_000), (1, 5)):
        reading = source(kafka_broker.bootstrap, [at(topic, topic_id, partition=partition)])
        await reading.start()
        records = await read_to_end(reading)
        await reading.close()
        assert contents(records) == messages(count)
        assert all(abs(timestamp - began_ms) < 120_000 for _offset, timestamp, *_ in records)


async def test_a_spool_for_a_topic_that_is_not_there_is_refused(kafka_broker: Broker, tmp_path: Path) -> None:
    with pytest.raises(FarechainError) as empty:
        await produce_spool(kafka_broker.bootstrap, tmp_path)
    assert empty.value.code == "E_SPOOL"
    (tmp_path / "x-0.jsonl").write_text("{}\n")
    with pytest.raises(FarechainError, match="line 1") as damaged:
        await produce_spool(kafka_broker.bootstrap, tmp_path)
    assert damaged.value.code == "E_SPOOL"


def run(state: Path, *words: str) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    verb.arguments(parser)
    return verb.run(parser.parse_args(["--json", *words, "--state", str(state)]))


def test_the_command_line_starts_looks_and_stops(
    kafka_broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "status") == 1
    assert json.loads(capsys.readouterr().out) == {"running": False}
    assert run(tmp_path, "start", "--background", "--port", "0") == 0
    started = json.loads(capsys.readouterr().out)
    try:
        assert run(tmp_path, "status") == 0
        status = json.loads(capsys.readouterr().out)
        assert status["answers"] is True
        assert status["bootstrap"] == started["bootstrap"]
        with pytest.raises(FarechainError) as running:
            run(tmp_path, "start")
        assert running.value.code == "E_BROKER_RUNNING"
    finally:
        assert run(tmp_path, "stop") == 0
    wait_until_gone(started["pid"])
    assert run(tmp_path, "status") == 1


FOREGROUND = "import sys; from farechain.cli import main; sys.exit(main(sys.argv[1:]))"


def test_in_the_foreground_it_ends_on_sigterm(kafka_broker: Broker, tmp_path: Path) -> None:
    words = ["broker", "start", "--kafka", "--json", "--port", "0", "--state", str(tmp_path)]
    with subprocess.Popen([sys.executable, "-c", FOREGROUND, *words], stdout=subprocess.PIPE) as command:
        try:
            assert command.stdout is not None
            started = json.loads(command.stdout.readline())
            assert started["kind"] == "kafka"
            command.terminate()
            assert command.wait(30) == 0
        finally:
            command.kill()
    wait_until_gone(started["pid"])
    assert attach(tmp_path) is None


async def test_the_fallback_broker_serves_the_same_source(tmp_path: Path) -> None:
    with start(tmp_path / "broker", fallback=True) as fallback:
        assert fallback.kind == "fallback"
        assert "no idempotent" in fallback.notice
        topic = "test.fallback"
        ids = await ensure_topics(fallback.bootstrap, {topic: 1})
        (tmp_path / "spool").mkdir()
        spool(tmp_path / "spool", topic, 0, 500)
        assert await produce_spool(fallback.bootstrap, tmp_path / "spool") == 500
        reading = source(fallback.bootstrap, [at(topic, ids[topic])])
        await reading.start()
        records = await read_to_end(reading)
        await reading.close()
        assert contents(records) == messages(500)
    assert not fallback.running
