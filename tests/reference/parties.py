"""Who a signer is to an invoice: the seller's side, the reimburser's, its holder, its payer
(docs/format.md, section 3)."""

from .command import ROLES
from .digests import identity
from .errors import require
from .invoice import REIMBURSER_SIDE, SELLER_SIDE, Invoice
from .order import Order
from .state import State

ISSUER, AGENT, HOLDER, REIMBURSER = (ROLES[name] for name in ("ISSUER", "AGENT", "HOLDER", "REIMBURSER"))


def acts_for(state: State, order: Order, seller: str, scenes: set[str]) -> bool:
    """As the seller's ISSUER, or as AGENT of an open delegation for these scenes."""
    key = order.key
    if key.role == ISSUER:
        return key.tax_id == seller
    if key.role != AGENT or key.tax_id is None:
        return False
    delegation = state.delegations.get((seller, key.tax_id))
    if delegation is None or not scenes <= delegation.scenes:
        return False
    return delegation.to_height is None or order.height < delegation.to_height


def acts_for_seller_of(state: State, order: Order, invoice: Invoice) -> bool:
    return acts_for(state, order, invoice.seller, invoice.scenes)


def side_of(state: State, order: Order, invoice: Invoice) -> int | None:
    """The signer's side in a request for a red letter."""
    if acts_for_seller_of(state, order, invoice):
        return SELLER_SIDE
    other = invoice.buyer if invoice.locker is None else invoice.locker
    if order.key.role == REIMBURSER and order.key.tax_id == other:
        return REIMBURSER_SIDE
    return None


def opens(order: Order, opening: bytes | None, payer: bytes | None) -> bool:
    """Whether an agent opens a payer's commitment."""
    if order.key.role != AGENT or opening is None or payer is None:
        return False
    return payer == identity(b"PAYER", opening)


def is_buyer(order: Order, invoice: Invoice) -> bool:
    return invoice.buyer is not None and invoice.buyer == order.key.tax_id


def check_holder(state: State, kid: bytes | None) -> None:
    """The key that is to hold an invoice."""
    if kid is None:
        return
    require(kid in state.keys, "E_KEY_UNKNOWN")
    require(state.keys[kid].role in (HOLDER, AGENT), "E_ROLE")
    require(not state.keys[kid].retired, "E_KEY_EXPIRED")
