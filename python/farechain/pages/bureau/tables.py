"""Scenes and rates: shown as of a day, replaced as a whole by an edited text after a look at what changes."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import Response

from farechain import registry_orders as orders
from farechain.api.problems import Problem
from farechain.pages.layout import local
from farechain.pages.office import AGAIN, Office, unknown_form
from farechain.pages.row_changes import changes_of, digest_of, rows_in

EPOCH = date(1970, 1, 1)
TABLES = {"scenes": (orders.scene_table, "code"), "rates": (orders.rate_table, None)}
"""By the name in the address: the order that replaces it, and the member that names a row."""
Rows = list[dict[str, Any]]


def add(office: Office) -> None:
    """``/bureau/tables``, ``/bureau/tables/{name}``."""

    @office.routes.get("/bureau/tables")
    async def tables(request: Request) -> Response:
        visit = await office.visit(request)
        registry = (await visit.snapshot()).registry
        today = local(visit.now_ms).date()
        on = _day(visit.asked("on", r"\d{4}-\d{2}-\d{2}")) or today
        days = (on - EPOCH).days
        return visit.page(
            "bureau/tables.html",
            on=on.isoformat(),
            scenes=registry["scenes"],
            rates=[(row, _is_in_force(row, days)) for row in _rows_of(registry, "rates")],
        )

    @office.routes.get("/bureau/tables/{name}")
    async def edit(request: Request, name: str) -> Response:
        visit = await office.visit(request)
        rows = _rows_of((await visit.snapshot()).registry, _known(name))
        return visit.page("bureau/table_edit.html", table=name, text=_text(rows), present=digest_of(rows))

    @office.routes.post("/bureau/tables/{name}")
    async def replace(request: Request, name: str) -> Response:
        visit = await office.visit(request)
        form = await visit.form()
        before = _rows_of((await visit.snapshot()).registry, _known(name))
        if form.one("present") != digest_of(before):
            raise Problem(409, "E_STATE", AGAIN)
        made, key = TABLES[name]
        rows = rows_in(form.one("rows"))
        if form.one("do") == "preview":
            return visit.page(
                "bureau/table_preview.html",
                table=name,
                changes=changes_of(before, rows, key),
                rows=orjson.dumps({"rows": rows}).decode(),
                present=form.one("present"),
            )
        if form.one("do") == "replace":
            return await visit.done("/bureau/tables", made(rows), form)
        raise unknown_form(form.one("do"))


def _known(name: str) -> str:
    if name not in TABLES:
        raise Problem(404, "E_NOT_FOUND", f"no table of this name: {', '.join(TABLES)}")
    return name


def _rows_of(registry: Mapping[str, Any], name: str) -> Rows:
    """A table's rows as a command writes them."""
    if name == "scenes":
        return [dict(row) for row in registry["scenes"]]
    return [
        {
            **{member: row[member] for member in ("scene", "tax_code", "rate")},
            "from": _iso(row["from_day"]),
            "to": None if row["to_day"] is None else _iso(row["to_day"]),
        }
        for row in registry["rates"]
    ]


def _iso(days: int) -> str:
    return (EPOCH + timedelta(days=days)).isoformat()


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Problem(422, "E_SCHEMA", "on: a day is wanted, such as 2026-03-01") from error


def _is_in_force(row: Mapping[str, Any], days: int) -> bool:
    on = _iso(days)
    return bool(row["from"] <= on and (row["to"] is None or on <= row["to"]))


def _text(rows: Sequence[Mapping[str, Any]]) -> str:
    """A row a line, so that one can see what one edits."""
    lines = ",\n".join(f"  {orjson.dumps(row).decode()}" for row in rows)
    return f'{{"rows": [\n{lines}\n]}}' if rows else '{"rows": []}'
