"""Refunds: in full, in part, repeated, before their payment, of what was never invoiced, and too much."""

import random
from collections.abc import Sequence

from farechain.day.plan import Planned, PlannedSale
from farechain.day.till import Counter

_HOUR_MS = 3_600_000
MIXTURE = {
    "full": 0.50,
    "partial": 0.24,
    "in two parts": 0.06,
    "part, then the rest": 0.04,
    "before its payment, partial": 0.03,
    "beyond the invoiced part": 0.02,
    "too much": 0.02,
}
"""Parts of the number of refunded sales; the rest is refunds of sales that are recorded and not invoiced."""


def delay_payment(sold: PlannedSale, minutes: int) -> None:
    """The gate was offline: its payment arrives this much later than it was made."""
    sold.arrival_ms += minutes * 60_000


def refund_before(counter: Counter, sold: PlannedSale, refund_fen: int, case: str) -> Planned:
    """A refund that overtakes its payment: the payment's gate was offline for 40 minutes."""
    delay_payment(sold, 40)
    return counter.refund(sold, sold.fact.paid_ms + 20 * 60_000, refund_fen, case)


class Refunds:
    """Takes sales from a pool, each once, and plans their refunds."""

    def __init__(
        self, rng: random.Random, counter: Counter, invoiced: Sequence[PlannedSale], count: int
    ) -> None:
        self._rng = rng
        self._counter = counter
        self._count = count
        fit = [one for one in invoiced if 6 * _HOUR_MS < one.fact.paid_ms < 20 * _HOUR_MS]
        with_coupon = [one for one in fit if one.fact.invoiceable_fen < one.fact.paid_fen]
        self._with_coupon = rng.sample(with_coupon, len(with_coupon))
        plain = [one for one in fit if one.fact.invoiceable_fen == one.fact.paid_fen]
        self._pool = rng.sample(plain, min(len(plain), 2 * count + 40))
        self.planned: list[Planned] = []

    def plan(self, recorded: Sequence[PlannedSale], waiting: Sequence[PlannedSale]) -> list[Planned]:
        """Plans all refunds.

        Args:
            recorded: sales that are recorded and not invoiced.
            waiting: the sales of the operator that runs out of credit, in order: the first stays as it is.
        """
        for kind, part in MIXTURE.items():
            for _ in range(max(1, round(part * self._count))):
                self._plan_one(kind)
        sample = self._rng.sample(list(recorded), min(len(recorded), max(4, round(0.09 * self._count))))
        for sold in sample:
            if sold.fact.paid_fen > 0 and sold.fact.paid_ms < 20 * _HOUR_MS:
                self._refund(sold, self._part(sold.fact.paid_fen), "refund of a sale not invoiced")
        self._of_waiting(waiting)
        return self.planned

    def _part(self, fen: int) -> int:
        return max(1, fen * self._rng.randint(2, 8) // 10)

    def _refund(self, sold: PlannedSale, fen: int, case: str) -> Planned:
        moment = self._counter.arrived(sold) + 120_000 + int(self._rng.random() * 2 * _HOUR_MS)
        planned = self._counter.refund(sold, moment, fen, case)
        self.planned.append(planned)
        return planned

    def _plan_one(self, kind: str) -> None:
        case = f"refund {kind}"
        if kind == "beyond the invoiced part":
            if not self._with_coupon:
                return
            sold = self._with_coupon.pop()
            first = self._refund(sold, sold.fact.invoiceable_fen, case)
            rest = sold.fact.paid_fen - sold.fact.invoiceable_fen
            self._after(first, sold, rest, case)
            return
        sold = self._pool.pop()
        paid_fen = sold.fact.paid_fen
        if kind == "before its payment, partial":
            self.planned.append(refund_before(self._counter, sold, self._part(paid_fen), case))
            return
        if kind == "full":
            self._refund(sold, paid_fen, case)
        elif kind == "partial":
            self._refund(sold, self._part(paid_fen), case)
        else:
            part = max(1, paid_fen // 3)
            rest = {"in two parts": part, "part, then the rest": paid_fen - part, "too much": paid_fen}[kind]
            first = self._refund(sold, part, case)
            self._after(first, sold, rest, "bad refund: beyond what was paid" if kind == "too much" else case)

    def _after(self, first: Planned, sold: PlannedSale, fen: int, case: str) -> None:
        moment = self._counter.arrived(first) + 60_000 + int(self._rng.random() * _HOUR_MS)
        self.planned.append(self._counter.refund(sold, moment, fen, case))

    def _of_waiting(self, sales: Sequence[PlannedSale]) -> None:
        """One issued and refunded in time, one issued and refunded when others wait, one that waits."""
        soon, late, waits = sales[1], sales[2], sales[-2]
        self.planned.append(self._counter.refund(soon, soon.fact.paid_ms + 30_000, 300, "refund partial"))
        end = sales[-1].fact.paid_ms + 600_000
        self.planned.append(self._counter.refund(late, end, 500, "refund behind waiting sales"))
        self.planned.append(self._counter.refund(waits, end, 400, "refund of a waiting sale"))
