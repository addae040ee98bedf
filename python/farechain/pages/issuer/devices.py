"""An issuer's keys: gates and readers registered, retired, revoked, and admitted for what they sent late."""

import re
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from farechain import registry_orders as orders
from farechain.api.paging import page
from farechain.api.problems import Problem
from farechain.pages.forms import Form
from farechain.pages.issuer.own import own
from farechain.pages.office import LISTED_MAX, Office, Visit, unknown_form, whole, whole_or_none

LOCAL_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?", re.ASCII)
STATES = ("GOOD", "RETIRED", "REVOKED")


def add(office: Office) -> None:
    """``/issuer/devices``, ``/issuer/devices/{kid}``."""

    @office.routes.get("/issuer/devices")
    async def devices(request: Request) -> Response:
        visit = await office.visit(request)
        registry, _issuer = await own(visit)
        begins = visit.asked("kid", r"[0-9a-f]{1,32}") or ""
        scene = visit.asked("scene", r"[0-9A-Z_]{1,16}")
        state = visit.asked("state", "|".join(STATES))
        mine = [key for key in registry["keys"] if key["tax_id"] == visit.caller.party]
        chosen = [
            key
            for key in mine
            if key["kid"].hex().startswith(begins)
            and (scene is None or scene in key["scenes"])
            and state in (None, state_of(key))
        ]
        keys, following = page(chosen, lambda key: key["kid"].hex(), visit.asked("after"), LISTED_MAX)
        counts = {each: sum(state_of(key) == each for key in mine) for each in STATES}
        return visit.page(
            "issuer/devices.html",
            listed=[(key, state_of(key)) for key in keys],
            following=following,
            filters={"kid": begins, "scene": scene or "", "state": state or ""},
            counts=counts,
            scenes=registry["scenes"],
            height=office.site.context.ledger.height,
        )

    @office.routes.post("/issuer/devices")
    async def register(request: Request) -> Response:
        visit = await office.visit(request)
        form = await visit.form()
        if form.one("do") != "register":
            raise unknown_form(form.one("do"))
        order = orders.register_key(
            form.one("public_key").lower(),
            "DEVICE",
            visit.caller.party,
            form.all("scene"),
            from_height=whole(form, "from_height") if form.one("from_height") else 0,
            to_height=whole_or_none(form, "to_height"),
        )
        return await visit.done("/issuer/devices", order, form)

    @office.routes.get("/issuer/devices/{kid}")
    async def device(request: Request, kid: str) -> Response:
        visit = await office.visit(request)
        key = _own_key(visit, kid)
        return visit.page("issuer/device.html", key=key, kid=kid, state=state_of(key), sure=False)

    @office.routes.post("/issuer/devices/{kid}")
    async def change(request: Request, kid: str) -> Response:
        visit = await office.visit(request)
        form = await visit.form()
        key = _own_key(visit, kid)
        where, wanted = f"/issuer/devices/{kid}", form.one("do")
        if wanted == "retire":
            return await visit.done(where, orders.retire_key(kid), form)
        if wanted == "admit":
            return await visit.done(where, orders.admit(kid, _until(form)), form)
        if wanted == "revoke" and form.one("sure") != "yes":
            return visit.page("issuer/device.html", key=key, kid=kid, state=state_of(key), sure=True)
        if wanted == "revoke":
            return await visit.done(where, orders.revoke_key(kid), form)
        raise unknown_form(wanted)


def state_of(key: Mapping[str, Any]) -> str:
    """``GOOD``, ``RETIRED`` or ``REVOKED``."""
    if key["revoked"]:
        return "REVOKED"
    return "GOOD" if key["retired_ms"] is None else "RETIRED"


def _own_key(visit: Visit, kid: str) -> Mapping[str, Any]:
    """A key of the caller's. Raises ``Problem`` 404 for others, whether they exist or not."""
    found = visit.site.context.ledger.key(kid) if re.fullmatch(r"[0-9a-f]{32}", kid, re.ASCII) else None
    if found is None or found["tax_id"] != visit.caller.party:
        raise Problem(404, "E_NOT_FOUND", "no key of yours has this id")
    return found


def _until(form: Form) -> str:
    """A local time as a browser gives it, in UTC+8."""
    typed = form.one("until")
    found = LOCAL_TIME.fullmatch(typed)
    if found is None:
        raise Problem(422, "E_SCHEMA", "until: a date and a time are wanted, such as 2026-03-01T08:00")
    return f"{typed}{'' if found[1] else ':00'}+08:00"
