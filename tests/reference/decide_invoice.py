"""What holders, reimbursers and the bureau do with an invoice (docs/format.md, section 3)."""

from collections.abc import Callable

from . import cbor, ed25519, records
from .command import ROLES
from .command_invoice import (
    BIND,
    CONFIRM_USE,
    FREEZE,
    LOCK,
    POST,
    REIMBURSE,
    TRANSFER,
    UNFREEZE,
    UNLOCK,
    UNPOST,
)
from .errors import require
from .inputs import PRESENT_TYPE, pae
from .invoice import CONFIRMED, FREE, ISSUED, LOCKED, NONE, POSTED, REIMBURSED, Invoice
from .order import Order
from .parties import acts_for_seller_of, check_holder, is_buyer, opens
from .records import Entry
from .state import State

BUREAU = ROLES["BUREAU"]


def change(state: State, order: Order) -> Entry:
    """Changes an invoice as an order says, and gives the record."""
    invoice = invoice_of(state, order)
    CHANGES[order.kind](state, order, invoice)
    return recorded(order, invoice)


def invoice_of(state: State, order: Order) -> Invoice:
    invoice = state.invoices.get((order.fields[0], order.fields[1]))
    require(invoice is not None, "E_NUMBER_RANGE")
    assert invoice is not None
    return invoice


def recorded(order: Order, invoice: Invoice) -> Entry:
    record = records.lifecycle(order.kind, order.kid, invoice, next(order.identities), order.root)
    return Entry(record, order.canonical)


def bind(state: State, order: Order, invoice: Invoice) -> None:
    opening, holder = order.fields[2:]
    payer = invoice.shares[0].paid.payer if invoice.kind == 1 else None
    require(acts_for_seller_of(state, order, invoice) or opens(order, opening, payer), "E_ROLE")
    in_force = invoice.fiscal == ISSUED and not invoice.frozen
    require(in_force and invoice.holder is None, "E_STATE")
    check_holder(state, holder)
    invoice.holder = holder


def transfer(state: State, order: Order, invoice: Invoice) -> None:
    holder = order.fields[2]
    require(invoice.holder is not None, "E_ROLE")
    assert invoice.holder is not None
    require(state.newest(invoice.holder) == order.kid, "E_ROLE")
    require(invoice.fiscal == ISSUED and invoice.claim == FREE and not invoice.frozen, "E_STATE")
    check_holder(state, holder)
    invoice.holder = holder


def lock(state: State, order: Order, invoice: Invoice) -> None:
    claim_id, presentation = order.fields[2:]
    tax_id = order.key.tax_id
    assert tax_id is not None
    own = is_buyer(order, invoice)
    anyone_s = invoice.buyer is None and state.accepts_individuals.get(tax_id, False)
    require(own or anyone_s, "E_ROLE")
    require(invoice.claim != LOCKED, "E_LOCKED_BY_OTHER")
    require(invoice.fiscal == ISSUED and invoice.claim == FREE and not invoice.frozen, "E_STATE")
    require(invoice.holder is not None or own, "E_STATE")
    if invoice.holder is not None:
        holder = state.keys[state.newest(invoice.holder)]
        require(not holder.retired and presentation is not None, "E_SIGNATURE")
        shown = cbor.encode([invoice.code, invoice.number, tax_id, claim_id])
        signed = ed25519.verify(holder.public_key, pae(PRESENT_TYPE, shown), presentation)
        require(signed, "E_SIGNATURE")
    invoice.claim, invoice.locker, invoice.claim_id = LOCKED, tax_id, claim_id


def unlock(state: State, order: Order, invoice: Invoice) -> None:
    require(invoice.claim == LOCKED, "E_STATE")
    require(order.key.role == BUREAU or locked_by(order, invoice), "E_LOCKED_BY_OTHER")
    invoice.unlock()


def locked_by(order: Order, invoice: Invoice) -> bool:
    return (invoice.locker, invoice.claim_id) == (order.key.tax_id, order.fields[2])


def reimburse(state: State, order: Order, invoice: Invoice) -> None:
    amount = order.fields[3]
    require(invoice.claim == LOCKED, "E_STATE")
    require(locked_by(order, invoice), "E_LOCKED_BY_OTHER")
    require(invoice.fiscal == ISSUED and not invoice.frozen, "E_STATE")
    require(amount <= invoice.remaining, "E_OVER_INVOICED")
    invoice.claim, invoice.reimbursed = REIMBURSED, amount


def confirm_use(state: State, order: Order, invoice: Invoice) -> None:
    require(is_buyer(order, invoice), "E_ROLE")
    require(invoice.fiscal == ISSUED and invoice.use == NONE and not invoice.frozen, "E_STATE")
    require(invoice.claim != LOCKED or invoice.locker == order.key.tax_id, "E_LOCKED_BY_OTHER")
    invoice.use = CONFIRMED


def post(state: State, order: Order, invoice: Invoice) -> None:
    require(invoice.claim == REIMBURSED, "E_STATE")
    require(invoice.locker == order.key.tax_id, "E_LOCKED_BY_OTHER")
    require(invoice.fiscal == ISSUED and not invoice.frozen, "E_STATE")
    invoice.claim = POSTED


def unpost(state: State, order: Order, invoice: Invoice) -> None:
    require(invoice.claim == POSTED, "E_STATE")
    require(invoice.locker == order.key.tax_id, "E_LOCKED_BY_OTHER")
    require(invoice.fiscal == ISSUED, "E_STATE")
    invoice.claim = REIMBURSED


def freeze(state: State, order: Order, invoice: Invoice) -> None:
    require(invoice.frozen == (order.kind == UNFREEZE), "E_STATE")
    invoice.frozen = order.kind == FREEZE


CHANGES: dict[int, Callable[[State, Order, Invoice], None]] = {
    BIND: bind,
    TRANSFER: transfer,
    LOCK: lock,
    UNLOCK: unlock,
    REIMBURSE: reimburse,
    CONFIRM_USE: confirm_use,
    POST: post,
    UNPOST: unpost,
    FREEZE: freeze,
    UNFREEZE: freeze,
}
