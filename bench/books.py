"""The books: followed over a day of payments and over a life that is all claims and postings; then asked."""

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.day import prepared_day
from bench.figures import Figure
from bench.shapes import fill
from farechain import _core
from farechain.books.books import Books
from farechain.client import Claimed, Device, Invoice, Party, SignedEvent
from farechain.orders import Buyer

BLOCK = 8192
CLAIMS = 20_000
NETWORK, CODE, TAX_CODE = "shenzhen", "144032609110", "3010101020202000000"
SELLER, COMPANY = "91440300708461136T", "91110000600037341L"
PAID_AT = datetime(2026, 3, 1, tzinfo=UTC)
ROUNDS = 20


def _party(tax_id: str, number: int) -> Party:
    return Party(tax_id=tax_id, seed=bytes([number]) * 32, network=NETWORK)


BUREAU, ISSUER, CLERK, HOLDER = (
    _party(tax_id, number) for number, tax_id in enumerate(["", SELLER, COMPANY, SELLER], start=1)
)
GATE = Device(name="gate", seed=b"\x20" * 32, network=NETWORK, seller_tax_id=SELLER)
Step = tuple[int, list[SignedEvent]]


def measure(place: Path, invoices: int) -> list[Figure]:
    """CPU of one core: seconds, records a second, milliseconds a question. Ledgers and books are removed."""
    place = place / "books"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    ledger, _ = fill(place / "ledger", prepared_day(place.parent, invoices), BLOCK)
    day_s = _followed(place / "day.sqlite", ledger)[1]
    ledger.close()
    claimed = _claimed(place / "claimed")
    books, claims_s = _followed(place / "claims.sqlite", claimed)
    records = len(claimed.changes(0, claimed.height + 1)[1])
    last = books.inbox(COMPANY, 50)
    figures = [
        Figure("a day of payments, followed from nothing", day_s, "s"),
        Figure("claims, locks, reimbursements and postings, followed", records / claims_s, "/s"),
        Figure("the file, an invoice that was claimed", _bytes(place / "claims.sqlite") / CLAIMS, "bytes"),
        _asked("an inbox of 20,000, first page of 50", lambda: books.inbox(COMPANY, 50)),
        _asked("an inbox of 20,000, next page of 50", lambda: books.inbox(COMPANY, 50, last.after)),
        _asked("what a key holds of 20,000, first page of 50", lambda: books.held_by([HOLDER.kid], 50)),
        _asked("the totals of a company with 20,000", lambda: books.totals(COMPANY, [HOLDER.kid])),
    ]
    books.close()
    claimed.close()
    shutil.rmtree(place)
    return figures


def _followed(path: Path, ledger: _core.Ledger) -> tuple[Books, float]:
    started = time.process_time()
    books = Books.open(path)
    while books.follow(ledger):
        pass
    return books, time.process_time() - started


def _bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))


def _asked(name: str, ask: Callable[[], object]) -> Figure:
    took = []
    for _ in range(ROUNDS):
        started = time.process_time()
        ask()
        took.append(time.process_time() - started)
    return Figure(name, min(took) * 1000, "ms")


def _claimed(path: Path) -> _core.Ledger:
    """A ledger of one company's claims: all locked, half of them reimbursed and posted."""
    sources = [("farechain.commands", bytes(16), 0), ("payments.metro", b"m" * 16, 0)]
    _core.Ledger.create(
        str(path),
        network=NETWORK,
        chain="shenzhen/0",
        bureau=BUREAU.public_key,
        sources=sources,
        regions=["4403"],
        time_ms=int(PAID_AT.timestamp() * 1000),
    )
    ledger = _core.Ledger.open(str(path))
    intake = ledger.intake()
    for source, events in _life():
        first = intake.expected(source)
        records = [_record(first + n, event) for n, event in enumerate(events)]
        intake.push_records(source, records, None)
        while not intake.is_empty:
            committed = ledger.commit(ledger.prepare(intake.seal(BLOCK)), int(time.time() * 1000))
            assert committed.rejected == {}, committed.rejected
    return ledger


def _record(offset: int, event: SignedEvent) -> _core.SourceRecord:
    return offset, int(PAID_AT.timestamp() * 1000), event.key, event.value, list(event.headers)


def _life() -> Iterator[Step]:
    yield 1, _founding()
    paid = [_ride(number) for number in range(CLAIMS)]
    yield 2, paid
    buyer = Buyer(tax_id=COMPANY, title=b"\7" * 32, holder=HOLDER.kid)
    yield 1, [ISSUER.claim([Claimed(_core.decode_event(ride.value)["identity"])], buyer) for ride in paid]
    named = [Invoice(CODE, number) for number in range(1, CLAIMS + 1)]
    shown = [HOLDER.present(invoice, COMPANY, "c") for invoice in named]
    yield 1, [CLERK.lock(invoice, "c", proof) for invoice, proof in zip(named, shown, strict=True)]
    yield 1, [CLERK.reimburse(invoice, "c", 600) for invoice in named[::2]]
    yield 1, [CLERK.post(invoice, "v", "2026-03") for invoice in named[::2]]


def _ride(number: int) -> SignedEvent:
    return GATE.payment(
        channel="WECHAT", txn_id=f"T{number}", scene="METRO", gross_fen=700, paid_fen=665, paid_at=PAID_AT
    )


def _founding() -> list[SignedEvent]:
    rate: dict[str, Any] = {"scene": "METRO", "tax_code": TAX_CODE, "rate": 300}
    return [
        BUREAU.admit_issuer(SELLER, "metro"),
        BUREAU.register_key(ISSUER.public_key, "ISSUER", SELLER),
        BUREAU.register_key(CLERK.public_key, "REIMBURSER", COMPANY),
        BUREAU.register_key(HOLDER.public_key, "HOLDER", SELLER),
        BUREAU.register_key(_core.public_key(b"\x20" * 32), "DEVICE", SELLER, ["METRO"]),
        BUREAU.scene_table([{"code": "METRO", "name": "METRO", "detail": []}]),
        BUREAU.rate_table([{**rate, "from": "2026-01-01", "to": None}]),
        ISSUER.mandate([{**rate, "policy": "ON_CLAIM", "stored_value": "AT_RIDE"}]),
        BUREAU.grant_numbers(CODE, 1, 2 * CLAIMS),
    ]
