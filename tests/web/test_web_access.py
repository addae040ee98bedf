"""Who may ask for what: every route is in the table, parties see their own, strangers stop nobody."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import Mount

from farechain import _core
from farechain.access.roles import Role, Verb
from farechain.api.access import ROUTES, Open, is_role_page, may
from farechain.client import Buyer
from web.test_web_auditor import reject
from web.town import (
    AGENT,
    APP,
    CODE,
    COMPANY,
    HOLDER,
    ISSUER,
    OTHER_COMPANY,
    SELLER,
    TITLE,
    Town,
    claimed,
    invoice,
    ride,
)

ONE, CLAIMED = f"/v1/invoices/{CODE}/1", f"/v1/invoices/{CODE}/3"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Invoices 1 and 2 of nobody; 3 of a company, held by a passenger."""
    made = Town(tmp_path)
    async with made.open():
        await made.found()
    reject(made, 8, 9)
    async with made.again(ride(1), ride(2), ride(3, "SCENIC")):
        await made.client.send(ISSUER.claim(claimed(ride(3, "SCENIC")), Buyer(COMPANY, TITLE, HOLDER.kid)))
        yield made


def bearer(town: Town, role: Role, party: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {town.tokens.issue(party, role, 1, active_max=100).token}"}


def stranger(town: Town, number: int) -> httpx.AsyncClient:
    """Somebody at an address of their own."""
    transport = httpx.ASGITransport(app=town.app, client=(f"198.51.{number // 250}.{number % 250}", 1))
    return httpx.AsyncClient(transport=transport, base_url="http://farechain.test")


def routes_of(town: Town) -> list[tuple[str, str]]:
    """(method, path) of every route of the application, those of its routers and its directories of files."""
    found: list[tuple[str, str]] = []
    waiting: list[Any] = list(town.app.routes)
    while waiting:
        route = waiting.pop()
        inner = getattr(route, "original_router", None)
        if inner is not None:
            assert route.include_context.prefix == ""
            waiting += inner.routes
            continue
        methods = {"GET"} if isinstance(route, Mount) else route.methods - {"HEAD"}
        found += [(method, route.path) for method in methods]
    return found


# The table ----------------------------------------------------------------------------------------


async def test_every_route_has_its_place_in_the_table_and_the_table_no_other(town: Town) -> None:
    there: set[str] = set()
    pages: set[str] = set()
    for method, path in routes_of(town):
        (pages if is_role_page(path) else there).add(f"{method} {path}")
    assert there - ROUTES.keys() == set(), "no entry in api/access.py: such a route is refused"
    assert ROUTES.keys() - there == set(), "entries of routes that are not there"
    assert "GET /auditor/completeness" in pages


async def test_the_pages_of_a_role_answer_nobody_else(town: Town) -> None:
    pages = [(method, path) for method, path in routes_of(town) if is_role_page(path)]
    assert len(pages) >= 7
    for method, path in pages:
        answer = await town.http.request(method, re.sub(r"\{[^}]*\}", "1", path))
        if answer.status_code == 303:
            answer = await town.http.get(answer.headers["location"])
        assert answer.status_code == 401, f"{method} {path} answers {answer.status_code}"
        assert "/login" in answer.text


async def test_what_is_not_in_the_table_is_refused(tmp_path: Path) -> None:
    less = {name: rule for name, rule in ROUTES.items() if name != "GET /v1/registry/grants"}
    less["GET /v1/receipts"] = Open.TOKEN
    less["GET /v1/registry/owed"] = Verb.READ_DEAD_LETTERS_ALL
    town = Town(tmp_path, routes=less)
    async with town.open():
        for path in ("registry/grants", "receipts", "registry/owed"):
            assert (await town.http.get(f"/v1/{path}")).status_code == 401
        clerk = bearer(town, Role.REIMBURSER, COMPANY)
        for path, status in (("registry/grants", 403), ("registry/owed", 403), ("registry/issuers", 200)):
            answer = await town.http.get(f"/v1/{path}", headers=clerk)
            assert answer.status_code == status, path
        assert (await town.http.head("/v1/receipts", headers=clerk)).status_code == 200
        auditor = bearer(town, Role.AUDITOR, COMPANY)
        assert (await town.http.get("/v1/registry/owed", headers=auditor)).status_code == 200


def test_no_rule_lets_nobody_in() -> None:
    assert not may(None, None)
    assert not may(Open.TOKEN, None)
    assert not may(Verb.READ_DEAD_LETTERS_OWN, None)
    assert may(Verb.READ_STATUS, None)


@pytest.mark.parametrize("path", ["/v1/status", "/v1/keys", "/", "/v1/registry/grants", ONE])
async def test_a_token_that_is_not_good_is_told_everywhere(town: Town, path: str) -> None:
    answer = await town.http.get(path, headers={"Authorization": "Bearer fct_no"})
    assert (answer.status_code, answer.json()["code"]) == (401, "E_TOKEN")


# An invoice's parties -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "party", "reads"),
    [
        (Role.ISSUER, SELLER, True),
        (Role.REIMBURSER, COMPANY, True),
        (Role.HOLDER, HOLDER.kid, True),
        (Role.AUDITOR, OTHER_COMPANY, True),
        (Role.BUREAU, OTHER_COMPANY, True),
        (Role.REIMBURSER, OTHER_COMPANY, False),
        (Role.ISSUER, OTHER_COMPANY, False),
        (Role.HOLDER, AGENT.kid, False),
        (Role.DEVICE, SELLER, False),
        (Role.AGENT, APP, False),
    ],
)
async def test_a_party_reads_its_own_without_a_check_code(
    town: Town, role: Role, party: str, reads: bool
) -> None:
    answer = await town.http.get(CLAIMED, headers=bearer(town, role, party))
    assert answer.status_code == 200
    assert (answer.json()["fields"] is not None) == reads
    assert (answer.json()["standing"] is not None) == reads
    assert ("665" in answer.text) == reads


async def test_an_agent_reads_for_whom_it_acts_while_it_does(town: Town) -> None:
    agent = bearer(town, Role.AGENT, APP)
    await town.client.send(ISSUER.delegate(APP, ["METRO"]))
    assert (await town.http.get(ONE, headers=agent)).json()["fields"]["total_fen"] == 665
    await town.client.send(ISSUER.delegate(APP, []))
    assert (await town.http.get(ONE, headers=agent)).json()["fields"] is None


async def test_the_locker_and_the_successor_of_a_holder_are_parties(town: Town) -> None:
    clerk = bearer(town, Role.REIMBURSER, OTHER_COMPANY)
    assert (await town.http.get(ONE, headers=clerk)).json()["fields"] is None
    seed = b"\x33" * 32
    successor = _core.kid(_core.public_key(seed))
    headers = bearer(town, Role.HOLDER, successor)
    assert (await town.http.get(CLAIMED, headers=headers)).json()["fields"] is None
    await town.client.send(HOLDER.rotate_key(seed))
    assert (await town.http.get(CLAIMED, headers=headers)).json()["fields"]["total_fen"] == 665


async def test_a_red_letter_is_its_originals_parties(town: Town) -> None:
    await town.client.send(ISSUER.red_issue(invoice(3), "SALES_RETURN"))
    red = f"/v1/invoices/{CODE}/4"
    own = await town.http.get(red, headers=bearer(town, Role.REIMBURSER, COMPANY))
    assert own.json()["fields"]["total_fen"] == -665
    other = await town.http.get(red, headers=bearer(town, Role.REIMBURSER, OTHER_COMPANY))
    assert other.json()["fields"] is None


async def test_a_cookie_alone_changes_nothing(town: Town) -> None:
    async with town.person(Role.AGENT, APP) as agent:
        assert (await agent.get("/v1/dead-letters")).status_code == 200
        assert (await agent.post("/v1/wallet/trips", json={"trips": []})).status_code == 401


async def test_a_browser_that_is_logged_in_is_a_party_too(town: Town) -> None:
    async with town.person(Role.REIMBURSER, COMPANY) as clerk:
        assert (await clerk.get(CLAIMED)).json()["fields"]["total_fen"] == 665
        assert (await clerk.get(ONE)).json()["fields"] is None


# Dead letters -------------------------------------------------------------------------------------


async def test_dead_letters_are_a_partys_own_or_all_by_role(town: Town) -> None:
    town.follow()
    path = "/v1/dead-letters"
    assert (await town.http.get(path)).status_code == 401
    for role, party, status in (
        (Role.HOLDER, HOLDER.kid, 403),
        (Role.REIMBURSER, COMPANY, 403),
        (Role.DEVICE, SELLER, 403),
        (Role.AGENT, APP, 200),
    ):
        answer = await town.http.get(path, headers=bearer(town, role, party))
        assert answer.status_code == status, role
    own = (await town.http.get(path, headers=bearer(town, Role.ISSUER, SELLER))).json()
    assert [each["code"] for each in own["items"]] == ["E_SIGNATURE"] * 2
    assert own["items"][0].keys() == {
        "source", "partition", "offset", "height", "time_ms", "code", "kid", "tax_id",
    }  # fmt: skip
    other = await town.http.get(path, headers=bearer(town, Role.ISSUER, OTHER_COMPANY))
    assert other.json()["items"] == []
    foreign = await town.http.get(
        path, params={"party": SELLER}, headers=bearer(town, Role.ISSUER, OTHER_COMPANY)
    )
    assert foreign.status_code == 403
    for role in (Role.BUREAU, Role.AUDITOR):
        headers = bearer(town, role, OTHER_COMPANY)
        every = (await town.http.get(path, headers=headers)).json()
        assert len(every["items"]) == 2
        assert (await town.http.get(path, params={"party": COMPANY}, headers=headers)).json()["items"] == []
    headers = bearer(town, Role.AUDITOR, COMPANY)
    first = (await town.http.get(path, params={"limit": "1"}, headers=headers)).json()
    second = await town.http.get(path, params={"limit": "1", "cursor": first["next"]}, headers=headers)
    assert second.json()["next"] is None
    assert [first["items"][0]["offset"], second.json()["items"][0]["offset"]] == [1, 0]
    bad = await town.http.get(path, params={"cursor": "a"}, headers=headers)
    assert (bad.status_code, bad.json()["code"]) == (422, "E_CURSOR")


# Strangers ----------------------------------------------------------------------------------------


def opening(town: Town, **changes: Any) -> str:
    found = town.ledger.invoice(CODE, 1)
    assert found is not None
    body = {"code": CODE, "number": "1", "check_code": found["check_code"], "total_fen": 665}
    return json.dumps(body | changes)


async def test_a_stranger_cannot_lock_a_clerk_out(town: Town) -> None:
    kind = {"Content-Type": "application/json"}
    path = "/v1/invoices/lookup"
    statuses = []
    for number in range(70):
        async with stranger(town, number) as someone:
            wrong = await someone.post(path, content=opening(town, total_fen=1), headers=kind)
            statuses.append(wrong.status_code)
    assert statuses[0] == 403
    assert statuses[-1] == 429, "guesses from many addresses are bounded by invoice"
    async with stranger(town, 99) as someone:
        right = await someone.post(path, content=opening(town), headers=kind)
        assert (right.status_code, right.json()["code"]) == (429, "E_TRIES")
    headers = kind | bearer(town, Role.REIMBURSER, COMPANY)
    for _ in range(100):
        answer = await town.http.post(path, content=opening(town), headers=headers)
        assert answer.status_code == 200
    wrong = await town.http.post(path, content=opening(town, total_fen=1), headers=headers)
    assert wrong.status_code == 403
    form = {"code": CODE, "number": "1", "check_code": json.loads(opening(town))["check_code"]}
    async with town.person(Role.REIMBURSER, COMPANY) as clerk:
        page = await clerk.post("/verify", data=form | {"amount": "6.65"})
        assert "Valid" in page.text
    async with stranger(town, 98) as someone:
        page = await someone.post("/verify", data=form | {"amount": "6.65"})
        assert "Too many tries" in page.text


async def test_the_mismatches_of_one_invoice_leave_others_alone(town: Town) -> None:
    kind = {"Content-Type": "application/json"}
    for number in range(65):
        async with stranger(town, number) as someone:
            await someone.post("/v1/invoices/lookup", content=opening(town, total_fen=1), headers=kind)
    found = town.ledger.invoice(CODE, 2)
    assert found is not None
    other = opening(town, number="2", check_code=found["check_code"])
    answer = await town.http.post("/v1/invoices/lookup", content=other, headers=kind)
    assert answer.status_code == 200
