"""One run of the pipeline from the broker to the database, as a process of its own; prints a line of JSON.

The clock runs from the first fetch until the last block is durable; keys and workers are ready before.
Fetching, judging and committing overlap: the next inputs are fetched and judged while a block is committed.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Awaitable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.peers.cpu import tree_cpu_seconds
from bench.peers.events import registry
from bench.peers.pipeline.block import Ledger, Store
from bench.peers.pipeline.sqlite import SQLite
from bench.peers.pipeline.verifying import LIBRARIES, Input, Invoice, judge, know_keys
from farechain import broker
from farechain.broker import Broker
from farechain.day.plan import COMMANDS, PARTITIONS

BLOCK = 4096
AHEAD = 3
"""Blocks that are being judged or wait to be committed: bounds memory."""
PROOFS = 64

Pending = tuple[list[Input], Awaitable[list[Invoice | None]], dict[tuple[str, int], int]]


class Judges:
    """Worker processes that judge inputs; with none of them this process does it itself."""

    def __init__(self, workers: int, library: str, known: dict[bytes, bytes]) -> None:
        self._pool: ProcessPoolExecutor | None = None
        if workers:
            self._pool = ProcessPoolExecutor(workers, initializer=know_keys, initargs=(library, known))
            list(self._pool.map(time.sleep, [0.5] * workers))
        else:
            know_keys(library, known)

    def submit(self, inputs: list[Input]) -> Awaitable[list[Invoice | None]]:
        """Judges inputs in their order."""
        loop = asyncio.get_running_loop()
        if self._pool is not None:
            return loop.run_in_executor(self._pool, judge, inputs)
        done: asyncio.Future[list[Invoice | None]] = loop.create_future()
        done.set_result(judge(inputs))
        return done

    def close(self) -> None:
        """Ends the workers."""
        if self._pool is not None:
            self._pool.shutdown()


async def fetch(consumer: AIOKafkaConsumer, judges: Judges, pending: "asyncio.Queue[Pending | None]") -> None:
    """Reads everything that the topics hold, a block at a time."""
    ends = await consumer.end_offsets(consumer.assignment())
    inputs: list[Input] = []
    offsets: dict[tuple[str, int], int] = {}
    left = sum(ends.values())
    while left:
        for place, records in (await consumer.getmany(timeout_ms=1000, max_records=BLOCK)).items():
            left -= len(records)
            offsets[place.topic, place.partition] = records[-1].offset + 1
            for record in records:
                headers = dict(record.headers)
                inputs.append((headers.get("fc-kid"), headers.get("fc-sig"), record.value))
        if len(inputs) >= BLOCK or not left:
            await pending.put((inputs, judges.submit(inputs), dict(offsets)))
            inputs = []
    await pending.put(None)


async def run(running: Broker, judges: Judges, store: Store, server: int | None) -> dict[str, float]:
    """The whole day; what it took, with the CPU of the database's server if it has one."""
    partitions = [
        TopicPartition(topic, number)
        for topic, count in PARTITIONS.items()
        if topic != COMMANDS
        for number in range(count)
    ]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=running.bootstrap, enable_auto_commit=False, auto_offset_reset="none"
    )
    await consumer.start()
    consumer.assign(partitions)
    for partition in partitions:
        consumer.seek(partition, 0)
    ledger, events = Ledger(store), 0
    pending: asyncio.Queue[Pending | None] = asyncio.Queue(AHEAD)
    processes = [os.getpid()] if server is None else [os.getpid(), server]
    broker_s, cpu_s = running.cpu_seconds(), sum(map(tree_cpu_seconds, processes))
    started = time.monotonic()
    fetching = asyncio.create_task(fetch(consumer, judges, pending))
    while (block := await pending.get()) is not None:
        inputs, judged, offsets = block
        await ledger.append(inputs, await judged, offsets)
        events += len(inputs)
    await fetching
    wall_s = time.monotonic() - started
    cpu_s, broker_s = sum(map(tree_cpu_seconds, processes)) - cpu_s, running.cpu_seconds() - broker_s
    await consumer.stop()
    accepted, proved = await ledger.check(PROOFS)
    await store.close()
    return {
        "events": events,
        "accepted": accepted,
        "proved": proved,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "broker_cpu_s": broker_s,
    }


async def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers.pipeline")
    parser.add_argument("--place", type=Path, required=True, help="where the broker runs")
    parser.add_argument("--day", type=Path, required=True)
    parser.add_argument("--path", type=Path, required=True, help="an empty directory for SQLite's file")
    parser.add_argument("--postgresql", help="the directory of the server's socket, instead of SQLite")
    parser.add_argument("--server", type=int, help="the process id of that server, whose CPU counts, too")
    parser.add_argument("--library", choices=LIBRARIES, required=True)
    parser.add_argument("--workers", type=int, default=0)
    args = parser.parse_args()
    running = broker.attach(args.place / "broker")
    assert running is not None, "the broker is up"
    store: Store
    if args.postgresql:
        from bench.peers.pipeline.postgresql import PostgreSQL

        store = await PostgreSQL.connect(args.postgresql)
    else:
        store = SQLite(args.path / "invoices.db")
    judges = Judges(args.workers, args.library, registry(args.day))
    try:
        print(json.dumps(await run(running, judges, store, args.server)))
    finally:
        judges.close()


if __name__ == "__main__":
    asyncio.run(_main())
