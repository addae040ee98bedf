"""Traces: what a real collector's endpoint gets of blocks and requests, and that a bad one stops nothing."""

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from service_chain import Chain, Day, make_day, until, witnesses

from farechain.config import TelemetrySettings
from farechain.errors import FarechainError
from farechain.listening import address, bind
from farechain.observability.traces import Untraced, open_traces
from farechain.service.running import Service

CANARY = "canary4711"
PARTS = ["commit", "cosign", "fetch", "prepare", "publish"]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return make_day(tmp_path_factory.mktemp("day"))


class Collector:
    """An endpoint of OTLP over HTTP that keeps what it gets."""

    def __init__(self, status: int = 200) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.raw = b""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.raw += body
                if self.path == "/v1/traces":
                    request = ExportTraceServiceRequest()
                    request.ParseFromString(body)
                    collector.requests.append(request)
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@contextlib.contextmanager
def collecting(status: int = 200) -> Iterator[Collector]:
    collector = Collector(status)
    thread = threading.Thread(target=collector.server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        collector.server.shutdown()
        thread.join()
        collector.server.server_close()


def trace(chain: Chain, endpoint: str, ratio: float = 1.0) -> None:
    telemetry = TelemetrySettings(endpoint=endpoint, sample_ratio=ratio)
    chain.settings = chain.settings.model_copy(update={"telemetry": telemetry})


def attributes(span: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


async def has_inputs(http: httpx.AsyncClient, inputs: int) -> bool:
    """Whether so many are in durable blocks."""
    answer = await http.get("/v1/status")
    return answer.status_code == 200 and answer.json()["inputs"] == inputs


async def test_a_collector_sees_each_block_and_request_and_nothing_of_people(
    tmp_path: Path, day: Day
) -> None:
    chain = Chain(tmp_path, day, max_inputs=300)
    with collecting() as collector:
        trace(chain, collector.url)
        async with witnesses(tmp_path, chain.vkey, 1) as members:
            chain.require(members, 1)
            stop, listener = asyncio.Event(), bind("127.0.0.1", 0)
            running = asyncio.create_task(Service(chain.settings, listener).run(stop))
            async with httpx.AsyncClient(base_url=address(listener)) as http:
                await until(partial(has_inputs, http, day.inputs))
                header = {
                    "user-agent": CANARY,
                    "cookie": f"x={CANARY}",
                    "traceparent": f"00-{'1' * 32}-{'2' * 16}-01",
                }
                for path in (f"/v1/invoices/{CANARY}/1?check_code={CANARY}", f"/{CANARY}", "/v1/blocks/1"):
                    await http.get(path, headers=header)
                await http.request(CANARY.upper(), "/v1/status")
            stop.set()
            summary = await running
    assert summary is not None
    by_parent: dict[bytes, list[Any]] = {}
    for span in collector.spans:
        by_parent.setdefault(span.parent_span_id, []).append(span)
    blocks = {attributes(span)["farechain.height"]: span for span in by_parent[b""] if span.name == "block"}
    assert sorted(blocks) == list(range(1, summary.height + 1))
    assert sum(attributes(span)["farechain.inputs"] for span in blocks.values()) == day.inputs
    for height, block in blocks.items():
        parts = {span.name: span for span in by_parent[block.span_id]}
        assert sorted(parts) == PARTS
        for span in parts.values():
            assert span.trace_id == block.trace_id
            assert span.start_time_unix_nano <= span.end_time_unix_nano <= block.end_time_unix_nano
        assert block.start_time_unix_nano == parts["fetch"].start_time_unix_nano
        assert parts["fetch"].end_time_unix_nano == parts["prepare"].start_time_unix_nano
        assert parts["publish"].start_time_unix_nano <= parts["cosign"].start_time_unix_nano
        assert attributes(block)["farechain.checkpoint_size"] > height
        assert attributes(parts["commit"])["farechain.sync_ms"] > 0
    requests = {span.name: attributes(span) for span in by_parent[b""] if span.name != "block"}
    assert requests["GET /v1/blocks/{height}"] == {
        "http.request.method": "GET",
        "http.route": "/v1/blocks/{height}",
        "http.response.status_code": 200,
    }
    assert requests["GET /v1/invoices/{code}/{number}"]["http.response.status_code"] in {404, 422}
    assert requests["GET"]["http.response.status_code"] == 404
    assert "_OTHER" in {values["http.request.method"] for values in requests.values()}
    assert CANARY.encode() not in collector.raw.lower()
    (resource, *_others) = collector.requests[0].resource_spans
    assert attributes(resource.resource)["farechain.chain"] == "shenzhen/0"


@pytest.mark.parametrize("collector", ["refuses", "never answers"])
async def test_a_collector_that_fails_stops_nothing(
    tmp_path: Path, day: Day, collector: str, caplog: pytest.LogCaptureFixture
) -> None:
    chain = Chain(tmp_path, day, max_inputs=300)
    with collecting(400) as refusing, socket.create_server(("127.0.0.1", 0)) as silent:
        silent_url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        trace(chain, refusing.url if collector == "refuses" else silent_url)
        await chain.to_the_end()
    assert chain.differences() == 0
    if collector == "refuses":
        assert refusing.raw
        assert sum("traces are not taken" in record.message for record in caplog.records) == 1


async def test_the_ratio_says_how_many_are_traced(tmp_path: Path, day: Day) -> None:
    chain = Chain(tmp_path, day, max_inputs=300)
    with collecting() as collector:
        trace(chain, collector.url, 0)
        await chain.to_the_end()
    assert collector.requests == []


def test_without_a_collector_nothing_is_imported() -> None:
    code = (
        "import sys, farechain.service.running; from farechain.config import Settings; "
        "farechain.service.running.Service(Settings(), None); "
        "libraries = ('opentelemetry.sdk', 'opentelemetry.exporter', 'requests'); "
        "sys.exit(any(name.startswith(libraries) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert isinstance(open_traces(None, 1, "serve", "c"), Untraced)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("opentelemetry.exporter")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(FarechainError, match=r"farechain\[telemetry\]") as told:
        open_traces("http://127.0.0.1:1", 1, "serve", "c")
    assert (told.value.code, told.value.exit_code) == ("E_EXTRA", 2)
