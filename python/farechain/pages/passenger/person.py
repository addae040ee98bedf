"""Who is at a passenger's page: their key, their wallet, and the agent that signs for them."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from fastapi import Request
from fastapi.responses import HTMLResponse

from farechain.access.roles import Role, Verb
from farechain.api.problems import Problem
from farechain.api.wallet import wallet_of
from farechain.errors import EXIT_UNAVAILABLE, EXIT_USAGE, FarechainError
from farechain.pages import words
from farechain.pages.forms import Form
from farechain.pages.session import Session
from farechain.party import Party
from farechain.private.store import Store
from farechain.wallet.wallet import Wallet

if TYPE_CHECKING:  # the site installs these pages
    from farechain.pages.site import Site

ONCE_MAX = 32
SUCCESSORS_MAX = 64
"""Rotations of one key that are followed."""
Found = TypeVar("Found")


class Person:
    """A passenger for one request.

    Args:
        site: what the pages are made from.
        request: theirs.
        session: they are logged in as a HOLDER.
    """

    def __init__(self, site: "Site", request: Request, session: Session) -> None:
        self.site, self.request, self.session = site, request, session
        self.kid = session.caller.party
        self.ledger = site.context.ledger

    @classmethod
    async def at(cls, site: "Site", request: Request) -> "Person":
        """Whoever is logged in. Raises ``LoginNeededError`` for others."""
        return cls(site, request, await site.sessions.need(request, Role.HOLDER))

    @property
    def wallet(self) -> Wallet:
        """Raises ``Problem`` 503 ``E_NO_PRIVATE_STORE``."""
        return wallet_of(self.site.context)

    @property
    def store(self) -> Store:
        """Raises ``Problem`` 503 ``E_NO_PRIVATE_STORE``."""
        wallet_of(self.site.context)
        assert self.site.context.private is not None
        return self.site.context.private

    @property
    def is_served(self) -> bool:
        """Whether the agent of these pages acts for this passenger: their key is registered under it."""
        key = self.ledger.key(self.kid)
        return key is not None and key["tax_id"] == self.site.signing.agent

    async def agent(self) -> Party:
        """Signs for the passenger's agent. Raises ``Problem`` 403 ``E_ROLE``, ``E_NO_KEY``."""
        if not self.is_served:
            raise Problem(403, "E_ROLE", "the agent of these pages does not act for you: use your own app")
        return await self.site.signing.agent_party()

    def holds(self, holder: bytes | None) -> bool:
        """Whether a key that an invoice names as its holder is this person's, or was replaced by theirs."""
        kid = holder
        for _rotation in range(SUCCESSORS_MAX):
            if kid is None:
                return False
            if self.session.caller.may(Verb.READ_INVOICE_FIELDS, kid.hex()):
                return True
            key = self.ledger.key(kid.hex())
            kid = key["successor"] if key else None
        return False

    async def form(self) -> Form:
        """A form of this session."""
        return await self.site.sessions.form(self.request, self.session)

    def page(self, name: str, status: int = 200, **values: object) -> HTMLResponse:
        """A page."""
        return self.site.layout.render(
            self.request,
            name,
            status,
            self.session.caller,
            **{"word": self.session.word, "words": words, "served": self.is_served, **values},
        )


async def reading(work: Callable[[], Found]) -> Found:
    """Runs what blocks in a thread.

    Raises:
        Problem: 400, 409 or 503, in place of a ``FarechainError``.
    """
    try:
        return await asyncio.to_thread(work)
    except FarechainError as error:
        if error.exit_code == EXIT_UNAVAILABLE:
            raise Problem(503, error.code, error.message, {"Retry-After": "1"}) from error
        raise Problem(400 if error.exit_code == EXIT_USAGE else 409, error.code, error.message) from error


def once_of(text: str) -> str:
    """A form's ``once``: part of a command's id.

    Raises:
        Problem: 422 ``E_SCHEMA``.
    """
    if not (text.isascii() and text.isalnum() and len(text) <= ONCE_MAX):
        raise Problem(422, "E_SCHEMA", "this form is malformed: load the page again")
    return text
