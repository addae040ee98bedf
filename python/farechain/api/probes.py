"""What a supervisor and Prometheus ask."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict

from farechain.api.context import ApiContext

NO_STORE = {"Cache-Control": "no-store"}


class Readiness(BaseModel):
    """Whether to send traffic here."""

    model_config = ConfigDict(extra="forbid")

    ready: bool
    reason: str | None


def router(context: ApiContext) -> APIRouter:
    """``/livez``, ``/readyz`` and ``/metrics``."""
    routes = APIRouter(tags=["operation"])

    @routes.get("/livez", response_class=PlainTextResponse)
    async def livez() -> PlainTextResponse:
        """The process answers; restart it when it does not."""
        return PlainTextResponse("ok\n", headers=NO_STORE)

    @routes.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
    async def readyz() -> Response:
        """503 while records wait and no block is sealed, with the reason."""
        reason = context.liveness.not_ready()
        body = Readiness(ready=reason is None, reason=reason)
        return JSONResponse(body.model_dump(), 200 if reason is None else 503, headers=NO_STORE)

    @routes.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """All metrics in the text format of Prometheus."""
        return Response(generate_latest(context.registry), media_type=CONTENT_TYPE_LATEST, headers=NO_STORE)

    return routes
