"""What waits, issued in order as numbers and credit allow (docs/format.md, section 3, Drain)."""

from . import cbor, decide_payment, decide_refund, records, red_letter
from .decide import Decision
from .inputs import Input
from .invoice import RED_PENDING, Owed
from .records import Entry
from .state import State, WaitingPayment, WaitingRefund
from .verdicts import DRAINED

Item = WaitingPayment | WaitingRefund


def drainable(state: State, block_time: int) -> Item | None:
    """The earliest item that could be issued: its seller's first, with a number and what else it needs."""
    seen = set()
    for item in state.queue:
        if item.seller in seen:
            continue
        seen.add(item.seller)
        if state.grant_for(item.seller) is None:
            continue
        if isinstance(item, WaitingPayment):
            credit = state.has_credit(item.seller, item.paid.left, block_time)
            if not credit or decide_payment.terms(state, item.paid) is None:
                continue
        return item
    return None


def engine_input(offset: int, drain_max: int, block_time: int) -> Input:
    """The input of source 0 that makes a drain part of the history."""
    return Input(0, offset, block_time, None, cbor.encode([1, "DRAIN", drain_max]), [])


def drain(state: State, drain_max: int, block_time: int) -> Decision:
    """Issues what can be issued, at most ``drain_max`` items."""
    entries: list[Entry] = []
    while len(entries) < drain_max and (item := drainable(state, block_time)) is not None:
        state.queue.remove(item)
        if isinstance(item, WaitingPayment):
            entries.append(Entry(decide_payment.issue(state, item.paid, block_time), None))
        else:
            entries.append(reverse(state, item, block_time))
    return Decision(DRAINED, tuple(entries))


def reverse(state: State, item: WaitingRefund, block_time: int) -> Entry:
    """A waiting refund's red letter; or what has become of it meanwhile, which takes no number."""
    paid, invoice = item.paid, item.paid.invoice
    assert invoice is not None
    if paid.live == 0:
        state_, whose = decide_refund.NOT_INVOICED, (item.identity, item.root)
        return Entry(records.refund(item.seller, state_, item.fen, paid.identity, *whose), None)
    owed = Owed(paid, item.fen, item.identity)
    if invoice.used_or_posted or invoice.fiscal == RED_PENDING:
        return red_letter.owe(owed, item.root, None, block_time)
    return red_letter.for_refund(state, paid, owed, item.root, None, block_time)
