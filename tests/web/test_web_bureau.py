"""The pages of the tax bureau: real commands on a real ledger; look-ups of titles are recorded first."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import orjson
import pytest
from prometheus_client import CollectorRegistry

from farechain import _core
from farechain.access.roles import Role
from farechain.api.context import ApiContext, Liveness
from farechain.client import Buyer
from farechain.pages.site import create_site
from farechain.private.openings import Kind
from farechain.private.store import Store
from web.town import (
    CLERK,
    CODE,
    COMPANY,
    HOLDER,
    ISSUER,
    OTHER_COMPANY,
    SELLER,
    TAX_CODE,
    Town,
    invoice,
    ride,
)
from web.walking import done, hidden_of, landed, page, send, there

PAGES = ("", "/issuers", "/numbers", "/tables", "/red-letters", "/declarations", "/invoices", "/titles")
OFFICE = OTHER_COMPANY
"""The bureau's own tax id, for its token."""


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Open; invoices 1 and 2 of rides, a claimable ride; a private store."""
    store = Store.open(tmp_path / "store.sqlite", bytes(range(32)), create=True)
    made = Town(tmp_path, private=store)
    async with AsyncExitStack() as stack:
        stack.callback(store.close)
        async with made.open():
            await made.found()
        yield await stack.enter_async_context(made.again(ride(1), ride(2), ride(3, "SCENIC")))


@pytest.fixture
async def officer(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    async with town.person(Role.BUREAU, OFFICE) as client:
        yield client


async def test_each_page_opens_for_the_bureau_alone(town: Town, officer: httpx.AsyncClient) -> None:
    paths = (*PAGES, f"/parties/{SELLER}", f"/parties/{COMPANY}", f"/keys/{ISSUER.kid}", "/tables/rates")
    for path in (*paths, "/tables/scenes", f"/invoices/{CODE}/1", "/numbers?family=digital"):
        for language in ("en", "zh-CN"):
            answer = await officer.get(f"/bureau{path}", headers={"accept-language": language})
            assert answer.status_code == 200, (path, answer.text)
            assert 'aria-current="page"' in answer.text
        assert (await town.http.get(f"/bureau{path}")).status_code == 401
    for role, other in ((Role.REIMBURSER, COMPANY), (Role.ISSUER, SELLER), (Role.HOLDER, HOLDER.kid)):
        async with town.person(role, other) as stranger:
            for path in paths:
                assert (await stranger.get(f"/bureau{path}")).status_code == 401
                refused = await stranger.post(f"/bureau{path}", data={"do": "grant"})
                assert refused.status_code in (401, 405)


async def test_a_reader_shows_what_it_has_and_says_what_it_lacks(town: Town) -> None:
    """Without books, private store, commands and keys; as over a ledger that another process owns."""
    context = ApiContext(
        ledger=town.ledger,
        log=town.log,
        public_dir=town.place / "public",
        registry=CollectorRegistry(),
        liveness=Liveness(),
        vkey=town.log.vkey,
        tokens=town.tokens,
    )
    town.transport = httpx.ASGITransport(app=create_site(context))
    async with town.person(Role.BUREAU, OFFICE) as officer:
        for path in (*PAGES, f"/parties/{SELLER}", f"/invoices/{CODE}/1"):
            await page(officer, f"/bureau{path}")
        assert "No lists by party" in await page(officer, f"/bureau/invoices/{CODE}/1")
        assert "No private store" in await page(officer, "/bureau/titles")
        keyless = await send(officer, "/bureau/issuers", "admit", tax_id=COMPANY, name="x")
        assert (keyless.status_code, "E_NO_KEY" in keyless.text) == (403, True)
    async with town.person(Role.ISSUER, SELLER) as operator:
        for path in ("", "/numbers", "/invoices", "/owed", "/dead-letters"):
            await page(operator, f"/issuer{path}")
        assert "No lists by party" in await page(operator, "/issuer/dead-letters")


async def test_an_application_is_granted_the_next_free_range(town: Town, officer: httpx.AsyncClient) -> None:
    await town.client.send(ISSUER.apply_numbers(500))
    shown = await page(officer, "/bureau/numbers?done=1.0")
    assert "500 numbers" in shown
    fields = {"code": CODE, "from": "1001", "to": "1500"}
    assert all(f'value="{value}"' in shown for value in fields.values())
    overlapping = await send(officer, "/bureau/numbers", "grant", **{**fields, "from": "1000"})
    assert (overlapping.status_code, "E_NUMBER_REUSED" in overlapping.text) == (409, True)
    granted = await done(officer, "/bureau/numbers", "grant", **fields)
    assert "None is open." in granted
    assert [(each["from"], each["tax_id"]) for each in town.ledger.registry()["grants"]] == [
        (1, None),
        (1001, SELLER),
    ]
    await town.client.send(ISSUER.apply_numbers(7))
    await page(officer, "/bureau/numbers?done=1.0")
    refused = await done(officer, "/bureau/numbers", "refuse", reason="<b>说明</b> 理由")
    assert "refused" in refused


async def test_all_digital_codes_are_suggested_and_taken(town: Town, officer: httpx.AsyncClient) -> None:
    shown = await page(officer, "/bureau/numbers?family=digital&count=50")
    (form, *_none) = [form for form in shown.split("<form") if 'value="grant"' in form]
    code, first, last = re.findall(r'name="(?:code|from|to)"[^>]* value="([0-9]*)"', form)
    assert (code[2:], first, last) == ("4410000000", "1", "50")
    granted = {**hidden_of(form), "code": code, "from": first, "to": last, "tax_id": ""}
    await landed(officer, await officer.post("/bureau/numbers", data=granted))
    grants = town.ledger.registry()["grants"]
    assert [each["code"] for each in grants if each["all_digital"]] == [code]
    following = await page(officer, "/bureau/numbers?family=digital&count=50&done=1.0")
    assert 'value="51"' in following


async def test_a_grant_is_closed_after_a_page_that_says_what_that_means(
    town: Town, officer: httpx.AsyncClient
) -> None:
    asked = await send(officer, "/bureau/numbers", "close")
    assert (asked.status_code, "never granted again" in asked.text) == (200, True)
    assert not town.ledger.registry()["grants"][0]["closed"]
    (form, *_none) = [form for form in asked.text.split("<form") if 'name="sure"' in form]
    assert "closed" in await landed(officer, await officer.post("/bureau/numbers", data=hidden_of(form)))
    assert town.ledger.registry()["grants"][0]["closed"]


async def test_an_issuer_is_admitted_and_its_limit_changed(town: Town, officer: httpx.AsyncClient) -> None:
    name = "演示<客运>有限公司 & 'co'"
    new = {"tax_id": OTHER_COMPANY.lower(), "name": name, "limit": "1,000.50"}
    shown = await done(officer, "/bureau/issuers", "admit", **new)
    assert "¥1,000.50" in shown
    assert "演示&lt;客运&gt;有限公司 &amp; &#39;co&#39;" in shown, "a name is text, whatever is in it"
    where = f"/bureau/parties/{OTHER_COMPANY}"
    await done(officer, where, "change", name=name, limit="")
    (own,) = [one for one in town.ledger.registry()["issuers"] if one["tax_id"] == OTHER_COMPANY]
    assert own["credit_limit_fen"] is None
    for wrong in ({**new, "limit": "1.234"}, {**new, "tax_id": "91440300708461136X"}, {**new, "name": ""}):
        answer = await send(officer, "/bureau/issuers", "admit", **wrong)
        assert answer.status_code in (400, 422), wrong
        assert "E_" in answer.text
    found = await officer.get("/bureau/issuers", params={"tax_id": f" {SELLER.lower()} "})
    assert found.headers["location"] == f"/bureau/parties/{SELLER}"
    assert (await officer.get("/bureau/issuers", params={"tax_id": "x"})).status_code == 422


async def test_keys_are_registered_and_revoked(town: Town, officer: httpx.AsyncClient) -> None:
    public_key = _core.public_key(b"\x56" * 32)
    where, kid = f"/bureau/parties/{SELLER}", _core.kid(public_key)
    await done(officer, where, "register", public_key=public_key.hex(), role="ISSUER")
    twice = await send(officer, where, "register", public_key=public_key.hex(), role="ISSUER")
    assert (twice.status_code, "E_STATE" in twice.text) == (409, True)
    assert kid[:16] in await page(officer, f"{where}?role=ISSUER")
    asked = await send(officer, f"/bureau/keys/{kid}", "revoke")
    assert "cannot be undone" in asked.text
    (form,) = [form for form in asked.text.split("<form") if 'name="sure"' in form]
    assert "revoked" in await landed(officer, await officer.post(f"/bureau/keys/{kid}", data=hidden_of(form)))
    assert there(town.ledger.key(kid))["revoked"]
    await page(officer, f"/bureau/keys/{'0' * 32}", 404)


async def test_a_table_is_replaced_after_a_look_at_what_changes(
    town: Town, officer: httpx.AsyncClient
) -> None:
    height = town.ledger.height
    rows = [
        {"scene": "METRO", "tax_code": TAX_CODE, "rate": 300, "from": "2026-01-01", "to": "2026-12-31"},
        {"scene": "METRO", "tax_code": TAX_CODE, "rate": "EXEMPT", "from": "2027-01-01", "to": None},
    ]
    text = orjson.dumps({"about": "signed elsewhere", "rows": rows}).decode()
    preview = await send(officer, "/bureau/tables/rates", "preview", rows=text)
    assert preview.status_code == 200, preview.text
    assert preview.text.count("Added") == 2
    assert preview.text.count("Removed") == 2
    assert town.ledger.height == height, "a look changes nothing"
    (form,) = [form for form in preview.text.split("<form") if 'value="replace"' in form]
    confirmed = hidden_of(form)
    await landed(officer, await officer.post("/bureau/tables/rates", data=confirmed))
    assert [(row["rate"], row["to_day"] is None) for row in town.ledger.registry()["rates"]] == [
        (300, False),
        ("EXEMPT", True),
    ]
    then = await page(officer, "/bureau/tables?on=2027-02-01")
    assert then.index("not in force") < then.index(">in force")
    stale = await officer.post("/bureau/tables/rates", data={**confirmed, "once": "later"})
    assert (stale.status_code, "has changed since" in stale.text) == (409, True)
    for wrong in ("", "{", '{"rows": {}}', "7"):
        assert (await send(officer, "/bureau/tables/rates", "preview", rows=wrong)).status_code == 422
    nonsense = await send(officer, "/bureau/tables/scenes", "preview", rows='[{"code": "<script>"}]')
    assert "<script>&" not in nonsense.text
    (form,) = [form for form in nonsense.text.split("<form") if 'value="replace"' in form]
    refused = await officer.post("/bureau/tables/scenes", data=hidden_of(form))
    assert (refused.status_code, "E_SCHEMA" in refused.text) == (400, True)
    await page(officer, "/bureau/tables/others", 404)
    await page(officer, "/bureau/tables?on=2027-13-01", 422)


async def test_red_letters_show_both_sides(town: Town, officer: httpx.AsyncClient) -> None:
    await town.client.send(ISSUER.retitle(invoice(1), Buyer(COMPANY, b"\7" * 32)))
    await town.client.send(CLERK.confirm_use(invoice(4)))
    await town.client.send(CLERK.red_request(invoice(4), "SALES_RETURN"))
    shown = await page(officer, "/bureau/red-letters?done=1.0")
    assert f"{CODE} 00000004" in shown
    assert COMPANY in shown
    assert "72 h" in shown
    assert "Lapsed: end it" not in shown
    word = hidden_of(await page(officer, "/bureau/numbers"))
    early = {**word, "do": "expire", "code": CODE, "number": "4"}
    answer = await officer.post("/bureau/red-letters", data=early)
    assert (answer.status_code, "E_STATE" in answer.text) == (409, True)


async def test_a_declaration_is_acknowledged(town: Town, officer: httpx.AsyncClient) -> None:
    assert "metro</a>: 2026-03" in await page(officer, "/bureau")
    await town.client.send(ISSUER.declare("2026-03", 1330, 665, 0))
    shown = await page(officer, "/bureau/declarations?done=1.0")
    assert shown.count("¥13.30") == 2, "what was declared, and what the ledger has"
    assert "Acknowledged" in await done(officer, "/bureau/declarations", "acknowledge")
    month = next(one for one in town.ledger.registry()["issuers"] if one["tax_id"] == SELLER)["months"]
    assert month["2026-03"]["acknowledged"]


async def test_an_invoice_is_frozen_and_unlocked(town: Town, officer: httpx.AsyncClient) -> None:
    where = f"/bureau/invoices/{CODE}/00000004"
    await town.client.send(ISSUER.retitle(invoice(1), Buyer(COMPANY, b"\7" * 32)))
    await town.client.send(CLERK.lock(invoice(4), "trip-<1>"))
    assert "trip-&lt;1&gt;" in await page(officer, where)
    await done(officer, where, "freeze", note="case 7")
    frozen = await page(officer, where)
    assert "Frozen" in frozen
    assert 'value="freeze"' not in frozen
    await done(officer, where, "unfreeze")
    await done(officer, where, "unlock")
    assert there(town.ledger.invoice(CODE, 4))["standing"]["claim"] == "FREE"
    await page(officer, f"/bureau/invoices/{CODE}/00000099", 404)
    await page(officer, "/bureau/invoices/1/1", 404)
    (moved,) = [row for row in frozen.split("<tr>") if '<th scope="row">Locked for a claim' in row]
    assert "Reimburser" in moved


async def test_a_title_is_opened_after_the_look_up_is_recorded(
    town: Town, officer: httpx.AsyncClient
) -> None:
    assert town.private is not None
    commitment = town.private.put("somebody", Kind.TITLE, "演示精密制造有限公司").hex()
    assert "演示精密" not in await page(officer, f"/bureau/titles?commitment={commitment}"), (
        "a look is a look-up"
    )
    fields = {"commitment": commitment, "purpose": "2026-case-7"}
    opened = await send(officer, "/bureau/titles", "look_up", **fields)
    assert opened.status_code == 200
    assert "演示精密制造有限公司" in opened.text
    assert opened.headers["cache-control"] == "no-store"
    (access,) = town.private.accesses()
    assert (access.by.party, access.purpose, access.commitment.hex()) == (OFFICE, "2026-case-7", commitment)
    head = town.private.access_head()
    assert head.hash.hex() in opened.text
    unknown = await send(officer, "/bureau/titles", "look_up", **{**fields, "commitment": "00" * 32})
    assert "Nothing is kept" in unknown.text
    assert town.private.access_head().number == 2, "what is not there was looked for all the same"
    for wrong in ({**fields, "purpose": ""}, {**fields, "commitment": "x"}, {**fields, "purpose": "案件"}):
        answer = await send(officer, "/bureau/titles", "look_up", **wrong)
        assert answer.status_code == 422, wrong
        assert "演示精密" not in answer.text
    assert town.private.access_head().number == 2
