"""Totals for a declaration: by seller, period and rate, blue and red apart; integers only.

What an invoice has of several periods is parted by the fares of each; tax by the totals up to there, so that
the parts of a line add up to it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from farechain._core import split_tax
from farechain.export.amounts import period
from farechain.export.document import InvoiceDocument, Line

Key = tuple[str, str, int | str, str]
COUNTS = ("invoices", "net_fen", "tax_fen", "total_fen")


class Declaration:
    """Adds up invoices: payments in the months that they are booked in, red letters in their own."""

    def __init__(self) -> None:
        self._totals: dict[Key, list[int]] = {}
        self._names: dict[str, str] = {}

    @classmethod
    def of(cls, rows: Sequence[dict[str, Any]]) -> "Declaration":
        """From ``rows`` of another."""
        declaration = cls()
        for row in rows:
            key = (row["seller"], row["period"], row["rate"], row["kind"])
            declaration._totals[key] = [row[name] for name in COUNTS]
            declaration._names[row["seller"]] = row["seller_name"]
        return declaration

    def add(self, document: InvoiceDocument) -> None:
        """Counts an invoice once in each period, at the rate of each of its lines."""
        seller = document.seller.tax_id or ""
        self._names[seller] = document.seller.name
        counted = set()
        for number, line in enumerate(document.lines):
            fares: dict[str, int] = {}
            for trip in document.trips:
                if trip.line == number:
                    month = period(trip.booked_at_ms, document.utc_offset_min)
                    fares[month] = fares.get(month, 0) + trip.fare_fen
            for month, parts in _parted(line, fares):
                key = (seller, month, line.rate, document.kind)
                totals = self._totals.setdefault(key, [0] * len(COUNTS))
                # An invoice with two lines at one rate is one invoice at that rate.
                amounts = (int(key not in counted), *parts)
                totals[:] = [sum(pair) for pair in zip(totals, amounts, strict=True)]
                counted.add(key)

    def rows(self) -> list[dict[str, Any]]:
        """One row a seller, period, rate and kind, in that order."""
        return [
            {
                "seller": seller,
                "seller_name": self._names[seller],
                "period": period,
                "rate": rate,
                "kind": kind,
                **dict(zip(COUNTS, self._totals[seller, period, rate, kind], strict=True)),
            }
            for seller, period, rate, kind in sorted(
                self._totals, key=lambda key: [str(part) for part in key]
            )
        ]


def _parted(line: Line, fares: dict[str, int]) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """A line's net, tax and total by month, with the fares of each."""
    months = sorted(fares)
    net_before = total = 0
    for month in months:
        total += fares[month]
        # A red letter's split is a difference of two, which is its own: it has one month.
        net = line.net_fen if month == months[-1] else split_tax(total, line.rate)[0]
        yield month, (net - net_before, fares[month] - (net - net_before), fares[month])
        net_before = net
