"""Payments and top-ups: issued, or recorded with the state that says why not (docs/format.md, section 3)."""

from . import records, totals
from .command import NONTAXABLE, POLICIES, STORED_VALUE
from .digests import leaf_hash
from .errors import require
from .event import CHANNELS, Payment
from .invoice import Invoice, Line, Paid, Share
from .records import Entry
from .state import AT_RIDE, COVERED_BY_TOP_UP, State, WaitingPayment

CLOCK_SKEW_MAX_MS = 48 * 3_600_000
FLAG_FUTURE, FLAG_LATE = 1, 2
NOTHING_TO_INVOICE, CLAIMABLE, NO_NUMBERS, NO_CREDIT, REFUNDED = 1, 3, 4, 5, 6
PAID, TOPPED_UP = 1, 3


def apply(state: State, event: Payment, timestamp_ms: int, block_time: int) -> tuple[bool, Entry]:
    """Whether it is invoiced, and its record."""
    paid = dated(event, timestamp_ms)
    if totals.is_late(state, event.seller, paid.dated_at):
        paid.late, paid.flags = True, paid.flags + FLAG_LATE
    require(event.scene in state.scenes)
    check_detail(state.scenes[paid.scene], event.detail)
    require(event.seller in state.issuers, "E_ROLE")
    paid.left = max(0, event.invoiceable - state.refunds.get(event.origin, 0))
    paid.state = state_of(state, event, paid, block_time)
    state.payments[event.identity] = paid
    if paid.state is None:
        return True, Entry(issue(state, paid, block_time), event.canonical)
    if paid.state in (NO_NUMBERS, NO_CREDIT):
        state.queue.append(WaitingPayment(paid))
    if paid.state in (CLAIMABLE, NO_NUMBERS, NO_CREDIT):
        totals.recorded(state, paid, block_time)
    return False, Entry(records.payment(paid, paid.state), event.canonical)


def dated(event: Payment, timestamp_ms: int) -> Paid:
    """The payment with its date: the device's, or the broker's where the device's clock is ahead."""
    ahead = event.paid_at - timestamp_ms
    require(ahead <= CLOCK_SKEW_MAX_MS, "E_TIME_FUTURE")
    assert event.scene is not None
    return Paid(
        seller=event.seller, scene=event.scene, paid=event.paid, invoiceable=event.invoiceable, left=0,
        dated_at=timestamp_ms if ahead > 0 else event.paid_at, flags=FLAG_FUTURE if ahead > 0 else 0,
        identity=event.identity, origin=event.origin, root=event.leaf, payer=event.payer,
        topped_up=event.kind == TOPPED_UP,
    )  # fmt: skip


def check_detail(row: dict[str, tuple[int, bool]], detail: dict[str, str | int]) -> None:
    """Every field known to the scene and of its type, every required one there."""
    for name, value in detail.items():
        require(name in row and row[name][0] == (1 if isinstance(value, str) else 2))
    require(all(name in detail for name, (_, required) in row.items() if required))


def state_of(state: State, event: Payment, paid: Paid, block_time: int) -> int | None:
    """Why it is not invoiced now; None where it is."""
    if event.invoiceable == 0:
        return NOTHING_TO_INVOICE
    if paid.left == 0:
        return REFUNDED
    row = state.mandates.get(event.seller, {}).get(paid.scene)
    if paid.topped_up and row is not None and row[1] == STORED_VALUE["AT_RIDE"]:
        return AT_RIDE
    by_card = event.kind == PAID and event.channel == CHANNELS["CARD"]
    if by_card and row is not None and row[1] == STORED_VALUE["AT_TOPUP"]:
        return COVERED_BY_TOP_UP
    if row is None or row[0] == POLICIES["ON_CLAIM"]:
        return CLAIMABLE
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
    agreed = terms(state, paid)
    assert agreed is not None
    tax_code, rate = agreed
    number = state.take_number(paid.seller)
    state.use_credit(paid.seller, paid.left, block_time)
    totals.invoiced(state, paid, paid.left, block_time, anew=paid.state is not None)
    record = records.issued(number, paid, tax_code, rate, paid.left, block_time)
    lines, shares = [Line(tax_code, rate, paid.left)], [Share(paid, 0, paid.left)]
    paid.invoice = Invoice(1, *number, leaf_hash(record), paid.seller, None, lines, shares)
    state.invoices[number] = paid.invoice
    return record
