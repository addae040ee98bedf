"""A small town over HTTP: one issuer, its gate, two companies and their clerks, on a real ledger.

Everything but the port is real: ledger, source, ingest, desk, application. Commands go through HTTP.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from prometheus_client import CollectorRegistry

from farechain import _core
from farechain.access.roles import Role
from farechain.access.tokens import Tokens
from farechain.api.callers import COOKIE
from farechain.api.context import ApiContext, Liveness
from farechain.books.books import Books
from farechain.client import Claimed, Device, HttpClient, Invoice, Party, SignedEvent
from farechain.pages.site import Keeping, create_site
from farechain.pipeline.clock import BlockClock
from farechain.pipeline.ingest import BlockLimits, Ingest, Sealed
from farechain.private.store import Store
from farechain.service import opening
from farechain.service.commands import CommandDesk
from farechain.sources import http
from farechain.sources.http import HttpSource
from farechain.sources.together import Together

NETWORK, CHAIN = "shenzhen", "shenzhen/0"
SELLER, CODE, TAX_CODE = "91440300708461136T", "144032609110", "3010101020202000000"
COMPANY, OTHER_COMPANY, APP = "91110000600037341L", "92532528MA6L45LX6L", "91440300MA9FC001XP"
PAYMENTS = 1
PAID_AT = datetime(2026, 3, 1, tzinfo=UTC)
TITLE = b"\7" * 32


def party(tax_id: str, number: int) -> Party:
    return Party(tax_id=tax_id, seed=bytes([number]) * 32, network=NETWORK)


BUREAU, ISSUER, CLERK, OTHER_CLERK, AGENT, HOLDER = (
    party(tax_id, number)
    for number, tax_id in enumerate(["", SELLER, COMPANY, OTHER_COMPANY, APP, APP], start=1)
)
SEEDS = {
    one.kid: bytes([number]) * 32
    for number, one in enumerate([BUREAU, ISSUER, CLERK, OTHER_CLERK, AGENT, HOLDER], start=1)
}
"""What the pages of the town sign with."""
STRANGER = party(COMPANY, 99)
GATE = Device(name="gate", seed=b"\x20" * 32, network=NETWORK, seller_tax_id=SELLER)


def founding(numbers: int = 1000) -> list[SignedEvent]:
    """Everything that a payment needs to become an invoice, and the parties' keys."""
    rate = {"scene": "METRO", "tax_code": TAX_CODE, "rate": 300}
    later = {"scene": "SCENIC", "tax_code": TAX_CODE, "rate": 300}
    days = {"from": "2026-01-01", "to": None}
    scenes: list[dict[str, Any]] = [
        {"code": code, "name": code, "detail": []} for code in ("METRO", "SCENIC")
    ]
    mandate = [{**rate, "policy": "AUTO"}, {**later, "policy": "ON_CLAIM"}]
    return [
        BUREAU.admit_issuer(SELLER, "metro"),
        BUREAU.register_key(ISSUER.public_key, "ISSUER", SELLER),
        BUREAU.register_key(CLERK.public_key, "REIMBURSER", COMPANY),
        BUREAU.register_key(OTHER_CLERK.public_key, "REIMBURSER", OTHER_COMPANY),
        BUREAU.admit_issuer(APP, "app"),
        BUREAU.register_key(AGENT.public_key, "AGENT", APP),
        AGENT.register_key(HOLDER.public_key, "HOLDER", APP),
        ISSUER.register_key(_core.public_key(b"\x20" * 32), "DEVICE", SELLER, ["METRO", "SCENIC"]),
        BUREAU.scene_table(scenes),
        BUREAU.rate_table([{**rate, **days}, {**later, **days}]),
        ISSUER.mandate([{**row, "stored_value": "AT_RIDE"} for row in mandate]),
        BUREAU.grant_numbers(CODE, 1, numbers),
        CLERK.reimburser_policy(accepts_individuals=True),
        OTHER_CLERK.reimburser_policy(accepts_individuals=True),
    ]


def ride(number: int, scene: str = "METRO", payer: str | None = None) -> SignedEvent:
    return GATE.payment(
        channel="WECHAT",
        txn_id=f"T{number}",
        scene=scene,
        gross_fen=700,
        paid_fen=665,
        paid_at=PAID_AT,
        payer=payer,
    )


def identity_of(event: SignedEvent) -> bytes:
    identity: bytes = _core.decode_event(event.value)["identity"]
    return identity


def claimed(*events: SignedEvent) -> list[Claimed]:
    return [Claimed(identity_of(event)) for event in events]


def record_of(offset: int, event: SignedEvent) -> _core.SourceRecord:
    return offset, int(PAID_AT.timestamp() * 1000), event.key, event.value, list(event.headers)


@dataclass
class Town:
    """A ledger that takes commands over HTTP while ``open`` is entered."""

    place: Path
    waiting_max: int = 1024
    max_age_ms: int = 5
    timeout_s: float = 10.0
    routes: Any = None
    oidc: Any = None
    private: Store | None = None
    listed: bool = True
    blocks: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        sources = [("payments.metro", b"\1" * 16, 0), *([http.SOURCE] if self.listed else [])]
        _core.Ledger.create(
            str(self.place / "ledger"),
            network=NETWORK,
            chain=CHAIN,
            bureau=BUREAU.public_key,
            sources=sources,
            regions=["4403"],
            time_ms=int(PAID_AT.timestamp() * 1000),
        )
        self.ledger = _core.Ledger.open(str(self.place / "ledger"))
        state = str(self.place / "state")
        self.log = _core.PublicLog.open(str(self.place / "public"), state, CHAIN, b"L" * 32)
        self.books = Books.open(self.place / "books.sqlite")
        self.halt = asyncio.Event()
        self.tokens = Tokens(self.place / "tokens.jsonl")

    def pay(self, *events: SignedEvent) -> None:
        """Payments through their topic, before anything is open."""
        intake = self.ledger.intake()
        offset = intake.expected(PAYMENTS)
        intake.push_records(PAYMENTS, [record_of(offset + n, each) for n, each in enumerate(events)], None)
        committed = self.ledger.commit(
            self.ledger.prepare(intake.seal(1000)), self.ledger.status()["time_ms"] + 1
        )
        assert committed.rejected == {}

    def publish(self) -> None:
        """A checkpoint over all blocks."""
        while self.log.size <= self.ledger.height:
            self.log.catch_up(self.ledger)
        self.log.publish(self.log.sign())

    @asynccontextmanager
    async def open(self, running: bool = True) -> AsyncIterator["Town"]:
        """Runs ingest and the application; without ``running`` commands are taken and nothing is sealed."""
        self.source = HttpSource(
            opening.partitions_of(self.ledger)[-1], waiting_max=self.waiting_max, waiting_bytes_max=1 << 20
        )
        self.desk = CommandDesk(self.ledger, self.source if self.listed else None, self.timeout_s)
        context = ApiContext(
            ledger=self.ledger,
            log=self.log,
            public_dir=self.place / "public",
            registry=CollectorRegistry(),
            liveness=Liveness(),
            vkey=self.log.vkey,
            commands=self.desk if self.listed else None,
            ending=self.halt,
            tokens=self.tokens,
            private=self.private,
            books=self.books,
            public_url="http://farechain.test",
            audit_file=self.place / "audit.json",
            **({"routes": self.routes} if self.routes else {}),
        )
        self.app = create_site(context, Keeping(SEEDS, agent=APP, oidc=self.oidc))
        self.transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        task = asyncio.create_task(self._ingest()) if running and self.listed else None
        self.http = httpx.AsyncClient(transport=self.transport, base_url="http://farechain.test")
        async with self.http:
            self.client = HttpClient("http://farechain.test", tries=1, transport=self.transport)
            try:
                yield self
            finally:
                self.halt.set()
                if task is not None:
                    await task
                self.desk.end()

    @asynccontextmanager
    async def again(self, *paid: SignedEvent) -> AsyncIterator["Town"]:
        """Ends what runs, opens the ledger again, takes payments and runs anew: what a restart does."""
        self.halt.set()
        await self.ended()
        self.ledger.close()
        self.ledger = _core.Ledger.open(str(self.place / "ledger"))
        if paid:
            self.pay(*paid)
        self.halt = asyncio.Event()
        async with self.open():
            yield self

    async def ended(self) -> None:
        """Waits for the end of ingest."""
        await self._ended.wait()

    async def _ingest(self) -> None:
        ingest = Ingest(
            self.ledger,
            Together([(self.source, [1])]),
            limits=BlockLimits(1000, self.max_age_ms),
            clock=BlockClock(),
            on_block=self._on_block,
        )
        self._ended = asyncio.Event()
        try:
            await ingest.run(self.halt)
        finally:
            self._ended.set()

    def follow(self) -> None:
        """The books up to the ledger's head."""
        while self.books.follow(self.ledger):
            pass

    def _on_block(self, sealed: Sealed) -> None:
        self.follow()
        self.blocks.append(sealed.committed.height)
        self.desk.durable(sealed.committed.height)

    async def taken(self, count: int) -> None:
        """Waits until so many commands are on their way."""
        async with asyncio.timeout(10):
            while self.source.waiting < count:  # noqa: ASYNC110  the source has no event for it
                await asyncio.sleep(0)

    def person(self, role: Role, party: str) -> httpx.AsyncClient:
        """A browser of somebody who is logged in; enter it with ``async with``."""
        token = self.tokens.issue(party, role, 1, active_max=100).token
        return httpx.AsyncClient(
            transport=self.transport, base_url="http://farechain.test", cookies={COOKIE: token}
        )

    async def found(self) -> None:
        """The founding commands, each through HTTP."""
        for event in founding():
            await self.client.send(event)

    async def post(self, event: SignedEvent, **changed: Any) -> httpx.Response:
        """One command as bytes, with headers of one's own."""
        headers = {
            "Content-Type": "application/cloudevents+json",
            "fc-kid": event.kid,
            "fc-sig": event.signature.hex(),
            **changed.pop("headers", {}),
        }
        headers = {name: value for name, value in headers.items() if value is not None}
        return await self.http.post(
            "/v1/commands", content=changed.pop("content", event.value), headers=headers
        )


def invoice(number: int) -> Invoice:
    return Invoice(CODE, number)
