"""Red letters that one side has asked for, and reversals that are owed: with both sides and their ages."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from farechain._core import Ledger
from farechain.api.registry import LAPSES_MS

Fields = Mapping[str, Any]
SellerOf = Callable[[str, int], str]


@dataclass(frozen=True, slots=True)
class Request:
    """An open request for a red letter.

    Attributes:
        side: who asked: ``SELLER`` or ``REIMBURSER``.
        reimburser: tax id of the other side than the seller; None where it is not known.
        asked: ``ALL``, ``PAYMENTS`` or ``OWED``; ``of`` so many payments or refunds.
    """

    code: str
    number: int
    seller: str
    reimburser: str | None
    side: str
    reason: str
    asked: str
    of: int
    since_ms: int

    def left_ms(self, now_ms: int) -> int:
        """Until it lapses; negative afterwards."""
        return self.since_ms + LAPSES_MS - now_ms


@dataclass(frozen=True, slots=True)
class OwedReversal:
    """What is owed of one invoice: ``count`` refunds, together ``fen``, the oldest since ``since_ms``."""

    code: str
    number: int
    seller: str
    count: int
    fen: int
    since_ms: int
    fiscal: str
    allowed: tuple[str, ...]


def requests_of(
    ledger: Ledger, registry: Fields, seller_of: SellerOf, tax_id: str | None, limit: int
) -> list[Request]:
    """Open requests that concern a seller (None: all), the oldest first. Blocks."""
    chosen = _mine(registry["requests"], seller_of, tax_id)
    return [_request(ledger, item, seller_of) for item in chosen[:limit]]


def request_of(ledger: Ledger, registry: Fields, code: str, number: int) -> Request | None:
    """The open request of one invoice. Blocks."""
    for item in registry["requests"]:
        if (item["code"], item["number"]) == (code, number):
            return _request(ledger, item, lambda _code, _number: "")
    return None


def owed_of(
    ledger: Ledger, registry: Fields, seller_of: SellerOf, tax_id: str | None, limit: int
) -> list[OwedReversal]:
    """Owed reversals by invoice, of a seller (None: of all), the oldest first. Blocks."""
    together: dict[tuple[str, int], list[Fields]] = {}
    for item in _mine(registry["owed"], seller_of, tax_id):
        together.setdefault((item["code"], item["number"]), []).append(item)
    return [_owed(ledger, items, seller_of) for items in list(together.values())[:limit]]


def count_of(items: Iterable[Fields], seller_of: SellerOf, tax_id: str) -> int:
    """How many of ``requests`` or ``owed`` concern a seller. Blocks."""
    return sum(seller_of(item["code"], item["number"]) == tax_id for item in items)


def _mine(items: Iterable[Fields], seller_of: SellerOf, tax_id: str | None) -> list[Fields]:
    mine = [item for item in items if tax_id in (None, seller_of(item["code"], item["number"]))]
    return sorted(mine, key=lambda item: (item["since_ms"], item["code"], item["number"]))


def _request(ledger: Ledger, item: Fields, seller_of: SellerOf) -> Request:
    found = ledger.invoice(item["code"], item["number"])
    standing, fields = (found["standing"], found["fields"]) if found else ({}, {})
    shown = {name: item[name] for name in ("code", "number", "side", "reason", "asked", "since_ms")}
    return Request(
        seller=fields.get("seller", "") or seller_of(item["code"], item["number"]),
        reimburser=(standing or {}).get("locker") or fields.get("buyer_tax_id"),
        of=len(item["of"]),
        **shown,
    )


def _owed(ledger: Ledger, items: list[Fields], seller_of: SellerOf) -> OwedReversal:
    first = items[0]
    found = ledger.invoice(first["code"], first["number"])
    return OwedReversal(
        code=first["code"],
        number=first["number"],
        seller=seller_of(first["code"], first["number"]),
        count=len(items),
        fen=sum(item["fen"] for item in items),
        since_ms=first["since_ms"],
        fiscal=found["fiscal"] if found else "",
        allowed=tuple(found["allowed"]) if found else (),
    )
