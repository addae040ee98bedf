"""The pages without JavaScript: plain forms answer, nothing foreign is loaded, nothing typed is markup."""

import re

import pytest
from httpx import AsyncClient

from web.chain import CODE, SmallChain


async def test_the_page_answers_the_four_questions(client: AsyncClient) -> None:
    page = (await client.get("/")).text
    for question in ("Anyone waiting?", "How long?", "Cosigned?", "Refused?"):
        assert question in page
    assert "Nobody" in page
    assert "bad signature 2" in page
    assert "Demonstration" in page


@pytest.mark.parametrize("path", ["/", "/verify", "/v/scan", "/static/page.css", "/verifier.html"])
async def test_nothing_is_loaded_from_elsewhere(client: AsyncClient, path: str) -> None:
    text = (await client.get(path)).text
    foreign = re.findall(r"""(?:src|href|action|url|@import)\s*[=(]\s*["']?\s*(?:[a-z]+:)?//""", text)
    assert foreign == []
    assert not re.search(r"<[^>]+\son[a-z]+=|<[^>]+\sstyle=", text)


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
