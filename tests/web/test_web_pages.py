"""The pages without JavaScript: plain forms answer, nothing foreign is loaded, nothing typed is markup."""

import re

import pytest
from httpx import AsyncClient

from web.chain import CODE, SmallChain


def opening(chain: SmallChain, number: int) -> dict[str, str]:
    found = chain.invoice(CODE, number)
    assert found is not None
    total = abs(found["fields"]["total_fen"])
    return {
        "code": CODE,
        "number": str(number),
        "check_code": found["check_code"],
        "amount": f"{total / 100:.2f}",
    }


async def test_the_page_answers_the_four_questions(client: AsyncClient) -> None:
    page = (await client.get("/")).text
    for question in ("Anyone waiting?", "How long?", "Cosigned?", "Refused?"):
        assert question in page
    assert "Nobody" in page
    assert "bad signature 2" in page
    assert "Demonstration" in page


@pytest.mark.parametrize("path", ["/", "/v/scan", "/static/page.css", "/verifier.html"])
async def test_nothing_is_loaded_from_elsewhere(client: AsyncClient, path: str) -> None:
    text = (await client.get(path)).text
    foreign = re.findall(r"""(?:src|href|action|url|@import)\s*[=(]\s*["']?\s*(?:[a-z]+:)?//""", text)
    assert foreign == []
    assert not re.search(r"<[^>]+\son[a-z]+=|<[^>]+\sstyle=", text)


async def test_the_plain_form_shows_the_invoice_and_that_its_proof_holds(
    client: AsyncClient, chain: SmallChain
) -> None:
    page = (await client.post("/lookup", data=opening(chain, 1))).text
    assert "Valid" in page
    assert "¥2.05" in page
    assert "The proof holds" in page


async def test_full_width_digits_and_spaces_are_what_they_look_like(
    client: AsyncClient, chain: SmallChain
) -> None:
    form = opening(chain, 1) | {"amount": " ２．０５ ", "number": "１"}
    assert "The proof holds" in (await client.post("/lookup", data=form)).text


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"amount": "2.06"}, 403, "does not match"),
        ({"amount": "2.055"}, 422, "in yuan"),
        ({"amount": "2e0"}, 422, "in yuan"),
        ({"check_code": ""}, 422, "check code"),
        ({"code": "<script>alert(1)</script>"}, 422, "12 digits"),
        ({"number": "77"}, 404, "Not found"),
    ],
)
async def test_the_plain_form_says_what_is_wrong(
    client: AsyncClient, chain: SmallChain, change: dict[str, str], status: int, words: str
) -> None:
    answer = await client.post("/lookup", data=opening(chain, 1) | change)
    assert answer.status_code == status
    assert words in answer.text
    assert "¥" not in answer.text
    assert "<script>alert" not in answer.text


async def test_code_and_number_alone_show_no_field(client: AsyncClient) -> None:
    page = (
        await client.post("/lookup", data={"code": CODE, "number": "1", "check_code": "", "amount": ""})
    ).text
    assert "The proof holds" in page
    assert "¥" not in page


async def test_a_pasted_proof_is_checked(client: AsyncClient) -> None:
    proof = (await client.get(f"/v1/proofs/{CODE}/5")).text
    assert "The proof holds" in (await client.post("/lookup", data={"proof": proof})).text
    other = proof.replace('"index":3', '"index":2')
    assert other != proof
    assert "does not hold" in (await client.post("/lookup", data={"proof": other})).text


async def test_a_scanned_code_shows_the_invoice_only_if_all_of_it_matches(
    client: AsyncClient, chain: SmallChain
) -> None:
    found = chain.invoice(CODE, 7)
    assert found is not None
    query = {"hash": found["hash"].hex(), "bill_num": "00000007", "total_amount": "235"}
    page = await client.get("/v/scan", params=query)
    assert page.status_code == 200
    assert "¥2.35" in page.text
    for name, value in query.items():
        wrong = await client.get("/v/scan", params=query | {name: "0" * len(value)})
        assert wrong.status_code == 404
        assert "No match" in wrong.text
        assert "¥" not in wrong.text
