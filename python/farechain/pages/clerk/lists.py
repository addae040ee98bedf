"""The clerk's lists: received, old locks, reversed after posting, open claims; and each as a file."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from farechain.api.problems import Problem
from farechain.books.books import Books
from farechain.books.entries import BookedInvoice, Movement, Page, Totals
from farechain.errors import FarechainError
from farechain.export.tables import Column, as_csv
from farechain.export.titles import Titles
from farechain.pages.clerk.desk import Desk
from farechain.pages.clerk.several import ACTIONS
from farechain.pages.language import Words
from farechain.pages.layout import NO_STORE, when

ROWS = 50
FILE_ROWS = 200
DAY_MS = 86_400_000
DAYS = (7, 30, 90, 180)
DAYS_MAX = 3650
STATES = {
    "all": (Words("All", "全部"), None, None),
    "free": (Words("Free", "未报销"), "FREE", False),
    "locked": (Words("Locked by us", "本单位锁定"), "LOCKED", False),
    "reimbursed": (Words("Reimbursed", "已报销"), "REIMBURSED", False),
    "posted": (Words("Posted", "已入账"), "POSTED", False),
    "reversed": (Words("Reversed", "已红冲"), None, True),
}
"""What the inbox may be narrowed to: words, claim state, whether nothing is left of it."""
POSSIBLE = {
    "all": tuple(ACTIONS),
    "free": ("lock", "confirm"),
    "locked": ("reimburse", "unlock", "confirm"),
    "reimbursed": ("post", "confirm"),
    "posted": ("unpost", "confirm"),
    "reversed": (),
}
"""What may be done with several of a list."""
COLUMNS = (
    Column("code"),
    Column("number"),
    Column("issued_at"),
    Column("seller"),
    Column("seller_name"),
    Column("buyer"),
    Column("title"),
    Column("net_fen", integer=True),
    Column("tax_fen", integer=True),
    Column("total_fen", integer=True),
    Column("remaining_fen", integer=True),
    Column("fiscal"),
    Column("claim"),
    Column("use"),
    Column("frozen"),
    Column("locker"),
    Column("claim_id"),
    Column("locked_at"),
    Column("reimbursed_at"),
    Column("reimbursed_fen", integer=True),
    Column("posted_at"),
    Column("voucher"),
    Column("period"),
)


def install(routes: APIRouter, desk: Desk) -> None:
    """Adds the routes of the lists."""
    titles = Titles(lambda: desk.context.private)

    async def shown(entries: Sequence[BookedInvoice], tax_id: str) -> dict[str, Any]:
        return {
            "entries": entries,
            "names": await desk.names(),
            "titles": await asyncio.to_thread(_titles, titles, entries, tax_id),
            "actions": ACTIONS,
        }

    async def file(request: Request, entries: Sequence[BookedInvoice], tax_id: str, name: str) -> Response:
        known = await shown(entries, tax_id)
        rows = [_row(entry, known["names"], known["titles"]) for entry in entries]
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'} | NO_STORE
        return Response(as_csv(rows, COLUMNS), media_type="text/csv; charset=utf-8", headers=headers)

    @routes.get("/clerk")
    async def inbox(
        request: Request, state: str = "all", after: str | None = None, ticked: str = ""
    ) -> Response:
        session = await desk.clerk(request)
        tax_id = session.caller.party
        page = await desk.books(lambda books: received(books, tax_id, state, ROWS, after))
        totals = await desk.books(lambda books: books.totals(tax_id))
        return desk.render(
            request,
            "clerk/inbox.html",
            session,
            tab="inbox",
            state=state,
            states=STATES,
            counts=counts(totals),
            totals=totals,
            possible=POSSIBLE[state],
            after=page.after,
            before=after,
            ticked=bool(ticked),
            **await shown(page.entries, tax_id),
        )

    @routes.get("/clerk/inbox.csv")
    async def inbox_file(request: Request, state: str = "all", after: str | None = None) -> Response:
        session = await desk.clerk(request)
        tax_id = session.caller.party
        page = await desk.books(lambda books: received(books, tax_id, state, FILE_ROWS, after))
        return await file(request, page.entries, tax_id, f"inbox-{state}")

    @routes.get("/clerk/locks")
    async def locks(
        request: Request, days: str = "30", after: str | None = None, ticked: str = ""
    ) -> Response:
        session = await desk.clerk(request)
        tax_id, before_ms = session.caller.party, _before_ms(desk, days)
        page = await desk.books(lambda books: books.locked_by(tax_id, before_ms, ROWS, after))
        return desk.render(
            request,
            "clerk/locks.html",
            session,
            tab="locks",
            days=int(days),
            choices=DAYS,
            after=page.after,
            possible=("unlock", "reimburse"),
            ticked=bool(ticked),
            **await shown(page.entries, tax_id),
        )

    @routes.get("/clerk/locks.csv")
    async def locks_file(request: Request, days: str = "30", after: str | None = None) -> Response:
        session = await desk.clerk(request)
        tax_id, before_ms = session.caller.party, _before_ms(desk, days)
        page = await desk.books(lambda books: books.locked_by(tax_id, before_ms, FILE_ROWS, after))
        return await file(request, page.entries, tax_id, f"locks-{int(days)}-days")

    @routes.get("/clerk/reversed")
    async def reversed_after_posting(request: Request, after: str | None = None) -> Response:
        session = await desk.clerk(request)
        tax_id = session.caller.party
        page = await desk.books(lambda books: books.reversed_after_posting(tax_id, ROWS, after))
        letters = await desk.books(
            lambda books: {_key(each): red_letters(books, each) for each in page.entries}
        )
        return desk.render(
            request,
            "clerk/reversed.html",
            session,
            tab="reversed",
            letters=letters,
            after=page.after,
            **await shown(page.entries, tax_id),
        )

    @routes.get("/clerk/reversed.csv")
    async def reversed_file(request: Request, after: str | None = None) -> Response:
        session = await desk.clerk(request)
        tax_id = session.caller.party
        page = await desk.books(lambda books: books.reversed_after_posting(tax_id, FILE_ROWS, after))
        return await file(request, page.entries, tax_id, "reversed-after-posting")

    @routes.get("/clerk/claim.csv")
    async def claim_file(request: Request, id: str = "", after: str | None = None) -> Response:
        session = await desk.clerk(request)
        tax_id = session.caller.party
        page = await desk.books(lambda books: books.of_claim(tax_id, id, FILE_ROWS, after))
        return await file(request, page.entries, tax_id, "claim")

    @routes.get("/clerk/claims")
    async def claims(request: Request) -> Response:
        session = await desk.clerk(request)
        tax_id = session.caller.party
        page = await desk.books(lambda books: books.locked_by(tax_id, 1 << 62, FILE_ROWS))
        return desk.render(
            request,
            "clerk/claims.html",
            session,
            tab="claims",
            claims=open_claims(page.entries),
            more=page.after is not None,
        )

    @routes.get("/clerk/claim")
    async def claim(request: Request, id: str = "", after: str | None = None, ticked: str = "") -> Response:
        session = await desk.clerk(request)
        tax_id, claim_id = session.caller.party, id.strip()
        page = await desk.books(lambda books: books.of_claim(tax_id, claim_id, FILE_ROWS, after))
        return desk.render(
            request,
            "clerk/claim.html",
            session,
            tab="claims",
            claim_id=claim_id,
            possible=("reimburse", "unlock", "post", "unpost", "confirm"),
            ticked=bool(ticked),
            after=page.after,
            **await shown(page.entries, tax_id),
        )


def received(books: Books, tax_id: str, state: str, limit: int, after: str | None) -> Page[BookedInvoice]:
    """A part of the inbox. Raises ``Problem`` 404 for a state that there is not."""
    if state not in STATES:
        raise Problem(404, "E_NOT_FOUND", "no such state")
    _words, claim, is_reversed = STATES[state]
    return books.inbox(tax_id, limit, after, claim, is_reversed)


def counts(totals: Totals) -> dict[str, int]:
    """How many are in each part of the inbox."""
    left = {claim: total.count - totals.received_reversed[claim] for claim, total in totals.received.items()}
    return {
        "all": sum(total.count for total in totals.received.values()),
        **{state: left[claim] for state, (_words, claim, _gone) in STATES.items() if claim},
        "reversed": sum(totals.received_reversed.values()),
    }


def open_claims(entries: Sequence[BookedInvoice]) -> dict[str, tuple[int, int, int]]:
    """Claims with something locked: how many, fen, since when; the oldest first."""
    found: dict[str, tuple[int, int, int]] = {}
    for entry in entries:
        count, amount, since = found.get(entry.claim_id or "", (0, 0, entry.locked_ms or 0))
        found[entry.claim_id or ""] = (count + 1, amount + entry.remaining_fen, since)
    return found


def red_letters(books: Books, entry: BookedInvoice) -> list[Movement]:
    """The red letters that took something off an invoice since it was posted."""
    moves = books.movements(entry.code, entry.number).entries
    posted_ms = entry.posted_ms or 0
    return [move for move in moves if move.red_number is not None and move.time_ms >= posted_ms]


def _key(entry: BookedInvoice) -> str:
    return f"{entry.code}-{entry.number:08d}"


def _titles(titles: Titles, entries: Sequence[BookedInvoice], tax_id: str) -> Mapping[bytes, str]:
    """The company's own titles as far as they are at hand; an individual's stay closed."""
    own = {entry.title for entry in entries if entry.buyer_tax_id == tax_id and entry.title is not None}
    try:
        found = {title: titles.text_of(title) for title in own}
    except FarechainError as error:
        raise Problem(503, error.code, error.message) from error
    return {title: text for title, text in found.items() if text is not None}


def _before_ms(desk: Desk, days: str) -> int:
    """The time before which something is older than so many days. Raises ``Problem`` 422."""
    if not (days.isascii() and days.isdecimal() and len(days) <= 4 and int(days) <= DAYS_MAX):
        raise Problem(422, "E_SCHEMA", f"days: 0 to {DAYS_MAX}")
    return int(desk.context.clock_s() * 1000) - int(days) * DAY_MS


def _row(entry: BookedInvoice, names: Mapping[str, str], titles: Mapping[bytes, str]) -> dict[str, Any]:
    same = ("code", "seller", "net_fen", "tax_fen", "total_fen", "remaining_fen", "fiscal", "claim", "use")
    more = ("locker", "claim_id", "reimbursed_fen", "voucher", "period")
    times = {
        name: when(value) if (value := getattr(entry, f"{name.removesuffix('_at')}_ms")) else None
        for name in ("issued_at", "locked_at", "reimbursed_at", "posted_at")
    }
    return {
        **{name: getattr(entry, name) for name in (*same, *more)},
        **times,
        "number": f"{entry.number:08d}",
        "seller_name": names.get(entry.seller),
        "buyer": entry.buyer_tax_id,
        "title": titles.get(entry.title) if entry.title else None,
        "frozen": "frozen" if entry.frozen else None,
    }
