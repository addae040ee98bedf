"""What an issuer should know first: the month, the numbers, what waits, what is owed."""

from fastapi import Request
from fastapi.responses import Response

from farechain.pages.issuer.own import own
from farechain.pages.months import months_of
from farechain.pages.office import Office, ask
from farechain.pages.reversals import count_of, owed_of
from farechain.pages.supply import supply_of

OLDEST_SHOWN = 5


def add(office: Office) -> None:
    """``/issuer``."""

    @office.routes.get("/issuer")
    async def overview(request: Request) -> Response:
        visit = await office.visit(request)
        registry, issuer = await own(visit)
        party, ledger, now_ms = visit.caller.party, office.site.context.ledger, visit.now_ms
        months = months_of(issuer, now_ms)

        def read() -> dict[str, object]:
            mine = [grant for grant in registry["grants"] if grant["tax_id"] == party]
            anyones = [grant for grant in registry["grants"] if grant["tax_id"] is None]
            waiting = ledger.waiting(party, OLDEST_SHOWN)
            return {
                "own_supply": supply_of(ledger, mine, now_ms),
                "any_supply": supply_of(ledger, anyones, now_ms),
                "waiting": dict(registry["waiting"]).get(party, 0),
                "oldest_waiting": waiting[0] if waiting else None,
                "requests": count_of(registry["requests"], office.seller_of, party),
                "owed": count_of(registry["owed"], office.seller_of, party),
                "oldest_owed": next(iter(owed_of(ledger, registry, office.seller_of, party, 1)), None),
                "letters": visit.books.totals(party).dead_letters if visit.books else None,
            }

        return visit.page(
            "issuer/overview.html",
            issuer=issuer,
            month=next(month for month in months if month.state == "OPEN"),
            due=[month for month in months if month.state == "DUE"],
            **await ask(read),
        )
