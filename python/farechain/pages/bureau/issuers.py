"""Issuers: admitted, their monthly limit changed, each with its numbers, months and keys."""

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from farechain import _core
from farechain import registry_orders as orders
from farechain.api.paging import page
from farechain.api.problems import Problem
from farechain.api.refusals import detail_of
from farechain.pages.forms import typed
from farechain.pages.months import months_of
from farechain.pages.office import (
    LISTED_MAX,
    Office,
    amount_or_none,
    ask,
    one_of,
    unknown_form,
    whole,
    whole_or_none,
)
from farechain.pages.supply import supply_of

ROLES = ("ISSUER", "AGENT", "REIMBURSER", "AUDITOR", "HOLDER", "DEVICE")


def add(office: Office) -> None:
    """``/bureau/issuers``, ``/bureau/parties/{tax_id}``."""

    @office.routes.get("/bureau/issuers")
    async def issuers(request: Request) -> Response:
        visit = await office.visit(request)
        if "tax_id" in request.query_params:
            tax_id = tax_id_of(typed(request.query_params["tax_id"]).upper())
            return RedirectResponse(f"/bureau/parties/{tax_id}", 303)
        registry = (await visit.snapshot()).registry
        shown, following = page(
            registry["issuers"], lambda one: str(one["tax_id"]), visit.asked("after"), LISTED_MAX
        )
        return visit.page(
            "bureau/issuers.html", issuers=shown, following=following, waiting=dict(registry["waiting"])
        )

    @office.routes.post("/bureau/issuers")
    async def admit(request: Request) -> Response:
        visit = await office.visit(request)
        form = await visit.form()
        if form.one("do") != "admit":
            raise unknown_form(form.one("do"))
        tax_id = typed(form.one("tax_id")).upper()
        order = orders.admit_issuer(tax_id, form.one("name"), amount_or_none(form, "limit"))
        return await visit.done(f"/bureau/parties/{tax_id}", order, form)

    @office.routes.get("/bureau/parties/{tax_id}")
    async def party(request: Request, tax_id: str) -> Response:
        visit = await office.visit(request)
        registry = (await visit.snapshot()).registry
        tax_id = tax_id_of(tax_id)
        issuer = one_of(registry["issuers"], tax_id)
        grants = [grant for grant in registry["grants"] if grant["tax_id"] == tax_id]
        all_keys = [key for key in registry["keys"] if key["tax_id"] == tax_id]
        role = visit.asked("role", "|".join(ROLES))
        chosen = [key for key in all_keys if role in (None, key["role"])]
        keys, following = page(
            chosen,
            lambda key: f"{ROLES.index(key['role'])}-{key['kid'].hex()}",
            visit.asked("after"),
            LISTED_MAX,
        )
        ledger, now_ms = office.site.context.ledger, visit.now_ms
        return visit.page(
            "bureau/party.html",
            tax_id=tax_id,
            issuer=issuer,
            supply=await ask(lambda: supply_of(ledger, grants, now_ms)),
            months=months_of(issuer, now_ms)[:12] if issuer else [],
            waiting=dict(registry["waiting"]).get(tax_id, 0),
            counts={each: sum(key["role"] == each for key in all_keys) for each in ROLES},
            role=role,
            listed=keys,
            following=following,
            roles=ROLES,
            scenes=registry["scenes"],
        )

    @office.routes.post("/bureau/parties/{tax_id}")
    async def change(request: Request, tax_id: str) -> Response:
        visit = await office.visit(request)
        form = await visit.form()
        tax_id, wanted = tax_id_of(tax_id), form.one("do")
        if wanted == "change":
            order = orders.admit_issuer(tax_id, form.one("name"), amount_or_none(form, "limit"))
        elif wanted == "register":
            order = orders.register_key(
                form.one("public_key").lower(),
                form.one("role"),
                tax_id,
                form.all("scene"),
                from_height=whole(form, "from_height") if form.one("from_height") else 0,
                to_height=whole_or_none(form, "to_height"),
            )
        else:
            raise unknown_form(wanted)
        return await visit.done(f"/bureau/parties/{tax_id}", order, form)


def tax_id_of(text: str) -> str:
    """A tax id of the right form. Raises ``Problem`` 422."""
    try:
        _core.check_uscc(text)
    except ValueError as error:
        raise Problem(422, str(error), detail_of(str(error))) from error
    return text
