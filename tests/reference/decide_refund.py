"""Refunds: before their payment, of a recorded payment, of an invoice (docs/format.md, section 3)."""

from . import records, red_letter, totals, verdicts
from .errors import require
from .event import Payment
from .invoice import RED_PENDING, Owed, Paid
from .records import Entry
from .state import State, WaitingPayment, WaitingRefund

BEFORE_PAYMENT, REDUCED, NOT_INVOICED, NO_NUMBERS = range(1, 5)


def apply(state: State, event: Payment, block_time: int) -> tuple[int, Entry]:
    """Its verdict and its record."""
    found = [state.payments.get(event.identity_of(kind)) for kind in (1, 3)]
    paid = found[0] or found[1]
    before = state.refunds.get(event.origin, 0)
    if paid is None:
        state.refunds[event.origin] = before + event.refund
        return verdicts.RECORDED, recorded(event, BEFORE_PAYMENT, event.origin)
    require(before + event.refund <= paid.paid, "E_RED_EXCEEDS")
    live, uninvoiced = paid.live, state.uninvoiced(paid)
    state.refunds[event.origin] = before + event.refund
    if live == 0:
        reduced = uninvoiced - state.uninvoiced(paid)
        totals.reduced(state, paid.seller, reduced, block_time)
        reduce(state, paid, event.refund)
        gone_already = paid.invoice is not None and reduced == 0
        state_ = NOT_INVOICED if gone_already else REDUCED
        return verdicts.RECORDED, recorded(event, state_, paid.identity, reduced)
    if live <= state.reversing(paid):
        return verdicts.RECORDED, recorded(event, NOT_INVOICED, paid.identity)
    assert paid.invoice is not None
    owed = Owed(paid, event.refund, event.identity)
    if paid.invoice.used_or_posted or paid.invoice.fiscal == RED_PENDING:
        return verdicts.RECORDED, red_letter.owe(owed, event.leaf, event.canonical, block_time)
    if state.has_numbers(paid.seller, 1):
        red = red_letter.for_refund(state, paid, owed, event.leaf, event.canonical, block_time)
        return verdicts.REVERSED, red
    state.queue.append(WaitingRefund(paid, event.refund, event.identity, event.leaf))
    return verdicts.RECORDED, recorded(event, NO_NUMBERS, paid.identity)


def recorded(event: Payment, state: int, of_payment: bytes, reduced: int = 0) -> Entry:
    amounts = (event.refund, of_payment, event.identity, event.leaf, reduced)
    return Entry(records.refund(event.seller, state, *amounts), event.canonical)


def reduce(state: State, paid: Paid, refund: int) -> None:
    """What may be invoiced falls; a waiting payment with nothing left leaves the queue."""
    paid.left = max(0, paid.left - refund)
    if paid.left == 0:
        state.queue = [
            item for item in state.queue if not (isinstance(item, WaitingPayment) and item.paid is paid)
        ]
