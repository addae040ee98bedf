"""Payments become an invoice under a title; an invoice gets another title (docs/format.md, section 3)."""

from typing import Any

from . import decide_payment, records, red_letter, totals
from .decide_invoice import invoice_of
from .digests import leaf_hash
from .errors import require
from .invoice import FREE, ISSUED, NONE, Invoice, Line, Paid, Share
from .order import Order
from .parties import AGENT, acts_for, acts_for_seller_of, check_holder, opens
from .records import Cause, Entry, Parts, split_tax
from .state import NEVER_INVOICED, State

LINES_MAX = 100


def claim(state: State, order: Order) -> Entry:
    *_, holder, claimed = order.fields
    payments: list[Paid] = []
    agreed: list[tuple[str, int]] = []
    for identity, opening in claimed:
        paid = state.payments.get(identity)
        require(paid is not None, "E_PAYMENT_UNKNOWN")
        assert paid is not None
        payments.append(paid)
        require(paid.seller == payments[0].seller, "E_SELLER_MIXED")
        agreed.append(claimable(state, order, paid, opening))
    seller, fens = payments[0].seller, [state.may_be_invoiced(paid) for paid in payments]
    check_holder(state, holder)
    require(len(set(agreed)) <= LINES_MAX)
    require(state.has_credit(seller, sum(fens), order.block_time), "E_STATE")
    require(state.has_numbers(seller, 1), "E_NUMBER_RANGE")
    lines = [Line(*terms, 0) for terms in sorted(set(agreed))]
    shares = []
    for paid, terms, fen in zip(payments, agreed, fens, strict=True):
        place = next(i for i, line in enumerate(lines) if (line.tax_code, line.rate) == terms)
        lines[place].remaining += fen
        shares.append(Share(paid, place, fen))
    return blue(state, order, order.fields[1:4], lines, shares)


def claimable(state: State, order: Order, paid: Paid, opening: bytes | None) -> tuple[str, int]:
    """The tax code and rate of a payment that this signer may claim now."""
    allowed = acts_for(state, order, paid.seller, {paid.scene}) or opens(order, opening, paid.payer)
    require(allowed, "E_ROLE")
    require(paid.live == 0, "E_PAYMENT_SPENT")
    never = (decide_payment.NOTHING_TO_INVOICE, *NEVER_INVOICED)
    require(paid.state not in never and not state.in_queue(paid), "E_STATE")
    require(state.may_be_invoiced(paid) > 0, "E_PAYMENT_REFUNDED")
    agreed = decide_payment.terms(state, paid)
    require(agreed is not None, "E_RATE_NOT_ALLOWED")
    assert agreed is not None
    return agreed


def retitle(state: State, order: Order) -> list[Entry]:
    """The red letter of all that is left, and the invoice under the new title."""
    invoice, holder = invoice_of(state, order), order.fields[5]
    require(acts_for_seller_of(state, order, invoice) or is_holder_s_agent(state, order, invoice), "E_ROLE")
    untouched = (invoice.fiscal, invoice.claim, invoice.use) == (ISSUED, FREE, NONE)
    require(untouched and not invoice.frozen, "E_STATE")
    check_holder(state, holder)
    require(state.has_numbers(invoice.seller, 2), "E_NUMBER_RANGE")
    left = [place for place, line in enumerate(invoice.lines) if line.remaining > 0]
    lines = [Line(**vars(invoice.lines[place])) for place in left]
    shares = [Share(s.paid, left.index(s.line), s.live) for s in invoice.shares if s.live > 0]
    cause = Cause(
        red_letter.RETITLED, next(order.identities), order.root, order.canonical, by_refund=False
    )  # fmt: skip
    red = red_letter.issue(state, invoice, invoice.live, cause, order.block_time)
    for share in shares:
        share.paid.released = True
    return [red, blue(state, order, order.fields[3:6], lines, shares)]


def is_holder_s_agent(state: State, order: Order, invoice: Invoice) -> bool:
    if invoice.holder is None or order.key.role != AGENT:
        return False
    return state.keys[invoice.holder].tax_id == order.key.tax_id


def blue(state: State, order: Order, buyer: list[Any], lines: list[Line], shares: list[Share]) -> Entry:
    """Writes an invoice. ``buyer``: tax id, title, holder. There must be a number."""
    seller = shares[0].paid.seller
    number = state.take_number(seller)
    rows = []
    for place, line in enumerate(lines):
        count = sum(share.line == place for share in shares)
        split = split_tax(line.remaining, line.rate)
        rows.append([line.tax_code, line.rate, count, *split, line.remaining])
    held = []
    for share in shares:
        booked_at = totals.booked_at(share.paid, order.block_time)
        held.append([share.paid.identity, share.paid.root, share.line, share.live, booked_at])
        totals.invoiced(state, share.paid, share.live, order.block_time, anew=True)
    parts, cause = Parts(rows, held), (next(order.identities), order.canonical)
    state.use_credit(seller, parts.sums[2], order.block_time)
    tax_id, title, holder = buyer
    entry = records.claimed(number, seller, (tax_id, title, holder), parts, cause, order.block_time)
    invoice = Invoice(5, *number, leaf_hash(entry.record), seller, tax_id, lines, shares, holder)
    state.invoices[number] = invoice
    for share in shares:
        share.paid.invoice = invoice
    return entry
