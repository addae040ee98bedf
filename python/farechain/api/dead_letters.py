"""Rejected inputs over HTTP: a party's own, or all of them for those who oversee. Never their content."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from farechain.access.roles import Verb
from farechain.access.tokens import Caller
from farechain.api import parties
from farechain.api.callers import known, require, who_calls
from farechain.api.context import ApiContext
from farechain.api.paging import Cursor, Limit
from farechain.api.problems import Problem, responses
from farechain.api.registry_models import Page
from farechain.api.registry_view import RegistryView
from farechain.errors import FarechainError

Party = Annotated[
    str | None,
    Query(
        pattern=r"^[0-9A-Z]{18}$",
        description="Whose keys they name, a tax id. By default the caller's, or all for those who may.",
    ),
]


class DeadLetterView(BaseModel):
    """A rejected input: why, and where it stands."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "source": "payments.metro",
                    "partition": 3,
                    "offset": 17,
                    "height": 2,
                    "time_ms": 1772323200000,
                    "code": "E_SIGNATURE",
                    "kid": "8a88e3dd7409f195fd52db2d3cba5d72",
                    "tax_id": "91440300708461136T",
                }
            ]
        },
    )

    source: str = Field(description="Its topic.")
    partition: int
    offset: int
    height: int = Field(description="The block that says so.")
    time_ms: int
    code: str
    kid: str | None = Field(description="The key that it names; it need not have signed it.")
    tax_id: str | None = Field(description="Whose key that is; null where none is registered.")


def router(context: ApiContext, registry: RegistryView) -> APIRouter:
    """``/v1/dead-letters``."""
    routes = APIRouter(prefix="/v1", tags=["chain"])
    asked = who_calls(context.tokens)

    @routes.get("/dead-letters", responses=responses(401, 403, 422, 503))
    async def dead_letters(
        response: Response,
        caller: Annotated[Caller | None, Depends(asked)],
        party: Party = None,
        limit: Limit = "50",
        cursor: Cursor = None,
    ) -> Page[DeadLetterView]:
        """Inputs that were rejected, the latest first: those that name a key of one's own, or all of them."""
        response.headers["Cache-Control"] = "no-store"
        who = known(caller)
        whose = party
        if not who.may(Verb.READ_DEAD_LETTERS_ALL, None):
            whose = party or who.party
            require(who, Verb.READ_DEAD_LETTERS_OWN, whose, await parties.acting_for(registry, who))
        books = context.books
        if books is None:
            raise Problem(503, "E_NO_BOOKS", "no lists by party are kept here", {"Retry-After": "60"})
        try:
            found = await asyncio.to_thread(books.dead_letters, whose, int(limit), cursor)
        except FarechainError as error:
            status = 422 if error.code == "E_CURSOR" else 503
            raise Problem(status, error.code, error.message) from error
        items = [DeadLetterView.model_validate(each, from_attributes=True) for each in found.entries]
        return Page(height=books.height, items=items, next=found.after)

    return routes
