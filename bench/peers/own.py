"""farechain's own runs, each a process of its own; prints a line of JSON.

``kafka`` is its full form: from the broker to durable blocks, published under a signed checkpoint. ``memory``
is for the comparison with peers that read no Kafka: the records are in memory before the clock starts, as
theirs are. Both verify, refuse duplicates, number, and keep every input's bytes and signature. With warm keys
the tables of known signers exist; the cold run builds them on the way.
"""

import argparse
import asyncio
import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from bench import day
from bench.peers.events import payments
from farechain import _core, broker
from farechain.day.plan import COMMANDS, PARTITIONS
from farechain.pipeline.ingest import BlockLimits
from farechain.spool_lines import spool_record

BLOCK = BlockLimits().max_inputs


def from_kafka(place: Path, spool: Path, path: Path, *, warm: bool) -> dict[str, float]:
    """The day from the broker that runs at ``place``."""
    running = broker.attach(place / "broker")
    assert running is not None, "the broker is up"
    ids = asyncio.run(broker.topic_ids(running.bootstrap, list(PARTITIONS)))
    if warm:
        ledger = day.warm_ledger(running, path / "ledger", spool, ids, 2)
    else:
        ledger = day.new_ledger(path / "ledger", spool, ids)
        day.commit_commands(running, ledger)
    run = day.Run(running, ledger, path, BlockLimits())
    asyncio.run(run.ingest())
    accepted = _accepted(ledger)
    ledger.close()
    return {
        "events": run.inputs,
        "accepted": accepted,
        "wall_s": run.wall_s,
        "cpu_s": run.cpu_s,
        "broker_cpu_s": run.broker_cpu_s,
    }


def _accepted(ledger: _core.Ledger) -> int:
    status = ledger.status()
    return sum(int(status[outcome]) for outcome in ("issued", "recorded", "reversed"))


def _sealed(ledger: _core.Ledger, spool: Path) -> list[_core.RawBatch]:
    """Every payment, sealed in full blocks."""
    sources = {(topic, number): source for source, (topic, _, number, _, _) in enumerate(ledger.positions())}
    intake = ledger.intake()
    for topic, partition, records in payments(spool):
        intake.push_records(sources[topic, partition], records, None)
    batches = []
    while not intake.is_empty:
        batches.append(intake.seal(BLOCK))
    return batches


def _commit_commands(ledger: _core.Ledger, spool: Path) -> None:
    intake = ledger.intake()
    with (spool / "spool" / f"{COMMANDS}-0.jsonl").open("rb") as lines:
        intake.push_records(1, [spool_record(line)[2] for line in lines], None)
    while not intake.is_empty:
        ledger.commit(ledger.prepare(intake.seal(BLOCK)), int(time.time() * 1000))


def _publish(ledger: _core.Ledger, log: _core.PublicLog) -> None:
    log.catch_up(ledger)
    log.publish(log.sign())


def from_memory(spool: Path, path: Path, *, warm: bool) -> dict[str, float]:
    """The day from memory: the next block is prepared and the last one published while one is committed."""
    ledger = day.new_ledger(path / "ledger", spool, dict.fromkeys(PARTITIONS, bytes(16)))
    _commit_commands(ledger, spool)
    if warm:
        for batch in _sealed(ledger, spool):
            ledger.prepare(batch)
    batches = _sealed(ledger, spool)
    events = sum(map(len, batches))
    log = _core.PublicLog.open(str(path / "public"), str(path / "state"), ledger.chain, bytes(range(32)))
    cpu_s, started = time.process_time(), time.monotonic()
    with ThreadPoolExecutor(1) as preparing, ThreadPoolExecutor(1) as publishing:
        coming = [preparing.submit(ledger.prepare, batch) for batch in batches[:1]]
        published: Future[None] | None = None
        for following in [*batches[1:], None]:
            prepared = coming.pop().result()
            if following is not None:
                coming.append(preparing.submit(ledger.prepare, following))
            ledger.commit(prepared, int(time.time() * 1000))
            if published is None or published.done():
                published = publishing.submit(_publish, ledger, log)
        publishing.submit(_publish, ledger, log).result()
    wall_s, cpu_s = time.monotonic() - started, time.process_time() - cpu_s
    accepted, proved = _accepted(ledger), _prove(ledger, log)
    ledger.close()
    return {"events": events, "accepted": accepted, "proved": proved, "wall_s": wall_s, "cpu_s": cpu_s}


def _prove(ledger: _core.Ledger, log: _core.PublicLog) -> int:
    """Verifies the proof of a record of every block that has one."""
    heights = [height for height in range(1, ledger.height + 1) if ledger.record(height, 0) is not None]
    for height in heights:
        _core.verify_proof(ledger.prove(height, 0, log), log.vkey, [], 0)
    return len(heights)


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peers.own")
    parser.add_argument("source", choices=("kafka", "memory"))
    parser.add_argument("--place", type=Path, required=True, help="where the broker runs")
    parser.add_argument("--day", type=Path, required=True)
    parser.add_argument("--path", type=Path, required=True, help="an empty directory for the ledger")
    parser.add_argument("--cold", action="store_true")
    args = parser.parse_args()
    if args.source == "kafka":
        told = from_kafka(args.place, args.day, args.path, warm=not args.cold)
    else:
        told = from_memory(args.day, args.path, warm=not args.cold)
    print(json.dumps(told))


if __name__ == "__main__":
    _main()
