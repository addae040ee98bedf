"""Pages for anyone: the chain, a scanned invoice, the page to keep. They work without JavaScript."""

import asyncio
import importlib.resources
import re

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

from farechain.api import chain
from farechain.api.context import ApiContext
from farechain.api.invoices import Invoices
from farechain.pages import curve
from farechain.pages.layout import NO_STORE, Layout


class PublicPages:
    """Answers whoever comes."""

    def __init__(self, context: ApiContext, invoices: Invoices, layout: Layout) -> None:
        self._context = context
        self._invoices = invoices
        self._layout = layout

    async def home(self, request: Request) -> HTMLResponse:
        """The chain's page."""
        status = await asyncio.to_thread(chain.status_of, self._context)
        day = status.curve
        drawn = curve.Drawn(curve.path_of(day), curve.caption_of(day), curve.hours_of(day))
        return self._layout.render(request, "public/chain.html", status=status, curve=drawn)

    async def scanned(
        self, request: Request, record_hash: str, bill_num: str, total_amount: str
    ) -> HTMLResponse:
        """What a scanned QR may see: all three values must match, else nothing is told."""
        found = await self._invoices.by_hash(bytes.fromhex(record_hash)) if _is_hash(record_hash) else None
        fields = found.view.fields if found else None
        if found and fields and (bill_num, total_amount) == (found.view.number, str(abs(fields.total_fen))):
            return self._layout.render(request, "public/scan.html", found=found)
        return self._layout.render(request, "public/scan.html", 404, found=None)


def install(app: FastAPI, context: ApiContext, invoices: Invoices, layout: Layout) -> None:
    """Adds the pages and their files."""
    pages = PublicPages(context, invoices, layout)
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def home(request: Request) -> HTMLResponse:
        return await pages.home(request)

    @routes.get("/v/scan")
    async def scanned(
        request: Request, hash: str = "", bill_num: str = "", total_amount: str = ""
    ) -> HTMLResponse:
        return await pages.scanned(request, hash, bill_num, total_amount)

    @routes.get("/verifier.html")
    async def verifier() -> Response:
        # To keep and open from disk: in this origin it would prove nothing that the page does not.
        headers = {"Content-Disposition": 'attachment; filename="farechain-verifier.html"'} | NO_STORE
        return Response(layout.verifier, media_type="text/html", headers=headers)

    app.include_router(routes)
    static = importlib.resources.files("farechain.pages") / "static"
    app.mount("/static", StaticFiles(directory=str(static)), name="static")


def _is_hash(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", text, re.ASCII) is not None
