"""Logging in by an organisation's own provider: to it and back, and a session of a few hours."""

import asyncio
import hmac

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from farechain._core import Ledger
from farechain.access.roles import Role
from farechain.access.tokens import Tokens
from farechain.api.context import ApiContext
from farechain.api.problems import Problem
from farechain.errors import FarechainError
from farechain.pages import oidc
from farechain.pages.layout import Layout
from farechain.pages.oidc import Begun, OidcError, Person, Provider
from farechain.pages.routes import page_routes
from farechain.pages.session import HOME, Sessions

BEGUN = "fc-oidc"
BEGUN_S = 600
PATH = "/login/oidc"
CODE_CHARACTERS_MAX = 4096


def install(
    app: FastAPI, context: ApiContext, layout: Layout, sessions: Sessions, provider: Provider | None
) -> None:
    """Adds ``/login/oidc`` and where the provider sends people back to."""
    routes = page_routes(layout)

    def there() -> tuple[Provider, Tokens]:
        if provider is None or context.tokens is None:
            raise Problem(404, "E_NOT_FOUND", "no log-in service is configured here")
        return provider, context.tokens

    @routes.get(PATH)
    async def begin(request: Request) -> Response:
        asked, _tokens = there()
        begun = Begun.new()
        try:
            answer = RedirectResponse(await asked.address(begun), 303)
        except OidcError as error:
            return _refused(layout, request, error)
        # Lax: the provider's redirect must bring it back.
        answer.set_cookie(
            BEGUN,
            begun.packed(),
            max_age=BEGUN_S,
            httponly=True,
            samesite="lax",
            secure=sessions.secure,
            path=PATH,
        )
        return answer

    @routes.get(f"{PATH}/done")
    async def done(request: Request) -> Response:
        asked, tokens = there()
        try:
            person = await _came_back(request, asked)
            token = await asyncio.to_thread(_session, context.ledger, tokens, asked.terms, person)
        except OidcError as error:
            return _refused(layout, request, error)
        # A page and no redirect: a strict cookie is not sent on a way that began at another site.
        answer = layout.render(request, "oidc.html", home=HOME[person.role])
        sessions.keep(answer, token)
        answer.delete_cookie(BEGUN, httponly=True, samesite="lax", secure=sessions.secure, path=PATH)
        return answer

    app.include_router(routes)


async def _came_back(request: Request, provider: Provider) -> Person:
    begun = Begun.unpacked(request.cookies.get(BEGUN, ""))
    query = request.query_params
    if begun is None or not hmac.compare_digest(query.get("state", "").encode(), begun.state.encode()):
        raise OidcError(401, oidc.ELSEWHERE)
    # RFC 9207: a provider that names itself must be this one.
    if query.get("iss", provider.terms.issuer) != provider.terms.issuer:
        raise OidcError(401, oidc.CLAIMS["iss"])
    code = query.get("code", "")
    if not code or len(code) > CODE_CHARACTERS_MAX:
        raise OidcError(401, oidc.DECLINED)
    return await provider.person(begun, code)


def _session(ledger: Ledger, tokens: Tokens, terms: oidc.OidcTerms, person: Person) -> str:
    """A token of a few hours. Raises ``OidcError``, ``Problem``."""
    if person.role not in HOME:
        raise OidcError(403, oidc.ROLE)
    if not _is_known(ledger, person):
        raise OidcError(403, oidc.PARTY)
    try:
        issued = tokens.issue(person.party, person.role, 0, terms.tokens_max, hours=terms.session_hours)
    except FarechainError as error:
        if error.code == "E_USAGE":
            raise OidcError(403, oidc.PARTY) from error
        raise Problem(503, error.code, "nobody can log in now", {"Retry-After": "60"}) from error
    return issued.token


def _is_known(ledger: Ledger, person: Person) -> bool:
    """Whether the ledger has a key of the party for this role. Officers and auditors need none."""
    if person.role in (Role.BUREAU, Role.AUDITOR):
        return True
    if person.role is Role.HOLDER:
        try:
            key = ledger.key(person.party)
        except ValueError:
            return False
        return key is not None and key["role"] == Role.HOLDER.value
    keys = ledger.registry()["keys"]
    return any(key["tax_id"] == person.party and key["role"] == person.role.value for key in keys)


def _refused(layout: Layout, request: Request, error: OidcError) -> Response:
    answer = layout.render(request, "login.html", error.status, wrong=error.words, oidc=True)
    answer.delete_cookie(BEGUN, path=PATH)
    return answer
