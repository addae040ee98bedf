"""Red letters that one side asked the other for, and reversals that are owed: who is late, and how late."""

from fastapi import Request
from fastapi.responses import Response

from farechain import orders
from farechain.pages.office import LISTED_MAX, Office, ask, unknown_form
from farechain.pages.one_invoice import named
from farechain.pages.reversals import owed_of, requests_of


def add(office: Office) -> None:
    """``/bureau/red-letters``."""

    @office.routes.get("/bureau/red-letters")
    async def red_letters(request: Request) -> Response:
        visit = await office.visit(request)
        registry = (await visit.snapshot()).registry
        ledger = office.site.context.ledger

        def read() -> dict[str, object]:
            return {
                "requests": requests_of(ledger, registry, office.seller_of, None, LISTED_MAX),
                "owed": owed_of(ledger, registry, office.seller_of, None, LISTED_MAX),
            }

        names = {one["tax_id"]: one["name"] for one in registry["issuers"]}
        return visit.page("bureau/red_letters.html", names=names, **await ask(read))

    @office.routes.post("/bureau/red-letters")
    async def expire(request: Request) -> Response:
        visit = await office.visit(request)
        form = await visit.form()
        if form.one("do") != "expire":
            raise unknown_form(form.one("do"))
        order = orders.red_expire(named(form.one("code"), form.one("number")))
        return await visit.done("/bureau/red-letters", order, form)
