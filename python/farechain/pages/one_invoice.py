"""One invoice as an office sees it: all that stands on it, how it came to stand there, what was asked for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from farechain.access.roles import Verb
from farechain.api.invoice_views import CODE_PATTERN, InvoiceView, view_of
from farechain.api.problems import Problem
from farechain.books.entries import Movement
from farechain.orders import Invoice
from farechain.pages.office import Visit, ask
from farechain.pages.reversals import Request, request_of

UNKNOWN = "no invoice with this code and number that you may see"
MOVEMENTS_MAX = 200


@dataclass(frozen=True, slots=True)
class Opened:
    """An invoice with what is known about its life.

    Attributes:
        movements: as the books have them; None where no books are kept.
        request: the open request for a red letter.
        owed_fen: what of it is to be reversed still.
        title: the commitment to the buyer's title, 64 hex digits.
    """

    id: Invoice
    view: InvoiceView
    movements: Sequence[Movement] | None
    request: Request | None
    owed_fen: int
    title: str | None


def named(code: str, number: str) -> Invoice:
    """An invoice's name as it was typed. Raises ``Problem`` 404."""
    if not re.fullmatch(CODE_PATTERN, code, re.ASCII) or not re.fullmatch(r"[0-9]{1,8}", number, re.ASCII):
        raise Problem(404, "E_NOT_FOUND", "a code has 12 digits, a number up to 8")
    return Invoice(code, int(number))


async def opened(visit: Visit, invoice: Invoice) -> Opened:
    """An invoice that the caller may see. Raises ``Problem`` 404 for others, whether they exist or not."""
    snapshot = await visit.snapshot()
    return await ask(lambda: _opened(visit, invoice, snapshot.registry))


def _opened(visit: Visit, invoice: Invoice, registry: Mapping[str, Any]) -> Opened:
    context = visit.site.context
    found = context.ledger.invoice(*invoice)
    if found is None or not visit.caller.may(Verb.READ_INVOICE_FIELDS, found["fields"]["seller"]):
        raise Problem(404, "E_NOT_FOUND", UNKNOWN)
    title = found["fields"].get("title")
    owed = [item["fen"] for item in registry["owed"] if (item["code"], item["number"]) == tuple(invoice)]
    return Opened(
        id=invoice,
        view=view_of(context, found, opened=True),
        movements=context.books.movements(*invoice, MOVEMENTS_MAX).entries if context.books else None,
        request=request_of(context.ledger, registry, *invoice),
        owed_fen=sum(owed),
        title=title.hex() if title else None,
    )
