"""What an issuer lets the ledger issue for it, replaced as a whole after a look at what changes."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import Response

from farechain import registry_orders as orders
from farechain.api.problems import Problem
from farechain.pages.forms import Form
from farechain.pages.issuer.own import own
from farechain.pages.layout import local
from farechain.pages.office import AGAIN, Office, unknown_form
from farechain.pages.row_changes import changes_of, digest_of, rows_in

EPOCH = date(1970, 1, 1)
Rows = Sequence[Mapping[str, Any]]


def add(office: Office) -> None:
    """``/issuer/mandate``."""

    @office.routes.get("/issuer/mandate")
    async def mandate(request: Request) -> Response:
        visit = await office.visit(request)
        registry, issuer = await own(visit)
        return visit.page(
            "issuer/mandate.html",
            mandate={row["scene"]: row for row in issuer["mandate"]},
            scenes=registry["scenes"],
            rates=rates_of(registry["rates"], visit.now_ms),
            present=digest_of(issuer["mandate"]),
        )

    @office.routes.post("/issuer/mandate")
    async def replace(request: Request) -> Response:
        visit = await office.visit(request)
        form = await visit.form()
        _registry, issuer = await own(visit)
        if form.one("present") != digest_of(issuer["mandate"]):
            raise Problem(409, "E_STATE", AGAIN)
        if form.one("do") == "preview":
            rows = _rows(form)
            return visit.page(
                "issuer/mandate_preview.html",
                changes=changes_of(issuer["mandate"], rows, "scene"),
                rows=orjson.dumps(rows).decode(),
                present=form.one("present"),
            )
        if form.one("do") == "replace":
            return await visit.done("/issuer/mandate", orders.mandate(rows_in(form.one("rows"))), form)
        raise unknown_form(form.one("do"))


def rates_of(table: Rows, now_ms: int) -> dict[str, list[Mapping[str, Any]]]:
    """The rates that are in force today, by scene."""
    today = (local(now_ms).date() - EPOCH).days
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in table:
        if row["from_day"] <= today and (row["to_day"] is None or today <= row["to_day"]):
            found.setdefault(row["scene"], []).append(row)
    return found


def _rows(form: Form) -> list[dict[str, Any]]:
    """A row for each scene that is not left out. Raises ``Problem`` 422."""
    rows = []
    for scene in form.all("scene"):
        policy = form.one(f"policy.{scene}")
        if not policy:
            continue
        tax_code, _slash, rate = form.one(f"rate.{scene}").partition("/")
        if not rate:
            raise Problem(422, "E_RATE_NOT_ALLOWED", f"{scene[:16]}: choose a tax code and a rate")
        stored_value = form.one(f"stored_value.{scene}")
        row = {"scene": scene, "policy": policy, "stored_value": stored_value, "tax_code": tax_code}
        rows.append({**row, "rate": int(rate) if rate.isascii() and rate.isdigit() else rate})
    return rows
