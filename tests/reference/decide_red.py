"""Red letters by command: of the seller's side alone, or asked for by one side and answered by the other
(docs/format.md, section 3)."""

from collections.abc import Callable

from . import red_letter
from .command import ROLES
from .command_invoice import RED_CONFIRM, RED_EXPIRE, RED_ISSUE, RED_REFUSE, RED_REQUEST, RED_WITHDRAW
from .decide_invoice import invoice_of, recorded
from .errors import require
from .invoice import ISSUED, RED_PENDING, REIMBURSER_SIDE, SELLER_SIDE, Invoice, Request
from .order import Order
from .parties import acts_for_seller_of, is_buyer, side_of
from .records import Cause, Entry
from .state import State

LAPSES_AFTER_MS = 72 * 3_600_000
REIMBURSER = ROLES["REIMBURSER"]


def apply(state: State, order: Order) -> Entry:
    return BY_KIND[order.kind](state, order, invoice_of(state, order))


def issue(state: State, order: Order, invoice: Invoice) -> Entry:
    reason, payments = order.fields[2:]
    require(acts_for_seller_of(state, order, invoice), "E_ROLE")
    require(invoice.fiscal == ISSUED and not invoice.frozen, "E_STATE")
    require(not invoice.used_or_posted, "E_RED_NEEDS_CONFIRM")
    losses = all_of(invoice, payments)
    require(state.has_numbers(invoice.seller, 1), "E_NUMBER_RANGE")
    return written(state, order, invoice, losses, reason)


def all_of(invoice: Invoice, payments: list[bytes] | None) -> dict[bytes, int]:
    """What is live of the payments named, or of all."""
    live = invoice.live
    if payments is None:
        return live
    require(all(payment in live for payment in payments), "E_PAYMENT_UNKNOWN")
    return {payment: live[payment] for payment in payments}


def written(state: State, order: Order, invoice: Invoice, losses: dict[bytes, int], reason: int) -> Entry:
    cause = Cause(reason, next(order.identities), order.root, order.canonical, by_refund=False)
    return red_letter.issue(state, invoice, losses, cause, order.block_time)


def request(state: State, order: Order, invoice: Invoice) -> Entry:
    reason, payments = order.fields[2:]
    side = SELLER_SIDE
    if not acts_for_seller_of(state, order, invoice):
        locker = invoice.locker is not None and invoice.locker == order.key.tax_id
        concerned = order.key.role == REIMBURSER and (is_buyer(order, invoice) or locker)
        require(concerned, "E_ROLE")
        side = REIMBURSER_SIDE
    require(invoice.fiscal == ISSUED and not invoice.frozen and invoice.used_or_posted, "E_STATE")
    owed = []
    if payments == []:
        require(len(invoice.owed) > 0, "E_STATE")
        owed = list(invoice.owed)
    else:
        all_of(invoice, payments)
    invoice.fiscal = RED_PENDING
    invoice.request = Request(side, reason, order.block_time, payments, owed)
    return recorded(order, invoice)


def confirm(state: State, order: Order, invoice: Invoice) -> Entry:
    require_side(state, order, invoice, requester=False)
    asked = pending(invoice)
    require(order.block_time - asked.at <= LAPSES_AFTER_MS, "E_STATE")
    require(state.has_numbers(invoice.seller, 1), "E_NUMBER_RANGE")
    if asked.owed:
        losses = owed_of(invoice, asked)
        invoice.owed = [one for one in invoice.owed if one not in asked.owed]
    else:
        losses = all_of(invoice, asked.payments)
    return written(state, order, invoice, losses, asked.reason)


def owed_of(invoice: Invoice, asked: Request) -> dict[bytes, int]:
    """What the owed refunds take off each payment, no more than is live."""
    losses: dict[bytes, int] = {}
    for one in asked.owed:
        losses[one.paid.identity] = losses.get(one.paid.identity, 0) + one.fen
    live = invoice.live
    return {payment: min(fen, live[payment]) for payment, fen in losses.items() if payment in live}


def refuse(state: State, order: Order, invoice: Invoice) -> Entry:
    require_side(state, order, invoice, requester=False)
    pending(invoice)
    return ended(order, invoice)


def withdraw(state: State, order: Order, invoice: Invoice) -> Entry:
    require_side(state, order, invoice, requester=True)
    pending(invoice)
    return ended(order, invoice)


def expire(state: State, order: Order, invoice: Invoice) -> Entry:
    require(order.block_time - pending(invoice).at > LAPSES_AFTER_MS, "E_STATE")
    return ended(order, invoice)


def pending(invoice: Invoice) -> Request:
    require(invoice.request is not None, "E_STATE")
    assert invoice.request is not None
    return invoice.request


def require_side(state: State, order: Order, invoice: Invoice, *, requester: bool) -> None:
    """The signer is of the requester's side, or of the other one; of any where nothing is asked for."""
    own = side_of(state, order, invoice)
    require(own is not None, "E_ROLE")
    if invoice.request is not None:
        require((own == invoice.request.side) == requester, "E_ROLE")


def ended(order: Order, invoice: Invoice) -> Entry:
    """A request is over without a red letter."""
    invoice.fiscal, invoice.request = ISSUED, None
    return recorded(order, invoice)


BY_KIND: dict[int, Callable[[State, Order, Invoice], Entry]] = {
    RED_ISSUE: issue,
    RED_REQUEST: request,
    RED_CONFIRM: confirm,
    RED_REFUSE: refuse,
    RED_WITHDRAW: withdraw,
    RED_EXPIRE: expire,
}
