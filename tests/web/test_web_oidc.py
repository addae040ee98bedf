"""Logging in by a provider: who it names gets a session of hours; an answer that is not sound is refused."""

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import OctKey, RSAKey

from browser.serving import serve
from farechain.access.roles import Role
from farechain.access.tokens import HOUR_MS
from farechain.api.callers import COOKIE
from farechain.pages.oidc import OidcTerms, Provider
from web.little_provider import CLIENT, SECRET, LittleProvider
from web.town import COMPANY, HOLDER, SELLER, Town

CLERK = {"farechain_party": COMPANY, "farechain_role": "REIMBURSER"}
HERE = "http://farechain.test"


@pytest.fixture(scope="module")
def running() -> Iterator[LittleProvider]:
    provider = LittleProvider()
    with serve(provider.app) as address:
        provider.issuer = address
        yield provider


@pytest.fixture
def provider(running: LittleProvider) -> LittleProvider:
    """As it is at first."""
    running.claims, running.document, running.sign = dict(CLERK), {}, None
    running.published = [running.rsa, running.ec]
    running.asked.clear()
    return running


def terms(provider: LittleProvider, **changes: Any) -> OidcTerms:
    agreed: dict[str, Any] = {
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "secret": SECRET,
        "redirect_url": f"{HERE}/login/oidc/done",
        "scopes": ("openid", "profile"),
        "party_claim": "farechain_party",
        "role_claim": "farechain_role",
        "roles": frozenset({Role.REIMBURSER, Role.HOLDER, Role.AUDITOR}),
        "session_hours": 8,
        "tokens_max": 100,
    }
    return OidcTerms(**(agreed | changes))


@pytest.fixture
def town(tmp_path: Path, provider: LittleProvider) -> Town:
    return Town(tmp_path, oidc=terms(provider))


async def back_from(town: Town, **changes: str) -> httpx.Response:
    """To the provider and back, as a browser goes; ``changes`` of what comes back."""
    there = await town.http.get("/login/oidc")
    assert there.status_code == 303
    async with httpx.AsyncClient() as elsewhere:
        back = await elsewhere.get(there.headers["location"])
    address = urlsplit(back.headers["location"])
    query = {name: values[0] for name, values in parse_qs(address.query).items()} | changes
    return await town.http.get(address.path, params={name: value for name, value in query.items() if value})


async def test_whom_the_provider_names_gets_a_session_of_some_hours(
    town: Town, provider: LittleProvider
) -> None:
    async with town.open():
        await town.found()
        assert "/login/oidc" in (await town.http.get("/login")).text
        answer = await back_from(town)
        assert answer.status_code == 200
        assert 'url=/clerk"' in answer.text
        cookies = " ".join(answer.headers.get_list("set-cookie")).lower()
        assert f"{COOKIE}=fct_" in cookies
        assert "httponly" in cookies
        assert "samesite=strict" in cookies
        (row,) = town.tokens.rows()
        assert (row.party, row.role, row.expires_ms - row.issued_ms) == (
            COMPANY,
            Role.REIMBURSER,
            8 * HOUR_MS,
        )
        assert (await town.http.get("/v1/me")).json()["role"] == "REIMBURSER"
        assert SECRET not in answer.text


async def test_documents_and_keys_are_kept_and_new_keys_found(town: Town, provider: LittleProvider) -> None:
    now = [time.time()]
    asked = Provider(terms(provider), clock_s=lambda: now[0])
    async with town.open():
        await town.found()
        for _ in range(3):
            assert (await back_from(town)).status_code == 200
        assert provider.asked == ["discovery", "keys"]
    assert asked.terms.issuer == provider.issuer
    new = RSAKey.generate_key(2048, {"kid": "new"})
    kept = await asked._keyset(3600)
    provider.published = [new]
    assert await asked._keyset(3600) is kept
    now[0] += 60
    token = provider.signed({"sub": "7"}, new)
    assert (await asked._decoded(token)).claims["sub"] == "7"


@pytest.mark.parametrize("alg", ["PS256", "ES256"])
async def test_other_good_signatures_are_taken(town: Town, provider: LittleProvider, alg: str) -> None:
    key = provider.ec if alg == "ES256" else provider.rsa
    provider.sign = lambda it, claims: it.signed(claims, key, alg)
    async with town.open():
        await town.found()
        assert (await back_from(town)).status_code == 200


def unsigned(_provider: LittleProvider, claims: dict[str, Any]) -> str:
    """``alg: none``."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def by_secret(_provider: LittleProvider, claims: dict[str, Any]) -> str:
    """Signed with what both know."""
    return _provider.signed(claims, OctKey.import_key(SECRET * 8, {"kid": "rsa"}), "HS256")


def by_stranger(provider: LittleProvider, claims: dict[str, Any]) -> str:
    """By a key of somebody else under the provider's key id."""
    return provider.signed(claims, RSAKey.generate_key(2048, {"kid": "rsa"}))


def altered(provider: LittleProvider, claims: dict[str, Any]) -> str:
    """Signed, then with another role in it."""
    head, _body, signature = provider.signed(claims).split(".")
    other = json.dumps(claims | {"farechain_role": "AUDITOR"}).encode()
    return f"{head}.{base64.urlsafe_b64encode(other).decode().rstrip('=')}.{signature}"


@pytest.mark.parametrize(
    "sign", [unsigned, by_secret, by_stranger, altered, lambda *_: "a.b.c", lambda *_: ""]
)
async def test_what_the_provider_has_not_signed_is_refused(
    town: Town, provider: LittleProvider, sign: Any
) -> None:
    provider.sign = sign
    await refused(town, 401, "not signed by it", "签名无效")


@pytest.mark.parametrize(
    ("claims", "status", "english", "chinese"),
    [
        ({"nonce": "other"}, 401, "of another log-in", "不属于本次登录"),
        ({"nonce": None}, 401, "of another log-in", "不属于本次登录"),
        ({"aud": "others"}, 401, "meant for another site", "属于其他站点"),
        ({"aud": None}, 401, "meant for another site", "属于其他站点"),
        ({"aud": [CLIENT, "others"]}, 401, "meant for another site", "属于其他站点"),
        ({"azp": "others"}, 401, "meant for another site", "属于其他站点"),
        ({"iss": "https://elsewhere.test"}, 401, "another log-in service", "来自其他登录服务"),
        ({"exp": 1}, 401, "has expired", "已过期"),
        ({"exp": None}, 401, "not signed by it", "签名无效"),
        ({"sub": None}, 401, "not signed by it", "签名无效"),
        ({"farechain_party": None}, 403, "which party and role", "所属单位与角色"),
        ({"farechain_role": ["REIMBURSER"]}, 403, "which party and role", "所属单位与角色"),
        ({"farechain_role": "BUREAU"}, 403, "may not give this role", "无权"),
        ({"farechain_role": "ADMIN"}, 403, "may not give this role", "无权"),
        ({"farechain_party": SELLER}, 403, "not known to this ledger", "账本中没有"),
        ({"farechain_party": "91110000600037341X"}, 403, "not known to this ledger", "账本中没有"),
        ({"farechain_role": "HOLDER"}, 403, "not known to this ledger", "账本中没有"),
        ({"farechain_role": "AUDITOR", "farechain_party": "x"}, 403, "not known", "账本中没有"),
    ],
)
async def test_a_claim_that_does_not_hold_is_refused_with_words(
    town: Town, provider: LittleProvider, claims: dict[str, Any], status: int, english: str, chinese: str
) -> None:
    provider.claims |= claims
    await refused(town, status, english, chinese)


async def refused(town: Town, status: int, english: str, chinese: str, **changes: str) -> None:
    """Nobody is logged in, and both languages say why."""
    async with town.open():
        for language, words in (("en", english), ("zh", chinese)):
            town.http.headers["accept-language"] = language
            answer = await back_from(town, **changes)
            assert answer.status_code == status, answer.text
            assert words in answer.text
            assert COOKIE not in town.http.cookies
        assert town.tokens.rows() == []


@pytest.mark.parametrize("changes", [{"state": "x" * 43}, {"state": ""}])
async def test_another_browsers_log_in_is_refused(town: Town, changes: dict[str, str]) -> None:
    await refused(town, 401, "not begun in this browser", "不是由此浏览器发起", **changes)


async def test_a_way_back_without_a_beginning_is_refused(town: Town) -> None:
    async with town.open():
        answer = await town.http.get("/login/oidc/done", params={"code": "code0", "state": "x" * 43})
        assert answer.status_code == 401
        assert "not begun in this browser" in answer.text


async def test_a_code_is_good_once_and_with_its_verifier(town: Town) -> None:
    await refused(town, 502, "cannot be used now", "暂不可用", code="code999")


async def test_who_is_declined_or_sent_by_another_is_told(town: Town) -> None:
    await refused(town, 401, "did not log you in", "未完成登录", code="", error="access_denied")


async def test_a_mix_up_of_providers_is_refused(town: Town) -> None:
    await refused(town, 401, "another log-in service", "来自其他登录服务", iss="https://elsewhere.test")


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://elsewhere.test"},
        {"token_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
async def test_a_document_that_is_not_its_own_is_refused(
    town: Town, provider: LittleProvider, document: dict[str, Any]
) -> None:
    provider.document = document
    async with town.open():
        answer = await town.http.get("/login/oidc")
        assert answer.status_code == 502
        assert "cannot be used now" in answer.text


async def test_a_provider_that_is_away_is_told(tmp_path: Path, provider: LittleProvider) -> None:
    town = Town(tmp_path, oidc=terms(provider, issuer="http://127.0.0.1:1"))
    async with town.open():
        answer = await town.http.get("/login/oidc")
        assert (answer.status_code, "cannot be used now" in answer.text) == (502, True)


async def test_without_a_provider_there_is_no_such_way(tmp_path: Path) -> None:
    town = Town(tmp_path)
    async with town.open():
        assert "/login/oidc" not in (await town.http.get("/login")).text
        for path in ("/login/oidc", "/login/oidc/done"):
            assert (await town.http.get(path)).status_code == 404


async def test_a_party_of_another_role_is_not_known(town: Town, provider: LittleProvider) -> None:
    provider.claims = {"farechain_party": SELLER, "farechain_role": "REIMBURSER"}
    async with town.open():
        await town.found()
        answer = await back_from(town)
        assert (answer.status_code, "not known to this ledger" in answer.text) == (403, True)


async def test_a_holder_is_known_by_its_key(town: Town, provider: LittleProvider) -> None:
    provider.claims = {"farechain_party": HOLDER.kid, "farechain_role": "HOLDER"}
    async with town.open():
        await town.found()
        assert 'url=/my"' in (await back_from(town)).text
