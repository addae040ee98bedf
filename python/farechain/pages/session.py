"""Who is at a page: a token in a cookie that scripts cannot read and other sites do not send.

The cookie holds the token itself, so that its end and its revocation hold at once and a restart logs nobody
out. Every form that changes something carries a word made from the token, which another site cannot know.
"""

import asyncio
import hashlib
import hmac
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from farechain.access.roles import Role
from farechain.access.tokens import Caller, Tokens
from farechain.api.access import ROLE_PAGES
from farechain.api.callers import COOKIE
from farechain.api.problems import Problem
from farechain.errors import FarechainError
from farechain.pages.forms import Form, read_form

HOME = {role: f"/{first}" for first, role in ROLE_PAGES.items()}
"""Where each role begins; other roles have no pages of their own."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in, and the word that their forms carry."""

    caller: Caller
    word: str


class LoginNeededError(Exception):
    """Nobody is logged in, or somebody of another role; answered with the page to log in."""


class Sessions:
    """Reads and writes the cookie.

    Args:
        tokens: the deployment's; None where nobody can log in.
        secure: whether people reach the site over TLS, so that the cookie never travels without it.
    """

    def __init__(self, tokens: Tokens | None, *, secure: bool) -> None:
        self._tokens = tokens
        self.secure = secure

    async def of(self, request: Request) -> Session | None:
        """Whoever is logged in; None for others, also for those whose token has ended."""
        token = request.cookies.get(COOKIE, "")
        caller = await self.check(token) if token else None
        return Session(caller, _word(token)) if caller else None

    async def need(self, request: Request, *roles: Role) -> Session:
        """Whoever is logged in as one of these roles. Raises ``LoginNeededError`` for others."""
        found = await self.of(request)
        if found is None or found.caller.role not in roles:
            raise LoginNeededError
        request.state.caller = found.caller
        return found

    async def form(self, request: Request, session: Session) -> Form:
        """A form that this session's page made. Raises ``Problem`` 403 for one that it did not make."""
        form = await read_form(request)
        if not hmac.compare_digest(form.one("word").encode(), session.word.encode()):
            raise Problem(403, "E_FORM", "this form is of an earlier session: load the page again")
        return form

    async def check(self, token: str) -> Caller | None:
        """Whose token it is; None where it is not good.

        Raises:
            Problem: 503 ``E_TOKENS``.
        """
        if self._tokens is None:
            return None
        try:
            return await asyncio.to_thread(self._tokens.check, f"Bearer {token}")
        except (FarechainError, OSError) as error:
            raise Problem(503, "E_TOKENS", "nobody can log in now", {"Retry-After": "30"}) from error

    def begin(self, token: str, caller: Caller) -> Response:
        """Leads to the role's first page, logged in."""
        answer = RedirectResponse(HOME.get(caller.role, "/"), 303)
        self.keep(answer, token)
        return answer

    def keep(self, answer: Response, token: str) -> None:
        """Puts the token into the browser's cookie."""
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=self.secure, path="/")

    def end(self) -> Response:
        """Leads to the front page, logged out."""
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict", secure=self.secure, path="/")
        return answer


def _word(token: str) -> str:
    return hashlib.sha256(b"farechain form\0" + token.encode()).hexdigest()[:32]
