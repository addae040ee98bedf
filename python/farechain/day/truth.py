"""What each input must become, told in its partition's order from the facts behind it, never from its bytes.

A second telling of ``docs/format.md`` section 3, on purpose without the core: the ledger is held against it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from farechain.data import MandateRow, mandate_rows, operators
from farechain.day.plan import Planned, Refund, Refused, Sale

Verdict = Literal["ISSUED", "RECORDED", "REVERSED", "APPLIED", "DUPLICATE", "REJECTED"]
Position = tuple[str, int, int]
"""Topic, partition, offset."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What an input becomes; amounts in fen, negative for reversals."""

    verdict: Verdict
    code: str | None = None
    state: str | None = None
    total: int | None = None
    net: int | None = None
    tax: int | None = None
    first: Position | None = None


@dataclass(slots=True)
class _Sold:
    sale: Sale
    issued_fen: int | None
    remaining_fen: int


def net_of(total_fen: int, rate: int | str) -> int:
    """The part of an amount without the tax in it (``DOMAIN``: prices include it), rounded half up."""
    if isinstance(rate, str):
        return total_fen
    divisor = 10_000 + rate
    return (20_000 * total_fen + divisor) // (2 * divisor)


class Truth:
    """Tells inputs in the order in which their partition holds them."""

    def __init__(self) -> None:
        self._first: dict[int, Position] = {}
        self._sold: dict[bytes, _Sold] = {}
        self._refunded_fen: dict[bytes, int] = {}
        self._issued_fen: dict[str, int] = {}
        self._queue: set[str] = set()
        self._mandates: dict[str, MandateRow] = {
            one.code: mandate_rows(one.mandate)[0] for one in operators() if one.mandate is not None
        }

    def of(self, planned: Planned, position: Position) -> Expected:
        """What this input becomes; call once for each, in order."""
        fact = planned.fact
        if isinstance(fact, Refused):
            return Expected("REJECTED", fact.code)
        first = self._first.get(id(fact))
        if first is not None:
            return Expected("DUPLICATE", first=first)
        if isinstance(fact, Sale):
            told = self._sale(fact)
        elif isinstance(fact, Refund):
            told = self._refund(fact)
        else:
            told = Expected("APPLIED")
        if told.verdict != "REJECTED":
            self._first[id(fact)] = position
        return told

    def _sale(self, sale: Sale) -> Expected:
        left_fen = max(0, sale.invoiceable_fen - self._refunded_fen.get(sale.key, 0))
        state = self._why_not_issued(sale, left_fen)
        self._sold[sale.key] = _Sold(sale, None if state else left_fen, left_fen)
        if state:
            return Expected("RECORDED", state=state)
        self._issued_fen[sale.operator.code] = self._issued_fen.get(sale.operator.code, 0) + left_fen
        net_fen = net_of(left_fen, self._rate(sale))
        return Expected("ISSUED", None, None, left_fen, net_fen, left_fen - net_fen)

    def _rate(self, sale: Sale) -> int | str:
        return "NONTAXABLE" if sale.topped_up else self._mandates[sale.operator.code]["rate"]

    def _why_not_issued(self, sale: Sale, left_fen: int) -> str | None:
        operator = sale.operator
        mandate = self._mandates.get(operator.code)
        if left_fen == 0:
            return "REFUNDED" if sale.invoiceable_fen else "NOTHING_TO_INVOICE"
        if mandate is not None and sale.topped_up and mandate["stored_value"] == "AT_RIDE":
            return "INVOICED_AT_RIDE"
        if mandate is None or mandate["policy"] == "ON_CLAIM":
            return "CLAIMABLE"
        if not sale.topped_up and sale.by_card and mandate["stored_value"] == "AT_TOPUP":
            return "COVERED_BY_TOPUP"
        limit_fen = operator.credit_limit_fen
        if limit_fen is not None and self._issued_fen.get(operator.code, 0) + left_fen > limit_fen:
            self._queue.add(operator.code)
            return "WAITING_CREDIT"
        return "WAITING_GRANT" if operator.code in self._queue else None

    def _refund(self, refund: Refund) -> Expected:
        before_fen = self._refunded_fen.get(refund.key, 0)
        sold = self._sold.get(refund.key)
        if sold is not None and before_fen + refund.refund_fen > sold.sale.paid_fen:
            return Expected("REJECTED", "E_RED_EXCEEDS")
        self._refunded_fen[refund.key] = before_fen + refund.refund_fen
        if sold is None:
            return Expected("RECORDED", state="BEFORE_PAYMENT")
        if sold.issued_fen is None:
            return Expected("RECORDED", state="REDUCED")
        if sold.remaining_fen == 0:
            return Expected("RECORDED", state="NOT_INVOICED")
        remaining_fen = sold.remaining_fen
        after_fen = max(0, remaining_fen - refund.refund_fen)
        sold.remaining_fen = after_fen
        if refund.operator.code in self._queue:
            return Expected("RECORDED", state="WAITING_GRANT")
        rate = self._rate(sold.sale)
        total_fen = after_fen - remaining_fen
        net_fen = net_of(after_fen, rate) - net_of(remaining_fen, rate)
        return Expected("REVERSED", None, None, total_fen, net_fen, total_fen - net_fen)


def count_issued(told: Iterable[Expected]) -> int:
    """How many become blue invoices."""
    return sum(1 for one in told if one.verdict == "ISSUED")
