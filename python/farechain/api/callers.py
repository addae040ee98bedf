"""Who calls: ``Authorization: Bearer`` into a caller, or a problem that tells nothing of tokens."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from farechain.access.matrix import permits
from farechain.access.roles import Role, Verb
from farechain.access.tokens import Caller, Tokens
from farechain.api.access import Open, is_role_page, may
from farechain.api.context import ApiContext
from farechain.api.problems import Problem, responses
from farechain.errors import FarechainError

COOKIE = "fc-token"
"""Of a browser that is logged in: its token, out of reach of scripts and of other sites."""
LOOKUP = "/v1/invoices/lookup"
"""The one POST that only reads: nothing is changed by a cookie alone."""
SCHEME = HTTPBearer(
    auto_error=False, bearerFormat="fct_<id>_<secret>", description="From `farechain tokens`."
)
"""For the description alone: the header is read below."""


class Me(BaseModel):
    """What a token stands for."""

    model_config = ConfigDict(extra="forbid")

    party: str = Field(description="Tax id; of a HOLDER its key id.")
    role: Role
    token_id: str = Field(description="What to name when asking for its revocation.")
    expires_ms: int = Field(description="When it ends, milliseconds since 1970.")


def who_calls(tokens: Tokens | None) -> Callable[..., Caller | None]:
    """A dependency: the caller, or None for whoever shows no token.

    A token that is not good is 401 even where none is needed: its bearer should know. A browser that is
    logged in shows its token in a cookie, for what reads only; one that has ended is none.
    FastAPI runs the dependency in a thread, since it may read a file.
    """

    def caller(request: Request, _described: Annotated[object, Depends(SCHEME)]) -> Caller | None:
        return caller_of_request(tokens, request)

    return caller


def caller_of_request(tokens: Tokens | None, request: Request) -> Caller | None:
    """``who_calls`` of any request. Blocks for a file."""
    shown = request.headers.getlist("authorization")
    reads = request.method == "GET" or request.url.path == LOOKUP
    cookie = request.cookies.get(COOKIE) if reads else None
    if not shown and not cookie:
        return None
    try:
        if not shown:
            return tokens.check(f"Bearer {cookie}") if tokens is not None else None
        found = tokens.check(shown[0]) if tokens is not None and len(shown) == 1 else None
    except (FarechainError, OSError) as error:
        raise Problem(503, "E_TOKENS", "callers cannot be told apart now", {"Retry-After": "30"}) from error
    if found is None:
        raise _unknown("this token is not good: malformed, unknown, expired or revoked")
    return found


def guard(context: ApiContext) -> Callable[[Request], Awaitable[None]]:
    """The dependency of every route: asks ``ApiContext.routes`` before it answers.

    A role's pages ask who is logged in themselves, since they answer with the page to log in.
    """

    async def ask(request: Request) -> None:
        path = request.scope["route"].path
        rule = context.routes.get(f"{request.method} {path}")
        if rule is None and is_role_page(path):
            return
        caller = None
        by_cookie = COOKIE in request.cookies and rule is not Open.ANYONE
        if by_cookie or "authorization" in request.headers:
            caller = await asyncio.to_thread(caller_of_request, context.tokens, request)
        if not may(rule, caller):
            known(caller)
            raise Problem(403, "E_ROLE", "this is not for this role")

    return ask


def known(caller: Caller | None) -> Caller:
    """The caller. Raises ``Problem`` 401 for the anonymous."""
    if caller is None:
        raise _unknown("this needs a token: Authorization: Bearer fct_...")
    return caller


def require(
    caller: Caller | None, verb: Verb, subject_party: str | None, acting_for: Collection[str] = ()
) -> None:
    """Raises ``Problem`` unless the caller may do it: 401 for the anonymous, 403 for others (``permits``)."""
    role, party = (caller.role, caller.party) if caller else (Role.ANONYMOUS, None)
    if permits(role, verb, party, subject_party, acting_for):
        return
    known(caller)
    raise Problem(403, "E_ROLE", f"{verb} of these things is not for this {role}")


def router(context: ApiContext) -> APIRouter:
    """``/v1/me``."""
    routes = APIRouter(prefix="/v1", tags=["callers"])
    asked = who_calls(context.tokens)

    @routes.get("/me", responses=responses(401, 503))
    def me(response: Response, caller: Annotated[Caller | None, Depends(asked)]) -> Me:
        """What the token that is shown stands for."""
        response.headers["Cache-Control"] = "no-store"
        found = known(caller)
        return Me(party=found.party, role=found.role, token_id=found.token_id, expires_ms=found.expires_ms)

    return routes


def _unknown(detail: str) -> Problem:
    return Problem(401, "E_TOKEN", detail, {"WWW-Authenticate": 'Bearer realm="farechain"'})
