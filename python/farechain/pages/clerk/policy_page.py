"""Whether a company takes invoices of individuals: what its policy says now, and the form that changes it."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from farechain.api.problems import Problem
from farechain.pages import routes as page_routes
from farechain.pages.clerk.desk import Desk, once_of

CHOICES = {"yes": True, "no": False}


def install(routes: APIRouter, desk: Desk) -> None:
    """Adds the routes."""

    @routes.get("/clerk/policy")
    async def policy(request: Request) -> Response:
        session = await desk.clerk(request)
        accepts = await desk.accepts_individuals(session.caller.party)
        return desk.render(request, "clerk/policy.html", session, tab="policy", accepts=accepts)

    @routes.post("/clerk/policy")
    async def change(request: Request) -> Response:
        session = await desk.clerk(request)
        form = await desk.site.sessions.form(request, session)
        accepts = CHOICES.get(form.one("accepts"))
        if accepts is None:
            raise Problem(422, "E_SCHEMA", "say yes or no")
        party = await desk.site.signing.party_of(session.caller)
        order = {"kind": "REIMBURSER_POLICY", "accepts_individuals": accepts}
        answer = await desk.give(party, order, once_of(form))
        return page_routes.done("/clerk/policy", answer)
