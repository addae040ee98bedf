"""One invoice for the bureau: all that stands on it; frozen, unfrozen, unlocked for who no longer can."""

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from farechain import orders
from farechain.api.problems import Problem
from farechain.orders import Order
from farechain.pages.forms import Form, typed
from farechain.pages.office import Office, unknown_form
from farechain.pages.one_invoice import Opened, named, opened


def add(office: Office) -> None:
    """``/bureau/invoices``, ``/bureau/invoices/{code}/{number}``."""

    @office.routes.get("/bureau/invoices")
    async def look_up(request: Request) -> Response:
        visit = await office.visit(request)
        if "code" not in request.query_params:
            return visit.page("bureau/invoices.html")
        code, number = (typed(request.query_params.get(name, "")) for name in ("code", "number"))
        invoice = named(code, number)
        return RedirectResponse(f"/bureau/invoices/{invoice.code}/{invoice.number:08d}", 303)

    @office.routes.get("/bureau/invoices/{code}/{number}")
    async def invoice(request: Request, code: str, number: str) -> Response:
        visit = await office.visit(request)
        return visit.page("bureau/invoice.html", opened=await opened(visit, named(code, number)))

    @office.routes.post("/bureau/invoices/{code}/{number}")
    async def change(request: Request, code: str, number: str) -> Response:
        visit = await office.visit(request)
        form = await visit.form()
        found = await opened(visit, named(code, number))
        where = f"/bureau/invoices/{found.id.code}/{found.id.number:08d}"
        return await visit.done(where, _order(form, found), form)


def _order(form: Form, found: Opened) -> Order:
    wanted = form.one("do")
    if wanted == "freeze":
        return orders.freeze(found.id, form.one("note"))
    if wanted == "unfreeze":
        return orders.unfreeze(found.id)
    if wanted == "unlock":
        claim_id = found.view.standing.claim_id if found.view.standing else None
        if claim_id is None or form.one("claim_id") != claim_id:
            raise Problem(409, "E_STATE", "it is not locked for this claim: load the page again")
        return orders.unlock(found.id, claim_id)
    raise unknown_form(wanted)
