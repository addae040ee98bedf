"""Numbers: applications granted or refused, grants with what is left of them, grants closed."""

import functools
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from farechain import _core
from farechain import registry_orders as orders
from farechain.api.paging import page
from farechain.api.problems import Problem
from farechain.pages.forms import Form, typed
from farechain.pages.layout import local
from farechain.pages.office import LISTED_MAX, Office, Visit, ask, unknown_form, whole
from farechain.pages.supply import Suggested, next_free, supply_of

COUNT = 100_000
"""Suggested where nobody has said how many."""


def add(office: Office) -> None:
    """``/bureau/numbers``."""

    def suggested(registry: Mapping[str, Any], visit: Visit, count: int) -> Suggested:
        year = local(visit.now_ms).year
        digital = visit.asked("family") == "digital"
        genesis = _core.decode_record(office.site.context.ledger.record(0, 0) or b"")
        return next_free(registry["grants"], genesis["regions"][0], year, count, all_digital=digital)

    @office.routes.get("/bureau/numbers")
    async def numbers(request: Request) -> Response:
        visit = await office.visit(request)
        registry = (await visit.snapshot()).registry
        ledger, now_ms = office.site.context.ledger, visit.now_ms
        grants, following = page(registry["grants"], _key, visit.asked("after"), LISTED_MAX)
        rows = await ask(lambda: [(grant, supply_of(ledger, [grant], now_ms)) for grant in grants])
        open_ones = [one for one in registry["issuers"] if one["applied_for"] is not None][:LISTED_MAX]
        count = int(visit.asked("count", r"[1-9][0-9]{0,7}") or COUNT)
        books = visit.books
        answered = await ask(lambda: books.applications(None, 20)) if books else None
        return visit.page(
            "bureau/numbers.html",
            applications=[(one, suggested(registry, visit, one["applied_for"])) for one in open_ones],
            suggested=suggested(registry, visit, count),
            digital=visit.asked("family") == "digital",
            answered=[one for one in answered.entries if one.answer] if answered else [],
            grants=rows,
            following=following,
            issuers=registry["issuers"],
        )

    @office.routes.post("/bureau/numbers")
    async def change(request: Request) -> Response:
        visit = await office.visit(request)
        form = await visit.form()
        where, wanted = "/bureau/numbers", form.one("do")
        if wanted == "grant":
            first, last = whole(form, "from"), whole(form, "to")
            order = orders.grant_numbers(typed(form.one("code")), first, last, form.one("tax_id") or None)
        elif wanted == "refuse":
            order = orders.refuse_numbers(form.one("tax_id"), form.one("reason"))
        elif wanted == "close":
            if form.one("sure") != "yes":
                return await _closing(office, visit, form)
            order = orders.close_grant(form.one("code"), whole(form, "from"))
        else:
            raise unknown_form(wanted)
        return await visit.done(where, order, form)


async def _closing(office: Office, visit: Visit, form: Form) -> Response:
    """The page that says what closing a grant means. Raises ``Problem`` 404."""
    registry = (await visit.snapshot()).registry
    named = (form.one("code"), whole(form, "from"))
    for grant in registry["grants"]:
        if (grant["code"], grant["from"]) == named:
            ledger = office.site.context.ledger
            supply = await ask(functools.partial(supply_of, ledger, [grant], visit.now_ms))
            return visit.page("bureau/close.html", grant=grant, supply=supply)
    raise Problem(404, "E_NOT_FOUND", "no such grant")


def _key(grant: Mapping[str, Any]) -> str:
    return f"{grant['code']}-{grant['from']:08d}"
