"""Logging in with a token, logging out, choosing a language."""

from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from farechain.api.problems import Problem
from farechain.pages.forms import read_form
from farechain.pages.language import COOKIE as LANGUAGE_COOKIE
from farechain.pages.language import Words
from farechain.pages.layout import Layout
from farechain.pages.session import HOME, LoginNeededError, Sessions

UNKNOWN = Words(
    "This token is not good: malformed, unknown, expired or revoked.",
    "令牌无效：格式错误、未知、已过期或已吊销。",
)
NO_PAGES = Words("This role has no pages: it works over the interface.", "该角色没有页面，请使用接口。")
YEAR_S = 366 * 86_400


def install(app: FastAPI, layout: Layout, sessions: Sessions, *, oidc: bool = False) -> None:
    """Adds the routes, and makes a page that needs somebody else ask who is there.

    Args:
        oidc: whether people may also log in by a provider (``oidc_login``).
    """
    routes = APIRouter(include_in_schema=False)

    async def needed(request: Request, _error: Exception) -> Response:
        found = await sessions.of(request)
        return layout.render(
            request, "login.html", 401, found.caller if found else None, wrong=None, oidc=oidc
        )

    app.add_exception_handler(LoginNeededError, needed)

    @routes.get("/login")
    async def ask(request: Request) -> Response:
        found = await sessions.of(request)
        return layout.render(
            request, "login.html", 200, found.caller if found else None, wrong=None, oidc=oidc
        )

    @routes.post("/login")
    async def begin(request: Request) -> Response:
        _from_here(request)
        token = (await read_form(request)).one("token")
        caller = await sessions.check(token)
        if caller is None:
            return layout.render(request, "login.html", 401, wrong=UNKNOWN, oidc=oidc)
        if caller.role not in HOME:
            return layout.render(request, "login.html", 403, wrong=NO_PAGES, oidc=oidc)
        return sessions.begin(token, caller)

    @routes.post("/logout")
    async def end(request: Request) -> Response:
        _from_here(request)
        return sessions.end()

    @routes.post("/language")
    async def choose(request: Request) -> Response:
        form = await read_form(request)
        back = urlsplit(form.one("back"))
        # With a host it would lead elsewhere.
        where = back.path if not back.netloc and back.path.startswith("/") else "/"
        answer = RedirectResponse(where + (f"?{back.query}" if back.query else ""), 303)
        language = "zh" if form.one("language") == "zh" else "en"
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR_S, httponly=True, samesite="lax", path="/")
        return answer

    app.include_router(routes)


def _from_here(request: Request) -> None:
    """No other site logs anybody in or out: a browser says where a form came from."""
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none") or (
        origin not in (None, "null") and urlsplit(origin).netloc != request.headers.get("host")
    ):
        raise Problem(403, "E_FORM", "this form is not of this site")
