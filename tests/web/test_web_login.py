"""Logging in: a token opens its role's pages, ends with it, and another site cannot use it."""

from pathlib import Path

import httpx
import pytest
from starlette.requests import Request

from farechain.access.roles import Role
from farechain.api.callers import COOKIE
from farechain.api.problems import Problem
from farechain.pages.forms import read_form
from farechain.pages.session import HOME, LoginNeededError, Sessions
from web.town import COMPANY, Town

BOUNDARY = "x" * 20


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def request_of(body: bytes = b"", **headers: str) -> Request:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": named, "path": "/", "state": {}}, receive)


async def test_a_token_logs_in_and_the_cookie_is_out_of_reach(town: Town) -> None:
    async with town.open():
        token = town.tokens.issue(COMPANY, Role.REIMBURSER, 1, active_max=10).token
        answer = await town.http.post("/login", data={"token": token})
        assert answer.status_code == 303
        assert answer.headers["location"] == HOME[Role.REIMBURSER]
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie


async def test_a_token_that_is_not_good_says_so_in_both_languages(town: Town) -> None:
    async with town.open():
        for language, words in (("en", "not good"), ("zh-CN", "令牌无效")):
            answer = await town.http.post(
                "/login", data={"token": "fct_no"}, headers={"accept-language": language}
            )
            assert answer.status_code == 401
            assert words in answer.text
            assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("headers", [{"origin": "https://elsewhere.test"}, {"sec-fetch-site": "cross-site"}])
async def test_another_site_logs_nobody_in_or_out(town: Town, headers: dict[str, str]) -> None:
    async with town.open():
        token = town.tokens.issue(COMPANY, Role.REIMBURSER, 1, active_max=10).token
        for path, data in (("/login", {"token": token}), ("/logout", {})):
            answer = await town.http.post(path, data=data, headers=headers)
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers


async def test_a_session_ends_with_its_token(town: Town) -> None:
    issued = town.tokens.issue(COMPANY, Role.REIMBURSER, 1, active_max=10)
    sessions = Sessions(town.tokens, secure=False)
    request = request_of(cookie=f"{COOKIE}={issued.token}")
    session = await sessions.need(request, Role.REIMBURSER)
    assert session.caller.party == COMPANY
    with pytest.raises(LoginNeededError):
        await sessions.need(request, Role.BUREAU)
    town.tokens.revoke(issued.row.id)
    with pytest.raises(LoginNeededError):
        await sessions.need(request, Role.REIMBURSER)


async def test_a_form_needs_the_word_of_its_session(town: Town) -> None:
    issued = town.tokens.issue(COMPANY, Role.REIMBURSER, 1, active_max=10)
    sessions = Sessions(town.tokens, secure=False)
    session = await sessions.of(request_of(cookie=f"{COOKIE}={issued.token}"))
    assert session is not None
    kind = "application/x-www-form-urlencoded"
    form = await sessions.form(
        request_of(f"word={session.word}&a=1&a=2".encode(), content_type=kind), session
    )
    assert form.all("a") == ["1", "2"]
    for body in (b"", b"word=", b"word=0123"):
        with pytest.raises(Problem) as refused:
            await sessions.form(request_of(body, content_type=kind), session)
        assert refused.value.code == "E_FORM"


async def test_a_file_in_a_form_is_read_as_text() -> None:
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    body = part.encode() + "发票,1\n".encode() + f"\r\n--{BOUNDARY}--\r\n".encode()
    form = await read_form(request_of(body, content_type=f"multipart/form-data; boundary={BOUNDARY}"))
    assert form.one("file") == "发票,1"
    bad = part.encode() + b"\xff\xfe" + f"\r\n--{BOUNDARY}--\r\n".encode()
    with pytest.raises(Problem):
        await read_form(request_of(bad, content_type=f"multipart/form-data; boundary={BOUNDARY}"))


async def test_the_language_is_what_was_chosen(town: Town) -> None:
    async with town.open():
        assert 'lang="zh-CN"' in (await town.http.get("/", headers={"accept-language": "zh"})).text
        answer = await town.http.post("/language", data={"language": "zh", "back": "//elsewhere.test/x"})
        assert answer.headers["location"] == "/"
        assert "密钥与证明" in (await town.http.get("/")).text
        there = await town.http.post("/language", data={"language": "en", "back": "/clerk?state=FREE"})
        assert there.headers["location"] == "/clerk?state=FREE"
        assert 'name="back" value="/verify?a=1&amp;b=2"' in (await town.http.get("/verify?a=1&b=2")).text
        page: httpx.Response = await town.http.get("/login")
        assert "Keys and proofs" in page.text
