"""One key of anybody's: what it is for, retired, or revoked after a page that says what that means."""

import re
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from farechain import registry_orders as orders
from farechain.api.problems import Problem
from farechain.pages.office import Office, unknown_form


def add(office: Office) -> None:
    """``/bureau/keys/{kid}``."""

    @office.routes.get("/bureau/keys/{kid}")
    async def key(request: Request, kid: str) -> Response:
        visit = await office.visit(request)
        return visit.page("bureau/key.html", key=_key(office, kid), kid=kid, sure=False)

    @office.routes.post("/bureau/keys/{kid}")
    async def change(request: Request, kid: str) -> Response:
        visit = await office.visit(request)
        form = await visit.form()
        found, wanted = _key(office, kid), form.one("do")
        if wanted == "revoke" and form.one("sure") != "yes":
            return visit.page("bureau/key.html", key=found, kid=kid, sure=True)
        made = {"retire": orders.retire_key, "revoke": orders.revoke_key}.get(wanted)
        if made is None:
            raise unknown_form(wanted)
        return await visit.done(f"/bureau/keys/{kid}", made(kid), form)


def _key(office: Office, kid: str) -> Mapping[str, Any]:
    """Raises ``Problem`` 404."""
    found = office.site.context.ledger.key(kid) if re.fullmatch(r"[0-9a-f]{32}", kid, re.ASCII) else None
    if found is None:
        raise Problem(404, "E_NOT_FOUND", "no key has this id")
    return found
