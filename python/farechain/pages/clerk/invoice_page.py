"""One invoice as a party to it sees it: all that stands on it, its movements, documents, red letters."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from farechain import orders
from farechain.api.invoice_views import view_of
from farechain.api.problems import Problem
from farechain.api.registry import LAPSES_MS
from farechain.books.books import Books
from farechain.books.entries import BookedInvoice, Movement
from farechain.export import posting
from farechain.orders import Invoice, Order, Reason
from farechain.pages import routes as page_routes
from farechain.pages.clerk.desk import (
    NOT_YOURS,
    Desk,
    Held,
    claim_id_of,
    invoice_of,
    is_party,
    name_of,
    once_of,
)
from farechain.pages.clerk.lists import FILE_ROWS, received
from farechain.pages.clerk.scanned import Scan, read_line
from farechain.pages.clerk.several import ACTIONS, locks, said
from farechain.pages.documents import Documents, Format
from farechain.pages.forms import Form
from farechain.pages.layout import NO_STORE
from farechain.pages.reversals import Request as RedRequest
from farechain.pages.reversals import request_of
from farechain.pages.words import RED_REASONS

ASKED: tuple[Reason, ...] = ("SALES_RETURN", "ISSUE_ERROR", "SERVICE_SUSPENSION", "SALES_DISCOUNT")
FORMATS: dict[str, Format] = {"invoice": "pdf", "trips": "trips"}
"""Documents by the name of their file here."""
RED = {
    "red_confirm": orders.red_confirm,
    "red_refuse": orders.red_refuse,
    "red_withdraw": orders.red_withdraw,
    "red_expire": orders.red_expire,
}


def install(routes: APIRouter, desk: Desk) -> None:
    """Adds the routes of one invoice and of its documents."""
    documents = desk.site.documents

    @routes.get("/clerk/invoice/{name}")
    async def invoice(request: Request, name: str) -> Response:
        session = await desk.clerk(request)
        tax_id = session.caller.party
        held = await desk.held(tax_id, name)
        registry = (await desk.site.shared.registry.now()).registry
        view = await asyncio.to_thread(view_of, desk.context, held.found, opened=True)
        now_ms = int(desk.context.clock_s() * 1000)
        booked, movements = None, None
        if desk.context.books is not None:
            booked, movements = await desk.books(lambda books: _booked(books, held.invoice))
        asked = await asyncio.to_thread(request_of, desk.ledger, registry, *held.invoice)
        owed = [item for item in registry["owed"] if (item["code"], item["number"]) == held.invoice]
        red = red_turn(held, tax_id, asked, owed, now_ms)
        return desk.render(
            request,
            "clerk/invoice.html",
            session,
            tab=None,
            called=name_of(held.invoice),
            view=view,
            held=held,
            booked=booked,
            movements=movements,
            names=await desk.names(),
            red=red,
            reasons_asked={code: RED_REASONS[code] for code in ASKED},
            actions=ACTIONS,
            possible=possible(held, tax_id),
        )

    @routes.post("/clerk/invoice/{name}")
    async def act(request: Request, name: str) -> Response:
        session = await desk.clerk(request)
        form = await desk.site.sessions.form(request, session)
        party = await desk.site.signing.party_of(session.caller)
        held = await desk.held(party.tax_id, name)
        answer = await desk.give(party, _order(form, held), once_of(form))
        return page_routes.done(f"/clerk/invoice/{name_of(held.invoice)}", answer)

    @routes.get("/clerk/invoice/{name}/posting.json")
    async def one_posting(request: Request, name: str) -> Response:
        session = await desk.clerk(request)
        found = await asyncio.to_thread(_readable, desk, session.caller.party, name)
        return _json(await _posting(documents, found), f"{name}.posting")

    @routes.get("/clerk/invoice/{name}/{form}.pdf")
    async def document(request: Request, name: str, form: str) -> Response:
        session = await desk.clerk(request)
        found = await asyncio.to_thread(_readable, desk, session.caller.party, name)
        if form not in FORMATS:
            raise Problem(404, "E_NOT_FOUND", "no such document")
        return await documents.file(found, FORMATS[form])

    @routes.get("/clerk/posting.json")
    async def postings(request: Request, id: str = "", after: str | None = None) -> Response:
        session = await desk.clerk(request)
        tax_id = session.caller.party
        page = await desk.books(
            lambda books: (
                books.of_claim(tax_id, id, FILE_ROWS, after)
                if id
                else received(books, tax_id, "posted", FILE_ROWS, after)
            )
        )
        written = []
        for entry in page.entries:
            found = await asyncio.to_thread(desk.ledger.invoice, entry.code, entry.number)
            if entry.claim == "POSTED" and found is not None:
                written.append(orjson.loads(await _posting(documents, found, entry)))
        return _json(orjson.dumps(written, option=orjson.OPT_INDENT_2) + b"\n", "posted")


def possible(held: Held, tax_id: str) -> list[str]:
    """Actions that where it stands permits this company, without red letters."""
    allowed, locker = held.found["allowed"], held.standing["locker"]
    is_buyer = held.found["fields"].get("buyer_tax_id") == tax_id
    mine = {
        "lock": is_buyer and "LOCK" in allowed,
        "unlock": locker == tax_id and "UNLOCK" in allowed,
        "reimburse": locker == tax_id and "REIMBURSE" in allowed,
        "post": locker == tax_id and "POST" in allowed,
        "unpost": locker == tax_id and "UNPOST" in allowed,
        "confirm": is_buyer and "CONFIRM_USE" in allowed,
    }
    return [action for action, may in mine.items() if may]


def red_turn(
    held: Held, tax_id: str, request: RedRequest | None, owed: Sequence[Mapping[str, Any]], now_ms: int
) -> dict[str, Any]:
    """What this company may say of a red letter, and the open request with the time that is left.

    Sides (docs/format.md, section 3): the seller's; and the locker, or, where there is none, the buyer.
    """
    standing = held.standing
    buyer = held.found["fields"].get("buyer_tax_id")
    is_side = (standing["locker"] or buyer) == tax_id
    turn: list[str] = []
    left_ms = None
    if request is not None:
        left_ms = request.left_ms(now_ms)
        if left_ms < 0:
            turn.append("red_expire")
        if request.side == "REIMBURSER" and is_side:
            turn.append("red_withdraw")
        elif is_side:
            turn += [*(["red_confirm"] if left_ms >= 0 else []), "red_refuse"]
    elif "RED_REQUEST" in held.found["allowed"] and tax_id in (buyer, standing["locker"]):
        turn.append("red_request")
    return {
        "request": request,
        "lapses_ms": request.since_ms + LAPSES_MS if request else None,
        "left_ms": left_ms,
        "owed_fen": sum(item["fen"] for item in owed),
        "turn": turn,
    }


def _booked(books: Books, invoice: Invoice) -> tuple[BookedInvoice | None, Sequence[Movement]]:
    return books.one(*invoice), books.movements(*invoice).entries


def _order(form: Form, held: Held) -> Order:
    action = form.one("do")
    if action == "lock":
        text = form.one("presentation")
        scan = read_line(text) if text else Scan("")
        if text and (scan.presentation is None or scan.invoice != held.invoice):
            raise Problem(422, "E_PRESENTATION", "this is no presentation of this invoice")
        (wanted,) = locks([Scan(text, held.invoice)], [scan] if text else [], claim_id_of(form))
        if wanted.order is None:
            assert wanted.problem is not None
            raise wanted.problem
        return wanted.order
    if action in ACTIONS:
        return said(action, form, held.invoice, held.standing)
    if action == "red_request":
        reason = next((each for each in ASKED if each == form.one("reason")), None)
        if reason is None:
            raise Problem(422, "E_SCHEMA", "say why the red letter is asked for")
        return orders.red_request(held.invoice, reason, [] if form.one("which") == "owed" else None)
    if action in RED:
        return RED[action](held.invoice)
    raise Problem(422, "E_SCHEMA", "say what to do")


def _readable(desk: Desk, tax_id: str, name: str) -> Mapping[str, Any]:
    """A blue invoice, or a red letter of one, that a company is a party to. Raises ``Problem`` 404."""
    found = desk.ledger.invoice(*invoice_of(name))
    blue = found
    if found is not None and found["standing"] is None:
        blue = desk.ledger.invoice(found["fields"]["original_code"], found["fields"]["original_number"])
    if found is None or blue is None or not is_party(tax_id, blue):
        raise Problem(404, "E_NOT_FOUND", NOT_YOURS)
    return found


async def _posting(
    documents: Documents, found: Mapping[str, Any], entry: BookedInvoice | None = None
) -> bytes:
    document = await documents.read(found)
    booked = None
    if entry is not None and entry.voucher and entry.period:
        booked = posting.Booked(entry.voucher, entry.period)
    return posting.write(document, booked)


def _json(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.json"'} | NO_STORE
    return Response(content, media_type="application/json", headers=headers)
