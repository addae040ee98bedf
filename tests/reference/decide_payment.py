"""Payments and top-ups: issued, or recorded with the state that says why not (docs/format.md, section 3)."""

from . import records
from .command import NONTAXABLE, POLICIES, STORED_VALUE
from .errors import require
from .event import CHANNELS, Payment
from .state import Paid, State, WaitingPayment

CLOCK_SKEW_MAX_MS = 48 * 3_600_000
FLAG_FUTURE = 1
NOTHING_TO_INVOICE, COVERED_BY_TOP_UP, CLAIMABLE, NO_NUMBERS, NO_CREDIT, REFUNDED, AT_RIDE = range(1, 8)
PAID, TOPPED_UP = 1, 3


def apply(state: State, event: Payment, timestamp_ms: int, block_time: int) -> tuple[bool, bytes]:
    """Whether it is invoiced, and its record."""
    paid = dated(event, timestamp_ms)
    require(event.scene in state.scenes)
    check_detail(state.scenes[paid.scene], event.detail)
    require(event.seller in state.issuers, "E_ROLE")
    paid.left = max(0, event.invoiceable - state.refunds.get(event.origin, 0))
    standing = standing_of(state, event, paid, block_time)
    state.payments[event.identity] = paid
    if standing is not None:
        if standing in (NO_NUMBERS, NO_CREDIT):
            state.queue.append(WaitingPayment(paid))
        return False, records.payment(paid, standing)
    return True, issue(state, paid, block_time)


def dated(event: Payment, timestamp_ms: int) -> Paid:
    """The payment with its date: the device's, or the broker's where the device's clock is ahead."""
    ahead = event.paid_at - timestamp_ms
    require(ahead <= CLOCK_SKEW_MAX_MS, "E_TIME_FUTURE")
    assert event.scene is not None
    return Paid(
        seller=event.seller, scene=event.scene, paid=event.paid, left=0,
        dated_at=timestamp_ms if ahead > 0 else event.paid_at, flags=FLAG_FUTURE if ahead > 0 else 0,
        identity=event.identity, root=event.leaf, payer=event.payer, topped_up=event.kind == TOPPED_UP,
    )  # fmt: skip


def check_detail(row: dict[str, tuple[int, bool]], detail: dict[str, str | int]) -> None:
    """Every field known to the scene and of its type, every required one there."""
    for name, value in detail.items():
        require(name in row and row[name][0] == (1 if isinstance(value, str) else 2))
    require(all(name in detail for name, (_, required) in row.items() if required))


def standing_of(state: State, event: Payment, paid: Paid, block_time: int) -> int | None:
    """Why it is not invoiced now; None where it is."""
    if event.invoiceable == 0:
        return NOTHING_TO_INVOICE
    if paid.left == 0:
        return REFUNDED
    row = state.mandates.get(event.seller, {}).get(paid.scene)
    if paid.topped_up and row is not None and row[1] == STORED_VALUE["AT_RIDE"]:
        return AT_RIDE
    if row is None or row[0] == POLICIES["ON_CLAIM"]:
        return CLAIMABLE
    if event.kind == PAID and event.channel == CHANNELS["CARD"] and row[1] == STORED_VALUE["AT_TOPUP"]:
        return COVERED_BY_TOP_UP
    require(terms(state, paid) is not None, "E_RATE_NOT_ALLOWED")
    if not state.has_credit(event.seller, paid.left, block_time):
        return NO_CREDIT
    if state.waits(event.seller) or state.grant_for(event.seller) is None:
        return NO_NUMBERS
    return None


def terms(state: State, paid: Paid) -> tuple[str, int] | None:
    """The mandate's tax code and rate, where the rate table allows them on the payment's day."""
    row = state.mandates.get(paid.seller, {}).get(paid.scene)
    if row is None:
        return None
    tax_code, rate = row[2], NONTAXABLE if paid.topped_up else row[3]
    allowed = state.rate_allowed(paid.scene, tax_code, rate, state.day(paid.dated_at))
    return (tax_code, rate) if allowed else None


def issue(state: State, paid: Paid, block_time: int) -> bytes:
    """Invoices what is left of a payment whose seller has numbers, credit and terms."""
    grant, agreed = state.grant_for(paid.seller), terms(state, paid)
    assert grant is not None
    assert agreed is not None
    months, month = state.issuers[paid.seller].issued_by_month, state.month(block_time)
    months[month] = months.get(month, 0) + paid.left
    return records.issue(paid, *agreed, grant, block_time)
