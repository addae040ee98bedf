"""A day from Kafka to durable and provable: cold and warm keys, each instruction set, the CPU of each stage.

The broker runs on the same cores; its CPU is reported apart. Warm means that the signers' tables exist: the
commands are committed and every payment is verified, without being committed, before the clock starts. The
instruction set is chosen once a process, so each has its own (``bench.day_runs``).
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.figures import Figure
from farechain import _core, broker, keys
from farechain.broker import Broker
from farechain.day.generate import generate
from farechain.day.plan import PARTITIONS
from farechain.pipeline.clock import BlockClock
from farechain.pipeline.ingest import ENGINE_SOURCES, BlockLimits, Ingest, Sealed
from farechain.pipeline.publish import Publisher
from farechain.sources import Chunk, Partition, RawChunk
from farechain.sources.kafka import KafkaSource

SEED = 20181211
BUDGET_US = {"fetch": 0.6, "decode": 0.75, "verify": 5.0, "decide": 0.3, "hash": 0.15, "append": 0.2}
LIMIT_US = {"fetch": 0.15, "decode": 0.16, "verify": 1.4, "decide": 0.04, "hash": 0.07, "append": 0.10}
STAGES = ("decode", "verify", "decide", "hash", "append", "index", "sync")
INSTRUCTIONS = ("avx512", "avx2", "portable")
CORES = 2


def prepared_day(place: Path, invoices: int) -> Path:
    """The day's spool, made once for all benchmarks."""
    day = place / f"day-{invoices}"
    if not (day / "manifest-summary.json").exists():
        shutil.rmtree(day, ignore_errors=True)
        generate(day, day / "keys", seed=SEED, invoices=invoices)
    return day


@contextmanager
def produced(place: Path, day: Path) -> Iterator[tuple[Broker, dict[str, bytes]]]:
    """A broker that holds the day."""
    shutil.rmtree(place / "broker", ignore_errors=True)
    running = broker.start(place / "broker", fallback=False)
    try:
        ids = asyncio.run(broker.ensure_topics(running.bootstrap, PARTITIONS))
        asyncio.run(broker.produce_spool(running.bootstrap, day / "spool"))
        yield running, ids
    finally:
        running.stop()


def new_ledger(path: Path, day: Path, ids: dict[str, bytes]) -> _core.Ledger:
    """A ledger of the day's topics with genesis alone."""
    shutil.rmtree(path, ignore_errors=True)
    _core.Ledger.create(
        str(path),
        network="shenzhen",
        chain="shenzhen/0",
        bureau=keys.read_public_key(day / "keys" / "bureau.pub"),
        sources=[
            (topic, ids[topic], number) for topic, count in PARTITIONS.items() for number in range(count)
        ],
        regions=["4403"],
        time_ms=int(time.time() * 1000),
    )
    return _core.Ledger.open(str(path))


class Run:
    """One ingest of everything that the topics hold, published as it grows."""

    def __init__(self, running: Broker, ledger: _core.Ledger, place: Path, limits: BlockLimits) -> None:
        self._running, self._ledger, self._limits = running, ledger, limits
        self.inputs = 0
        seed = bytes(range(32))
        shutil.rmtree(place / "public", ignore_errors=True)
        shutil.rmtree(place / "log-state", ignore_errors=True)
        log = _core.PublicLog.open(str(place / "public"), str(place / "log-state"), ledger.chain, seed)
        self._publisher = Publisher(ledger, log)
        self.wall_s = self.cpu_s = self.broker_cpu_s = 0.0
        self.stage_ns = dict.fromkeys(STAGES, 0)

    def told(self) -> dict[str, float]:
        """Seconds, and microseconds of CPU an input; ``rest``: fetching, the event loop, publishing."""
        us = {stage: ns / self.inputs / 1000 for stage, ns in self.stage_ns.items() if stage != "sync"}
        cpu, broker_cpu = (spent / self.inputs * 1e6 for spent in (self.cpu_s, self.broker_cpu_s))
        rest = cpu - sum(us.values())
        idle = 1 - (self.cpu_s + self.broker_cpu_s) / self.wall_s / CORES
        return {
            "wall_s": self.wall_s,
            "inputs": self.inputs,
            "cpu": cpu,
            "broker": broker_cpu,
            "idle": idle,
            "rest": rest,
        } | us

    def _count(self, sealed: Sealed) -> None:
        block = sealed.committed
        self.inputs += block.inputs
        spent = (
            sealed.decode_ns,
            sealed.verify_ns,
            block.decide_ns,
            block.hash_ns,
            block.append_ns,
            block.index_ns,
            block.sync_ns,
        )
        for stage, nanoseconds in zip(STAGES, spent, strict=True):
            self.stage_ns[stage] += nanoseconds
        self._publisher.wake()

    async def ingest(self) -> None:
        """From the ledger's positions to the end of the topics, durable and published."""
        partitions = [Partition(*position) for position in self._ledger.positions()[ENGINE_SOURCES:]]
        source = KafkaSource(self._running.bootstrap, partitions, group_id="bench")
        await source.start()
        stop = asyncio.Event()
        first = [index for index, each in enumerate(partitions) if each.topic == "farechain.commands"]
        ingest = Ingest(
            self._ledger,
            source,
            limits=self._limits,
            clock=BlockClock(),
            on_block=self._count,
            first=first,
            until_end=True,
        )
        broker_s, cpu_s, started = self._running.cpu_seconds(), time.process_time(), time.monotonic()
        publishing = asyncio.create_task(self._publisher.run(stop))
        await ingest.run(asyncio.Event())
        stop.set()
        await publishing
        self.wall_s = time.monotonic() - started
        self.cpu_s = time.process_time() - cpu_s
        self.broker_cpu_s = self._running.cpu_seconds() - broker_s
        await source.close()


def push(intake: _core.Intake, chunk: Chunk | RawChunk) -> None:
    """A chunk of raw batches into the intake."""
    assert isinstance(chunk, RawChunk), "raw batches"
    intake.push_raw(chunk.partition + ENGINE_SOURCES, chunk.data, chunk.fetch_offset, chunk.aborted)


async def fetch_only(running: Broker, ledger: _core.Ledger) -> tuple[float, list[_core.RawBatch]]:
    """Fetches everything and seals it; the CPU seconds that it took, and the batches."""
    partitions = [Partition(*position) for position in ledger.positions()[ENGINE_SOURCES:]]
    source = KafkaSource(running.bootstrap, partitions, group_id="bench")
    await source.start()
    intake, batches = ledger.intake(), []
    cpu_s = time.process_time()
    while chunks := await source.read(2000):
        for chunk in chunks:
            push(intake, chunk)
        while intake.pending >= BlockLimits().max_inputs:
            batches.append(intake.seal(BlockLimits().max_inputs))
    while not intake.is_empty:
        batches.append(intake.seal(BlockLimits().max_inputs))
    cpu_s = time.process_time() - cpu_s
    await source.close()
    return cpu_s, batches


def commit_commands(running: Broker, ledger: _core.Ledger) -> None:
    """Commits the commands alone."""

    async def run() -> None:
        partitions = [Partition(*position) for position in ledger.positions()[ENGINE_SOURCES:]]
        source = KafkaSource(running.bootstrap, partitions[:1], group_id="bench")
        await source.start()
        intake = ledger.intake()
        while chunks := await source.read(1000):
            for chunk in chunks:
                push(intake, chunk)
        while not intake.is_empty:
            ledger.commit(ledger.prepare(intake.seal(8192)), int(time.time() * 1000))
        await source.close()

    asyncio.run(run())


def warm_ledger(running: Broker, path: Path, day: Path, ids: dict[str, bytes], threads: int) -> _core.Ledger:
    """A ledger with the commands committed and a table for every signer that pays for one."""
    new_ledger(path, day, ids).close()
    ledger = _core.Ledger.open(str(path), threads=threads)
    commit_commands(running, ledger)
    _cpu_s, batches = asyncio.run(fetch_only(running, ledger))
    while batches:
        ledger.prepare(batches.pop())
    return ledger


def runs(place: Path, invoices: int, instructions: str) -> dict[str, Any] | None:
    """What ``bench.day_runs`` tells of a process with this instruction set; None if it cannot have it."""
    ran = subprocess.run(
        [sys.executable, "-m", "bench.day_runs", str(place), str(invoices)],
        env={**os.environ, "FARECHAIN_INSTRUCTIONS": instructions},
        stdout=subprocess.PIPE,
        check=False,
    )
    told: dict[str, Any] = json.loads(ran.stdout) if ran.returncode == 0 else {}
    return told if told.get("instructions") == instructions else None


def figures_of(told: dict[str, Any]) -> list[Figure]:
    """The table of one instruction set: of each kind of keys the best run and the median."""
    figures = []
    for keys_are, wall_s in (("warm", 1.0), ("cold", 1.8)):
        all_runs = sorted(told[keys_are], key=lambda run: run["wall_s"])
        best = all_runs[0]
        median_s = statistics.median(run["wall_s"] for run in all_runs)
        figures += [
            Figure(f"{keys_are} keys, wall, best of {len(all_runs)}", best["wall_s"], "s", wall_s, 0.16),
            Figure(f"{keys_are} keys, wall, median", median_s, "s", wall_s, 0.16),
            Figure(f"{keys_are} keys, events", best["inputs"] / best["wall_s"], "events/s"),
            Figure(f"{keys_are} keys, cores idle", best["idle"] * 100, "%"),
            Figure(f"{keys_are} keys, CPU of the broker", best["broker"], "us an event"),
            Figure(f"{keys_are} keys, CPU of the process", best["cpu"], "us an event", 7.0, 1.9),
        ]
        for stage in (*STAGES[:-1], "rest"):
            figures.append(Figure(f"  of it {stage}", best[stage], "us an event", BUDGET_US.get(stage)))
    figures.append(Figure("most resident memory of the process, cold", told["most_mb"], "MB", 400))
    figures.append(Figure("tables of known signers", told["signers_mb"], "MB"))
    return figures


def by_stage(running: Broker, place: Path, day: Path, ids: dict[str, bytes]) -> list[Figure]:
    """Each stage by itself, one thread, one batch after the other: it waits for nothing."""
    ledger = warm_ledger(running, place / "ledger-stages", day, ids, 1)
    fetch_cpu_s, batches = asyncio.run(fetch_only(running, ledger))
    ns, inputs = dict.fromkeys(STAGES, 0), sum(len(batch) for batch in batches)
    for batch in batches:
        prepared = ledger.prepare(batch)
        block = ledger.commit(prepared, int(time.time() * 1000))
        spent = (
            prepared.decode_ns,
            prepared.verify_ns,
            block.decide_ns,
            block.hash_ns,
            block.append_ns,
            block.index_ns,
            block.sync_ns,
        )
        for stage, nanoseconds in zip(STAGES, spent, strict=True):
            ns[stage] += nanoseconds
    ledger.close()
    figures = [
        Figure("fetch, client CPU", fetch_cpu_s / inputs * 1e6, "us", BUDGET_US["fetch"], LIMIT_US["fetch"])
    ]
    for stage in STAGES:
        figures.append(
            Figure(stage, ns[stage] / inputs / 1000, "us", BUDGET_US.get(stage), LIMIT_US.get(stage))
        )
    return figures


def measure(place: Path, invoices: int) -> dict[str, list[Figure]]:
    """The tables of the day: by instruction set, and by stage."""
    day = prepared_day(place, invoices)
    tables: dict[str, list[Figure]] = {}
    with produced(place, day) as (running, ids):
        for instructions in INSTRUCTIONS:
            if told := runs(place, invoices, instructions):
                tables[f"a day from Kafka, {instructions}"] = figures_of(told)
        stages = by_stage(running, place, day, ids)
    title = f"each stage by itself on one core, warm keys, an event, {_core.INSTRUCTIONS}"
    return tables | {title: stages}
