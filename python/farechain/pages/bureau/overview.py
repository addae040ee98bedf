"""What the bureau should know first: who issues, when numbers run dry, what asks for an answer."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from farechain.pages.months import months_of
from farechain.pages.office import LISTED_MAX, Office, ask, one_of
from farechain.pages.reversals import owed_of
from farechain.pages.supply import by_code, supply_of


def add(office: Office) -> None:
    """``/bureau``."""

    @office.routes.get("/bureau")
    async def overview(request: Request) -> Response:
        visit = await office.visit(request)
        registry = (await visit.snapshot()).registry
        ledger, now_ms = office.site.context.ledger, visit.now_ms

        def read() -> dict[str, object]:
            owners = sorted({grant["tax_id"] or "" for grant in registry["grants"]})
            return {
                "families": [
                    (code, supply_of(ledger, grants, now_ms))
                    for code, grants in by_code(registry["grants"]).items()
                ][-LISTED_MAX:],
                "owners": [
                    (one_of(registry["issuers"], owner), supply_of(ledger, _of(registry, owner), now_ms))
                    for owner in owners[:LISTED_MAX]
                ],
                "oldest_owed": next(iter(owed_of(ledger, registry, office.seller_of, None, 1)), None),
            }

        return visit.page(
            "bureau/overview.html",
            issuers=registry["issuers"],
            names={one["tax_id"]: one["name"] for one in registry["issuers"]},
            applications=[one for one in registry["issuers"] if one["applied_for"] is not None],
            waiting=[(each, count) for each, count in registry["waiting"] if count],
            requests=len(registry["requests"]),
            owed=len(registry["owed"]),
            owed_fen=sum(item["fen"] for item in registry["owed"]),
            missing=missing_of(registry["issuers"], now_ms)[:LISTED_MAX],
            **await ask(read),
        )


def missing_of(issuers: list[Mapping[str, Any]], now_ms: int) -> list[tuple[Mapping[str, Any], list[str]]]:
    """Issuers with the months that are over and not declared, the oldest first."""
    found = []
    for issuer in issuers:
        months = [month.period for month in months_of(issuer, now_ms) if month.state in ("DUE", "LATER")]
        if months:
            found.append((issuer, months[::-1]))
    return found


def _of(registry: Mapping[str, Any], owner: str) -> list[Mapping[str, Any]]:
    return [grant for grant in registry["grants"] if (grant["tax_id"] or "") == owner]
