"""Red letters: what they take off an invoice's payments and lines, and where that leaves it
(docs/format.md, section 3)."""

from typing import Any

from . import records, totals
from .invoice import (
    FREE,
    ISSUED,
    LOCKED,
    RED_PENDING,
    REVERSED,
    SELLER_SIDE,
    Invoice,
    Line,
    Owed,
    Paid,
    Request,
)
from .records import Cause, Entry, Parts, split_tax
from .state import State

SALES_RETURN, RETITLED = 2, 5
"""The reasons of a refund and of a retitle."""

REQUESTED, BEHIND_A_REQUEST = 1, 2


def issue(state: State, invoice: Invoice, losses: dict[bytes, int], cause: Cause, block_time: int) -> Entry:
    """Takes these amounts off these payments. There must be a number."""
    short = cause.by_refund and invoice.untouched
    concerned = [share.paid for share in invoice.shares if share.paid.identity in losses]
    before = [state.uninvoiced(paid) for paid in concerned]
    parts = take_off(invoice, losses)
    number = state.take_number(invoice.seller)
    settle(invoice)
    released = 0
    for paid, uninvoiced in zip(concerned, before, strict=True):
        rise = state.uninvoiced(paid) - uninvoiced
        paid.released = paid.released or rise > 0
        released += rise
    totals.reversed_(state, invoice.seller, -parts.sums[2], released, block_time)
    if not short:
        return records.red_letter(number, invoice, parts, released, cause, block_time)
    line = parts.lines[0]
    record = records.short_red_letter(number, invoice, line, cause.identity, cause.root, block_time)
    return Entry(record, cause.data)


def take_off(invoice: Invoice, losses: dict[bytes, int]) -> Parts:
    """Lets live amounts and remainders fall; the red letter's lines and payments."""
    before = [line.remaining for line in invoice.lines]
    gone = [0] * len(invoice.lines)
    payments = []
    for share in invoice.shares:
        fen = losses.get(share.paid.identity, 0)
        if fen == 0:
            continue
        payments.append([share.paid.identity, share.line, share.live, share.live - fen])
        share.live -= fen
        assert share.live >= 0
        invoice.lines[share.line].remaining -= fen
        gone[share.line] += share.live == 0
    lines = [
        red_line(line, remaining, count)
        for line, remaining, count in zip(invoice.lines, before, gone, strict=True)
    ]
    return Parts(lines, payments)


def red_line(line: Line, before: int, gone: int) -> list[Any]:
    """What a line falls by, as the difference of the splits before and after."""
    splits = zip(split_tax(line.remaining, line.rate), split_tax(before, line.rate), strict=True)
    booked = [after - earlier for after, earlier in splits]
    return [line.tax_code, line.rate, -gone, *booked, line.remaining - before, line.remaining]


def settle(invoice: Invoice) -> None:
    """Where the invoice stands now: a lock is cancelled, a request is over, what is not live is not owed."""
    invoice.fiscal = REVERSED if invoice.remaining == 0 else ISSUED
    invoice.request = None
    live = invoice.live
    invoice.owed = [one for one in invoice.owed if one.paid.identity in live]
    if invoice.claim == LOCKED:
        invoice.unlock()
        assert invoice.claim == FREE


def for_refund(
    state: State, paid: Paid, refund: Owed, root: bytes, data: bytes | None, block_time: int
) -> Entry:
    """The red letter of a refund of a payment that an invoice holds something of."""
    assert paid.invoice is not None
    losses = {paid.identity: min(refund.fen, paid.live)}
    cause = Cause(SALES_RETURN, refund.identity, root, data, by_refund=True)
    return issue(state, paid.invoice, losses, cause, block_time)


def owe(refund: Owed, root: bytes, data: bytes | None, block_time: int) -> Entry:
    """Lists a refund as owed; it opens a request for itself where none is open."""
    invoice = refund.paid.invoice
    assert invoice is not None
    invoice.owed.append(refund)
    state = BEHIND_A_REQUEST
    if invoice.fiscal == ISSUED:
        state = REQUESTED
        invoice.fiscal = RED_PENDING
        invoice.request = Request(SELLER_SIDE, SALES_RETURN, block_time, None, [refund])
    return Entry(records.owed(invoice, state, refund, root), data)
