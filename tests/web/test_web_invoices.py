"""Look-up, proof and verification: who sees what, and which spelling of a number is none."""

import json
from typing import Any

import pytest
from httpx import AsyncClient, Response

from farechain import _core
from web.chain import CODE, SmallChain, SmallLog

ONE = f"/v1/invoices/{CODE}/00000001"


def opening(chain: SmallChain, number: int = 1, **changes: Any) -> dict[str, Any]:
    """What stands on an invoice."""
    found = chain.invoice(CODE, number)
    assert found is not None
    total = abs(found["fields"]["total_fen"])
    return {
        "code": CODE,
        "number": f"{number:08d}",
        "check_code": found["check_code"],
        "total_fen": total,
    } | changes


async def lookup(client: AsyncClient, body: str | dict[str, Any]) -> Response:
    content = body if isinstance(body, str) else json.dumps(body)
    return await client.post(
        "/v1/invoices/lookup", content=content, headers={"Content-Type": "application/json"}
    )


async def test_anyone_sees_status_and_where_the_proof_is_and_no_field(client: AsyncClient) -> None:
    view = (await client.get(ONE)).json()
    assert view["status"] == "ok"
    assert view["proof"] == f"/v1/proofs/{CODE}/00000001"
    assert view["fields"] is None


async def test_check_code_and_amount_open_the_fields(client: AsyncClient, chain: SmallChain) -> None:
    fields = (await lookup(client, opening(chain))).json()["fields"]
    assert (fields["total_fen"], fields["net_fen"], fields["tax_fen"]) == (205, 199, 6)
    assert fields["seller"] == "91440300708461136T"
    assert "payer" not in fields
    assert "identity" not in fields


@pytest.mark.parametrize(
    ("number", "status"), [(1, "ok"), (2, "void"), (3, "reduced"), (19, "red"), (20, "red")]
)
async def test_the_status_says_what_reversals_left(client: AsyncClient, number: int, status: str) -> None:
    assert (await client.get(f"/v1/invoices/{CODE}/{number:08d}")).json()["status"] == status


@pytest.mark.parametrize("change", [{"check_code": "00000"}, {"total_fen": 206}, {"total_fen": 0}])
async def test_a_mismatch_reveals_no_field(
    client: AsyncClient, chain: SmallChain, change: dict[str, Any]
) -> None:
    answer = await lookup(client, opening(chain, **change))
    assert (answer.status_code, answer.json()["code"]) == (403, "E_MISMATCH")
    assert "205" not in answer.text
    assert chain.invoice(CODE, 1)["check_code"] not in answer.text  # type: ignore[index]


async def test_guessing_ends(client: AsyncClient, chain: SmallChain) -> None:
    answers = [await lookup(client, opening(chain, check_code="00000")) for _ in range(25)]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["retry-after"] == "60"
    assert answers[-1].json()["code"] == "E_TRIES"


@pytest.mark.parametrize(
    "spelling", ['"205"', "205.0", "2.05e2", "2050e-1", "true", "null", "-205", "2e2", "9007199254740992"]
)
async def test_only_a_whole_number_is_an_amount(
    client: AsyncClient, chain: SmallChain, spelling: str
) -> None:
    body = json.dumps(opening(chain)).replace('"total_fen": 205', f'"total_fen": {spelling}')
    answer = await lookup(client, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "E_SCHEMA")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{",
        '{"code": NaN}',
        '{"code":"a","code":"b"}',
        "[" * 5000,
        "\ufeff{}",
        '{"more": 1}',
        '{"code": 1e999}',
    ],
)
async def test_a_body_that_is_not_the_model_is_a_problem(client: AsyncClient, body: str) -> None:
    answer = await lookup(client, body)
    assert answer.status_code in {413, 422}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_member_twice_or_too_many_is_refused(client: AsyncClient, chain: SmallChain) -> None:
    body = json.dumps(opening(chain))
    assert (await lookup(client, body[:-1] + ', "total_fen": 205}')).status_code == 422
    assert (await lookup(client, body[:-1] + ', "more": 1}')).status_code == 422


async def test_a_form_is_no_json(client: AsyncClient) -> None:
    answer = await client.post("/v1/invoices/lookup", data={"code": CODE})
    assert (answer.status_code, answer.json()["code"]) == (415, "E_MEDIA_TYPE")


@pytest.mark.parametrize("number", ["1.0", "1e0", "-1", "+1", "１", "0x1", "123456789", "1_0", "%201"])
async def test_only_digits_are_a_number(client: AsyncClient, number: str) -> None:
    answer = await client.get(f"/v1/invoices/{CODE}/{number}")
    assert (answer.status_code, answer.json()["code"]) == (422, "E_SCHEMA")


@pytest.mark.parametrize("code", ["144032609111", "44032609110", "１44032609110", "1440326091100"])
async def test_only_codes_of_the_family_are_codes(client: AsyncClient, code: str) -> None:
    assert (await client.get(f"/v1/invoices/{code}/1")).status_code == 422


async def test_what_was_never_issued_is_not_found(client: AsyncClient) -> None:
    answer = await client.get(f"/v1/invoices/{CODE}/99999999")
    assert (answer.status_code, answer.json()["code"]) == (404, "E_NOT_FOUND")
    assert (await client.get(f"/v1/invoices/{CODE}/00000000")).status_code == 404


@pytest.mark.parametrize("number", [1, 2, 9, 16, 18])
async def test_a_proof_verifies_under_the_published_keys(
    client: AsyncClient, log: SmallLog, number: int
) -> None:
    compact = await client.get(f"/v1/proofs/{CODE}/{number}?form=compact")
    as_json = await client.get(f"/v1/proofs/{CODE}/{number}")
    keys = (await client.get("/v1/keys")).json()
    for proof in (compact.content, as_json.content):
        proven = _core.verify_proof(proof, keys["vkey"], keys["witnesses"], keys["threshold"])
        assert proven["fields"]["number"] == number
        assert proven["cosigners"] == ["bureau", "holders", "reimbursers"]
    assert keys["vkey"] == log.vkey
    assert as_json.headers["content-disposition"].endswith('.proof.json"')
    assert as_json.headers["access-control-allow-origin"] == "*"


async def test_an_unpublished_invoice_has_no_proof_yet(client: AsyncClient) -> None:
    answer = await client.get(f"/v1/proofs/{CODE}/19")
    assert (answer.status_code, answer.json()["code"]) == (503, "E_NOT_PUBLISHED")
    assert answer.headers["retry-after"] == "1"


async def test_verify_accepts_the_proof_and_says_what_is_wrong_with_another(client: AsyncClient) -> None:
    proof = (await client.get(f"/v1/proofs/{CODE}/1?form=compact")).content
    good = (await client.post("/v1/verify", content=proof)).json()
    assert good["ok"]
    assert good["origin"] == "shenzhen/0"
    bad = (await client.post("/v1/verify", content=proof[:40] + bytes([proof[40] ^ 1]) + proof[41:])).json()
    assert not bad["ok"]
    assert bad["reason"]


async def test_a_proof_of_a_megabyte_is_not_read(client: AsyncClient) -> None:
    answer = await client.post("/v1/verify", content=bytes(1_000_000))
    assert (answer.status_code, answer.json()["code"]) == (413, "E_SIZE")

    async def endless() -> Any:
        for _ in range(64):
            yield bytes(1024)

    assert (await client.post("/v1/verify", content=endless())).status_code == 413
