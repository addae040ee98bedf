"""Requests are counted by the template of their route and by how they ended, whatever they ended in."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import StreamingResponse

from farechain.api.timing import Timing
from farechain.observability.metrics import Metrics

REQUESTS = "farechain_http_requests_total"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def http(metrics: Metrics) -> AsyncIterator[httpx.AsyncClient]:
    app, routes = FastAPI(), APIRouter(prefix="/v1")

    @routes.get("/things/{name}")
    async def thing(name: str) -> str:
        if name == "broken":
            raise RuntimeError("a defect")
        return name

    @routes.get("/stream")
    async def stream() -> StreamingResponse:
        async def lines() -> AsyncIterator[bytes]:
            yield b"one\n"
            raise RuntimeError("ends badly, after its answer began")

        return StreamingResponse(lines())

    app.include_router(routes)
    app.add_middleware(Timing, on_answer=metrics.requests.answered)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://farechain") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/v1/things/one", "/v1/things/{name}", "2xx"),
        ("/v1/things/broken", "/v1/things/{name}", "5xx"),
        ("/v1/elsewhere/one", "unmatched", "4xx"),
    ],
)
async def test_each_request_counts_once(
    http: httpx.AsyncClient, metrics: Metrics, path: str, route: str, status: str
) -> None:
    await http.get(path)
    assert metrics.registry.get_sample_value(REQUESTS, {"route": route, "status": status}) == 1
    families = metrics.requests.requests.collect()
    counted = [one for family in families for one in family.samples if one.name == REQUESTS]
    assert sum(sample.value for sample in counted) == 1


async def test_a_stream_counts_when_it_begins(http: httpx.AsyncClient, metrics: Metrics) -> None:
    await http.get("/v1/stream")
    assert metrics.registry.get_sample_value(REQUESTS, {"route": "/v1/stream", "status": "2xx"}) == 1
    assert metrics.registry.get_sample_value(REQUESTS, {"route": "/v1/stream", "status": "5xx"}) is None
