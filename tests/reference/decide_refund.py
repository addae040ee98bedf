"""Refunds: before their payment, of a recorded payment, of an invoice (docs/format.md, section 3)."""

from . import records
from .errors import require
from .event import Payment
from .state import Paid, State, WaitingPayment, WaitingRefund

BEFORE_PAYMENT, REDUCED, NOT_INVOICED, NO_NUMBERS = range(1, 5)


def apply(state: State, event: Payment, block_time: int) -> tuple[bool, bytes]:
    """Whether it is a red letter, and its record."""
    of_payment = event.identity_of(1)
    if of_payment not in state.payments and event.identity_of(3) in state.payments:
        of_payment = event.identity_of(3)
    paid = state.payments.get(of_payment)
    so_far = state.refunds.get(event.origin, 0) + event.refund
    if paid is not None:
        require(so_far <= paid.paid, "E_RED_EXCEEDS")
    state.refunds[event.origin] = so_far
    if paid is None:
        standing = BEFORE_PAYMENT
        of_payment = event.origin
    elif paid.invoice is None:
        standing = REDUCED
        reduce(state, paid, event.refund)
    elif paid.invoice.remaining == 0:
        standing = NOT_INVOICED
    else:
        before = paid.invoice.remaining
        change = (before, max(0, before - event.refund))
        paid.invoice.remaining = change[1]
        red = (event.seller, paid.invoice, change, event.identity, event.leaf)
        grant = state.grant_for(event.seller)
        if grant is not None and not state.waits(event.seller):
            return True, records.red_letter(*red, grant, block_time)
        standing = NO_NUMBERS
        state.queue.append(WaitingRefund(*red))
    record = records.refund(event.seller, standing, event.refund, of_payment, event.identity, event.leaf)
    return False, record


def reduce(state: State, paid: Paid, refund: int) -> None:
    """What may be invoiced falls; a waiting payment with nothing left leaves the queue."""
    paid.left = max(0, paid.left - refund)
    if paid.left == 0:
        state.queue = [
            item for item in state.queue if not (isinstance(item, WaitingPayment) and item.paid is paid)
        ]
