"""The pages of an issuer's billing operator: real commands on a real ledger, and nobody else's things."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from farechain import _core
from farechain.access.roles import Role
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
    TAX_CODE,
    TITLE,
    Town,
    claimed,
    identity_of,
    invoice,
    ride,
)
from web.walking import done, hidden_of, landed, page, send, there

PAGES = ("", "/numbers", "/devices", "/agents", "/mandate", "/invoices", "/owed", "/dead-letters", "/months")
NEW_KEY = _core.public_key(b"\x55" * 32)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Open; invoices 1 and 2 of rides, a claimable ride."""
    made = Town(tmp_path)
    async with AsyncExitStack() as stack:
        async with made.open():
            await made.found()
        yield await stack.enter_async_context(made.again(ride(1), ride(2), ride(3, "SCENIC")))


@pytest.fixture
async def operator(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    async with town.person(Role.ISSUER, SELLER) as client:
        yield client


async def test_each_page_opens_for_the_issuer_alone(town: Town, operator: httpx.AsyncClient) -> None:
    for path in PAGES:
        for language in ("en", "zh-CN"):
            answer = await operator.get(f"/issuer{path}", headers={"accept-language": language})
            assert answer.status_code == 200, (path, answer.text)
            assert 'aria-current="page"' in answer.text
        assert (await town.http.get(f"/issuer{path}")).status_code == 401
    for role, other in ((Role.REIMBURSER, COMPANY), (Role.BUREAU, COMPANY), (Role.HOLDER, HOLDER.kid)):
        async with town.person(role, other) as stranger:
            for path in PAGES:
                assert (await stranger.get(f"/issuer{path}")).status_code == 401
                refused = await stranger.post(f"/issuer{path}", data={"do": "apply"})
                assert refused.status_code in (401, 405)


async def test_numbers_are_applied_for_once(town: Town, operator: httpx.AsyncClient) -> None:
    first = await send(operator, "/issuer/numbers", "apply", count="5,000")
    shown = await landed(operator, first)
    assert "with the bureau" in shown
    assert "5,000" in shown
    sent = dict(httpx.QueryParams(first.request.content.decode()))
    again = await operator.post("/issuer/numbers", data=sent)
    assert again.headers["location"] == first.headers["location"], "the same form twice is one command"
    open_one = await operator.post("/issuer/numbers", data={**sent, "once": "other"})
    assert open_one.status_code == 409
    assert "E_STATE" in open_one.text
    await town.client.send(BUREAU.refuse_numbers(SELLER, "too many"))
    shown = await page(operator, "/issuer/numbers?done=1.0")
    assert "Refused" in shown
    for wrong in ("", "many", "-1", "1.5", "9" * 40):
        hidden = hidden_of(shown[shown.index("<form") :])
        answer = await operator.post("/issuer/numbers", data={**hidden, "do": "apply", "count": wrong})
        assert answer.status_code == 422, wrong


async def test_a_form_of_another_session_does_nothing(town: Town, operator: httpx.AsyncClient) -> None:
    height = town.ledger.height
    async with town.person(Role.ISSUER, SELLER) as other:
        theirs = hidden_of(await page(other, "/issuer/numbers"))
    for word in (theirs["word"], "", "x"):
        answer = await operator.post("/issuer/numbers", data={"do": "apply", "count": "1", "word": word})
        assert answer.status_code == 403
    assert town.ledger.height == height


async def test_a_device_lives_and_dies(town: Town, operator: httpx.AsyncClient) -> None:
    fields = {"public_key": NEW_KEY.hex().upper(), "scene": ["METRO", "SCENIC"], "to_height": "900"}
    kid = _core.kid(NEW_KEY)
    assert kid[:16] in await done(operator, "/issuer/devices", "register", **fields)
    where = f"/issuer/devices/{kid}"
    assert "retired" in await done(operator, where, "retire")
    retired_ms = there(town.ledger.key(kid))["retired_ms"]
    late = await send(operator, where, "admit", until="2030-01-01T00:00")
    assert (late.status_code, "E_STATE" in late.text) == (409, True)
    assert "Admitted until" in await done(operator, where, "admit", until="2026-03-01T08:00")
    assert there(town.ledger.key(kid))["admitted_ms"] == 1772323200000 < retired_ms
    asked = await send(operator, where, "revoke")
    assert asked.status_code == 200
    assert "cannot be undone" in asked.text
    assert not there(town.ledger.key(kid))["revoked"], "the first step only asks"
    (form,) = [form for form in asked.text.split("<form") if 'name="sure"' in form]
    assert "revoked" in await landed(operator, await operator.post(where, data=hidden_of(form)))
    assert there(town.ledger.key(kid))["revoked"]
    filtered = await page(operator, "/issuer/devices?state=REVOKED&scene=METRO")
    assert filtered.count('class="code" href="/issuer/devices/') == 1
    for stranger in (CLERK.kid, BUREAU.kid, "0" * 32, "x"):
        assert "register" not in await page(operator, f"/issuer/devices/{stranger}", 404)


async def test_a_delegation_is_given_and_ended(town: Town, operator: httpx.AsyncClient) -> None:
    assert APP in await done(operator, "/issuer/agents", "give", agent=APP, scene=["METRO"], to_height="")
    await town.client.send(AGENT.red_issue(invoice(1), "ISSUE_ERROR"))
    ended = await done(operator, "/issuer/agents", "end")
    assert "None." in ended
    nothing = await send(operator, "/issuer/agents", "give", agent=APP)
    assert (nothing.status_code, "E_SCHEMA" in nothing.text) == (422, True)
    unknown = await send(operator, "/issuer/agents", "give", agent=COMPANY, scene=["METRO"])
    assert (unknown.status_code, "E_ROLE" in unknown.text) == (403, True)


async def test_a_mandate_is_seen_before_it_is_replaced(town: Town, operator: httpx.AsyncClient) -> None:
    rate = f"{TAX_CODE}/300"
    chosen = {
        "scene": ["METRO", "SCENIC"],
        "policy.METRO": "ON_CLAIM",
        "stored_value.METRO": "AT_RIDE",
        "rate.METRO": rate,
        "policy.SCENIC": "",
    }
    height = town.ledger.height
    preview = await send(operator, "/issuer/mandate", "preview", **chosen)
    assert preview.status_code == 200
    for seen in ("Changed", "Removed", "AUTO", "ON_CLAIM"):
        assert seen in preview.text
    assert town.ledger.height == height, "a look changes nothing"
    (form,) = [form for form in preview.text.split("<form") if 'value="replace"' in form]
    confirmed = hidden_of(form)
    await landed(operator, await operator.post("/issuer/mandate", data=confirmed))
    (own,) = [one for one in town.ledger.registry()["issuers"] if one["tax_id"] == SELLER]
    assert [(row["scene"], row["policy"]) for row in own["mandate"]] == [("METRO", "ON_CLAIM")]
    stale = await operator.post("/issuer/mandate", data={**confirmed, "once": "later"})
    assert (stale.status_code, "has changed since" in stale.text) == (409, True)
    other = await send(operator, "/issuer/mandate", "preview", **{**chosen, "rate.METRO": f"{TAX_CODE}/900"})
    (form,) = [form for form in other.text.split("<form") if 'value="replace"' in form]
    refused = await operator.post("/issuer/mandate", data=hidden_of(form))
    assert (refused.status_code, "E_RATE_NOT_ALLOWED" in refused.text) == (422, True)
    for wrong in ("", "[", "[1]", "{}", '{"rows": 1}', "[" * 5000):
        answer = await operator.post("/issuer/mandate", data={**hidden_of(form), "rows": wrong})
        assert answer.status_code == 422, wrong


async def test_red_letters_of_all_and_of_some(town: Town, operator: httpx.AsyncClient) -> None:
    await town.client.send(ISSUER.red_issue(invoice(1), "ISSUE_ERROR"))
    both = claimed(ride(1), ride(3, "SCENIC"))
    await town.client.send(ISSUER.claim(both, Buyer(COMPANY, TITLE, HOLDER.kid)))
    where, payment = f"/issuer/invoices/{CODE}/00000004", identity_of(ride(1)).hex()
    fields = {"reason": "SALES_RETURN", "what": "chosen", "payment": payment}
    unsure = await send(operator, where, "red", **fields)
    assert (unsure.status_code, "cannot be undone" in unsure.text) == (422, True)
    assert "¥6.65" in await done(operator, where, "red", **fields, sure="yes")
    assert there(town.ledger.invoice(CODE, 4))["remaining_fen"] == 665
    none = await send(operator, where, "red", **{**fields, "payment": []}, sure="yes")
    assert none.status_code == 422
    await done(operator, where, "red", reason="ISSUE_ERROR", what="all", sure="yes")
    assert there(town.ledger.invoice(CODE, 4))["fiscal"] == "REVERSED"
    assert 'value="red"' not in await page(operator, where), "nothing is left to reverse"
    listed = await page(operator, "/issuer/invoices")
    for number in (1, 3, 4, 5, 6):
        assert f"{CODE}/{number:08d}" in listed
    assert f"{CODE}/00000002" not in listed, "nobody has touched it; it opens by its name"
    found = await operator.get("/issuer/invoices", params={"code": f" {CODE} ", "number": "2"})
    assert found.headers["location"] == f"/issuer/invoices/{CODE}/00000002"
    await page(operator, "/issuer/invoices?claim=LOCKED")
    await page(operator, "/issuer/invoices?after=x", 422)


async def test_where_both_sides_are_needed(town: Town, operator: httpx.AsyncClient) -> None:
    await town.client.send(ISSUER.retitle(invoice(1), Buyer(COMPANY, TITLE)))
    await town.client.send(CLERK.confirm_use(invoice(4)))
    where = f"/issuer/invoices/{CODE}/00000004"
    assert 'value="red"' not in await page(operator, where)
    asked = await done(operator, where, "ask", reason="SALES_RETURN", what="all")
    assert "of 72 hours" in asked
    assert 'value="confirm"' not in asked, "one's own request is not one's own to confirm"
    assert f"{CODE} 00000004" in await page(operator, "/issuer/owed")
    assert "of 72 hours" not in await done(operator, where, "withdraw")
    await town.client.send(CLERK.red_request(invoice(4), "SALES_RETURN"))
    await done(operator, where, "refuse")
    await town.client.send(CLERK.red_request(invoice(4), "SALES_RETURN"))
    early = await operator.post(where, data={**hidden_of(await page(operator, where)), "do": "expire"})
    assert (early.status_code, "E_STATE" in early.text) == (409, True)
    await done(operator, where, "confirm")
    assert there(town.ledger.invoice(CODE, 4))["fiscal"] == "REVERSED"


async def test_another_seller_sees_no_invoice(town: Town) -> None:
    async with town.person(Role.ISSUER, APP) as other:
        missing = await page(other, f"/issuer/invoices/{CODE}/00000099", 404)
        hidden = await page(other, f"/issuer/invoices/{CODE}/00000001", 404)
        assert hidden.replace("00000001", "00000099") == missing, "it is as if it were not there"
        answer = await other.post(
            f"/issuer/invoices/{CODE}/00000001",
            data={
                **hidden_of(await page(other, "/issuer/numbers")),
                "do": "red",
                "what": "all",
                "sure": "yes",
            },
        )
        assert answer.status_code == 404
        listed = await page(other, "/issuer/invoices")
        assert CODE not in listed
        keyless = await send(other, "/issuer/numbers", "apply", count="10")
        assert (keyless.status_code, "E_NO_KEY" in keyless.text) == (403, True), (
            "an agent's key is no issuer's"
        )


async def test_what_is_owed_is_asked_for(town: Town) -> None:
    await town.client.send(ISSUER.retitle(invoice(1), Buyer(COMPANY, TITLE)))
    await town.client.send(CLERK.confirm_use(invoice(4)))
    await town.client.send(BUREAU.close_grant(CODE, 1))
    refund = GATE.refund(channel="WECHAT", txn_id="T1", refund_id="R1", refund_fen=100, refunded_at=PAID_AT)
    async with town.again(refund, ride(7)), town.person(Role.ISSUER, SELLER) as operator:
        shown = await page(operator, "/issuer/owed")
        assert "¥1.00" in shown
        assert "numbers, or behind others" in shown
        assert "¥6.65" in shown
        overview = await page(operator, "/issuer")
        assert "for numbers" in overview
        await town.client.send(CLERK.red_refuse(invoice(4)))
        form = hidden_of(await page(operator, "/issuer/owed?done=1.0"))
        chosen = [f"{CODE}-00000004", f"{CODE}-00000002"]
        answer = await operator.post("/issuer/owed", data={**form, "do": "ask", "invoice": chosen})
        assert answer.status_code == 200
        assert "asked for" in answer.text
        assert "refused" in answer.text, "each has a result of its own"
        assert there(town.ledger.invoice(CODE, 4))["fiscal"] == "RED_PENDING"


async def test_dead_letters_say_what_to_do(town: Town, operator: httpx.AsyncClient) -> None:
    await town.post(ISSUER.acknowledge(SELLER, "2026-03"))
    await town.post(CLERK.acknowledge(SELLER, "2026-03"))
    shown = await page(operator, "/issuer/dead-letters")
    assert shown.count("<code>") == 0
    assert shown.count("http / 0 / ") == 1, "its own alone"
    assert "This key may not say that" in shown
    assert "check its scenes" in shown
    chinese = await operator.get("/issuer/dead-letters", headers={"accept-language": "zh-CN"})
    assert "该密钥无此权限" in chinese.text
    await page(operator, "/issuer/dead-letters?after=x", 422)


async def test_a_month_is_closed_with_the_ledgers_amounts(town: Town, operator: httpx.AsyncClient) -> None:
    shown = await page(operator, "/issuer/months")
    assert 'name="invoiced" inputmode="decimal" required value="13.30"' in shown
    assert 'name="uninvoiced" inputmode="decimal" required value="6.65"' in shown
    wrong = await send(operator, "/issuer/months", "declare", invoiced="13.31", uninvoiced="6.65", red="0")
    assert (wrong.status_code, "E_SUM_LINES" in wrong.text) == (422, True)
    amounts = {"invoiced": "13.30", "uninvoiced": "6.65", "red": "0.00"}
    declared = await done(operator, "/issuer/months", "declare", **amounts)
    assert "Declared" in declared
    assert ">Declare 2026-04<" in declared, "the month after it is next, though nothing is in it"
    await town.client.send(BUREAU.acknowledge(SELLER, "2026-03"))
    assert "Acknowledged" in await page(operator, "/issuer/months?done=1.0")
