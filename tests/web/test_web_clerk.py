"""The clerk's pages: what came in, several things at once, claims, races, and nothing of others."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from farechain.access.roles import Role
from farechain.client import Buyer, SignedEvent
from farechain.presentation import Presentation, encode
from farechain.private.openings import Kind
from farechain.private.store import Store
from web.town import (
    BUREAU,
    CLERK,
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

OURS = Buyer(COMPANY, TITLE)
NAMES = [f"{CODE}-{number:08d}" for number in range(10)]


def claims(*numbers: int, buyer: Buyer = OURS) -> list[SignedEvent]:
    """Invoices for a company, a ride each."""
    return [ISSUER.claim(claimed(ride(number, "SCENIC")), buyer) for number in numbers]


@asynccontextmanager
async def at_work(
    place: Path, *given: SignedEvent, rides: int = 6, private: Store | None = None
) -> AsyncIterator[Town]:
    """The town with rides paid and commands given."""
    town = Town(place, private=private)
    async with town.open():
        await town.found()
    async with town.again(*(ride(number, "SCENIC") for number in range(1, rides + 1))):
        for event in given:
            await town.client.send(event)
        yield town


def hidden(page: str) -> dict[str, str]:
    """What a page's first form of the clerk carries."""
    form = page[page.index('name="word"') - 30 :]
    word = re.search(r'name="word" value="([0-9a-f]+)"', form)
    once = re.search(r'name="once" value="([0-9a-f]+)"', form)
    assert word is not None
    return {"word": word[1], **({"once": once[1]} if once else {})}


async def several(clerk: httpx.AsyncClient, do: str, picks: list[int], **fields: str) -> httpx.Response:
    """Something done to several invoices."""
    page = (await clerk.get("/clerk/policy")).text
    form = {**hidden(page), "do": do, "pick": [NAMES[number] for number in picks], "how": "each"}
    return await clerk.post("/clerk/several", data={**form, **fields})


async def one(clerk: httpx.AsyncClient, number: int, do: str, **fields: str) -> httpx.Response:
    """Something done on an invoice's own page."""
    path = f"/clerk/invoice/{NAMES[number]}"
    form = hidden((await clerk.get(path)).text)
    return await clerk.post(path, data={**form, "do": do, **fields}, follow_redirects=True)


def claim_of(town: Town, number: int) -> str:
    found = town.ledger.invoice(CODE, number)
    assert found is not None
    return str(found["standing"]["claim"])


async def test_an_invoice_goes_from_the_inbox_into_the_books(tmp_path: Path) -> None:
    async with at_work(tmp_path, *claims(1, 2)) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        inbox = (await clerk.get("/clerk?state=free")).text
        assert NAMES[1] in inbox
        assert "metro" in inbox
        assert "¥6.65" in inbox
        answer = await several(clerk, "lock", [1, 2], claim_id="C-1")
        assert answer.status_code == 200
        assert claim_of(town, 1) == claim_of(town, 2) == "LOCKED"
        claim = (await clerk.get("/clerk/claim?id=C-1")).text
        assert NAMES[1] in claim
        amounts = {f"amount.{NAMES[1]}": "6.00"}
        await several(clerk, "reimburse", [1, 2], **amounts)
        found = town.ledger.invoice(CODE, 1)
        assert found is not None
        assert found["standing"]["reimbursed_fen"] == 600
        answer = await several(clerk, "post", [1, 2], voucher="V-7", period="2026-03", how="together")
        assert answer.status_code == 200
        assert claim_of(town, 1) == claim_of(town, 2) == "POSTED"
        page = (await clerk.get(f"/clerk/invoice/{NAMES[1]}")).text
        assert "V-7 · 2026-03" in page
        assert "Locked for a claim" in page
        postings = (await clerk.get("/clerk/posting.json")).json()
        booked = postings[0]["einv_ord_receiver"]
        assert booked["WhetherEinvoiceHasBeenBooked"] is True
        assert booked["InformationOfAccountingDocumentsTuple"] == [
            {"NumberOfAccountingDocuments": "V-7", "AccountingPeriod": "2026-03"}
        ]
        answer = await one(clerk, 1, "unpost")
        assert "Recorded" in answer.text
        assert claim_of(town, 1) == "REIMBURSED"
        assert (await one(clerk, 1, "confirm")).status_code == 200


async def test_as_one_it_is_all_or_none_and_each_by_itself_stops_no_other(tmp_path: Path) -> None:
    given = [*claims(1, 2, 3), CLERK.lock(invoice(2), "C-0")]
    async with at_work(tmp_path, *given) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        answer = await several(clerk, "lock", [1, 2, 3], claim_id="C-1", how="together")
        assert answer.status_code == 409
        assert "Nothing was done" in answer.text
        assert "Locked by" in answer.text
        assert answer.text.count("because of another one") == 2
        assert claim_of(town, 1) == "FREE"
        answer = await several(clerk, "lock", [1, 2, 3], claim_id="C-1")
        assert answer.status_code == 200
        assert "2 of 3 done" in answer.text
        assert (claim_of(town, 1), claim_of(town, 3)) == ("LOCKED", "LOCKED")


async def test_a_form_sent_twice_does_nothing_more(tmp_path: Path) -> None:
    async with at_work(tmp_path, *claims(1)) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        form = {**hidden((await clerk.get("/clerk")).text), "do": "lock", "how": "each", "claim_id": "C-1"}
        first, second = [
            await clerk.post("/clerk/several", data={**form, "pick": NAMES[1]}) for _ in range(2)
        ]
        assert first.status_code == second.status_code == 200
        assert len(town.books.movements(CODE, 1).entries) == 2


async def test_of_two_companies_that_race_one_wins_and_the_other_sees_who(tmp_path: Path) -> None:
    held = claims(1, buyer=Buyer(holder=HOLDER.kid))
    async with at_work(tmp_path, *held) as town, AsyncExitStack() as stack:
        clerks = [
            await stack.enter_async_context(town.person(Role.REIMBURSER, party))
            for party in (COMPANY, OTHER_COMPANY)
        ]
        forms = [
            {
                **hidden((await clerk.get("/clerk/policy")).text),
                "do": "lock",
                "how": "each",
                "claim_id": "C-1",
                "pick": NAMES[1],
                "presentations": shown(1, party),
            }
            for clerk, party in zip(clerks, (COMPANY, OTHER_COMPANY), strict=True)
        ]
        answers = await asyncio.gather(
            *(clerk.post("/clerk/several", data=form) for clerk, form in zip(clerks, forms, strict=True))
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        loser = next(answer.text for answer in answers if answer.status_code == 409)
        found = town.ledger.invoice(CODE, 1)
        assert found is not None
        winner = found["standing"]["locker"]
        assert f"Locked by <b>{winner}</b> since 2026" in loser


async def test_two_clerks_of_one_company_race_and_the_loser_sees_that_it_is_theirs(tmp_path: Path) -> None:
    async with (
        at_work(tmp_path, *claims(1)) as town,
        town.person(Role.REIMBURSER, COMPANY) as first,
        town.person(Role.REIMBURSER, COMPANY) as second,
    ):
        answers = await asyncio.gather(
            several(first, "lock", [1], claim_id="C-1"), several(second, "lock", [1], claim_id="C-2")
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert "Locked by <b>us</b> since 2026" in max(answers, key=lambda each: each.status_code).text


def shown(number: int, reimburser: str, claim_id: str = "C-1") -> str:
    signature = HOLDER.present(invoice(number), reimburser, claim_id)
    return encode(Presentation(invoice(number), reimburser, claim_id, signature))


async def test_a_presentation_is_good_for_its_claim_alone(tmp_path: Path) -> None:
    held = claims(1, buyer=Buyer(COMPANY, TITLE, HOLDER.kid))
    async with at_work(tmp_path, *held) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        without = await several(clerk, "lock", [1], claim_id="C-1")
        assert "E_SIGNATURE" in without.text
        other = await several(clerk, "lock", [1], claim_id="C-2", presentations=shown(1, COMPANY))
        assert "E_PRESENTATION" in other.text
        assert claim_of(town, 1) == "FREE"
        answer = await one(clerk, 1, "lock", claim_id="C-1", presentation=shown(1, COMPANY))
        assert "Recorded" in answer.text
        assert claim_of(town, 1) == "LOCKED"


async def test_nobody_sees_another_company_s_invoice(tmp_path: Path) -> None:
    given = [*claims(1), CLERK.lock(invoice(1), "SECRET-1")]
    async with at_work(tmp_path, *given) as town, town.person(Role.REIMBURSER, OTHER_COMPANY) as other:
        paths = [
            f"/clerk/invoice/{NAMES[1]}",
            f"/clerk/invoice/{NAMES[1]}/posting.json",
            f"/clerk/invoice/{NAMES[1]}/invoice.pdf",
            f"/clerk/invoice/{NAMES[9]}",
        ]
        answers = [await other.get(path) for path in paths]
        assert {answer.status_code for answer in answers} == {404}
        told = {re.sub(r"\d{8}", "", answer.text.split("<main")[1]) for answer in answers[::3]}
        assert len(told) == 1, "what exists and what does not are told alike"
        for path in ("/clerk", "/clerk/claim?id=SECRET-1", "/clerk/locks?days=0", "/clerk/inbox.csv", *paths):
            text = (await other.get(path)).text
            assert "6.65" not in text
            assert SELLER not in text
        assert "SECRET-1" not in (await other.get("/clerk/claims")).text
        answer = await several(other, "unlock", [1], claim_id="SECRET-1")
        assert answer.status_code == 409
        assert "E_NOT_FOUND" in answer.text
        assert COMPANY not in answer.text
        assert claim_of(town, 1) == "LOCKED"


async def test_only_a_clerk_comes_in_and_only_with_forms_of_the_session(tmp_path: Path) -> None:
    async with (
        at_work(tmp_path, *claims(1)) as town,
        town.person(Role.ISSUER, SELLER) as issuer,
        town.person(Role.REIMBURSER, OTHER_COMPANY) as other,
        town.person(Role.REIMBURSER, COMPANY) as clerk,
    ):
        for path in ("/clerk", "/clerk/check", f"/clerk/invoice/{NAMES[1]}", "/clerk/inbox.csv"):
            assert (await town.http.get(path)).status_code == 401
            assert (await issuer.get(path)).status_code == 401
        foreign = hidden((await other.get("/clerk/policy")).text)
        for path in ("/clerk/several", "/clerk/check", "/clerk/policy", f"/clerk/invoice/{NAMES[1]}"):
            answer = await clerk.post(path, data={**foreign, "do": "lock", "pick": NAMES[1], "claim_id": "C"})
            assert answer.status_code == 403
            assert "E_FORM" in answer.text
        assert claim_of(town, 1) == "FREE"


WRONG: list[tuple[dict[str, str], str]] = [
    ({"do": "lock", "claim_id": "报销 1"}, "E_CLAIM_ID"),
    ({"do": "lock", "claim_id": "C" * 33}, "E_CLAIM_ID"),
    ({"do": "post", "voucher": "", "period": "2026-03"}, "E_VOUCHER"),
    ({"do": "post", "voucher": "V", "period": "March"}, "E_PERIOD"),
    ({"do": "reimburse", f"amount.{NAMES[1]}": "6.655"}, "E_AMOUNT"),
    ({"do": "reimburse", f"amount.{NAMES[1]}": "-1"}, "E_AMOUNT"),
    ({"do": "reimburse", f"amount.{NAMES[1]}": "6.66"}, "E_OVER_INVOICED"),
    ({"do": "give away"}, "E_SCHEMA"),
    ({"do": "lock", "claim_id": "C-1", "pick": "<script>"}, "E_NOT_FOUND"),
    ({"do": "lock", "claim_id": "C-1", "pick": ""}, "E_NOT_FOUND"),
    ({"do": "unlock", "once": "zz"}, "E_FORM"),
]


async def test_what_is_wrong_in_a_form_is_said(tmp_path: Path) -> None:
    given = [*claims(1), CLERK.lock(invoice(1), "C-1")]
    async with at_work(tmp_path, *given, rides=1) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        for fields, code in WRONG:
            form = {**hidden((await clerk.get("/clerk")).text), "pick": NAMES[1], "how": "each"}
            answer = await clerk.post("/clerk/several", data={**form, **fields})
            assert answer.status_code in (404, 409, 422), fields
            assert code in answer.text
            assert "<script>" not in answer.text.split("<main")[1]
        assert claim_of(town, 1) == "LOCKED"


async def test_a_red_letter_takes_both_sides(tmp_path: Path) -> None:
    given = [
        *claims(1, 2),
        *(CLERK.lock(invoice(number), "C-1") for number in (1, 2)),
        *(CLERK.reimburse(invoice(number), "C-1", 665) for number in (1, 2)),
        *(CLERK.post(invoice(number), "=cmd()", "2026-03") for number in (1, 2)),
        ISSUER.red_request(invoice(1), "SALES_RETURN"),
    ]
    async with at_work(tmp_path, *given) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        page = (await clerk.get(f"/clerk/invoice/{NAMES[1]}")).text
        assert "of 72 h left 71 h" in page
        assert "Agree to the reversal" in page
        assert "Withdraw" not in page
        await one(clerk, 1, "red_confirm")
        gone = (await clerk.get("/clerk/reversed")).text
        assert NAMES[1] in gone
        assert "Post red letter" in gone
        red = f"{CODE}-00000003"
        assert red in gone
        posting = (await clerk.get(f"/clerk/invoice/{red}/posting.json")).json()
        assert posting["inv_ord_issuer"]["TaxIncludedAmountInFigures"] == "-6.65"
        table = (await clerk.get("/clerk/reversed.csv")).content.decode("utf-8-sig")
        assert ",'=cmd()," in table
        assert NAMES[1] in (await clerk.get("/clerk?state=reversed")).text
        assert NAMES[1] not in (await clerk.get("/clerk?state=posted")).text

        asked = await one(clerk, 2, "red_request", reason="ISSUE_ERROR")
        assert "Withdraw our request" in asked.text
        assert "Agree to the reversal" not in asked.text
        withdrawn = await one(clerk, 2, "red_withdraw")
        assert "Ask for a red letter" in withdrawn.text
        await town.client.send(ISSUER.red_request(invoice(2), "SALES_RETURN"))
        assert "Ask for a red letter" in (await one(clerk, 2, "red_refuse")).text


async def test_old_locks_are_listed_and_unlocked(tmp_path: Path) -> None:
    given = [*claims(1, 2), CLERK.lock(invoice(1), "C-1")]
    async with at_work(tmp_path, *given) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        assert NAMES[1] not in (await clerk.get("/clerk/locks")).text
        old = (await clerk.get("/clerk/locks?days=0")).text
        assert NAMES[1] in old
        assert NAMES[2] not in old
        assert (await clerk.get("/clerk/locks?days=-1")).status_code == 422
        assert "C-1" in (await clerk.get("/clerk/claims")).text
        assert (await several(clerk, "unlock", [1])).status_code == 200
        assert claim_of(town, 1) == "FREE"
        assert NAMES[1] not in (await clerk.get("/clerk/locks?days=0")).text


async def test_the_policy_is_changed_and_told(tmp_path: Path) -> None:
    async with at_work(tmp_path) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        page = (await clerk.get("/clerk/policy")).text
        assert "Invoices of individuals are taken." in page
        answer = await clerk.post(
            "/clerk/policy", data={**hidden(page), "accepts": "no"}, follow_redirects=True
        )
        assert "Recorded" in answer.text
        assert COMPANY not in town.ledger.registry()["accept_individuals"]


async def test_who_has_no_key_here_can_look_and_is_told(tmp_path: Path) -> None:
    given = [*claims(1), BUREAU.retire_key(CLERK.kid)]
    async with at_work(tmp_path, *given) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        assert NAMES[1] in (await clerk.get("/clerk")).text
        answer = await several(clerk, "lock", [1], claim_id="C-1")
        assert answer.status_code == 403
        assert "E_NO_KEY" in answer.text


async def test_pages_speak_chinese_and_pages_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farechain.pages.clerk.lists.ROWS", 2)
    async with at_work(tmp_path, *claims(1, 2, 3)) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        chinese = (await clerk.get("/clerk", headers={"accept-language": "zh"})).text
        assert "收票箱" in chinese
        assert "对所选发票" in chinese
        first = (await clerk.get("/clerk")).text
        assert NAMES[1] not in first
        older = re.search(r'href="(/clerk\?state=all&amp;after=[^"]+)"', first)
        assert older is not None
        assert NAMES[1] in (await clerk.get(older[1].replace("&amp;", "&"))).text
        assert (await clerk.get("/clerk?after=%3Cscript%3E")).status_code == 400
        assert (await clerk.get("/clerk?state=none")).status_code == 404
        table = (await clerk.get("/clerk/inbox.csv")).content.decode("utf-8-sig")
        assert table.count("\n") == 4


async def test_own_titles_are_shown_and_run_in_no_spreadsheet_an_individual_s_stay_closed(
    tmp_path: Path,
) -> None:
    with Store.open(tmp_path / "private.sqlite", b"k" * 32, create=True) as store:
        own, person = (store.put("somebody", Kind.TITLE, text) for text in ("=cmd()", "张三的名字"))
        held = Buyer(None, person, HOLDER.kid)
        given = [
            *claims(1, buyer=Buyer(COMPANY, own)),
            *claims(2),
            *claims(3, buyer=held),
            CLERK.lock(invoice(3), "C-1", HOLDER.present(invoice(3), COMPANY, "C-1")),
        ]
        async with (
            at_work(tmp_path, *given, private=store) as town,
            town.person(Role.REIMBURSER, COMPANY) as clerk,
        ):
            page = (await clerk.get("/clerk")).text
            assert "=cmd()" in page
            assert "Title not at hand, committed only" in page
            assert "Title closed" in page
            table = (await clerk.get("/clerk/inbox.csv")).content.decode("utf-8-sig")
            assert ",'=cmd()," in table
            assert "张三的名字" not in page + table


async def test_a_pdf_comes_once_its_proof_can_be_made(tmp_path: Path) -> None:
    async with at_work(tmp_path, *claims(1)) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        early = await clerk.get(f"/clerk/invoice/{NAMES[1]}/invoice.pdf")
        assert early.status_code == 503
        assert "E_NOT_PUBLISHED" in early.text
        town.publish()
        for form in ("invoice", "trips"):
            made = await clerk.get(f"/clerk/invoice/{NAMES[1]}/{form}.pdf")
            assert made.content.startswith(b"%PDF")
            assert "attachment" in made.headers["content-disposition"]
        assert (await clerk.get(f"/clerk/invoice/{NAMES[1]}/exe.pdf")).status_code == 404
