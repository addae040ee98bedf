"""What of an issuer waits, what was asked of it or by it, and which reversals it owes."""

from fastapi import Request
from fastapi.responses import Response

from farechain import orders
from farechain.api.command_models import CommandAnswer
from farechain.api.problems import Problem
from farechain.orders import Invoice
from farechain.pages.issuer.own import own
from farechain.pages.office import LISTED_MAX, Office, Visit, ask, unknown_form
from farechain.pages.one_invoice import named
from farechain.pages.reversals import owed_of, requests_of

AT_ONCE_MAX = 50
"""Each is a command of its own, with a result of its own."""


def add(office: Office) -> None:
    """``/issuer/owed``."""

    @office.routes.get("/issuer/owed")
    async def owed(request: Request) -> Response:
        visit = await office.visit(request)
        return await _page(office, visit, ())

    @office.routes.post("/issuer/owed")
    async def ask(request: Request) -> Response:
        visit = await office.visit(request)
        form = await visit.form()
        if form.one("do") != "ask":
            raise unknown_form(form.one("do"))
        chosen = list(dict.fromkeys(form.all("invoice")))[:AT_ONCE_MAX]
        if not chosen:
            raise Problem(422, "E_SCHEMA", "choose what to ask for")
        results: list[tuple[Invoice, Problem | None, CommandAnswer | None]] = []
        for place, each in enumerate(chosen):
            invoice = named(*each.partition("-")[::2])
            order = orders.red_request(invoice, "SALES_RETURN", [])
            try:
                answer = await visit.give(order, f"{form.one('once')[:56]}-{place}")
                results.append((invoice, None, answer))
            except Problem as problem:
                results.append((invoice, problem, None))
        return await _page(office, visit, results)


async def _page(office: Office, visit: Visit, results: object) -> Response:
    registry, issuer = await own(visit)
    if results:
        registry = (await office.site.shared.registry.fresh()).registry
    party, ledger = visit.caller.party, office.site.context.ledger

    def read() -> dict[str, object]:
        return {
            "waiting": ledger.waiting(party, LISTED_MAX),
            "requests": requests_of(ledger, registry, office.seller_of, party, LISTED_MAX),
            "owed": owed_of(ledger, registry, office.seller_of, party, LISTED_MAX),
        }

    count = dict(registry["waiting"]).get(party, 0)
    return visit.page(
        "issuer/owed.html",
        issuer=issuer,
        waiting_count=count,
        results=results,
        **await ask(read),
    )
