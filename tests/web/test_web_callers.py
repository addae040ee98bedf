"""Who calls: a token, none, or one that is not good; and what a caller may not do."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from farechain.access.roles import Role, Verb
from farechain.access.tokens import DAY_MS, Caller, Tokens
from farechain.api.callers import require
from farechain.api.context import ApiContext
from farechain.api.problems import Problem
from farechain.pages.site import create_site

PARTY, OTHER = "91440300708461136T", "91110000600037341L"
NOW_MS = 1_772_323_200_000


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return Tokens(tmp_path / "access" / "tokens.jsonl", lambda: NOW_MS)


@pytest.fixture
async def calling(context: ApiContext, tokens: Tokens) -> Any:
    app = create_site(replace(context, tokens=tokens))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://farechain.test") as client:
        yield client


def issued(tokens: Tokens, role: Role = Role.REIMBURSER) -> tuple[str, dict[str, str]]:
    made = tokens.issue(PARTY, role, 90, active_max=100)
    return made.row.id, {"Authorization": f"Bearer {made.token}"}


async def test_me_is_what_the_token_stands_for(calling: httpx.AsyncClient, tokens: Tokens) -> None:
    token_id, headers = issued(tokens)
    answer = await calling.get("/v1/me", headers=headers)
    assert answer.status_code == 200
    expires_ms = NOW_MS + 90 * DAY_MS
    assert answer.json() == {
        "party": PARTY,
        "role": "REIMBURSER",
        "token_id": token_id,
        "expires_ms": expires_ms,
    }
    assert answer.headers["cache-control"] == "no-store"


async def test_without_a_good_token_it_is_401_that_tells_nothing(
    calling: httpx.AsyncClient, tokens: Tokens
) -> None:
    token_id, headers = issued(tokens)
    tokens.revoke(token_id)
    shown: list[dict[str, str]] = [
        {},
        headers,
        {"Authorization": "Bearer nonsense"},
        {"Authorization": f"Bearer fct_{token_id}_{'0' * 64}"},
        {"Authorization": f"Bearer fct_{'0' * 16}_{'0' * 64}"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": ""},
    ]
    details = set()
    for each in shown:
        answer = await calling.get("/v1/me", headers=each)
        assert (answer.status_code, answer.json()["code"]) == (401, "E_TOKEN"), each
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == 'Bearer realm="farechain"'
        details.add(answer.json()["detail"])
    assert len(details) == 2
    assert not any(token_id in each for each in details)


async def test_two_tokens_at_once_are_none(calling: httpx.AsyncClient, tokens: Tokens) -> None:
    _id, headers = issued(tokens)
    twice = [("Authorization", headers["Authorization"])] * 2
    assert (await calling.get("/v1/me", headers=twice)).status_code == 401


async def test_a_revoked_token_is_refused_by_a_service_that_runs(
    calling: httpx.AsyncClient, tokens: Tokens, tmp_path: Path
) -> None:
    token_id, headers = issued(tokens)
    assert (await calling.get("/v1/me", headers=headers)).status_code == 200
    Tokens(tmp_path / "access" / "tokens.jsonl").revoke(token_id)
    assert (await calling.get("/v1/me", headers=headers)).status_code == 401


async def test_a_file_that_cannot_be_trusted_lets_nobody_in(
    calling: httpx.AsyncClient, tokens: Tokens, tmp_path: Path
) -> None:
    _id, headers = issued(tokens)
    (tmp_path / "access" / "tokens.jsonl").write_text("nonsense\n")
    os.utime(tmp_path / "access" / "tokens.jsonl")
    answer = await calling.get("/v1/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "E_TOKENS")
    assert "jsonl" not in answer.text


async def test_a_service_without_tokens_knows_nobody(client: httpx.AsyncClient, tokens: Tokens) -> None:
    _id, headers = issued(tokens)
    assert (await client.get("/v1/me", headers=headers)).status_code == 401


async def test_public_paths_need_no_token(calling: httpx.AsyncClient) -> None:
    assert (await calling.get("/v1/status")).status_code == 200


async def test_a_token_is_never_in_an_answer_or_a_log_line(
    calling: httpx.AsyncClient, tokens: Tokens, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    _id, headers = issued(tokens)
    secret = headers["Authorization"].split("_")[2]
    for path in ("/v1/me", "/nothing", "/v1/status"):
        answer = await calling.get(path, headers=headers)
        assert secret not in answer.text + str(answer.headers)
    assert secret not in caplog.text


def test_what_a_caller_may_not_do_is_403_and_the_anonymous_are_asked_who_they_are() -> None:
    caller = Caller(PARTY, Role.ISSUER, "0" * 16, NOW_MS)
    require(caller, Verb.DECLARE, PARTY)
    require(None, Verb.READ_STATUS, None)
    for who, verb, party, status, code in (
        (caller, Verb.DECLARE, OTHER, 403, "E_ROLE"),
        (caller, Verb.FREEZE, PARTY, 403, "E_ROLE"),
        (None, Verb.DECLARE, PARTY, 401, "E_TOKEN"),
    ):
        with pytest.raises(Problem) as refused:
            require(who, verb, party)
        assert (refused.value.status, refused.value.code) == (status, code)


async def test_the_description_names_the_scheme(calling: httpx.AsyncClient) -> None:
    described = (await calling.get("/v1/openapi.json")).json()
    (scheme,) = described["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert described["paths"]["/v1/me"]["get"]["security"]
