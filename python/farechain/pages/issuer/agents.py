"""Agents that act for an issuer: given scenes, until a height, and ended."""

from fastapi import Request
from fastapi.responses import Response

from farechain import registry_orders as orders
from farechain.api.problems import Problem
from farechain.pages.issuer.own import own
from farechain.pages.office import Office, unknown_form, whole_or_none


def add(office: Office) -> None:
    """``/issuer/agents``."""

    @office.routes.get("/issuer/agents")
    async def agents(request: Request) -> Response:
        visit = await office.visit(request)
        registry, _issuer = await own(visit)
        mine = [each for each in registry["delegations"] if each["seller"] == visit.caller.party]
        known = {key["tax_id"] for key in registry["keys"] if key["role"] == "AGENT"}
        names = {each["tax_id"]: each["name"] for each in registry["issuers"]}
        return visit.page(
            "issuer/agents.html",
            delegations=mine,
            known=sorted(known),
            names=names,
            scenes=registry["scenes"],
            height=office.site.context.ledger.height,
        )

    @office.routes.post("/issuer/agents")
    async def change(request: Request) -> Response:
        visit = await office.visit(request)
        form = await visit.form()
        wanted, agent = form.one("do"), form.one("agent")
        if wanted == "end":
            order = orders.delegate(agent, [])
        elif wanted == "give":
            scenes = form.all("scene")
            if not scenes:
                raise Problem(422, "E_SCHEMA", "scenes: choose one at least; to end a delegation end it")
            order = orders.delegate(agent, scenes, whole_or_none(form, "to_height"))
        else:
            raise unknown_form(wanted)
        return await visit.done("/issuer/agents", order, form)
