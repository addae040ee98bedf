"""The pages of an office: one role looks at what concerns it and gives its party's commands.

A form goes to the path of the page that it stands on, with a field ``do`` that says what is wanted, so that a
refusal leads back to the same page.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from farechain.access.roles import Role
from farechain.access.tokens import Caller
from farechain.api.command_models import CommandAnswer
from farechain.api.problems import Problem
from farechain.api.registry_view import Snapshot
from farechain.books.books import Books
from farechain.errors import FarechainError
from farechain.orders import Order
from farechain.pages import words
from farechain.pages.forms import Form, fen, typed
from farechain.pages.routes import done, page_routes
from farechain.pages.session import Session

if TYPE_CHECKING:  # the site installs these pages
    from farechain.pages.site import Site

LISTED_MAX = 200
"""Rows on one page."""
SELLERS_KEPT = 65_536
AGAIN = "the table has changed since this page was made: load it again"
Fields = Mapping[str, Any]
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is logged in."""

    site: "Site"
    request: Request
    session: Session
    behind: int
    """How many blocks the books are behind the ledger."""

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return self.session.caller

    @property
    def now_ms(self) -> int:
        """The time now."""
        return int(self.site.context.clock_s() * 1000)

    @property
    def books(self) -> Books | None:
        """Lists by party; None where none are kept."""
        return self.site.context.books

    async def snapshot(self) -> Snapshot:
        """The registry as of a moment ago; as of now for a form, and after a command with what it did."""
        view = self.site.shared.registry
        is_now = self.request.method == "POST" or "done" in self.request.query_params
        return await (view.fresh() if is_now else view.now())

    def asked(self, name: str, pattern: str = r"[0-9A-Za-z-]{1,100}") -> str | None:
        """A parameter of the address; None where it is missing or of another form."""
        value = self.request.query_params.get(name, "").strip()
        return value if re.fullmatch(pattern, value, re.ASCII) else None

    def page(self, template: str, **values: Any) -> HTMLResponse:
        """A page by its template."""
        shared = {
            "word": self.session.word,
            "words": words,
            "now_ms": self.now_ms,
            "behind": self.behind,
        }
        return self.site.layout.render(self.request, template, 200, self.caller, **{**shared, **values})

    async def form(self) -> Form:
        """What this person's page was filled in with. Raises ``Problem``."""
        return await self.site.sessions.form(self.request, self.session)

    async def give(self, order: Order, command_id: str) -> CommandAnswer:
        """Gives a command of the caller's party. Raises ``Problem`` where it is refused."""
        party = await self.site.signing.party_of(self.caller)
        return await self.site.signing.give(party, order, command_id or None)

    async def done(self, where: str, order: Order, form: Form) -> Response:
        """Gives a command of a form and leads to a page that says what was recorded."""
        return done(where, await self.give(order, form.one("once")))


class Office:
    """What the files of one role's pages add their routes to."""

    def __init__(self, site: "Site", role: Role) -> None:
        self.site = site
        self.routes = page_routes(site.layout)
        self._role = role
        self.seller_of = lru_cache(SELLERS_KEPT)(self._seller_of)
        """The tax id of an invoice's seller, by code and number. Blocks the first time."""

    async def visit(self, request: Request) -> Visit:
        """Somebody of this office. Raises ``LoginNeededError`` for others."""
        session = await self.site.sessions.need(request, self._role)
        books = self.site.context.books
        kept = await ask(lambda: books.height) if books else self.site.context.ledger.height
        return Visit(self.site, request, session, max(0, self.site.context.ledger.height - kept))

    def _seller_of(self, code: str, number: int) -> str:
        found = self.site.context.ledger.invoice(code, number)
        return found["fields"]["seller"] if found else ""


async def ask(read: Callable[[], Answer]) -> Answer:
    """Asks the books or the ledger in a thread. Raises ``Problem`` 422 ``E_CURSOR``, 503 ``E_BOOKS``."""
    try:
        return await asyncio.to_thread(read)
    except FarechainError as error:
        status = 422 if error.code == "E_CURSOR" else 503
        raise Problem(status, error.code, error.message) from error


def unknown_form(what: str) -> Problem:
    """For a form that no page here has."""
    return Problem(422, "E_SCHEMA", f"no form of this page asks for {what[:20]!r}")


def whole(form: Form, name: str) -> int:
    """A whole number that was typed. Raises ``Problem`` 422."""
    text = typed(form.one(name))
    if not re.fullmatch(r"[0-9]{1,15}", text, re.ASCII):
        raise Problem(422, "E_SCHEMA", f"{name}: a whole number is wanted")
    return int(text)


def whole_or_none(form: Form, name: str) -> int | None:
    """The same; None where nothing was typed."""
    return whole(form, name) if form.one(name) else None


def amount(form: Form, name: str) -> int:
    """Yuan that were typed, in fen. Raises ``Problem`` 422."""
    value = fen(typed(form.one(name)))
    if value < 0:
        raise Problem(422, "E_SCHEMA", f"{name}: an amount in yuan is wanted, such as 6.65")
    return value


def amount_or_none(form: Form, name: str) -> int | None:
    """The same; None where nothing was typed."""
    return amount(form, name) if form.one(name) else None


def one_of(items: Sequence[Fields], tax_id: str) -> Fields | None:
    """The item of a tax id."""
    return next((item for item in items if item["tax_id"] == tax_id), None)
