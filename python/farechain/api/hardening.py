"""What holds for every response: security headers, HEAD for every GET, a bound on announced bodies."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from farechain.api.problems import problem_response

MAX_BODY_BYTES = 160 * 1024
"""More than any request here needs; what a route reads is bounded again by ``farechain.api.bodies``."""

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Hardening:
    """Wraps an ASGI application. A HEAD request is answered as its GET, without the body.

    ``scope["farechain.head"]`` is set for such a request, so that an endless stream is not begun for it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        if head:
            scope = {**scope, "method": "GET", "farechain.head": True}

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            elif head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        if _announces_too_much(Headers(scope=scope)):
            response = problem_response(413, "E_SIZE", f"a request has at most {MAX_BODY_BYTES} bytes")
            await response(scope, receive, sent)
            return
        await self._app(scope, receive, sent)


def _announces_too_much(headers: Headers) -> bool:
    length = headers.get("content-length", "0")
    return not (length.isascii() and length.isdecimal()) or int(length[:12]) > MAX_BODY_BYTES
