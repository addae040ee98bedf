"""An issuer's months: what the ledger has booked, what was declared, and which is next to declare."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from farechain.pages.layout import local

EMPTY = {"invoiced_fen": 0, "uninvoiced_fen": 0, "red_fen": 0}


@dataclass(frozen=True, slots=True)
class MonthRow:
    """A month. Amounts are fen.

    Attributes:
        to_declare: what the ledger takes: invoiced, not yet invoiced, red.
        declared: what was declared; None before.
        state: ``OPEN`` (not over), ``LATER`` (an earlier one is to be declared first), ``DUE``,
            ``DECLARED``, ``ACKNOWLEDGED``.
    """

    period: str
    invoiced_fen: int
    uninvoiced_fen: int
    red_fen: int
    to_declare: list[int]
    declared: list[int] | None
    state: str


def period_of(time_ms: int) -> str:
    """The month of a time in UTC+8, ``YYYY-MM``."""
    return local(time_ms).strftime("%Y-%m")


def months_of(issuer: Mapping[str, Any], now_ms: int) -> list[MonthRow]:
    """The months of an issuer (``Ledger.registry``), the latest first.

    From the next to declare on every month is among them: one without any movement is declared, too.
    """
    booked: Mapping[str, Mapping[str, Any]] = issuer["months"]
    now = period_of(now_ms)
    declared = [period for period, month in booked.items() if month["declared"] is not None]
    due = _after(max(declared)) if declared else min(booked, default=now)
    shown = {*booked, now}
    period = due
    while period < now:
        shown.add(period)
        period = _after(period)
    return [_row(period, booked.get(period, {}), due, now) for period in sorted(shown, reverse=True)]


def _row(period: str, month: Mapping[str, Any], due: str, now: str) -> MonthRow:
    books = {name: month.get(name, 0) for name in EMPTY}
    declared = month.get("declared")
    if declared is not None:
        state = "ACKNOWLEDGED" if month["acknowledged"] else "DECLARED"
    elif period >= now:
        state = "OPEN"
    else:
        state = "DUE" if period == due else "LATER"
    return MonthRow(
        period=period,
        **books,
        to_declare=list(month.get("to_declare", (0, 0, 0))),
        declared=None if declared is None else list(declared),
        state=state,
    )


def _after(period: str) -> str:
    year, month = int(period[:4]), int(period[5:])
    return f"{year + month // 12:04d}-{month % 12 + 1:02d}"
