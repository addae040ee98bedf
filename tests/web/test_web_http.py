"""What holds for every path: problems, HEAD, headers, the public log, the probes, the description."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it ships no types
import pytest
from httpx import AsyncClient

from farechain._core import LedgerError
from farechain.api.context import ApiContext
from farechain.api.live import Live
from farechain.api.problems import Problem
from farechain.pages.layout import duration
from web.chain import CODE

PAGES = [
    "/",
    "/v1/status",
    "/v1/blocks/1",
    "/v1/keys",
    f"/v1/invoices/{CODE}/1",
    f"/v1/proofs/{CODE}/1",
    "/checkpoint",
]
PAGES += [
    "/vkey",
    "/tile/0/000",
    "/livez",
    "/readyz",
    "/metrics",
    "/v/scan",
    "/static/page.js",
    "/verifier.html",
]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "E_NOT_FOUND"),
        ("GET", "/static/../app.py", 404, "E_NOT_FOUND"),
        ("GET", "/static/nothing.js", 404, "E_NOT_FOUND"),
        ("DELETE", "/v1/status", 405, "E_METHOD"),
        ("POST", "/checkpoint", 405, "E_METHOD"),
        ("GET", "/v1/verify", 405, "E_METHOD"),
        ("GET", "/v1/blocks/x", 422, "E_SCHEMA"),
        ("GET", "/v1/blocks/01", 422, "E_SCHEMA"),
        ("GET", "/v1/blocks/1e0", 422, "E_SCHEMA"),
        ("GET", "/v1/blocks/999", 404, "E_NOT_FOUND"),
        ("GET", f"/v1/proofs/{CODE}/1?form=xml", 422, "E_SCHEMA"),
    ],
)
async def test_every_error_is_a_problem(
    client: AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, "about:blank")
    assert problem["detail"]
    if status == 405:
        assert answer.headers["allow"]


@pytest.mark.usefixtures("broken")
async def test_a_defect_is_a_problem_that_tells_nothing_of_the_inside(client: AsyncClient) -> None:
    answer = await client.get("/v1/status")
    assert (answer.status_code, answer.json()["code"]) == (500, "E_INTERNAL")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


@pytest.mark.parametrize("path", PAGES)
async def test_head_is_get_without_the_body(client: AsyncClient, path: str) -> None:
    got, head = await client.get(path), await client.head(path)
    assert head.status_code == got.status_code
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"]


async def test_head_of_the_stream_ends(client: AsyncClient) -> None:
    head = await client.head("/v1/live")
    assert head.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("path", [*PAGES, "/nothing"])
async def test_no_page_may_load_or_be_framed_from_elsewhere(client: AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


async def test_tiles_never_change_and_the_checkpoint_does(client: AsyncClient, tmp_path: Path) -> None:
    tile, checkpoint = await client.get("/tile/0/000"), await client.get("/checkpoint")
    assert tile.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert checkpoint.headers["cache-control"] == "no-cache"
    assert checkpoint.headers["content-type"] == "text/plain; charset=utf-8"
    assert checkpoint.content == (tmp_path / "checkpoint").read_bytes()
    for answer in (tile, checkpoint):
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_partial_tile_may_vanish(client: AsyncClient, tmp_path: Path) -> None:
    partial = tmp_path / "tile" / "0" / "001.p" / "5"
    partial.parent.mkdir()
    partial.write_bytes(bytes(160))
    assert (await client.get("/tile/0/001.p/5")).content == bytes(160)
    partial.unlink()
    gone = await client.get("/tile/0/001.p/5")
    assert (gone.status_code, gone.headers["cache-control"]) == (404, "no-store")


@pytest.mark.parametrize(
    "path",
    [
        "0/00",
        "0/0000",
        "64/000",
        "00/000",
        "0/x01/000",
        "0/000.p/0",
        "0/..%2f..%2fvkey",
        "0/%2e%2e/vkey",
        "0/٠٠٠",
        "0/000/",
        "entries",
        "x" * 500,
    ],
)
async def test_only_paths_of_the_log_are_served(client: AsyncClient, tmp_path: Path, path: str) -> None:
    (tmp_path / "tile" / "0" / "00").write_bytes(b"must not be served")
    assert (await client.get(f"/tile/{path}")).status_code == 404


async def test_an_announced_flood_is_refused_before_it_is_read(client: AsyncClient) -> None:
    for length in ("99999999999999999999", "163841", "-1", "x"):
        answer = await client.post("/v1/verify", content=b"x", headers={"Content-Length": length})
        assert (answer.status_code, answer.json()["code"]) == (413, "E_SIZE")


async def test_readiness_gives_its_reason(client: AsyncClient, context: ApiContext) -> None:
    assert (await client.get("/readyz")).json() == {"ready": True, "reason": None}
    context.liveness.stopped_reason = "the wall clock jumped"
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "the wall clock jumped")
    assert (await client.get("/livez")).status_code == 200


async def test_the_status_counts(client: AsyncClient) -> None:
    status = (await client.get("/v1/status")).json()
    assert (status["invoices"], status["height"], status["curve_day"]) == (18, 5, "2026-03-01")
    assert status["checkpoint"] == {"size": 5, "age_s": None, "cosigners": [], "required": 2, "refused": None}


async def test_the_stream_sends_the_status_and_ends_when_the_service_stops(context: ApiContext) -> None:
    live = Live(context)
    events = live.events()
    first = await anext(events)
    assert json.loads(first.removeprefix("data: "))["invoices"] == 18
    context.liveness.stopped_reason = "draining"
    rest = [event async for event in events]
    assert json.loads(rest[-1].removeprefix("data: "))["not_ready"] == "draining"


async def test_the_stream_ends_when_the_ledger_is_closed(
    context: ApiContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed() -> dict[str, Any]:
        raise LedgerError("invalid", "the ledger is closed")

    live = Live(context)
    monkeypatch.setattr(context.ledger, "status", closed)
    assert [event async for event in live.events()] == []
    monkeypatch.undo()
    live.admit()


async def test_a_closed_ledger_is_unavailable_and_not_a_defect(
    client: AsyncClient, context: ApiContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed() -> dict[str, Any]:
        raise LedgerError("invalid", "the ledger is closed")

    monkeypatch.setattr(context.ledger, "status", closed)
    answer = await client.get("/v1/status")
    assert (answer.status_code, answer.json()["code"]) == (503, "E_LEDGER")


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [(None, "–"), (0, "0 ms"), (999, "999 ms"), (1400, "1.4 s"), (180_000, "3 min"), (9e7, "25 h")],
)
def test_durations_are_written_for_people(milliseconds: float | None, words: str) -> None:
    assert duration(milliseconds) == words


async def test_listeners_are_bounded(context: ApiContext) -> None:
    live = Live(context, max_listeners=1)
    events = live.events()
    await anext(events)
    with pytest.raises(Problem) as refused:
        live.admit()
    assert refused.value.status == 503
    await events.aclose()  # type: ignore[attr-defined]
    live.admit()


async def test_the_description_covers_every_route_and_describes_what_comes(client: AsyncClient) -> None:
    described = (await client.get("/v1/openapi.json")).json()
    assert {"/v1/status", "/v1/invoices/lookup", "/v1/verify", "/tile/{path}", "/readyz"} <= described[
        "paths"
    ].keys()
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            assert route["description"], f"{method} {path} says nothing of itself"
            assert "200" in route["responses"]
    defs = described["components"]["schemas"]
    for path, model in {"/v1/status": "Status", "/v1/blocks/2": "BlockView", "/v1/keys": "Keys"}.items():
        check(defs, model, (await client.get(path)).json())
    check(defs, "ProblemDocument", (await client.get("/nothing")).json())


def check(defs: dict[str, Any], model: str, value: Any) -> None:
    schema = {"components": {"schemas": defs}, "$ref": f"#/components/schemas/{model}"}
    jsonschema.Draft202012Validator(schema).validate(value)
