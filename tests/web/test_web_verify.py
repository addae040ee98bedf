"""Verifying without a script: what is typed or pasted is answered in both languages, and no field leaks."""

import base64
import re
from typing import Any

import pytest
from httpx import AsyncClient, Response

from farechain.export.scanning import sealed_line
from farechain.pages import said
from web.chain import CODE, SmallChain

HOST = "farechain.test"
PLACES = re.compile(r"\{(\w+)\}")


def opening(chain: SmallChain, number: int) -> dict[str, str]:
    """What stands on an invoice, as a person types it."""
    found = found_of(chain, number)
    total = abs(found["fields"]["total_fen"])
    return {
        "code": CODE,
        "number": str(number),
        "check_code": found["check_code"],
        "amount": f"{total / 100:.2f}",
    }


def found_of(chain: SmallChain, number: int) -> dict[str, Any]:
    found = chain.invoice(CODE, number)
    assert found is not None
    return found


def line_of(chain: SmallChain, of: int, **changes: str) -> str:
    """The older line that a document has."""
    found = found_of(chain, of)
    says = {
        "number": f"{of:08d}",
        "net": f"{abs(found['fields']['net_fen']) / 100:.2f}",
        "day": "20260301",
        "check": found["check_code"],
    } | changes
    return sealed_line(f"01,10,{CODE},{','.join(says.values())},")


async def pasted(client: AsyncClient, text: str, **headers: str) -> Response:
    return await client.post("/verify", data={"text": text}, headers=headers)


async def test_what_is_typed_opens_the_invoice_and_names_each_step(
    client: AsyncClient, chain: SmallChain
) -> None:
    page = (await client.post("/verify", data=opening(chain, 1))).text
    for words in ("Valid", "¥2.05", "Checked by this server", "What this does not show"):
        assert words in page
    found = found_of(chain, 1)
    header = chain.blocks[found["height"]][0]
    for checked in (
        found["hash"].hex(),
        "Witness bureau has cosigned",
        "entry 1 of 5",
        "shenzhen/0, block 1",
    ):
        assert checked in page, checked
    assert page.index("RFC 6962") < page.index("key shenzhen/0+") < page.index("Witness bureau")
    assert len(header)
    assert page.count('class="passed"') == 9


async def test_it_speaks_chinese(client: AsyncClient, chain: SmallChain) -> None:
    headers = {"accept-language": "zh"}
    page = (await client.post("/verify", data=opening(chain, 1), headers=headers)).text
    for words in ("有效", "由本服务器查验", "以上未证明", "见证人 bureau 已联署"):
        assert words in page
    wrong = await client.post("/verify", data=opening(chain, 1) | {"amount": "2.06"}, headers=headers)
    assert "不一致" in wrong.text


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "Valid"), (2, "Reversed"), (3, "partly reversed"), (17, "Valid")],
)
async def test_the_verdict_is_the_status(
    client: AsyncClient, chain: SmallChain, number: int, words: str
) -> None:
    assert words in (await client.post("/verify", data=opening(chain, number))).text


async def test_what_no_checkpoint_covers_yet_is_said_to_be_unproven(
    client: AsyncClient, chain: SmallChain
) -> None:
    page = (await client.post("/verify", data=opening(chain, 19))).text
    assert "Red-letter invoice" in page
    assert "Not under a published checkpoint" in page
    assert 'class="passed"' not in page


async def test_full_width_digits_and_spaces_are_what_they_look_like(
    client: AsyncClient, chain: SmallChain
) -> None:
    form = opening(chain, 1) | {"amount": " ２．０５ ", "number": "１"}
    assert "Checked by this server" in (await client.post("/verify", data=form)).text


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"amount": "2.06"}, 403, "Mismatch"),
        ({"check_code": "00000"}, 403, "Mismatch"),
        ({"amount": "2.055"}, 422, "in yuan"),
        ({"amount": "2e0"}, 422, "in yuan"),
        ({"check_code": ""}, 422, "give both, or neither"),
        ({"code": "<script>alert(1)</script>"}, 422, "12 digits"),
        ({"number": "77"}, 404, "Not found"),
        ({"number": "0" * 9}, 422, "up to 8 digits"),
    ],
)
async def test_what_is_wrong_is_said_and_no_field_is_shown(
    client: AsyncClient, chain: SmallChain, change: dict[str, str], status: int, words: str
) -> None:
    answer = await client.post("/verify", data=opening(chain, 1) | change)
    assert answer.status_code == status
    assert words in answer.text
    assert "¥" not in answer.text
    assert found_of(chain, 1)["check_code"] not in answer.text
    assert "<script>alert" not in answer.text


async def test_too_many_tries_are_told(client: AsyncClient, chain: SmallChain) -> None:
    wrong = opening(chain, 1) | {"check_code": "00000"}
    answers = [await client.post("/verify", data=wrong) for _ in range(21)]
    assert (answers[19].status_code, answers[20].status_code) == (403, 429)
    assert "Too many tries" in answers[20].text


async def test_code_and_number_alone_show_no_field(client: AsyncClient) -> None:
    form = {"code": CODE, "number": "1", "check_code": "", "amount": ""}
    page = (await client.post("/verify", data=form)).text
    assert "Checked by this server" in page
    assert "¥" not in page


async def test_a_pasted_proof_is_checked_in_either_form(client: AsyncClient) -> None:
    proof = (await client.get(f"/v1/proofs/{CODE}/5")).text
    assert "The proof holds" in (await pasted(client, proof)).text
    other = proof.replace('"index":3', '"index":2')
    assert other != proof
    refused = (await pasted(client, other)).text
    assert "does not hold" in refused
    assert 'class="passed"' not in refused
    compact = (await client.get(f"/v1/proofs/{CODE}/5?form=compact")).content
    packed = base64.b32encode(compact).decode().rstrip("=")
    assert "The proof holds" in (await pasted(client, f"http://{HOST}/#proof={packed}")).text
    assert "The proof holds" in (await pasted(client, f"#proof={packed}")).text


async def test_a_proof_file_is_taken_without_a_script(client: AsyncClient) -> None:
    proof = (await client.get(f"/v1/proofs/{CODE}/5")).content
    answer = await client.post("/verify", data={"text": ""}, files={"file": ("a.proof.json", proof)})
    assert "The proof holds" in answer.text


async def test_the_address_of_a_code_leads_to_its_page(client: AsyncClient, chain: SmallChain) -> None:
    query = f"hash={found_of(chain, 7)['hash'].hex()}&bill_num=00000007&total_amount=235"
    answer = await pasted(client, f"https://{HOST}/v/scan?{query}")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/v/scan?{query}"
    assert "¥2.35" in (await client.get(answer.headers["location"])).text


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.test/v/scan?hash=1&bill_num=2&total_amount=3",
        "https://elsewhere.test/#proof=AAAA",
        f"https://{HOST}@elsewhere.test/v/scan?hash=1",
        f"https://{HOST}:444/v/scan?hash=1",
        "javascript://elsewhere.test/%0aalert(1)",
    ],
)
async def test_a_code_of_another_deployment_is_told_as_such(client: AsyncClient, address: str) -> None:
    answer = await pasted(client, address)
    assert answer.status_code == 422
    assert "another deployment" in answer.text
    assert 'href="javascript' not in answer.text
    assert "属于其他系统" in (await pasted(client, address, **{"accept-language": "zh-CN"})).text


async def test_the_older_line_tells_the_status_if_all_of_it_agrees(
    client: AsyncClient, chain: SmallChain
) -> None:
    page = (await pasted(client, line_of(chain, 1))).text
    assert "Valid" in page
    assert "¥" not in page
    for changes in ({"net": "9.99"}, {"day": "20260302"}, {"check": "00000"}):
        assert "Mismatch" in (await pasted(client, line_of(chain, 1, **changes))).text
    assert "Not found" in (await pasted(client, line_of(chain, 1, number="00000099"))).text


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "http://[",
        f"http://{HOST}/elsewhere",
        f"http://{HOST}/#proof=a1",
        "{",
        "01,10," + "9" * 200,
        "01,10,144032609110,00000001,1.99,20260301,abcde,0000,",
        "01,32,,00000001,1.99,20260301,,0000,",
        "\x00",
        "𝟙" * 100,
    ],
)
async def test_what_is_no_code_is_said_to_be_none(client: AsyncClient, text: str) -> None:
    answer = await pasted(client, text)
    assert answer.status_code in (200, 422)
    assert 'class="verdict bad"' in answer.text
    assert 'class="passed"' not in answer.text


def test_every_word_is_in_both_languages_with_the_same_places_to_fill() -> None:
    for kind in ("verdicts", "steps", "texts"):
        entries = said.said()[kind]
        for name, words in entries.items():
            english, chinese = words[1:] if kind == "verdicts" else words[:2]
            assert english != chinese, name
            assert set(PLACES.findall(english)) == set(PLACES.findall(chinese)), name
