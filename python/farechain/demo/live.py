"""Five seconds in real time: signed payments at a steady rate, timed to the checkpoint that proves them.

The clock of an event starts when it was meant to be sent, so that a late sender counts against the ledger,
not for it.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaProducer

from farechain import _core, keys
from farechain.config import Settings
from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.service import opening
from farechain.spool_lines import spool_record

TOPIC = "payments.metro"
WATCH_S = 0.002
SETTLE_S = 30.0


@dataclass(frozen=True, slots=True)
class Event:
    """A payment that is ready to be sent."""

    partition: int
    key: bytes
    headers: list[tuple[str, bytes]]
    value: bytes


@dataclass(frozen=True, slots=True)
class Latency:
    """From intended time to published checkpoint, milliseconds."""

    events: int
    rate_per_s: int
    p50: float
    p99: float
    most: float


def prepare(day: Path, keys_dir: Path, count: int) -> list[Event]:
    """Payments of the day's own devices with new transaction ids, signed."""
    seeds = {
        _core.kid(_core.public_key(key.seed)): key.seed
        for key in keys.read_key_set(keys_dir / "devices.jsonl")
    }
    templates = list(_issued(day, 200, seeds))
    drafts = []
    for number in range(count):
        partition, seed, key, kid, value, txn_id = templates[number % len(templates)]
        fresh = f"live-{number:06d}"
        value = value.replace(txn_id.encode(), fresh.encode())
        drafts.append((partition, seed, key.replace(txn_id.encode(), fresh.encode()), kid, value))
    signatures = _core.sign_batch([draft[1] for draft in drafts], [draft[4] for draft in drafts])
    return [
        Event(partition, key, [("fc-kid", kid.encode()), ("fc-sig", signature)], value)
        for (partition, _seed, key, kid, value), signature in zip(drafts, signatures, strict=True)
    ]


def _issued(
    day: Path, count: int, seeds: dict[str, bytes]
) -> Iterator[tuple[int, bytes, bytes, str, bytes, str]]:
    """Metro payments that became invoices: partition, seed, key, kid, value, transaction id."""
    for partition in range(4):
        left = count // 4
        manifest = _verdicts(day / "manifest.jsonl", partition)
        with (day / "spool" / f"{TOPIC}-{partition}.jsonl").open("rb") as spool:
            for line in spool:
                _topic, _partition, (offset, _timestamp, key, value, headers) = spool_record(line)
                kid = (headers[0][1] or b"").decode() if headers else ""
                if manifest.get(offset) != "ISSUED" or key is None or value is None or kid not in seeds:
                    continue
                txn_id = json.loads(value)["data"]["txn_id"]
                yield partition, seeds[kid], key, kid, value, txn_id
                left -= 1
                if left == 0:
                    break


def _verdicts(manifest: Path, partition: int) -> dict[int, str]:
    wanted = f'{{"topic":"{TOPIC}","partition":{partition},'
    with manifest.open(encoding="utf-8") as lines:
        told = (json.loads(line) for line in lines if line.startswith(wanted))
        return {each["offset"]: each["verdict"] for each in told}


async def measure(settings: Settings, events: list[Event], rate_per_s: int) -> Latency:
    """Sends the events at a steady rate to a running service and waits until all are provable.

    Raises:
        FarechainError: ``E_LATENCY`` where some are under no checkpoint half a minute later.
    """
    watching = asyncio.create_task(
        asyncio.to_thread(_watch, settings.public_dir / "checkpoint", stop := _Flag())
    )
    try:
        intended = await _send(settings, events, rate_per_s)
        heights = await _heights(settings, set(intended))
    finally:
        stop.set = True
    published = await watching
    waits = sorted(
        (next(at for size, at in published if size > heights[place]) - at_s) * 1000
        for place, at_s in intended.items()
    )
    last = len(waits) - 1
    return Latency(
        len(waits),
        rate_per_s,
        round(waits[last // 2], 1),
        round(waits[last * 99 // 100], 1),
        round(waits[-1], 1),
    )


@dataclass
class _Flag:
    set: bool = False


def _watch(checkpoint: Path, stop: _Flag) -> list[tuple[int, float]]:
    """When each published size was first seen: (size, Unix time)."""
    seen: list[tuple[int, float]] = []
    inode = 0
    while not stop.set:
        status = checkpoint.stat()
        if status.st_ino != inode:
            inode = status.st_ino
            _origin, size, _root = _core.parse_checkpoint(checkpoint.read_text("utf-8"))
            seen.append((size, time.time()))
        time.sleep(WATCH_S)
    return seen


async def _send(settings: Settings, events: list[Event], rate_per_s: int) -> dict[tuple[int, int], float]:
    """Sends each event at its time; returns the intended time by (partition, offset)."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap,
        enable_idempotence=settings.outputs.idempotent,
        acks="all",
        linger_ms=0,
    )
    await producer.start()
    try:
        first_s = time.time() + 0.05
        sent = []
        for number, event in enumerate(events):
            at_s = first_s + number / rate_per_s
            await asyncio.sleep(max(0.0, at_s - time.time()))
            future = await producer.send(
                TOPIC, key=event.key, value=event.value, headers=event.headers, partition=event.partition
            )
            sent.append((future, at_s))
        acknowledged = [(await future, at_s) for future, at_s in sent]
        return {(metadata.partition, metadata.offset): at_s for metadata, at_s in acknowledged}
    finally:
        await producer.stop()


async def _heights(settings: Settings, places: set[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """The block of each event, once all are published."""
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        heights = await asyncio.to_thread(_published_heights, settings, places)
        if len(heights) == len(places):
            return heights
        await asyncio.sleep(0.2)
    raise FarechainError(
        "E_LATENCY", "some events were never under a checkpoint: see the service's log", EXIT_UNAVAILABLE
    )


def _published_heights(settings: Settings, places: set[tuple[int, int]]) -> dict[tuple[int, int], int]:
    _note, size = opening.published_checkpoint(settings)
    ledger = opening.open_ledger(settings, readonly=True)
    try:
        found = {}
        for height in range(size - 1, 0, -1):
            _next, rows = ledger.outcomes(height, 1)
            for topic, partition, offset, *_rest in rows:
                if topic == TOPIC and (partition, offset) in places:
                    found[partition, offset] = height
            if len(found) == len(places):
                break
        return found
    finally:
        ledger.close()
