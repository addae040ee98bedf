"""The registry over HTTP: issuers and their books, grants, what is asked for and owed, delegations.

Aggregates of organisations alone. What could tell of a person or a payment (identities, single amounts) is
left out here, whoever asks.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter

from farechain import _core
from farechain._core import Ledger
from farechain.api.context import ApiContext
from farechain.api.paging import Cursor, Limit, page
from farechain.api.problems import responses
from farechain.api.registry_models import (
    Ages,
    DelegationView,
    GrantView,
    IssuerView,
    Month,
    OwedPage,
    OwedView,
    Page,
    RequestView,
)
from farechain.api.registry_view import RegistryView

DAY_MS = 86_400_000
LAPSES_MS = 72 * 3_600_000
"""A request that nobody answers may be ended after this (docs/format.md, section 3)."""
Fields = Mapping[str, Any]


def router(context: ApiContext, registry: RegistryView) -> APIRouter:
    """The routes under ``/v1/registry``."""
    routes = APIRouter(prefix="/v1/registry", tags=["registry"])
    described = responses(422)

    async def chosen(
        part: str, key: Callable[[Fields], str], cursor: str | None, limit: str
    ) -> tuple[int, list[Fields], str | None, Fields]:
        snapshot = await registry.now()
        items, following = page(snapshot.registry[part], key, cursor, int(limit))
        return snapshot.height, items, following, snapshot.registry

    @routes.get("/issuers", responses=described)
    async def issuers(limit: Limit = "50", cursor: Cursor = None) -> Page[IssuerView]:
        """Issuers with mandate, books and declarations, by tax id."""
        height, items, following, all_of_it = await chosen("issuers", _tax_id, cursor, limit)
        waiting = dict(all_of_it["waiting"])
        shown = [_issuer(item, waiting.get(item["tax_id"], 0)) for item in items]
        return Page(height=height, items=shown, next=following)

    @routes.get("/grants", responses=described)
    async def grants(limit: Limit = "50", cursor: Cursor = None) -> Page[GrantView]:
        """Grants of numbers: how many are left, and when they run dry at the rate of the last 24 hours."""
        height, items, following, _ = await chosen("grants", _grant_key, cursor, limit)
        now_ms = int(context.clock_s() * 1000)
        shown = await asyncio.to_thread(lambda: [grant_view(context.ledger, item, now_ms) for item in items])
        return Page(height=height, items=shown, next=following)

    @routes.get("/requests", responses=described)
    async def requests(limit: Limit = "50", cursor: Cursor = None) -> Page[RequestView]:
        """Open requests for red letters, the oldest first."""
        height, items, following, _ = await chosen("requests", _invoice_key, cursor, limit)
        return Page(height=height, items=[_request(item) for item in items], next=following)

    @routes.get("/owed", responses=described)
    async def owed(limit: Limit = "50", cursor: Cursor = None) -> OwedPage:
        """Refunds whose red letter is owed, the oldest first, with the ages of all."""
        height, items, following, all_of_it = await chosen("owed", _owed_key, cursor, limit)
        now_ms = int(context.clock_s() * 1000)
        shown = [_owed(item, now_ms) for item in items]
        return OwedPage(height=height, items=shown, next=following, ages=_ages(all_of_it["owed"], now_ms))

    @routes.get("/delegations", responses=described)
    async def delegations(limit: Limit = "50", cursor: Cursor = None) -> Page[DelegationView]:
        """Which agent acts for which issuer, for which scenes."""
        height, items, following, _ = await chosen("delegations", _delegation_key, cursor, limit)
        return Page(height=height, items=[DelegationView(**item) for item in items], next=following)

    return routes


def _tax_id(item: Fields) -> str:
    return str(item["tax_id"])


def _grant_key(item: Fields) -> str:
    return f"{item['code']}-{item['from']:08d}"


def _invoice_key(item: Fields) -> str:
    return f"{item['since_ms']:015d}-{item['code']}-{item['number']:08d}"


def _owed_key(item: Fields) -> str:
    # Several refunds of an invoice may be owed; part of a digest tells them apart and says nothing.
    return f"{_invoice_key(item)}-{_core.leaf_hash(item['refund']).hex()[:16]}"


def _delegation_key(item: Fields) -> str:
    return f"{item['seller']}-{item['agent']}"


def _issuer(item: Fields, waiting: int) -> IssuerView:
    months = [Month(period=period, **books) for period, books in sorted(item["months"].items())]
    return IssuerView(**{**item, "months": months, "waiting": waiting})


def grant_view(ledger: Ledger, item: Fields, now_ms: int) -> GrantView:
    """A grant with what is left of it, and when it runs dry at the rate of the last 24 hours. Blocks."""
    left = item["to"] - item["next"] + 1
    used = item["next"] - first_since(ledger, item, now_ms - DAY_MS)
    dry_at_ms = now_ms + left * DAY_MS // used if used and not item["closed"] else None
    shown = {name: item[name] for name in ("code", "from", "to", "tax_id", "closed")}
    return GrantView(**shown, left=left, used_24h=used, dry_at_ms=dry_at_ms)


def first_since(ledger: Ledger, grant: Fields, since_ms: int) -> int:
    """The first number of a grant that was given at this time or later, else its next one. Blocks.

    Numbers are given in order of time.
    """
    low, high = int(grant["from"]), int(grant["next"])
    while low < high:
        middle = (low + high) // 2
        invoice = ledger.invoice(grant["code"], middle)
        if invoice is None or invoice["fields"]["issued_at_ms"] >= since_ms:
            high = middle
        else:
            low = middle + 1
    return low


def _request(item: Fields) -> RequestView:
    shown = {name: item[name] for name in ("code", "side", "reason", "asked", "since_ms")}
    return RequestView(
        **shown,
        number=f"{item['number']:08d}",
        of=len(item["of"]),
        lapses_at_ms=item["since_ms"] + LAPSES_MS,
    )


def _owed(item: Fields, now_ms: int) -> OwedView:
    since_ms = item["since_ms"]
    return OwedView(
        code=item["code"],
        number=f"{item['number']:08d}",
        since_ms=since_ms,
        age_ms=max(0, now_ms - since_ms),
    )


def _ages(all_owed: list[Fields], now_ms: int) -> Ages:
    ages = [(now_ms - item["since_ms"]) // DAY_MS for item in all_owed]
    return Ages(
        under_3_days=sum(age < 3 for age in ages),
        under_30_days=sum(3 <= age < 30 for age in ages),
        older=sum(age >= 30 for age in ages),
        fen=sum(item["fen"] for item in all_owed),
    )
