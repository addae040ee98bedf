"""Reads over HTTP: payments, invoices with lines, the registry in pages; nothing of a person in it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from farechain.api.paging import page
from farechain.api.registry import grant_view
from farechain.client import Buyer
from web.town import (
    AGENT,
    APP,
    BUREAU,
    CLERK,
    CODE,
    COMPANY,
    GATE,
    HOLDER,
    ISSUER,
    PAID_AT,
    SELLER,
    TITLE,
    Town,
    claimed,
    identity_of,
    invoice,
    ride,
)

DAY_MS = 86_400_000


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Open; invoices 1 and 2 of rides, a claimable ride."""
    made = Town(tmp_path)
    async with made.open() as opened:
        await opened.found()
    made.pay(ride(1), ride(2), ride(3, "SCENIC"))
    made.halt = asyncio.Event()
    async with made.open() as opened:
        yield opened


async def get(town: Town, path: str, **params: str) -> Any:
    answer = await town.http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def lookup(town: Town, number: int) -> Any:
    found = town.ledger.invoice(CODE, number)
    assert found is not None
    total = abs(found["fields"]["total_fen"])
    body = {
        "code": CODE,
        "number": str(number),
        "check_code": found["check_code"],
        "total_fen": total,
    }
    answer = await town.http.post("/v1/invoices/lookup", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_payment_tells_its_state_to_whoever_knows_its_identity(town: Town) -> None:
    issued = await get(town, f"/v1/payments/{identity_of(ride(1)).hex()}")
    assert (issued["state"], issued["live_fen"], issued["uninvoiced_fen"]) == ("INVOICED", 665, 0)
    assert issued["invoice"] == {"code": CODE, "number": "00000001"}
    waiting = await get(town, f"/v1/payments/{identity_of(ride(3, 'SCENIC')).hex()}")
    assert (waiting["state"], waiting["invoice"], waiting["uninvoiced_fen"]) == ("CLAIMABLE", None, 665)
    await town.client.send(ISSUER.red_issue(invoice(1), "ISSUE_ERROR"))
    released = await get(town, f"/v1/payments/{identity_of(ride(1)).hex()}")
    assert (released["state"], released["uninvoiced_fen"]) == ("RELEASED", 665)
    assert (await town.http.get(f"/v1/payments/{'0' * 64}")).status_code == 404
    for wrong in ("0" * 63, "A" * 64, "x"):
        assert (await town.http.get(f"/v1/payments/{wrong}")).status_code == 422


async def test_what_stands_on_an_invoice_opens_standing_lines_and_payments(town: Town) -> None:
    await town.client.send(ISSUER.claim(claimed(ride(3, "SCENIC")), Buyer(COMPANY, TITLE, HOLDER.kid)))
    opened = await lookup(town, 3)
    assert (opened["fields"]["kind"], opened["fields"]["buyer_tax_id"]) == ("CLAIMED", COMPANY)
    assert opened["standing"]["holder"] == HOLDER.kid
    assert "LOCK" in opened["allowed"]
    assert [line["total_fen"] for line in opened["lines"]] == [665]
    assert opened["payments"][0]["payment"] == identity_of(ride(3, "SCENIC")).hex()
    await town.client.send(ISSUER.red_issue(invoice(3), "SALES_RETURN"))
    red = await lookup(town, 4)
    assert (red["status"], red["fields"]["kind"], red["standing"]) == ("red", "RED_OF_LINES", None)
    assert (await lookup(town, 3))["status"] == "void"
    form = {"code": CODE, "number": "3", "check_code": opened["fields"]["check_code"], "amount": "6.65"}
    assert (await town.http.post("/verify", data=form)).status_code == 200


async def test_the_public_view_shows_status_and_proof_alone(town: Town) -> None:
    view = await get(town, f"/v1/invoices/{CODE}/1")
    assert view["status"] == "ok"
    for hidden in ("fields", "standing", "allowed", "lines", "payments"):
        assert view[hidden] is None, hidden
    assert (await town.http.get("/v1/invoices/264403100000/1")).status_code == 404, "an all-digital number"


async def test_issuers_have_books_and_declarations(town: Town) -> None:
    listed = await get(town, "/v1/registry/issuers")
    assert [one["tax_id"] for one in listed["items"]] == sorted([SELLER, APP])
    (seller,) = [one for one in listed["items"] if one["tax_id"] == SELLER]
    (month,) = seller["months"]
    assert (month["period"], month["invoiced_fen"], month["uninvoiced_fen"]) == ("2026-03", 1330, 665)
    assert (month["declared"], month["acknowledged"]) == (None, None)
    assert (seller["issued_fen"], seller["waiting"], len(seller["mandate"])) == (1330, 0, 2)
    await town.client.send(ISSUER.declare("2026-03", 1330, 665, 0))
    (seller,) = (await fresh(town, "/v1/registry/issuers", 1))["items"][:1]
    assert seller["months"][0]["declared"] == [1330, 665, 0]
    assert seller["months"][0]["acknowledged"] is False


async def fresh(town: Town, path: str, limit: int = 50) -> Any:
    """A page that is not older than the last block."""
    while True:
        found = await get(town, path, limit=str(limit))
        if found["height"] >= town.ledger.height:
            return found
        await asyncio.sleep(0.01)


async def test_a_grant_tells_what_is_left_and_when_it_runs_dry(town: Town) -> None:
    grant = (await get(town, "/v1/registry/grants"))["items"][0]
    assert (grant["from"], grant["to"], grant["left"], grant["closed"]) == (1, 1000, 998, False)
    assert grant["used_24h"] == 2
    for number in (1, 2):
        await town.client.send(ISSUER.red_issue(invoice(number), "ISSUE_ERROR"))
    grant = (await fresh(town, "/v1/registry/grants"))["items"][0]
    assert (grant["left"], grant["used_24h"]) == (996, 4)
    now_ms = town.ledger.status()["time_ms"]
    assert abs(grant["dry_at_ms"] - now_ms - 996 * DAY_MS // 4) < DAY_MS
    await town.client.send(BUREAU.close_grant(CODE, 1))
    grant = (await fresh(town, "/v1/registry/grants"))["items"][0]
    assert (grant["closed"], grant["dry_at_ms"]) == (True, None)


async def test_requests_owed_reversals_and_delegations_are_listed(town: Town) -> None:
    await town.client.send(ISSUER.retitle(invoice(1), Buyer(COMPANY, TITLE)))
    await town.client.send(CLERK.confirm_use(invoice(4)))
    await town.client.send(ISSUER.red_request(invoice(4), "SALES_RETURN"))
    await town.client.send(ISSUER.delegate(APP, ["METRO"]))
    (request,) = (await fresh(town, "/v1/registry/requests"))["items"]
    assert (request["number"], request["side"], request["asked"]) == ("00000004", "SELLER", "ALL")
    assert request["lapses_at_ms"] - request["since_ms"] == 72 * 3_600_000
    (delegation,) = (await get(town, "/v1/registry/delegations"))["items"]
    assert delegation == {"seller": SELLER, "agent": AGENT.tax_id, "scenes": ["METRO"], "to_height": None}
    assert (await get(town, "/v1/registry/owed"))["items"] == []
    refund = GATE.refund(channel="WECHAT", txn_id="T1", refund_id="R1", refund_fen=665, refunded_at=PAID_AT)
    async with town.again(refund):
        owed = await get(town, "/v1/registry/owed")
    (item,) = owed["items"]
    assert (item["code"], item["number"]) == (CODE, "00000004")
    assert item.keys() == {"code", "number", "since_ms", "age_ms"}
    assert owed["ages"] == {"under_3_days": 1, "under_30_days": 0, "older": 0, "fen": 665}


async def test_no_list_shows_a_key_an_identity_or_a_digest(town: Town) -> None:
    for part in ("issuers", "grants", "requests", "owed", "delegations"):
        text = (await town.http.get(f"/v1/registry/{part}")).text
        for secret in (identity_of(ride(1)).hex(), HOLDER.kid, HOLDER.public_key.hex()):
            assert secret not in text


async def test_pages_follow_one_another(town: Town) -> None:
    for number in range(2, 8):
        await town.client.send(BUREAU.grant_numbers(CODE, number * 1000 + 1, number * 1000 + 10))
    await fresh(town, "/v1/registry/grants")
    seen: list[int] = []
    cursor: dict[str, str] = {}
    while True:
        part = await get(town, "/v1/registry/grants", limit="3", **cursor)
        seen += [grant["from"] for grant in part["items"]]
        if part["next"] is None:
            break
        assert len(part["items"]) == 3
        cursor = {"cursor": part["next"]}
    assert seen == [1, *(n * 1000 + 1 for n in range(2, 8))]


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "201"}, {"limit": "-1"}, {"limit": "1e1"}, {"cursor": "a b"}, {"cursor": ""}],
)
async def test_a_page_that_makes_no_sense_is_refused(town: Town, query: dict[str, str]) -> None:
    answer = await town.http.get("/v1/registry/grants", params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "E_SCHEMA")


def test_a_cursor_stays_good_while_the_list_changes() -> None:
    first, cursor = page(["b", "d", "f"], str, None, 2)
    assert (first, cursor) == (["b", "d"], "d")
    assert page(["a", "b", "c", "e", "f"], str, cursor, 2) == (["e", "f"], None)
    assert page([], str, cursor, 2) == ([], None)


class Numbers:
    """A ledger that gave a number a minute, from 1 on."""

    def __init__(self, first_ms: int) -> None:
        self.first_ms = first_ms
        self.asked = 0

    def invoice(self, _code: str, number: int) -> dict[str, Any]:
        self.asked += 1
        return {"fields": {"issued_at_ms": self.first_ms + number * 60_000}}


def test_the_rate_is_that_of_the_last_day_and_found_in_few_looks() -> None:
    now_ms = 10_000_000 * 60_000
    ledger = Numbers(now_ms - 5_000_000 * 60_000)
    grant = {"code": CODE, "from": 1, "to": 99_999_999, "next": 5_000_001, "tax_id": None, "closed": False}
    view = grant_view(ledger, grant, now_ms)  # type: ignore[arg-type]  # all of it that is asked
    assert view.used_24h == 24 * 60 + 1
    assert ledger.asked < 30
    untouched = {**grant, "next": 1}
    assert grant_view(ledger, untouched, now_ms).dry_at_ms is None  # type: ignore[arg-type]
