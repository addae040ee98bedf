"""What the port answers before the ledger is open: alive, not ready, and why."""

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

RETRY_S = 5
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""A command that comes too early is to be sent again, not refused for its method."""


class Switch:
    """An ASGI application that can be exchanged while the server runs."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands over to the present application."""
        await self.app(scope, receive, send)


def standby_app(not_ready: Callable[[], str], registry: CollectorRegistry) -> Starlette:
    """``/livez``, ``/readyz`` and ``/metrics``; everything else is unavailable."""

    async def livez(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        return JSONResponse({"ready": False, "reason": not_ready()}, 503)

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def elsewhere(_request: Request) -> Response:
        problem = {
            "type": "about:blank",
            "title": "not ready",
            "status": 503,
            "code": "E_STANDBY",
            "detail": not_ready(),
        }
        headers = {"Retry-After": str(RETRY_S)}
        return JSONResponse(problem, 503, headers=headers, media_type="application/problem+json")

    return Starlette(
        routes=[
            Route("/livez", livez),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
            Route("/{rest:path}", elsewhere, methods=METHODS),
        ]
    )
