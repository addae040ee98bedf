"""What waits, issued in order as numbers and credit allow (docs/format.md, section 3, Drain)."""

from . import cbor, decide_payment, records
from .decide import DRAINED, Decision
from .inputs import Input
from .state import State, WaitingPayment, WaitingRefund

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
    issued: list[bytes] = []
    while len(issued) < drain_max and (item := drainable(state, block_time)) is not None:
        state.queue.remove(item)
        if isinstance(item, WaitingPayment):
            issued.append(decide_payment.issue(state, item.paid, block_time))
            continue
        grant = state.grant_for(item.seller)
        assert grant is not None
        red = (item.seller, item.invoice, item.change, item.identity, item.root)
        issued.append(records.red_letter(*red, grant, block_time))
    return Decision(DRAINED, tuple(issued))
