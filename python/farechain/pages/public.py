"""Pages for anyone: the chain, a look-up, a scanned invoice. They work without JavaScript."""

import asyncio
import importlib.resources
import re
import unicodedata

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles
from pydantic import ValidationError

from farechain.api import bodies, chain
from farechain.api.context import ApiContext
from farechain.api.invoices import Invoices, Lookup, Opened, Verification, caller_of
from farechain.api.problems import Problem
from farechain.pages import curve
from farechain.pages.layout import NO_STORE, Layout

AMOUNT = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,2}))?", re.ASCII)
MAX_FORM_BYTES = 56 * 1024


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

    async def looked_up(self, request: Request) -> HTMLResponse:
        """The answer to the plain forms: an invoice by what stands on it, or a proof that was pasted."""
        form = {
            name: typed(value) for name, value in (await bodies.read_form(request, MAX_FORM_BYTES)).items()
        }
        try:
            if form.get("proof"):
                pasted = await self._invoices.verify(form["proof"].encode())
                return self._layout.render(
                    request, "public/answer.html", found=None, verified=pasted, problem=None
                )
            found = await self._open(request, form)
            return self._layout.render(
                request, "public/answer.html", found=found, verified=await self._checked(found), problem=None
            )
        except Problem as problem:
            return self._layout.render(
                request, "public/answer.html", problem.status, found=None, verified=None, problem=problem
            )

    async def scanned(
        self, request: Request, record_hash: str, bill_num: str, total_amount: str
    ) -> HTMLResponse:
        """What a scanned QR may see: all three values must match, else nothing is told."""
        found = await self._invoices.by_hash(bytes.fromhex(record_hash)) if _is_hash(record_hash) else None
        fields = found.view.fields if found else None
        if found and fields and (bill_num, total_amount) == (found.view.number, str(abs(fields.total_fen))):
            return self._layout.render(request, "public/scan.html", found=found)
        return self._layout.render(request, "public/scan.html", 404, found=None)

    async def _open(self, request: Request, form: dict[str, str]) -> Opened:
        code, number = form.get("code", ""), form.get("number", "")
        check_code, amount = form.get("check_code", "").lower(), form.get("amount", "")
        try:
            with_fields = bool(check_code or amount)
            wanted = Lookup(
                code=code,
                number=number,
                check_code=check_code if with_fields else "00000",
                total_fen=fen(amount) if with_fields else 0,
            )
        except ValidationError as error:
            where = str(error.errors()[0]["loc"][0])
            raise Problem(422, "E_SCHEMA", FORM_WORDS[where]) from error
        if with_fields:
            return await self._invoices.with_fields(caller_of(request), wanted)
        return await self._invoices.public(code, number)

    async def _checked(self, found: Opened) -> Verification | None:
        try:
            return await self._invoices.verify(await self._invoices.prove(found))
        except Problem:
            return None


FORM_WORDS = {
    "code": "The code 发票代码 has 12 digits.",
    "number": "The number 发票号码 has up to 8 digits.",
    "check_code": "The check code 校验码 has 5 characters, 0–9 and a–f; it goes with the amount.",
    "total_fen": "The amount 金额 is in yuan, such as 6.65; it goes with the check code.",
}


def install(app: FastAPI, context: ApiContext, invoices: Invoices, layout: Layout) -> None:
    """Adds the pages and their files."""
    pages = PublicPages(context, invoices, layout)
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def home(request: Request) -> HTMLResponse:
        return await pages.home(request)

    @routes.post("/lookup")
    async def looked_up(request: Request) -> HTMLResponse:
        return await pages.looked_up(request)

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


def typed(text: str) -> str:
    """What was typed, in half-width form and without spaces around it, whatever the input method gave."""
    return (
        unicodedata.normalize("NFKC", text).strip().removeprefix("¥").replace(",", "")
        if len(text) < 64
        else text
    )


def fen(text: str) -> int:
    """Yuan as typed, in fen; -1 where it is not an amount, which the model refuses."""
    found = AMOUNT.fullmatch(text)
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else -1


def _is_hash(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", text, re.ASCII) is not None
