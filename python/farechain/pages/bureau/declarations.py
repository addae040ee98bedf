"""Declarations by issuer and month: what was declared against what the ledger has, acknowledged."""

from fastapi import Request
from fastapi.responses import Response

from farechain import registry_orders as orders
from farechain.pages.bureau.overview import missing_of
from farechain.pages.months import months_of
from farechain.pages.office import LISTED_MAX, Office, unknown_form


def add(office: Office) -> None:
    """``/bureau/declarations``."""

    @office.routes.get("/bureau/declarations")
    async def declarations(request: Request) -> Response:
        visit = await office.visit(request)
        issuers = (await visit.snapshot()).registry["issuers"]
        period = visit.asked("period", r"\d{4}-\d{2}")
        rows = [
            (issuer, month)
            for issuer in issuers
            for month in months_of(issuer, visit.now_ms)
            if month.declared is not None and period in (None, month.period)
        ]
        # What asks for an answer comes first, then the latest.
        rows.sort(key=lambda row: row[1].period, reverse=True)
        rows.sort(key=lambda row: row[1].state != "DECLARED")
        return visit.page(
            "bureau/declarations.html",
            rows=rows[:LISTED_MAX],
            missing=missing_of(issuers, visit.now_ms)[:LISTED_MAX],
            period=period,
        )

    @office.routes.post("/bureau/declarations")
    async def acknowledge(request: Request) -> Response:
        visit = await office.visit(request)
        form = await visit.form()
        if form.one("do") != "acknowledge":
            raise unknown_form(form.one("do"))
        order = orders.acknowledge(form.one("tax_id"), form.one("period"))
        return await visit.done("/bureau/declarations", order, form)
