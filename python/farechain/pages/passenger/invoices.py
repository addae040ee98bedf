"""Invoices that a passenger holds, and the card of one: what is on it, where it stands, how it came there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from farechain.api.problems import Problem
from farechain.books.books import Books
from farechain.books.entries import BookedInvoice, Movement, Page
from farechain.export.document import InvoiceDocument
from farechain.orders import Invoice
from farechain.pages.documents import code_of
from farechain.pages.passenger.person import Person, reading

LISTED_MAX = 50
CODE = re.compile(r"[0-9]{12}", re.ASCII)
NUMBER = re.compile(r"0{0,7}[1-9][0-9]{0,7}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Held:
    """An invoice, or a red letter of one, that this person may see.

    Attributes:
        invoice: its code and number.
        found: as ``Ledger.invoice``.
        blue: the same, or of a red letter its original.
    """

    invoice: Invoice
    found: Mapping[str, Any]
    blue: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Where its card is."""
        return card_of(self.invoice)

    @property
    def is_red(self) -> bool:
        """Whether it is a red letter."""
        return self.found is not self.blue


@dataclass(frozen=True, slots=True)
class Card:
    """Everything on an invoice's card."""

    held: Held
    document: InvoiceDocument
    history: Sequence[Movement]
    latest_ms: int
    code: str | None
    """The QR code as SVG."""


def card_of(invoice: Invoice) -> str:
    """Where an invoice's card is."""
    return f"/my/invoices/{invoice.code}/{invoice.number:08d}"


def books_of(person: Person) -> Books:
    """Raises ``Problem`` 503 ``E_NO_BOOKS``."""
    books = person.site.context.books
    if books is None:
        raise Problem(503, "E_NO_BOOKS", "no books are kept here: open an invoice by its trip")
    return books


async def held_by(person: Person, after: str | None) -> Page[BookedInvoice]:
    """What the person holds, the latest moved first. Raises ``Problem`` 400 ``E_CURSOR``.

    The books may be some blocks behind: what has been handed on since is left out.
    """
    books = books_of(person)

    def listed() -> Page[BookedInvoice]:
        page = books.held_by([person.kid], LISTED_MAX, after)
        entries = [one for one in page.entries if _find(person, one.code, f"{one.number}") is not None]
        return replace(page, entries=entries)

    return await reading(listed)


async def find(person: Person, code: str, number: str) -> Held:
    """An invoice that the person holds, or a red letter of one.

    Raises:
        Problem: 404 ``E_NOT_FOUND``: there is none, or it is another's; nothing tells which.
    """
    held = await reading(lambda: _find(person, code, number))
    if held is None:
        raise Problem(404, "E_NOT_FOUND", "you hold no invoice with this code and number")
    return held


async def card(person: Person, held: Held) -> Card:
    """The card of an invoice."""
    document = await person.site.documents.read(held.found)
    books = person.site.context.books
    invoice = held.invoice
    history: Sequence[Movement] = ()
    if books is not None:
        history = (await reading(lambda: books.movements(invoice.code, invoice.number))).entries
    return Card(held, document, history, held.found["latest"][2], code_of(document))


def _find(person: Person, code: str, number: str) -> Held | None:
    if not (CODE.fullmatch(code) and NUMBER.fullmatch(number)):
        return None
    found = person.ledger.invoice(code, int(number))
    blue = found
    if found is not None and found["standing"] is None:
        fields = found["fields"]
        blue = person.ledger.invoice(fields["original_code"], fields["original_number"])
    if found is None or blue is None or not person.holds(blue["standing"]["holder"]):
        return None
    return Held(Invoice(code, int(number)), found, blue)
