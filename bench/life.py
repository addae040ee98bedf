"""What the life of invoices costs beside payments, and how long a claim waits during a backlog."""

import asyncio
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.day import SEED, prepared_day
from bench.figures import Figure
from farechain import _core, broker, keys
from farechain.client import Claimed, HttpClient, Party, SignedEvent
from farechain.config import Settings
from farechain.data import PAYMENT_APP, agents
from farechain.day.files import Manifest
from farechain.day.generate import generate
from farechain.day.keyring import Keyring, derive
from farechain.day.life import Life, Wave
from farechain.day.life.known import Receipts
from farechain.day.plan import NETWORK, PARTITIONS
from farechain.demo.place import Place, free_port
from farechain.demo.processes import Child
from farechain.orders import Buyer
from farechain.service import opening
from farechain.spool_lines import spool_record

STAGES = ("decode_ns", "verify_ns", "decide_ns", "hash_ns", "append_ns", "index_ns")
BLOCK = 8192
CLAIMS_PER_S = 40
WATCH_S = 0.002
SETTLE_S = 30.0
PRODUCE = """
import asyncio, pathlib, sys
from farechain import broker
asyncio.run(broker.produce_spool(sys.argv[1], pathlib.Path(sys.argv[2])))
"""


def cost(place: Path, invoices: int) -> list[Figure]:
    """CPU of an input on the ingest path, all stages but the sync: payments, claims, what follows them."""
    size = max(1_000, invoices // 8)
    day = place / "life"
    shutil.rmtree(day, ignore_errors=True)
    manifest = generate(day, day / "keys", seed=SEED, invoices=size, on_claim=size)
    path = str(day / "ledger")
    partitions = [(topic, number) for topic, count in PARTITIONS.items() for number in range(count)]
    bureau = keys.read_public_key(day / "keys" / "bureau.pub")
    sources = [(topic, bytes(16), number) for topic, number in partitions]
    _core.Ledger.create(
        path,
        network=NETWORK,
        chain="bench/0",
        bureau=bureau,
        sources=sources,
        regions=["4403"],
        time_ms=int(time.time() * 1000),
    )
    ledger = _core.Ledger.open(path)
    _take(ledger, day / "spool", partitions[:1])
    figures = [_figure("a payment", _take(ledger, day / "spool", partitions[1:]))]
    figures += [_figure(name, us) for name, us in _lives(ledger, manifest, day, partitions, size)]
    ledger.close()
    payment = figures[0].value
    return [figures[0], *(Figure(each.name, each.value, each.unit, 2 * payment) for each in figures[1:])]


def _lives(
    ledger: _core.Ledger, manifest: Manifest, day: Path, partitions: list[tuple[str, int]], size: int
) -> list[tuple[str, float]]:
    life = Life(manifest, day / "keys", seed=SEED, invoices=size, on_claim=size)
    first: Wave = life.next_turn(ledger)
    claims = _take(ledger, first.spool, partitions)
    second = life.next_turn(ledger)
    return [
        ("a claim", claims),
        ("a lock, reimbursement, posting ...", _take(ledger, second.spool, partitions)),
    ]


def _take(ledger: _core.Ledger, spool: Path, partitions: list[tuple[str, int]]) -> float:
    """Ingests what a spool has of these partitions; returns microseconds of CPU an input."""
    names = {(topic, number): at for at, (topic, _, number, _, _) in enumerate(ledger.positions())}
    intake = ledger.intake()
    for topic, number in partitions:
        lines = spool / f"{topic}-{number}.jsonl"
        if lines.exists():
            records = [spool_record(line)[2] for line in lines.read_bytes().splitlines()]
            intake.push_records(names[topic, number], records, None)
    inputs, ns = 0, 0
    while not intake.is_empty:
        prepared = ledger.prepare(intake.seal(BLOCK))
        committed = ledger.commit(prepared, max(int(time.time() * 1000), ledger.status()["time_ms"]))
        inputs += committed.inputs
        ns += sum(getattr(prepared, name, 0) or getattr(committed, name, 0) for name in STAGES)
    return ns / max(1, inputs) / 1000


def _figure(name: str, us: float) -> Figure:
    return Figure(f"CPU of {name} on the ingest path", us, "us")


@dataclass
class _Waits:
    """Sizes of published checkpoints, by when they were seen."""

    checkpoint: Path
    seen: list[tuple[float, int]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def size(self) -> int:
        """The last one seen."""
        return self.seen[-1][1] if self.seen else 0

    def watch(self) -> None:
        """Until ``ended``."""
        while not self.ended.wait(WATCH_S):
            if not self.checkpoint.exists():
                continue
            _origin, now, _root = _core.parse_checkpoint(self.checkpoint.read_text("utf-8"))
            if now > self.size:
                self.seen.append((time.monotonic(), now))


def waiting(place: Path, invoices: int) -> list[Figure]:
    """From a claim's intended time to the signed checkpoint over it, while a day's backlog is taken.

    Claims are of visits, whose topic is read before; the metro's, buses' and car parks' payments are produced
    when the service runs already. Claims come at a steady rate, whatever the answers take.
    """
    day = prepared_day(place, invoices)
    home = Place((place / "claims").resolve())
    home.renew()
    early, late = home.root / "early", home.root / "late"
    for path in sorted((day / "spool").glob("*.jsonl")):
        goes = early if path.name.startswith(("farechain.commands", "payments.scenic")) else late
        goes.mkdir(exist_ok=True)
        shutil.copy(path, goes / path.name)
    shutil.copytree(day / "keys", home.keys)
    running = broker.start(home.root / "broker", fallback=False)
    try:
        topics = {**PARTITIONS, "farechain.receipts": 4, "farechain.deadletter": 1}
        asyncio.run(broker.ensure_topics(running.bootstrap, topics))
        asyncio.run(broker.produce_spool(running.bootstrap, early))
        settings = home.configure(running.bootstrap, True, [], free_port())
        Child(["init", "--config", str(home.config), "--json"], home.lines("init")).result()
        service = Child(["serve", "--config", str(home.config)], home.lines("serve"))
        try:
            address = f"http://127.0.0.1:{settings.api.port}"
            service.wait_until_answering(f"{address}/readyz")
            asyncio.run(_taken(address, sum(_lines(path) for path in early.iterdir())))
            claims = _claims(settings, derive(SEED, invoices))
            waits = asyncio.run(_claim_during(settings, claims, running.bootstrap, late))
        finally:
            service.stop()
    finally:
        running.stop()
    last = len(waits) - 1
    return [
        Figure("claim to signed checkpoint during a backlog, median", waits[last // 2] * 1000, "ms"),
        Figure(
            "claim to signed checkpoint during a backlog, 99 of 100",
            waits[last * 99 // 100] * 1000,
            "ms",
            1000,
        ),
        Figure("claims measured", len(waits), "claims"),
    ]


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


async def _taken(address: str, inputs: int) -> None:
    """Until so many inputs are durable."""
    async with httpx.AsyncClient(base_url=address) as client, asyncio.timeout(SETTLE_S):
        while (await client.get("/v1/status")).json()["inputs"] < inputs:  # noqa: ASYNC110  a service tells by answers
            await asyncio.sleep(WATCH_S)


def _claims(settings: Settings, keyring: Keyring) -> list[SignedEvent]:
    """A claim for each visit that the payment app's people paid and that waits for one."""
    app = keyring.parties.agents[PAYMENT_APP]
    party = Party(
        tax_id=next(one.tax_id for one in agents() if one.code == PAYMENT_APP), seed=app.seed, network=NETWORK
    )
    ledger = opening.open_ledger(settings, readonly=True)
    try:
        sellers = {one.tax_id: one for one in keyring.operators}
        known = Receipts().of_the_day(ledger, sellers, keyring.parties.payers, 1)
    finally:
        ledger.close()
    trips = [trip for trip in known.claimable["scenic-2"] if trip.opening is not None]
    return [party.claim([Claimed(trip.identity, trip.opening)], Buyer(holder=party.kid)) for trip in trips]


async def _claim_during(
    settings: Settings, claims: Sequence[SignedEvent], bootstrap: str, late: Path
) -> list[float]:
    """Seconds from each claim's intended time to the first checkpoint over it, in order."""
    waits = _Waits(settings.public_dir / "checkpoint")
    watching = threading.Thread(target=waits.watch)
    watching.start()
    try:
        # In a process of its own: what it takes of this one's time would be told as the claims' wait.
        producing = await asyncio.create_subprocess_exec(sys.executable, "-c", PRODUCE, bootstrap, str(late))
        async with HttpClient(f"http://127.0.0.1:{settings.api.port}", tries=1) as client:
            began = time.monotonic()

            async def give(number: int, claim: SignedEvent) -> tuple[float, int]:
                intended = began + number / CLAIMS_PER_S
                await asyncio.sleep(max(0.0, intended - time.monotonic()))
                return intended, (await client.send(claim))["height"]

            given = await asyncio.gather(*(give(number, claim) for number, claim in enumerate(claims)))
        await producing.wait()
        deadline = time.monotonic() + SETTLE_S
        highest = max(height for _, height in given)
        while waits.size <= highest and time.monotonic() < deadline:  # noqa: ASYNC110  a file tells nobody
            await asyncio.sleep(WATCH_S)
    finally:
        waits.ended.set()
        watching.join()
    return sorted(
        next(at for at, size in waits.seen if size > height) - intended for intended, height in given
    )
