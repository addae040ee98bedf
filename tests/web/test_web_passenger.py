"""The passenger's pages: trips become invoices, are taken, retitled, presented, handed on by them alone."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from farechain import presentation
from farechain.access.roles import Role
from farechain.client import Invoice
from farechain.private.openings import Kind
from web.page_forms import form_of
from web.passengers import FRIEND, STRANGER, add, founding, row, town_with_store, trip, visit, visit_row
from web.town import CLERK, CODE, COMPANY, HOLDER, ISSUER, SELLER, Town, identity_of, invoice

PAID = (
    trip(1),
    trip(2),
    trip(3, "METRO"),
    visit(4),
    visit(5),
    visit(6, scene="BUS"),
    trip(7),
    trip(8, "METRO"),
)
TITLE = {"title": "organisation", "text": "测试（深圳）有限公司", "tax_id": COMPANY}


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    town = town_with_store(tmp_path)
    async with town.open():
        await town.found()
        for event in founding():
            await town.client.send(event)
    async with town.again(*PAID):
        mine = HOLDER.kid
        add(town, *(row(n, mine) for n in (1, 2, 3, 99)), *(visit_row(n, mine) for n in (4, 5, 6)))
        add(town, row(7, FRIEND.kid), row(8, FRIEND.kid))
        town.follow()
        town.publish()
        yield town
    town.ledger.close()


def passenger(town: Town, kid: str = HOLDER.kid) -> httpx.AsyncClient:
    return town.person(Role.HOLDER, kid)


def names(*events: Any) -> list[str]:
    return [identity_of(event).hex() for event in events]


async def preview(me: httpx.AsyncClient, *events: Any, **title: str) -> httpx.Response:
    listed = (await me.get("/my")).text
    chosen = await me.post("/my/claim", data=form_of(listed, "/my/claim", trip=names(*events)))
    return await me.post("/my/claim/preview", data=form_of(chosen.text, "/my/claim/preview", **title))


async def claim(me: httpx.AsyncClient, *events: Any, **title: str) -> httpx.Response:
    shown = await preview(me, *events, **title)
    return await me.post("/my/claim/confirm", data=form_of(shown.text, "/my/claim/confirm"))


async def held(town: Town, **title: str) -> str:
    """An invoice of the first trip; the path of its card."""
    async with passenger(town) as me:
        answer = await claim(me, PAID[0], **title)
    town.follow()
    return card_in(answer.text)


def card_in(page: str) -> str:
    found = re.search(r"/my/invoices/[0-9]{12}/[0-9]{8}", page)
    assert found, page
    return found[0]


async def test_each_trip_says_what_became_of_it(town: Town) -> None:
    async with passenger(town) as me:
        page = (await me.get("/my", headers={"accept-language": "en"})).text
        assert page.count('type="checkbox"') == 5
        assert "3号线 · 石厦 → 福田口岸" in page
        assert "Invoiced automatically" in page
        assert "Not on the ledger yet" in page
        chinese = (await me.get("/my", headers={"accept-language": "zh"})).text
        assert "已自动开票" in chinese
        assert "尚未入账" in chinese
        assert (await me.get("/my?show=open")).text.count("<li>") == 5
        assert (await me.get("/my?show=automatic")).text.count("<li>") == 1


async def test_a_passenger_sees_nobody_elses_trips(town: Town) -> None:
    async with passenger(town, FRIEND.kid) as friend:
        page = (await friend.get("/my")).text
        assert page.count("<li>") == 2
        form = form_of(page, "/my/claim", trip=names(PAID[0]))
        answer = await friend.post("/my/claim", data=form)
        assert (answer.status_code, "E_NOT_FOUND" in answer.text) == (404, True)


async def test_a_payment_that_is_handed_in_early_with_a_wrong_opening_shows_nothing(town: Town) -> None:
    add(town, row(50, FRIEND.kid, opening="00" * 32))
    async with passenger(town, FRIEND.kid) as friend:
        assert "Not on the ledger yet" in (await friend.get("/my", headers={"accept-language": "en"})).text
        async with town.again(trip(50)), passenger(town, FRIEND.kid) as again:
            page = (await again.get("/my", headers={"accept-language": "en"})).text
            assert page.count("<li>") == 2
            assert identity_of(trip(50)).hex() not in page


async def test_trips_of_two_sellers_become_two_invoices_with_the_amounts_of_the_preview(town: Town) -> None:
    async with passenger(town) as me:
        shown = await preview(me, PAID[0], PAID[1], PAID[3], PAID[4], **TITLE, remember="yes")
        assert "测试（深圳）有限公司" in shown.text
        # 13.30 and 20.00 at 3 %, split once for each line.
        for amount in ("¥13.30", "¥12.91", "¥0.39", "¥20.00", "¥19.42", "¥0.58"):
            assert amount in shown.text
        form = form_of(shown.text, "/my/claim/confirm")
        first = await me.post("/my/claim/confirm", data=form)
        invoices = re.findall(r"/my/invoices/[0-9]{12}/[0-9]{8}", first.text)
        assert len(invoices) == 2
        height = town.ledger.height
        assert (await me.post("/my/claim/confirm", data=form)).text.count("¥13.30") == 1
        made = [town.ledger.invoice(CODE, int(path[-8:])) for path in invoices]
        assert [one["fields"]["net_fen"] for one in made if one] == [1291, 1942]
        assert town.ledger.status()["invoices"] == 4
        # A duplicate is recorded as one, and made nothing.
        assert town.ledger.height >= height
        titles = [one["fields"]["title"] for one in made if one]
        assert titles[0] != titles[1]
        assert town.private is not None
        assert {kept.commitment for kept in town.private.by_subject(HOLDER.kid)} == set(titles)
        assert "测试（深圳）有限公司" in (await me.get("/my/data")).text


async def test_a_trip_without_a_rate_is_left_out_and_stops_no_other(town: Town) -> None:
    async with passenger(town) as me:
        shown = await preview(me, PAID[0], PAID[3], PAID[5], title="none")
        assert "has no rate" in shown.text
        answer = await me.post("/my/claim/confirm", data=form_of(shown.text, "/my/claim/confirm"))
        assert len(set(re.findall(r"/my/invoices/[0-9]{12}/[0-9]{8}", answer.text))) == 2
        forced = form_of(shown.text, "/my/claim/confirm", trip=names(PAID[1], PAID[5]), once="f1")
        answer = await me.post("/my/claim/confirm", data=forced)
        assert "E_RATE_NOT_ALLOWED" in answer.text
        assert len(set(re.findall(r"/my/invoices/[0-9]{12}/[0-9]{8}", answer.text))) == 1


async def test_two_forms_of_one_trip_make_one_invoice_and_the_other_says_why(town: Town) -> None:
    async with passenger(town) as me:
        forms = [form_of((await preview(me, PAID[0], title="none")).text, "/my/claim/confirm") for _ in "12"]
        answers = await asyncio.gather(*(me.post("/my/claim/confirm", data=form) for form in forms))
        assert sorted("E_PAYMENT_SPENT" in answer.text for answer in answers) == [False, True]


@pytest.mark.parametrize(
    ("title", "code"),
    [
        ({"title": "organisation", "text": "公司", "tax_id": ""}, "E_TITLE_REQUIRED"),
        ({"title": "organisation", "text": "", "tax_id": COMPANY}, "E_TITLE_REQUIRED"),
        ({"title": "organisation", "text": "公司", "tax_id": COMPANY[:-1]}, "E_USCC_FORMAT"),
        ({"title": "organisation", "text": "公司", "tax_id": COMPANY[:-1] + "A"}, "E_USCC_CHECKSUM"),
        ({"title": "person", "text": "张\u0007三"}, "E_TITLE_CHARS"),
        ({"title": "person", "text": "abc\u202edef"}, "E_TITLE_CHARS"),
        ({"title": "person", "text": "张三😀"}, "E_TITLE_CHARS"),
        ({"title": "person", "text": "字" * 50 + "a"}, "E_TITLE_CHARS"),
        ({"title": "person", "text": "<b>"}, "E_TITLE_CHARS"),
    ],
)
async def test_a_title_that_no_invoice_may_carry_is_said_and_kept_in_the_form(
    town: Town, title: dict[str, str], code: str
) -> None:
    async with passenger(town) as me:
        answer = await preview(me, PAID[0], **title)
        assert (answer.status_code, code in answer.text) == (422, True)
        assert 'role="alert"' in answer.text
        shown = form_of(answer.text, "/my/claim/preview")
        assert shown["trip"] == names(PAID[0])
        forged = form_of((await me.get("/my")).text, "/my/claim", trip=names(PAID[0]), once="a1", **title)
        assert (await me.post("/my/claim/confirm", data=forged)).status_code == 422
        assert town.ledger.status()["invoices"] == 2


async def test_a_tax_id_is_taken_as_people_type_it(town: Town) -> None:
    async with passenger(town) as me:
        spaced = f" {COMPANY[:6].lower()} {COMPANY[6:]} ".translate({ord("1"): "１"})
        answer = await preview(me, PAID[0], title="organisation", text="公司", tax_id=spaced)
        assert COMPANY in answer.text


async def test_an_automatic_invoice_is_taken_with_the_trips_opening(town: Town) -> None:
    async with passenger(town) as me:
        listed = (await me.get("/my/invoices")).text
        form = form_of(listed, "/my/take", take=names(PAID[2])[0])
        taken = await me.post("/my/take", data=form)
        assert taken.status_code == 303
        path = taken.headers["location"]
        page = (await me.get(path)).text
        assert "BIND" in page
        assert "石厦" in page
        assert (await me.post("/my/take", data=form)).headers["location"] == path
        assert names(PAID[7])[0] not in listed
        other = await me.post("/my/take", data=form | {"take": names(PAID[7])[0]})
        assert other.status_code == 404
        town.follow()
        assert (await me.get("/my/invoices")).text.count("<li>") == 1


async def test_the_card_has_the_title_and_its_files_are_pdf(town: Town) -> None:
    path = await held(town, **TITLE)
    async with passenger(town) as me:
        page = (await me.get(path)).text
        assert "测试（深圳）有限公司" in page
        assert "<svg" in page
        assert "莲花山" in page
        early = await me.get(f"{path}/invoice.pdf")
        assert (early.status_code, "E_NOT_PUBLISHED" in early.text) == (503, True)
        town.publish()
        for name in ("invoice.pdf", "trips.pdf"):
            answer = await me.get(f"{path}/{name}")
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
            assert answer.content.startswith(b"%PDF-")
            assert "attachment" in answer.headers["content-disposition"]


async def test_another_sees_no_field_of_an_invoice(town: Town) -> None:
    path = await held(town, **TITLE)
    async with passenger(town, FRIEND.kid) as friend:
        never = await friend.get(f"/my/invoices/{CODE}/00000099")
        for suffix in ("", "/invoice.pdf", "/trips.pdf"):
            answer = await friend.get(path + suffix)
            assert answer.status_code == 404
            assert "6.65" not in answer.text
            assert COMPANY not in answer.text
        assert (await friend.get(path)).text.replace(path, "") == never.text.replace(
            f"/my/invoices/{CODE}/00000099", ""
        )
        word = form_of((await friend.get("/my/data")).text, "/my/data/erase")
        for action, more in (
            ("title", {"title": "none", "once": "a1"}),
            ("present", {"reimburser": COMPANY, "claim_id": "c"}),
            ("transfer", {"holder": FRIEND.kid, "once": "a1"}),
        ):
            assert (await friend.post(f"{path}/{action}", data=word | more)).status_code == 404


async def test_another_title_makes_a_red_letter_and_a_new_invoice(town: Town) -> None:
    path = await held(town, title="none")
    async with passenger(town) as me:
        form = form_of((await me.get(path)).text, f"{path}/title", **TITLE)
        answer = await me.post(f"{path}/title", data=form)
        assert answer.status_code == 303
        new = card_in(answer.headers["location"])
        assert new != path
        assert (await me.post(f"{path}/title", data=form)).headers["location"] == answer.headers["location"]
        town.follow()
        assert "测试（深圳）有限公司" in (await me.get(new)).text
        old = await me.get(path, headers={"accept-language": "en"})
        assert "Reversed" in old.text
        red = next(one for one in re.findall(r"/my/invoices/[0-9]{12}/[0-9]{8}", old.text) if one != path)
        assert "−¥6.65" in (await me.get(red)).text
        again = await me.post(f"{path}/title", data=form | {"once": "b2"})
        assert (again.status_code, "E_STATE" in again.text) == (409, True)


async def test_a_presentation_is_what_the_clerk_locks_with(town: Town) -> None:
    path = await held(town, title="none")
    async with passenger(town) as me:
        form = form_of((await me.get(path)).text, f"{path}/present", reimburser=COMPANY, claim_id="2026-03/7")
        page = (await me.post(f"{path}/present", data=form)).text
        assert "<svg" in page
        found = re.search(r"FC1:[^<]+", page)
        assert found
        shown = presentation.decode(found[0])
        assert shown[:3] == (invoice(int(path[-8:])), COMPANY, "2026-03/7")
        for wrong, code in (
            ({"reimburser": COMPANY[:-1]}, "E_USCC_FORMAT"),
            ({"claim_id": "with space"}, "E_CLAIM_ID"),
        ):
            refused = await me.post(f"{path}/present", data=form | wrong)
            assert (refused.status_code, code in refused.text) == (422, True)
    await town.client.send(CLERK.lock(shown.invoice, shown.claim_id, shown.signature))
    async with passenger(town) as me:
        page = (await me.get(path, headers={"accept-language": "en"})).text
        assert "Locked for a claim" in page
        assert COMPANY in page


async def test_an_invoice_is_handed_to_another_key_once(town: Town) -> None:
    path = await held(town, title="none")
    async with passenger(town) as me:
        form = form_of((await me.get(path)).text, f"{path}/transfer", holder=FRIEND.kid)
        bad = await me.post(f"{path}/transfer", data=form | {"holder": "z" * 32})
        assert bad.status_code == 422
        unknown = await me.post(f"{path}/transfer", data=form | {"holder": "0" * 32, "once": "c3"})
        assert (unknown.status_code, "E_KEY_UNKNOWN" in unknown.text) == (404, True)
        assert (await me.post(f"{path}/transfer", data=form)).status_code == 303
        assert (await me.get(path)).status_code == 404
    async with passenger(town, FRIEND.kid) as friend:
        page = (await friend.get(path)).text
        assert "¥6.65" in page
        # The friend keeps their own key: these pages cannot sign for them.
        form = form_of(page, f"{path}/present", reimburser=COMPANY, claim_id="1")
        answer = await friend.post(f"{path}/present", data=form)
        assert (answer.status_code, "E_NO_KEY" in answer.text) == (403, True)


async def test_a_passenger_of_another_app_can_look_and_not_claim(town: Town) -> None:
    add(town, row(1, STRANGER.kid))
    async with passenger(town, STRANGER.kid) as stranger:
        page = (await stranger.get("/my")).text
        assert page.count("<li>") == 1
        assert 'type="checkbox"' not in page
        word = form_of((await stranger.get("/my/data")).text, "/my/data/erase")
        answer = await stranger.post("/my/claim", data=word | {"trip": names(PAID[0])})
        assert (answer.status_code, "E_ROLE" in answer.text) == (403, True)


async def test_a_rotated_key_holds_what_its_predecessor_held(town: Town) -> None:
    path = await held(town, title="none")
    await town.client.send(HOLDER.rotate_key(b"\x30" * 32))
    from web.town import party

    async with passenger(town, party("", 0x30).kid) as me:
        assert "¥6.65" in (await me.get(path)).text


async def test_erasing_takes_trips_and_titles_and_leaves_the_invoice(town: Town) -> None:
    path = await held(town, **TITLE, remember="yes")
    add(town, row(7, FRIEND.kid))
    async with passenger(town) as me:
        page = (await me.get("/my/data")).text
        form = form_of(page, "/my/data/erase")
        assert (await me.post("/my/data/erase", data=form)).status_code == 422
        assert "测试（深圳）有限公司" in (await me.get(path)).text
        assert (await me.post("/my/data/erase", data=form | {"sure": "yes"})).status_code == 303
        assert (await me.get("/my")).text.count("<li>") == 0
        page = (await me.get(path)).text
        assert "测试（深圳）有限公司" not in page
        assert "¥6.65" in page
        assert "测试（深圳）有限公司" not in (await me.get("/my/data?erased=yes")).text
    async with passenger(town, FRIEND.kid) as friend:
        assert (await friend.get("/my")).text.count("<li>") == 2


async def test_a_title_is_forgotten_alone(town: Town) -> None:
    async with passenger(town) as me:
        await claim(me, PAID[0], **TITLE, remember="yes")
        await claim(me, PAID[1], title="person", text="张三", remember="yes")
        page = (await me.get("/my/data")).text
        name = re.findall(r'name="title" value="([0-9a-f]{64})"', page)
        assert len(name) == 2
        await me.post("/my/data/forget", data=form_of(page, "/my/data/forget", title=name[0]))
        page = (await me.get("/my/data")).text
        assert re.findall(r'name="title" value="([0-9a-f]{64})"', page) == name[1:]
        chosen = await me.post(
            "/my/claim", data=form_of((await me.get("/my")).text, "/my/claim", trip=names(PAID[3]))
        )
        assert name[1] in chosen.text
        shown = await me.post(
            "/my/claim/preview", data=form_of(chosen.text, "/my/claim/preview", title=name[1])
        )
        assert "测试（深圳）有限公司" in shown.text
        assert town.private is not None
        assert {one.kind for one in town.private.by_subject(HOLDER.kid)} == {Kind.TITLE}


async def test_forms_of_another_session_and_other_roles_do_nothing(town: Town) -> None:
    async with passenger(town) as me, passenger(town, FRIEND.kid) as friend:
        form = form_of((await me.get("/my/data")).text, "/my/data/erase", sure="yes")
        answer = await friend.post("/my/data/erase", data=form)
        assert (answer.status_code, "E_FORM" in answer.text) == (403, True)
        assert (await me.post("/my/data/erase", data={"sure": "yes"})).status_code == 403
    async with town.person(Role.ISSUER, SELLER) as issuer:
        for path in ("/my", "/my/invoices", "/my/data", f"/my/invoices/{CODE}/00000001"):
            assert (await issuer.get(path)).status_code == 401
        assert (await issuer.post("/my/data/erase", data=form)).status_code == 401
    assert (await town.http.get("/my")).status_code == 401


async def test_a_refused_form_leads_back_to_a_page(town: Town) -> None:
    async with passenger(town) as me:
        for path in ("/my/claim", "/my/claim/preview", "/my/claim/confirm", "/my/take"):
            assert (await me.get(path)).headers["location"] == "/my"
        for path in ("/my/data/erase", "/my/data/forget"):
            assert (await me.get(path)).headers["location"] == "/my/data"
        path = await held(town, title="none")
        assert (await me.get(f"{path}/title")).headers["location"] == path
        assert (await me.get("/my/invoices?after=x")).status_code == 400
        none = await me.post("/my/claim", data=form_of((await me.get("/my")).text, "/my/claim"))
        assert none.status_code == 422


async def test_an_invoice_that_a_refund_reversed_says_so(town: Town) -> None:
    path = await held(town, title="none")
    number = int(path[-8:])
    await town.client.send(ISSUER.red_issue(Invoice(CODE, number), "SALES_RETURN"))
    town.follow()
    async with passenger(town) as me:
        page = (await me.get(path, headers={"accept-language": "en"})).text
        assert "Reversed" in page
        assert "cannot be presented" in page
        assert (await me.get("/my?show=open")).text.count("<li>") == 5


async def test_what_was_handed_on_leaves_the_list_before_the_books_follow(town: Town) -> None:
    path = await held(town, title="none")
    async with passenger(town) as me:
        listed = (await me.get("/my/invoices")).text
        assert path in listed
        town.follow = lambda: None  # type: ignore[method-assign]  # the books stay behind
        form = form_of((await me.get(path)).text, f"{path}/transfer", holder=FRIEND.kid)
        assert (await me.post(f"{path}/transfer", data=form)).status_code == 303
        booked = town.books.one(CODE, int(path[-8:]))
        assert booked is not None
        assert booked.holder == HOLDER.kid
        assert path not in (await me.get("/my/invoices")).text
