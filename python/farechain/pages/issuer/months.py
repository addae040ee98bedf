"""Closing a period: the ledger's totals month by month, declared with amounts that must be the same."""

from fastapi import Request
from fastapi.responses import Response

from farechain import registry_orders as orders
from farechain.pages.issuer.own import own
from farechain.pages.months import months_of
from farechain.pages.office import LISTED_MAX, Office, amount, unknown_form


def add(office: Office) -> None:
    """``/issuer/months``."""

    @office.routes.get("/issuer/months")
    async def months(request: Request) -> Response:
        visit = await office.visit(request)
        _registry, issuer = await own(visit)
        return visit.page("issuer/months.html", months=months_of(issuer, visit.now_ms)[:LISTED_MAX])

    @office.routes.post("/issuer/months")
    async def declare(request: Request) -> Response:
        visit = await office.visit(request)
        form = await visit.form()
        if form.one("do") != "declare":
            raise unknown_form(form.one("do"))
        amounts = [amount(form, name) for name in ("invoiced", "uninvoiced", "red")]
        return await visit.done("/issuer/months", orders.declare(form.one("period"), *amounts), form)
