"""What all of the clerk's pages stand on: who is there, the books, the names, the giving of commands."""

import asyncio
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import Request
from fastapi.responses import HTMLResponse

from farechain.access.matrix import permits
from farechain.access.roles import Role, Verb
from farechain.api.command_models import CommandAnswer
from farechain.api.problems import Problem
from farechain.books.books import Books
from farechain.errors import FarechainError
from farechain.orders import Invoice, Order
from farechain.pages import words
from farechain.pages.clerk.scanned import ALL_DIGITAL
from farechain.pages.forms import Form
from farechain.pages.language import Words
from farechain.pages.session import Session
from farechain.party import Party

if TYPE_CHECKING:  # which installs these pages
    from farechain.pages.site import Site

NAME = re.compile(r"([0-9]{12})-([0-9]{1,8})", re.ASCII)
ONCE = re.compile(r"[0-9a-f]{32}", re.ASCII)
CLAIM_ID = re.compile(r"[!-~]{1,32}", re.ASCII)
VOUCHER = re.compile(r"[!-~]{1,64}", re.ASCII)
PERIOD = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)
TYPED_MAX = 64
FOLLOW_S = 1.0
"""So long a list waits for the books to take what was just given; later it may be a moment behind."""
FOLLOW_POLL_S = 0.02
NO_BOOKS = "no books are kept by this process: lists by party are not available"
NOT_YOURS = "no invoice of yours with this code and number"
Answered = TypeVar("Answered")


@dataclass(frozen=True, slots=True)
class Held:
    """An invoice that a clerk's company is a party to: it is the buyer, or has claimed it.

    Attributes:
        invoice: code and number.
        found: as ``Ledger.invoice`` has it.
    """

    invoice: Invoice
    found: dict[str, Any]

    @property
    def standing(self) -> Mapping[str, Any]:
        """Where it stands, all axes."""
        standing: Mapping[str, Any] = self.found["standing"]
        return standing


class Desk:
    """One site's desk for clerks."""

    def __init__(self, site: "Site") -> None:
        self.site = site
        self.context = site.context
        self.ledger = site.context.ledger
        self._given_height = 0

    async def clerk(self, request: Request) -> Session:
        """The clerk at this browser; leads others to log in."""
        return await self.site.sessions.need(request, Role.REIMBURSER)

    async def names(self) -> Mapping[str, str]:
        """The names of issuers by tax id."""
        registry = (await self.site.shared.registry.now()).registry
        return {issuer["tax_id"]: issuer["name"] for issuer in registry["issuers"]}

    async def accepts_individuals(self, tax_id: str) -> bool:
        """A company's policy."""
        return tax_id in (await self.site.shared.registry.now()).registry["accept_individuals"]

    def hosts(self, request: Request) -> set[str]:
        """Hosts under which this deployment's codes are made: as it is reached, and as it says."""
        public = self.context.public_url.partition("://")[2].partition("/")[0]
        return {each.lower() for each in (request.url.netloc, public) if each}

    async def books(self, ask: Callable[[Books], Answered]) -> Answered:
        """Asks the books, which have taken what was given here.

        Raises:
            Problem: 503 where there are none, 400 ``E_CURSOR``.
        """
        books = self.context.books
        if books is None:
            raise Problem(503, "E_NO_BOOKS", NO_BOOKS)
        try:
            async with asyncio.timeout(FOLLOW_S):
                while books.height < self._given_height:  # noqa: ASYNC110  they have no event for it
                    await asyncio.sleep(FOLLOW_POLL_S)
        except TimeoutError:
            pass
        try:
            return await asyncio.to_thread(ask, books)
        except FarechainError as error:
            raise Problem(400 if error.code == "E_CURSOR" else 503, error.code, error.message) from error

    async def held(self, tax_id: str, name: str) -> Held:
        """An invoice by name. Raises ``Problem`` 404 for one that is not there or whose party it is not."""
        return await asyncio.to_thread(self._held, tax_id, invoice_of(name))

    def _held(self, tax_id: str, invoice: Invoice) -> Held:
        found = self.ledger.invoice(*invoice)
        if found is None or found["standing"] is None or not is_party(tax_id, found):
            raise Problem(404, "E_NOT_FOUND", NOT_YOURS)
        return Held(invoice, found)

    async def give(self, party: Party, order: Order, command_id: str) -> CommandAnswer:
        """Gives a command. Raises ``Problem``, also for what cannot be said in a command."""
        answer = await self.site.signing.give(party, order, command_id)
        self._given_height = max(self._given_height, answer.height)
        return answer

    def render(
        self, request: Request, template: str, session: Session, http_status: int = 200, **values: Any
    ) -> HTMLResponse:
        """One of the clerk's pages."""
        shared = {
            "word": session.word,
            "words": words,
            "refusal": refusal,
            "query": request.url.query,
            "now_ms": int(self.context.clock_s() * 1000),
        }
        return self.site.layout.render(request, template, http_status, session.caller, **{**shared, **values})


def is_party(tax_id: str, found: Mapping[str, Any]) -> bool:
    """Whether a company may read a blue invoice: it is the buyer or the locker."""
    parties = (found["fields"].get("buyer_tax_id"), found["standing"]["locker"])
    return any(permits(Role.REIMBURSER, Verb.READ_INVOICE_FIELDS, tax_id, party) for party in parties)


def invoice_of(name: str) -> Invoice:
    """``CODE-NUMBER``, or twenty digits. Raises ``Problem`` 404."""
    found = NAME.fullmatch(name) or ALL_DIGITAL.fullmatch(name)
    if found is None or int(found[2]) == 0:
        raise Problem(404, "E_NOT_FOUND", NOT_YOURS)
    return Invoice(found[1], int(found[2]))


def name_of(invoice: Invoice) -> str:
    """``CODE-NUMBER``, eight digits of it."""
    return f"{invoice.code}-{invoice.number:08d}"


def half_width(text: str) -> str:
    """What was typed in half-width form, whatever the input method gave."""
    return unicodedata.normalize("NFKC", text) if len(text) <= TYPED_MAX else text


def once_of(form: Form) -> str:
    """The id that a form was made with, so that it does nothing twice. Raises ``Problem`` 422."""
    once = form.one("once")
    if not ONCE.fullmatch(once):
        raise Problem(422, "E_FORM", "this form has no id of its own: load the page again")
    return once


def claim_id_of(form: Form) -> str:
    """The claim's number. Raises ``Problem`` 422."""
    claim_id = half_width(form.one("claim_id"))
    if not CLAIM_ID.fullmatch(claim_id):
        raise Problem(422, "E_CLAIM_ID", "a claim's number has 1 to 32 letters, digits or signs, no spaces")
    return claim_id


def voucher_of(form: Form) -> str:
    """The voucher that is posted under. Raises ``Problem`` 422."""
    voucher = half_width(form.one("voucher"))
    if not VOUCHER.fullmatch(voucher):
        raise Problem(422, "E_VOUCHER", "a voucher has 1 to 64 letters, digits or signs, no spaces")
    return voucher


def period_of(form: Form) -> str:
    """The month that is posted in. Raises ``Problem`` 422."""
    period = half_width(form.one("period"))
    if not PERIOD.fullmatch(period):
        raise Problem(422, "E_PERIOD", "a period is a month, such as 2026-03")
    return period


def refusal(problem: Problem) -> Words:
    """Why something was refused, in both languages."""
    return words.REFUSED.get(problem.code, Words(problem.detail, problem.detail))


def distinct(invoices: Iterable[Invoice]) -> list[Invoice]:
    """Each once, in their order."""
    return list(dict.fromkeys(invoices))
