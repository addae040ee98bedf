"""An issuer's invoices: those that somebody has touched, any by its name, and red letters."""

from collections.abc import Sequence
from typing import cast

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from farechain import orders
from farechain.api.problems import Problem
from farechain.books.schema import CLAIMS
from farechain.orders import Invoice, Order, Reason
from farechain.pages.forms import Form, typed
from farechain.pages.office import Office, ask, unknown_form
from farechain.pages.one_invoice import Opened, named, opened

ROWS = 50
ANSWERS = {
    "confirm": orders.red_confirm,
    "refuse": orders.red_refuse,
    "withdraw": orders.red_withdraw,
    "expire": orders.red_expire,
}


def add(office: Office) -> None:
    """``/issuer/invoices``, ``/issuer/invoices/{code}/{number}``."""

    @office.routes.get("/issuer/invoices")
    async def invoices(request: Request) -> Response:
        visit = await office.visit(request)
        if "code" in request.query_params:
            code, number = (typed(request.query_params.get(name, "")) for name in ("code", "number"))
            invoice = named(code, number)
            return RedirectResponse(f"/issuer/invoices/{invoice.code}/{invoice.number:08d}", 303)
        claim = visit.asked("claim", "|".join(CLAIMS))
        books, after = visit.books, visit.asked("after")
        sold = await ask(lambda: books.sold_by(visit.caller.party, ROWS, after, claim)) if books else None
        return visit.page("issuer/invoices.html", sold=sold, claim=claim)

    @office.routes.get("/issuer/invoices/{code}/{number}")
    async def invoice(request: Request, code: str, number: str) -> Response:
        visit = await office.visit(request)
        found = await opened(visit, named(code, number))
        return visit.page("issuer/invoice.html", opened=found)

    @office.routes.post("/issuer/invoices/{code}/{number}")
    async def change(request: Request, code: str, number: str) -> Response:
        visit = await office.visit(request)
        form = await visit.form()
        found = await opened(visit, named(code, number))
        where = f"/issuer/invoices/{found.id.code}/{found.id.number:08d}"
        return await visit.done(where, _order(form, found), form)


def _order(form: Form, found: Opened) -> Order:
    wanted = form.one("do")
    if wanted in ANSWERS:
        return ANSWERS[wanted](found.id)
    if wanted not in ("red", "ask"):
        raise unknown_form(wanted)
    if wanted == "red" and form.one("sure") != "yes":
        raise Problem(422, "E_SCHEMA", "a red letter cannot be undone: say that you mean it")
    reason, payments = cast(Reason, form.one("reason")), _payments(form)
    made = orders.red_issue if wanted == "red" else orders.red_request
    return made(Invoice(*found.id), reason, payments)


def _payments(form: Form) -> Sequence[bytes] | None:
    """None for all; an empty list for what is owed."""
    what = form.one("what")
    if what == "all":
        return None
    if what == "owed":
        return []
    try:
        chosen = [bytes.fromhex(each) for each in form.all("payment")]
    except ValueError as error:
        raise Problem(422, "E_SCHEMA", "payment: not an identity") from error
    if not chosen:
        raise Problem(422, "E_SCHEMA", "choose the payments that the red letter is for, or all of it")
    return chosen
