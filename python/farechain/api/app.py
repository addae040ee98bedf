"""The HTTP application: which route is answered by which file."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response, StreamingResponse

from farechain import _core
from farechain.api import callers, chain, invoices, pages, probes, problems, public_log
from farechain.api.context import ApiContext
from farechain.api.hardening import Hardening
from farechain.api.live import Live
from farechain.api.problems import ProblemDocument

SUMMARY = "Signed payment events in, provable electronic invoices out."


def create_app(context: ApiContext) -> FastAPI:
    """The application over one chain's ledger, which may be read-only: nothing here writes to it."""
    app = FastAPI(
        title="farechain",
        version=_core.VERSION,
        summary=SUMMARY,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,
    )
    problems.install(app)
    reader = invoices.Invoices(context)
    for router in (
        chain.router(context),
        _live(context),
        callers.router(context),
        invoices.router(context, reader),
        public_log.router(context),
        probes.router(context),
    ):
        app.include_router(router)
    pages.install(app, context, reader)
    app.add_middleware(Hardening)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]  # FastAPI's own way to extend it
    return app


def _live(context: ApiContext) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["chain"])
    live = Live(context)
    described: dict[int | str, dict[str, Any]] = {
        200: {"description": "A Status every second.", "content": {"text/event-stream": {}}},
        **problems.responses(503),
    }

    @routes.get("/live", response_class=StreamingResponse, responses=described)
    async def stream(request: Request) -> Response:
        """The status every second, as server-sent events."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        if request.scope.get("farechain.head"):
            return Response(media_type="text/event-stream", headers=headers)
        live.admit()
        return StreamingResponse(live.events(), media_type="text/event-stream", headers=headers)

    return routes


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        document = ProblemDocument.model_json_schema()
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas["ProblemDocument"] = document
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = schema
    return app.openapi_schema
