"""The orders of an invoice's life as plain data: what a command says besides network and id.

One function a row of the table in ``docs/format.md``, section 2. ``Party`` signs them one by one or, several
as one, in a batch. Bytes become hex here; the decoder checks everything else.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from farechain.private.openings import Kind, commitment_of, fresh_salt
from farechain.private.titles import check_title

Order = dict[str, Any]
"""A command's ``kind`` and members."""
Reason = Literal["ISSUE_ERROR", "SALES_RETURN", "SERVICE_SUSPENSION", "SALES_DISCOUNT"]


class Invoice(NamedTuple):
    """An invoice's code (12 digits) and number."""

    code: str
    number: int

    @classmethod
    def parse(cls, text: str) -> "Invoice":
        """``CODE-NUMBER``. Raises ``ValueError``."""
        code, _, number = text.partition("-")
        return cls(code, int(number))


class Buyer(NamedTuple):
    """Who an invoice is made out to.

    Attributes:
        tax_id: of an organisation; None for an individual.
        title: the commitment to the title's text, 32 bytes; an organisation needs one.
        holder: id of the key that will hold the invoice, 32 hex digits.
    """

    tax_id: str | None = None
    title: bytes | None = None
    holder: str | None = None

    def members(self) -> Order:
        """As a command has them."""
        return {
            "buyer": "INDIVIDUAL" if self.tax_id is None else "ORGANIZATION",
            "buyer_tax_id": self.tax_id,
            "title": _hex(self.title),
            "holder": self.holder,
        }


class Title(NamedTuple):
    """What a title's commitment hides; goes beside the command, never into it (``HttpClient.send``).

    Attributes:
        text: the title.
        salt: 16 random bytes, made for this text alone.
        subject: whose text it is, as the signer numbers its customers; None: the holder beside it.
    """

    text: str
    salt: bytes
    subject: str | None = None

    @classmethod
    def of(cls, text: str, subject: str | None = None) -> "Title":
        """With a fresh salt. Raises ``TitleError`` where a title may not be this text."""
        check_title(text)
        return cls(text, fresh_salt(), subject)

    @property
    def commitment(self) -> bytes:
        """What the command names, 32 bytes."""
        return commitment_of(Kind.TITLE, self.salt, self.text)

    def __repr__(self) -> str:
        return "Title(...)"


class Claimed(NamedTuple):
    """A payment to claim: its identity, and the opening of its payer's commitment where an agent shows it."""

    payment: bytes
    opening: bytes | None = None


def claim(payments: Sequence[Claimed], buyer: Buyer) -> Order:
    """One invoice for these payments of one seller."""
    rows = [{"payment": one.payment.hex(), "opening": _hex(one.opening)} for one in payments]
    return {"kind": "CLAIM", **buyer.members(), "payments": rows}


def retitle(invoice: Invoice, buyer: Buyer) -> Order:
    """A red letter of what is left, and a new invoice for the same under another title."""
    return {"kind": "RETITLE", **_of(invoice), **buyer.members()}


def bind(invoice: Invoice, holder: str, opening: bytes | None = None) -> Order:
    """Gives an invoice without a holder its first one."""
    return {"kind": "BIND", **_of(invoice), "opening": _hex(opening), "holder": holder}


def transfer(invoice: Invoice, holder: str) -> Order:
    """Hands it over to another key."""
    return {"kind": "TRANSFER", **_of(invoice), "holder": holder}


def lock(invoice: Invoice, claim_id: str, presentation: bytes | None = None) -> Order:
    """Locks it for an expense claim; the holder's presentation where it has a holder (``Party.present``)."""
    return {
        "kind": "LOCK",
        **_of(invoice),
        "claim_id": claim_id,
        "presentation": _hex(presentation),
    }


def unlock(invoice: Invoice, claim_id: str) -> Order:
    """Frees it again."""
    return {"kind": "UNLOCK", **_of(invoice), "claim_id": claim_id}


def reimburse(invoice: Invoice, claim_id: str, amount_fen: int) -> Order:
    """Pays it, for ever; at most what remains of it."""
    return {"kind": "REIMBURSE", **_of(invoice), "claim_id": claim_id, "amount_fen": amount_fen}


def confirm_use(invoice: Invoice) -> Order:
    """The buyer deducts its tax."""
    return {"kind": "CONFIRM_USE", **_of(invoice)}


def post(invoice: Invoice, voucher: str, period: str) -> Order:
    """Enters it into the books of a period (``YYYY-MM``)."""
    return {"kind": "POST", **_of(invoice), "voucher": voucher, "period": period}


def unpost(invoice: Invoice) -> Order:
    """Takes it out of the books."""
    return {"kind": "UNPOST", **_of(invoice)}


def red_issue(invoice: Invoice, reason: Reason, payments: Sequence[bytes] | None = None) -> Order:
    """Reverses these payments of it, or all that is left."""
    return {"kind": "RED_ISSUE", **_of(invoice), "reason": reason, "payments": _hexes(payments)}


def red_request(invoice: Invoice, reason: Reason, payments: Sequence[bytes] | None = None) -> Order:
    """Asks the other side for a reversal; an empty list asks for the reversals that are owed."""
    return {"kind": "RED_REQUEST", **_of(invoice), "reason": reason, "payments": _hexes(payments)}


def red_confirm(invoice: Invoice) -> Order:
    """Agrees to the reversal that was asked for."""
    return {"kind": "RED_CONFIRM", **_of(invoice)}


def red_refuse(invoice: Invoice) -> Order:
    """Refuses it."""
    return {"kind": "RED_REFUSE", **_of(invoice)}


def red_withdraw(invoice: Invoice) -> Order:
    """Takes one's own request back."""
    return {"kind": "RED_WITHDRAW", **_of(invoice)}


def red_expire(invoice: Invoice) -> Order:
    """Ends a request that nobody answered for 72 hours."""
    return {"kind": "RED_EXPIRE", **_of(invoice)}


def freeze(invoice: Invoice, note: str) -> Order:
    """The bureau stops it."""
    return {"kind": "FREEZE", **_of(invoice), "note": note}


def unfreeze(invoice: Invoice) -> Order:
    """The bureau lets it go on."""
    return {"kind": "UNFREEZE", **_of(invoice)}


def batch(orders: Sequence[Order]) -> Order:
    """All of them or none, in this order; 1 to 64."""
    return {"kind": "BATCH", "orders": list(orders)}


def _of(invoice: Invoice) -> Order:
    return {"code": invoice.code, "number": invoice.number}


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _hexes(values: Sequence[bytes] | None) -> list[str] | None:
    return None if values is None else [value.hex() for value in values]
