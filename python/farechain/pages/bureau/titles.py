"""Titles for an investigation: one commitment opened for a case number; every look-up is recorded first."""

import asyncio
import re

from fastapi import Request
from fastapi.responses import Response

from farechain.access.roles import Verb
from farechain.api.problems import Problem
from farechain.errors import FarechainError
from farechain.pages.office import Office, Visit, ask, unknown_form
from farechain.private.accesses import EMPTY_HEAD, Officer
from farechain.private.openings import Opening
from farechain.private.store import Store

ROWS = 100


def add(office: Office) -> None:
    """``/bureau/titles``."""

    @office.routes.get("/bureau/titles")
    async def titles(request: Request) -> Response:
        visit = await office.visit(request)
        return await _page(visit, visit.asked("commitment", r"[0-9a-f]{64}") or "", None, looked=False)

    @office.routes.post("/bureau/titles")
    async def look_up(request: Request) -> Response:
        visit = await office.visit(request)
        form = await visit.form()
        if form.one("do") != "look_up":
            raise unknown_form(form.one("do"))
        commitment = form.one("commitment").lower()
        if not re.fullmatch(r"[0-9a-f]{64}", commitment, re.ASCII):
            raise Problem(422, "E_SCHEMA", "commitment: 64 hex digits are wanted")
        if not visit.caller.may(Verb.READ_PRIVATE, None):
            raise Problem(403, "E_ROLE", "this role looks up no titles")
        officer = Officer(visit.caller.party, visit.caller.token_id)
        store = _store(visit)
        try:
            found = await asyncio.to_thread(
                store.look_up, bytes.fromhex(commitment), officer, form.one("purpose")
            )
        except ValueError as error:
            raise Problem(422, "E_SCHEMA", str(error)) from error
        except FarechainError as error:
            raise Problem(503, error.code, error.message) from error
        return await _page(visit, commitment, found, looked=True)


def _store(visit: Visit) -> Store:
    """Raises ``Problem`` 503."""
    store = visit.site.context.private
    if store is None:
        raise Problem(503, "E_PRIVATE_MISSING", "no private store is kept here: titles are elsewhere")
    return store


async def _page(visit: Visit, commitment: str, found: Opening | None, *, looked: bool) -> Response:
    store = visit.site.context.private

    def read() -> dict[str, object]:
        if store is None:
            return {"kept": False, "accesses": [], "head": EMPTY_HEAD}
        head = store.access_head()
        accesses = store.accesses(max(0, head.number - ROWS), ROWS)
        return {"kept": True, "accesses": accesses[::-1], "head": head}

    shown = {"commitment": commitment, "title": found.text if found else None, "looked": looked}
    return visit.page("bureau/titles.html", **shown, **await ask(read))
