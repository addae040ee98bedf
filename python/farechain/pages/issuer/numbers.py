"""An issuer's numbers: grants with what is left of them, and applying for more."""

from fastapi import Request
from fastapi.responses import Response

from farechain import registry_orders as orders
from farechain.pages.issuer.own import own
from farechain.pages.office import LISTED_MAX, Office, ask, unknown_form, whole
from farechain.pages.supply import supply_of

WEEKS = 13
"""An application for a quarter of a year, at the present pace."""


def add(office: Office) -> None:
    """``/issuer/numbers``."""

    @office.routes.get("/issuer/numbers")
    async def numbers(request: Request) -> Response:
        visit = await office.visit(request)
        registry, issuer = await own(visit)
        ledger, now_ms = office.site.context.ledger, visit.now_ms
        usable = [grant for grant in registry["grants"] if grant["tax_id"] in (None, visit.caller.party)]
        newest = sorted(usable, key=lambda grant: (grant["code"], grant["from"]), reverse=True)[:LISTED_MAX]
        rows = await ask(lambda: [(grant, supply_of(ledger, [grant], now_ms)) for grant in newest])
        pace = sum(supply.per_day for grant, supply in rows if grant["tax_id"] is not None)
        books = visit.books
        applications = await ask(lambda: books.applications(visit.caller.party, 20)) if books else None
        return visit.page(
            "issuer/numbers.html",
            issuer=issuer,
            grants=rows,
            suggested=max(1000, round(pace * 7 * WEEKS, -3)),
            applications=applications.entries if applications else (),
        )

    @office.routes.post("/issuer/numbers")
    async def apply(request: Request) -> Response:
        visit = await office.visit(request)
        form = await visit.form()
        if form.one("do") != "apply":
            raise unknown_form(form.one("do"))
        return await visit.done("/issuer/numbers", orders.apply_numbers(whole(form, "count")), form)
