"""Totals for a declaration: by seller, period and rate, blue and red apart; integers only."""

from collections.abc import Sequence
from typing import Any

from farechain.export.amounts import local
from farechain.export.document import InvoiceDocument

Key = tuple[str, str, int | str, str]
COUNTS = ("invoices", "net_fen", "tax_fen", "total_fen")


class Declaration:
    """Adds up invoices. A blue one belongs to the month of its payment, a red one to its own."""

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
        """Counts an invoice once, at the rate of each of its lines."""
        seller = document.seller.tax_id or ""
        period = f"{local(document.dated_at_ms, document.utc_offset_min):%Y-%m}"
        self._names[seller] = document.seller.name
        counted = set()
        for line in document.lines:
            key = (seller, period, line.rate, document.kind)
            totals = self._totals.setdefault(key, [0] * len(COUNTS))
            # An invoice with two lines at one rate is one invoice at that rate.
            amounts = (int(key not in counted), line.net_fen, line.tax_fen, line.total_fen)
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
