"""The HTTP application: which route is answered by which file."""

import importlib.resources
import re
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.middleware.base import RequestResponseEndpoint

from farechain import _core
from farechain.api import chain, invoices, problems
from farechain.api.context import ApiContext
from farechain.api.problems import Problem

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
LOG_PATH = re.compile(r"^(checkpoint|vkey|tile/(entries|\d{1,2})/(x\d{3}/)*\d{3}(\.p/\d{1,3})?)$")


def create_app(context: ApiContext) -> FastAPI:
    """The application over one chain's ledger."""
    app = FastAPI(
        title="farechain",
        version=_core.VERSION,
        summary="Signed payment events in, provable electronic invoices out.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
    problems.install(app)
    app.include_router(chain.router(context))
    app.include_router(invoices.router(context))
    _probes(app, context)
    _public_log(app, context)
    _pages(app, context)

    @app.middleware("http")
    async def harden(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return app


def _probes(app: FastAPI, context: ApiContext) -> None:
    @app.get("/livez", include_in_schema=False)
    async def livez() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        reason = context.liveness.not_ready()
        return JSONResponse({"ready": reason is None, "reason": reason}, 200 if reason is None else 503)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(context.registry), media_type=CONTENT_TYPE_LATEST)


def _public_log(app: FastAPI, context: ApiContext) -> None:
    async def serve(path: str) -> Response:
        if not LOG_PATH.match(path):
            raise Problem(404, "E_NOT_FOUND", "not a path of the public log")
        file: Path = context.public_dir / path
        if not file.is_file():
            raise Problem(404, "E_NOT_FOUND", "not published")
        fixed = path.startswith("tile/")
        cache = "public, max-age=31536000, immutable" if fixed else "no-cache"
        media = "application/octet-stream" if fixed else "text/plain; charset=utf-8"
        return FileResponse(file, media_type=media, headers={"Cache-Control": cache})

    @app.get("/checkpoint", include_in_schema=False)
    async def checkpoint() -> Response:
        return await serve("checkpoint")

    @app.get("/vkey", include_in_schema=False)
    async def vkey() -> Response:
        return await serve("vkey")

    @app.get("/tile/{rest:path}", include_in_schema=False)
    async def tile(rest: str) -> Response:
        return await serve(f"tile/{rest}")


def _pages(app: FastAPI, context: ApiContext) -> None:
    pages = Environment(
        loader=PackageLoader("farechain.api"), autoescape=select_autoescape(), undefined=StrictUndefined
    )
    static = importlib.resources.files("farechain.api") / "static"
    app.mount("/static", StaticFiles(directory=str(static)), name="static")

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def home() -> HTMLResponse:
        status = chain.status_of(context)
        page = pages.get_template("chain.html").render(status=status, vkey=context.vkey)
        return HTMLResponse(page, headers={"Cache-Control": "no-store"})

    @app.get("/v/scan", response_class=HTMLResponse, include_in_schema=False)
    async def scan(hash: str = "", bill_num: str = "", total_amount: str = "") -> HTMLResponse:
        shown = _scanned(context, hash, bill_num, total_amount)
        page = pages.get_template("scan.html").render(shown=shown, demonstration=context.demonstration)
        return HTMLResponse(page, headers={"Cache-Control": "no-store"})


def _scanned(context: ApiContext, record_hash: str, bill_num: str, total_amount: str) -> dict[str, object] | None:
    """What a scanned QR may see: all three values must match, else nothing is told."""
    if not re.fullmatch(r"[0-9a-f]{64}", record_hash):
        return None
    found = context.ledger.invoice_by_hash(bytes.fromhex(record_hash))
    if found is None:
        return None
    fields = found["fields"]
    same = bill_num == f"{fields['number']:08d}" and total_amount == str(abs(fields["total_fen"]))
    shown: dict[str, object] = invoices.printable(found)
    return shown if same else None
