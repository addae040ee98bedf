"""Many lines checked at once: each answered with a reason, nothing told of others, the rest locked."""

import base64
import re
from pathlib import Path

import httpx

from farechain.access.roles import Role
from farechain.client import Buyer
from farechain.export.amounts import local
from farechain.export.scanning import sealed_line
from web.test_web_clerk import NAMES, at_work, claim_of, claims, hidden, shown
from web.town import BUREAU, CLERK, CODE, COMPANY, HOLDER, ISSUER, OTHER_COMPANY, TITLE, Town, invoice

OTHERS = Buyer(OTHER_COMPANY, TITLE)
PERSONAL = Buyer(holder=HOLDER.kid)
HOST = "http://farechain.test"


def code_of(town: Town, number: int, host: str = HOST, total: int = 665) -> str:
    """What the QR code of an invoice says."""
    found = town.ledger.invoice(CODE, number)
    assert found is not None
    return f"{host}/v/scan?hash={found['hash'].hex()}&bill_num={number:08d}&total_amount={total}"


def older_line(town: Town, number: int, amount: str = "6.46") -> str:
    found = town.ledger.invoice(CODE, number)
    assert found is not None
    day = local(found["fields"]["issued_at_ms"], 480).strftime("%Y%m%d")
    return sealed_line(f"01,10,{CODE},{number:08d},{amount},{day},{found['check_code']},")


async def check(clerk: httpx.AsyncClient, *lines: str, **fields: str) -> httpx.Response:
    form = {"word": hidden((await clerk.get("/clerk/check")).text)["word"], "lines": "\n".join(lines)}
    return await clerk.post("/clerk/check", data={**form, **fields})


async def answers(clerk: httpx.AsyncClient, *lines: str) -> list[str]:
    """The kind of answer of each line."""
    table = (await check(clerk, *lines, **{"as": "csv"})).content.decode("utf-8-sig")
    found = re.findall(r",([A-Z][A-Z_]+),", table)
    assert len(found) == len(lines), table
    return found


async def test_every_line_is_answered(tmp_path: Path) -> None:
    given = [
        *claims(1, 2),
        *claims(3, buyer=OTHERS),
        *claims(4, 5, buyer=PERSONAL),
        CLERK.lock(invoice(2), "C-0"),
        ISSUER.red_issue(invoice(5), "SALES_RETURN"),
    ]
    async with at_work(tmp_path, *given) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        assert await answers(
            clerk,
            code_of(town, 1),
            older_line(town, 1),
            NAMES[2],
            code_of(town, 3),
            NAMES[3],
            NAMES[4],
            shown(4, COMPANY),
            shown(4, OTHER_COMPANY),
            code_of(town, 5),
            f"{CODE}-00000006",
            f"{CODE}-00000099",
            code_of(town, 1, total=666),
            older_line(town, 1, "6.47"),
            code_of(town, 1, host="https://elsewhere.test"),
            code_of(town, 1).replace("hash=", "hash=00")[:-10],
            "=cmd()",
        ) == [
            *("OURS", "AGAIN", "LOCKED_BY_US", "OTHER_BUYER", "OTHER_BUYER", "AGAIN", "PERSONAL"),
            *("AGAIN", "REVERSED", "RED", "UNKNOWN", "MISMATCH", "MISMATCH", "ANOTHER_DEPLOYMENT"),
            *("BAD_FORMAT", "BAD_FORMAT"),
        ]


async def test_the_code_of_a_proof_is_as_good_as_that_of_the_face(tmp_path: Path) -> None:
    async with at_work(tmp_path, *claims(1)) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        town.publish()
        found = town.ledger.invoice(CODE, 1)
        assert found is not None
        proof = town.ledger.prove(found["height"], found["index"], town.log)
        line = f"{HOST}/#proof={base64.b32encode(proof).decode().rstrip('=')}"
        page = (await check(clerk, line)).text
        assert "Ours, can be locked" in page
        form = {**hidden(page), "do": "lock", "how": "each", "claim_id": "C-1", "line": line}
        assert (await clerk.post("/clerk/several", data=form)).status_code == 200
        assert claim_of(town, 1) == "LOCKED"


async def test_a_mismatch_and_another_s_invoice_reveal_no_field(tmp_path: Path) -> None:
    given = [*claims(1), *claims(2, buyer=OTHERS)]
    async with at_work(tmp_path, *given) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        lines = [code_of(town, 1, total=1), older_line(town, 2), NAMES[2]]
        page = (await check(clerk, *lines)).text
        told = page[page.index("<tbody>") : page.index("</tbody>")]
        for secret in ("¥", "metro", OTHER_COMPANY, 'type="checkbox"', "2026-"):
            assert secret not in told


async def test_who_locked_an_individual_s_is_told_to_whoever_has_seen_it_alone(tmp_path: Path) -> None:
    given = claims(1, buyer=PERSONAL)
    async with (
        at_work(tmp_path, *given) as town,
        town.person(Role.REIMBURSER, OTHER_COMPANY) as other,
        town.person(Role.REIMBURSER, COMPANY) as clerk,
    ):
        page = (await check(other, shown(1, OTHER_COMPANY, "X-9"))).text
        assert 'name="claim_id" maxlength="32" value="X-9"' in page
        form = {**hidden(page), "do": "lock", "how": "each", "claim_id": "X-9"}
        done = await other.post("/clerk/several", data={**form, "line": shown(1, OTHER_COMPANY, "X-9")})
        assert done.status_code == 200
        for line in (code_of(town, 1), older_line(town, 1), shown(1, COMPANY)):
            page = (await check(clerk, line)).text
            assert "Locked already" in page
            assert re.search(OTHER_COMPANY + r", since 2026-\d\d-\d\d", page)
            assert "X-9" not in page
        forged = shown(1, COMPANY).replace("C-1", "C-2")
        for line in (NAMES[1], forged):
            page = (await check(clerk, line)).text
            assert "Locked already" in page
            assert OTHER_COMPANY not in page


async def test_what_can_be_locked_is_locked_under_one_claim(tmp_path: Path) -> None:
    given = [*claims(1), *claims(2, buyer=PERSONAL), *claims(3, buyer=OTHERS)]
    async with at_work(tmp_path, *given) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        lines = [code_of(town, 1), shown(2, COMPANY, "C-8"), NAMES[3]]
        page = (await check(clerk, *lines)).text
        boxes = [each.replace("&amp;", "&") for each in re.findall(r'name="line" value="([^"]+)"', page)]
        assert boxes == lines[:2]
        form = {**hidden(page), "do": "lock", "how": "together", "claim_id": "C-8", "line": boxes}
        answer = await clerk.post("/clerk/several", data=form)
        assert answer.status_code == 200
        assert (claim_of(town, 1), claim_of(town, 2)) == ("LOCKED", "LOCKED")
        assert NAMES[2] in (await clerk.get("/clerk/claim?id=C-8")).text


async def test_a_policy_that_takes_no_individuals_is_told(tmp_path: Path) -> None:
    given = [*claims(1, buyer=PERSONAL), CLERK.reimburser_policy(accepts_individuals=False)]
    async with at_work(tmp_path, *given) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        page = (await check(clerk, shown(1, COMPANY))).text
        assert "your policy takes none" in page
        assert (await answers(clerk, code_of(town, 1))) == ["OTHER_BUYER"]


async def test_a_frozen_one_and_one_that_is_asked_back_are_told(tmp_path: Path) -> None:
    given = [
        *claims(1, 2),
        BUREAU.freeze(invoice(1), "look"),
        CLERK.confirm_use(invoice(2)),
        ISSUER.red_request(invoice(2), "ISSUE_ERROR"),
    ]
    async with at_work(tmp_path, *given) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        assert await answers(clerk, NAMES[1], code_of(town, 2)) == ["FROZEN", "RED_PENDING"]


async def test_a_file_is_read_and_what_is_offered_back_runs_in_no_spreadsheet(tmp_path: Path) -> None:
    async with at_work(tmp_path, *claims(1)) as town, town.person(Role.REIMBURSER, COMPANY) as clerk:
        word = hidden((await clerk.get("/clerk/check")).text)["word"]
        table = f"code,number\n{CODE},00000001\n=cmd(),1\n@x,+1\n-1+1,2\n"
        files = {"file": ("a.csv", "\ufeff" + table, "text/csv")}
        answer = await clerk.post("/clerk/check", data={"word": word, "as": "csv"}, files=files)
        lines = answer.content.decode("utf-8-sig").splitlines()
        assert lines[1].startswith(f'1,"{CODE},00000001",OURS')
        assert [line[2:4] for line in lines[2:]] == ["\"'", "\"'", "\"'"]
        many = await clerk.post("/clerk/check", data={"word": word, "lines": "\n".join([NAMES[1]] * 201)})
        assert many.status_code == 422
        assert "E_TOO_MANY" in many.text
        binary = {"file": ("a.xlsx", b"PK\3\4\xff\xfe", "application/zip")}
        assert (await clerk.post("/clerk/check", data={"word": word}, files=binary)).status_code == 422
        assert "0 lines" in (await check(clerk)).text
        markup = (await check(clerk, "<script>alert(1)</script>\u202e🚇")).text
        assert "<script>alert" not in markup
