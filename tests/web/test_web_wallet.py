"""Trips that an app hands in: its own passengers' only, only such as open, all of a request or none."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from farechain.access.roles import Role
from farechain.wallet.rows import ROWS_MAX
from farechain.wallet.titles import RememberedTitle
from farechain.wallet.wallet import TITLES_MAX, Wallet
from web.passengers import FRIEND, STRANGER, founding, row, town_with_store, trip
from web.town import APP, CLERK, COMPANY, HOLDER, SELLER, Town

PATH = "/v1/wallet/trips"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    town = town_with_store(tmp_path)
    async with town.open():
        await town.found()
        for event in founding():
            await town.client.send(event)
    async with town.again(trip(1), trip(2, "METRO")):
        yield town
    town.ledger.close()


def wallet(town: Town) -> Wallet:
    assert town.private is not None
    return Wallet(town.private, town.ledger)


async def post(
    town: Town, *rows: dict[str, Any], role: Role = Role.AGENT, party: str = APP
) -> httpx.Response:
    token = town.tokens.issue(party, role, 1, active_max=100).token
    return await town.http.post(
        PATH, json={"trips": list(rows)}, headers={"Authorization": f"Bearer {token}"}
    )


async def test_trips_are_kept_also_before_the_ledger_knows_them(town: Town) -> None:
    answer = await post(town, row(1, HOLDER.kid), row(2, HOLDER.kid), row(77, HOLDER.kid), row(9, FRIEND.kid))
    assert (answer.status_code, answer.json()) == (200, {"kept": 4, "recorded": 2})
    kept = wallet(town).trips(HOLDER.kid)
    assert [one.opening[0] for one in kept] == [1, 2, 77]
    assert len(wallet(town).trips(FRIEND.kid)) == 1
    assert (await post(town, row(1, HOLDER.kid))).status_code == 200
    assert wallet(town).trips(HOLDER.kid) == kept


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"opening": "02" * 32}, 422, "E_OPENING"),
        ({"holder": STRANGER.kid}, 403, "E_ROLE"),
        ({"holder": CLERK.kid}, 403, "E_ROLE"),
        ({"holder": "0" * 32}, 404, "E_KEY_UNKNOWN"),
        ({"holder": HOLDER.kid.upper()}, 422, "E_SCHEMA"),
        ({"channel": "BANK"}, 422, "E_SCHEMA"),
        ({"txn_id": "with space"}, 422, "E_SCHEMA"),
        ({"seller": "91440300708461136"}, 422, "E_SCHEMA"),
        ({"kind": "REFUNDED"}, 422, "E_SCHEMA"),
        ({"name": "x"}, 422, "E_SCHEMA"),
        ({"opening": 7}, 422, "E_SCHEMA"),
    ],
)
async def test_a_row_that_is_not_good_keeps_the_others_out(
    town: Town, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = await post(town, row(2, HOLDER.kid), {**row(1, HOLDER.kid), **changes})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert wallet(town).trips(HOLDER.kid) == []


async def test_a_payment_without_a_payer_is_nobodys(tmp_path: Path) -> None:
    from web.town import ride

    town = town_with_store(tmp_path)
    async with town.open():
        await town.found()
    async with town.again(ride(1)):
        answer = await post(town, row(1, HOLDER.kid))
        assert (answer.status_code, answer.json()["code"]) == (422, "E_OPENING")
    town.ledger.close()


@pytest.mark.parametrize(
    ("role", "party"),
    [(Role.HOLDER, HOLDER.kid), (Role.ISSUER, SELLER), (Role.REIMBURSER, COMPANY)],
)
async def test_nobody_but_an_agent_hands_in_trips(town: Town, role: Role, party: str) -> None:
    answer = await post(town, row(1, HOLDER.kid), role=role, party=party)
    assert (answer.status_code, answer.json()["code"]) == (403, "E_ROLE")
    assert (await town.http.post(PATH, json={"trips": [row(1, HOLDER.kid)]})).status_code == 401


async def test_an_agent_hands_in_nothing_for_another_agents_passengers(town: Town) -> None:
    answer = await post(town, row(1, HOLDER.kid), party=SELLER)
    assert (answer.status_code, answer.json()["code"]) == (403, "E_ROLE")


async def test_five_hundred_of_the_longest_rows_and_no_more(town: Town) -> None:
    rows = [row(1, HOLDER.kid, txn_id=f"{n:064d}", kind="TOPPED_UP", channel="UNIONPAY") for n in range(501)]
    answer = await post(town, *rows[:ROWS_MAX])
    assert (answer.status_code, answer.json()) == (200, {"kept": 500, "recorded": 0})
    assert (await post(town, *rows)).status_code == 422
    assert (await post(town)).status_code == 422


async def test_without_a_private_store_nothing_is_taken(tmp_path: Path) -> None:
    town = Town(tmp_path)
    async with town.open():
        await town.found()
        answer = await post(town, row(1, HOLDER.kid))
        assert (answer.status_code, answer.json()["code"]) == (503, "E_NO_PRIVATE_STORE")
    town.ledger.close()


async def test_titles_are_remembered_once_and_the_oldest_makes_room(town: Town) -> None:
    kept = wallet(town)
    titles = [RememberedTitle(f"公司{n}", COMPANY if n % 2 else None) for n in range(TITLES_MAX + 1)]
    for title in titles[:-1]:
        kept.remember(HOLDER.kid, title)
        kept.remember(HOLDER.kid, title)
    assert kept.titles(HOLDER.kid) == titles[:-1]
    kept.remember(HOLDER.kid, titles[-1])
    assert kept.titles(HOLDER.kid) == titles[1:]
    assert kept.forget(HOLDER.kid, titles[1].name)
    assert not kept.forget(HOLDER.kid, titles[1].name)
    assert kept.titles(HOLDER.kid) == titles[2:]
    assert kept.titles(FRIEND.kid) == []
