"""Times each request until its answer begins, by the template of its route."""

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

UNMATCHED = "unmatched"
"""What no route answers: an address that somebody wrote is never a name."""


class Timing:
    """Wraps an ASGI application.

    Args:
        on_answer: told template, status and seconds; where a request ends without an answer, status 500.
    """

    def __init__(self, app: ASGIApp, on_answer: Callable[[str, int, float], None]) -> None:
        self._app = app
        self._on_answer = on_answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, answered = time.monotonic(), False

        def tell(status: int) -> None:
            nonlocal answered
            if not answered:
                answered = True
                route = getattr(scope.get("route"), "path", UNMATCHED)
                self._on_answer(route, status, time.monotonic() - started)

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                tell(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception:
            tell(500)
            raise
