"""The HTTP application: which route is answered by which file."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response, StreamingResponse

from farechain import _core
from farechain.api import (
    callers,
    chain,
    commands,
    dead_letters,
    invoices,
    payments,
    probes,
    problems,
    promise,
    proofs,
    public_log,
    receipts,
    registry,
    states,
    wallet,
)
from farechain.api.command_models import CommandProblem
from farechain.api.commands import Door
from farechain.api.context import ApiContext
from farechain.api.hardening import Hardening
from farechain.api.invoices import Invoices
from farechain.api.live import Live
from farechain.api.openings import CommandWithOpenings
from farechain.api.problems import ProblemDocument
from farechain.api.receipts import ReceiptEvent
from farechain.api.registry_view import RegistryView
from farechain.api.timing import Timing
from farechain.wallet.rows import TripRows

SUMMARY = "Signed payment events in, provable electronic invoices out."


@dataclass(frozen=True, slots=True)
class Interface:
    """What routes and pages share: who asks twice is answered from one reading."""

    context: ApiContext
    invoices: Invoices
    registry: RegistryView
    door: Door

    @classmethod
    def over(cls, context: ApiContext) -> "Interface":
        """Over one chain's ledger, which may be read-only: ``context.commands`` writes."""
        return cls(context, Invoices(context), RegistryView(context.ledger), Door(context))


def create_app(shared: Interface) -> FastAPI:
    """The application without its pages (``farechain.pages.site``)."""
    context = shared.context
    app = FastAPI(
        title="farechain",
        version=_core.VERSION,
        summary=SUMMARY,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,
        dependencies=[Depends(callers.guard(context))],
    )
    problems.install(app)
    for router in (
        chain.router(context),
        _live(context),
        callers.router(context),
        invoices.router(context, shared.invoices, shared.registry),
        payments.router(context),
        proofs.router(context),
        commands.router(context, shared.door),
        registry.router(context, shared.registry),
        states.router(context),
        receipts.router(context),
        wallet.router(context),
        dead_letters.router(context, shared.registry),
        promise.router(context),
        public_log.router(context),
        probes.router(context),
    ):
        app.include_router(router)
    app.add_middleware(Timing, on_answer=context.on_answer)
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
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        for model in (ProblemDocument, CommandProblem, CommandWithOpenings, ReceiptEvent, TripRows):
            document = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= document.pop("$defs", {})
            schemas[model.__name__] = document
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = schema
    return app.openapi_schema
