"""Trips of passengers from the app that knows them: kept in the private store, never on the ledger."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from farechain.access.roles import Verb
from farechain.access.tokens import Caller
from farechain.api import bodies
from farechain.api.callers import known, require, who_calls
from farechain.api.context import ApiContext
from farechain.api.problems import Problem, responses
from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.wallet.rows import TripRows
from farechain.wallet.wallet import Wallet

BODY_BYTES_MAX = 160 * 1024
"""Five hundred trips of the longest ids."""
STATUS = {
    "E_KEY_UNKNOWN": 404,
    "E_ROLE": 403,
    "E_KEY_EXPIRED": 409,
    "E_OPENING": 422,
    "E_DOCUMENTS_FULL": 409,
}
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/TripRows"}}},
    }
}


class TripsKept(BaseModel):
    """What became of the trips."""

    model_config = ConfigDict(extra="forbid")

    kept: int
    recorded: int = Field(description="So many of the payments are on the ledger already.")


def wallet_of(context: ApiContext) -> Wallet:
    """The wallet of this deployment. Raises ``Problem`` 503 ``E_NO_PRIVATE_STORE``."""
    if context.private is None:
        raise Problem(503, "E_NO_PRIVATE_STORE", "no private store is kept here: nobody's trips are known")
    return Wallet(context.private, context.ledger)


def router(context: ApiContext) -> APIRouter:
    """``POST /v1/wallet/trips``."""
    routes = APIRouter(prefix="/v1/wallet", tags=["wallet"])
    asked = who_calls(context.tokens)

    @routes.post(
        "/trips", responses=responses(401, 403, 404, 408, 409, 413, 415, 422, 503), openapi_extra=BODY
    )
    async def add(
        request: Request, response: Response, caller: Annotated[Caller | None, Depends(asked)]
    ) -> TripsKept:
        """Tells whose payments these are: an agent's token, its own passengers. All are kept, or none."""
        agent = known(caller)
        require(agent, Verb.KEEP_TRIPS, agent.party)
        rows = await bodies.read_model(request, TripRows, BODY_BYTES_MAX)
        response.headers["Cache-Control"] = "no-store"
        try:
            added = await asyncio.to_thread(wallet_of(context).add, rows.trips, agent.party)
        except FarechainError as error:
            unavailable = error.exit_code == EXIT_UNAVAILABLE
            again = {"Retry-After": "1"} if unavailable else None
            status = 503 if unavailable else STATUS.get(error.code, 503)
            raise Problem(status, error.code, error.message, again) from error
        return TripsKept(kept=added.kept, recorded=added.recorded)

    return routes
