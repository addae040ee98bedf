"""The page to verify an invoice: what is typed or pasted is answered in words; a script does it itself."""

import asyncio
import base64
import json
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from farechain import _core
from farechain.api.invoice_views import InvoiceView, view_of
from farechain.api.invoices import Invoices, Lookup, Opened, caller_of
from farechain.api.problems import Problem
from farechain.pages import said
from farechain.pages.codes import CarriedProof, OlderLine, ScannedAddress, read_code
from farechain.pages.forms import Form, fen, read_form, typed
from farechain.pages.language import Language, Words, language_of
from farechain.pages.layout import when

if TYPE_CHECKING:
    from farechain.pages.site import Site


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of an invoice or a proof.

    Attributes:
        tone: ``good``, ``bad`` or ``plain``.
        words: the verdict.
        reason: one line more.
        view: the invoice, with its fields where they were opened.
        kind: of a proof's record that is no invoice's.
        steps: of its proof, as (words, detail), in order.
        took_ms: what checking it took.
    """

    tone: str
    words: Words
    reason: str = ""
    view: InvoiceView | None = None
    kind: str | None = None
    steps: list[tuple[str, str]] = field(default_factory=list)
    took_ms: int = 0
    http_status: int = 200


Step = tuple[str, dict[str, Any]]
"""A name in ``words.json`` and what its words are of."""
Finding = tuple[str | None, str, list[Step]]
"""The kind of a proof's record that is no invoice's, one line more, and the steps."""


class VerifyPage:
    """Answers whoever comes, without a script."""

    def __init__(self, site: "Site") -> None:
        self._context = site.context
        self._invoices: Invoices = site.shared.invoices
        self._layout = site.layout
        self._sessions = site.sessions

    def asked(self, request: Request) -> HTMLResponse:
        """The page, with nothing answered yet."""
        return self._page(request, None)

    async def answered(self, request: Request) -> Response:
        """The page with an answer; a code of this site's own scan page leads there."""
        language = language_of(request)
        try:
            session = await self._sessions.of(request)
            address = None if session else caller_of(request)
            form = await read_form(request)
            pasted = form.one("file") or form.one("text")
            if not pasted:
                answer = await self._looked_up(address, form, language)
            else:
                code = read_code(pasted, request.headers.get("host", ""), language)
                if isinstance(code, ScannedAddress):
                    wanted = request.url_for("scanned").include_query_params(**code.query)
                    return RedirectResponse(f"{wanted.path}?{wanted.query}", 303)
                answer = await self._of_code(address, code, language)
        except Problem as problem:
            answer = said_of(problem)
        return self._page(request, answer)

    def _page(self, request: Request, answer: Answer | None) -> HTMLResponse:
        words = partial(said.text, language=language_of(request))
        status = answer.http_status if answer else 200
        return self._layout.render(request, "public/verify.html", status, answer=answer, said=words)

    async def _of_code(
        self, address: str | None, code: CarriedProof | OlderLine, language: Language
    ) -> Answer:
        if isinstance(code, CarriedProof):
            return await asyncio.to_thread(self._of_proof, code.proof, language)

        def agrees(found: dict[str, Any]) -> bool:
            fields = found["fields"]
            amount = abs(fields["total_fen" if code.all_digital else "net_fen"])
            day = when(fields["issued_at_ms"])[:10].replace("-", "")
            same = (amount, day) == (code.amount_fen, code.day)
            return same and (code.all_digital or code.check_code == found["check_code"])

        found = await self._invoices.agreeing(address, code.code, code.number, agrees)
        view = await asyncio.to_thread(view_of, self._context, found, opened=False)
        opened = Opened(view=view, height=found["height"], index=found["index"])
        return await self._of_invoice(opened, said.text("line", language), language)

    async def _looked_up(self, address: str | None, form: Form, language: Language) -> Answer:
        code, number, check_code, amount = (
            typed(form.one(name)) for name in ("code", "number", "check_code", "amount")
        )
        with_fields = bool(check_code or amount)
        try:
            wanted = Lookup(
                code=code,
                number=number,
                check_code=check_code.lower() if with_fields else "00000",
                total_fen=fen(amount) if with_fields else 0,
            )
        except ValidationError as error:
            box = "both" if bool(check_code) != bool(amount) else str(error.errors()[0]["loc"][0])
            raise Problem(422, "E_SCHEMA", said.text(box, language)) from error
        if with_fields:
            found = await self._invoices.with_fields(address, wanted)
        else:
            found = await self._invoices.public(code, number)
        return await self._of_invoice(found, "" if with_fields else said.text("more", language), language)

    async def _of_invoice(self, found: Opened, reason: str, language: Language) -> Answer:
        tone, words = said.verdict(found.view.status)
        if not found.view.published:
            return Answer(tone, words, said.text("later", language), found.view)
        checked = await asyncio.to_thread(self._of_proof, await self._invoices.prove(found), language)
        if checked.tone == "bad":
            return checked
        return Answer(tone, words, reason, found.view, None, checked.steps, checked.took_ms)

    def _of_state(self, carried: dict[str, Any], proven: dict[str, Any], language: Language) -> Finding:
        """Where a payment or an invoice stood after a block."""
        of_map = {"root": proven["root"].hex(), "count": f"{proven['count']:,}", "height": proven["height"]}
        steps = [*self._steps(carried["commitment"], proven), ("state", of_map)]
        whom = proven["payment"].hex() if proven["payment"] else "{}-{:08d}".format(*proven["asked"])
        stands = f"{whom}: {said.standing(proven['words'], language)}"
        reason = f"{stands}. {said.text('state', language, height=proven['height'])}"
        return None, reason, steps

    def _of_record(self, carried: dict[str, Any], proven: dict[str, Any], language: Language) -> Finding:
        return proven["fields"]["kind"], said.text("proven", language), self._steps(carried, proven)

    def _of_proof(self, proof: bytes, language: Language) -> Answer:
        context, started = self._context, time.perf_counter()
        of_state = _core.is_state_proof(proof)
        verify = _core.verify_state_proof if of_state else _core.verify_proof
        try:
            proven = verify(proof, context.vkey, list(context.witness_vkeys), context.threshold)
        except ValueError as error:
            tone, words = said.verdict("refused")
            return Answer(tone, words, str(error))
        took_ms = max(1, round((time.perf_counter() - started) * 1000))
        tone, words = said.verdict("proven")
        carried = json.loads(proof if proof[:1] == b"{" else _core.proof_to_json(proof))
        finding = self._of_state if of_state else self._of_record
        kind, reason, steps = finding(carried, proven, language)
        told = [said.step(name, language, values) for name, values in steps]
        return Answer(tone, words, reason, None, kind, told, took_ms)

    def _steps(self, carried: dict[str, Any], proven: dict[str, Any]) -> list[Step]:
        """What the verification found, step by step: names in ``words.json`` and what their words are of."""
        context = self._context
        header, size = proven["header"], proven["size"]
        names, height = ", ".join(proven["cosigners"]) or "nobody", f"{header['height']:,}"
        _origin, _size, root = _core.parse_checkpoint(carried["checkpoint"])
        signed_s = dict(_core.open_note(carried["checkpoint"], [context.vkey, *carried["witnesses"]]))
        witnesses = []
        for vkey in carried["witnesses"]:
            name, key_id, _key = vkey.split("+", 2)
            known = "witness" if vkey in context.witness_vkeys else "stranger"
            at = when((signed_s[name] or 0) * 1000)
            witnesses.append((known, {"name": name, "time": at, "key": f"{name}+{key_id}"}))
        return [
            ("record", {"hash": _core.leaf_hash(base64.b64decode(carried["record"])).hex()}),
            (
                "path",
                {
                    "index": f"{carried['index']:,}",
                    "count": f"{header['record_count']:,}",
                    "hashes": len(carried["path"]),
                    "root": header["records_root"].hex(),
                },
            ),
            (
                "header",
                {
                    "chain": header["chain"],
                    "height": height,
                    "time": when(header["time_ms"]),
                    "hash": _core.block_hash(base64.b64decode(carried["header"])).hex(),
                },
            ),
            (
                "inclusion",
                {
                    "height": height,
                    "size": f"{size:,}",
                    "hashes": len(carried["tlog_path"]),
                    "root": root.hex(),
                },
            ),
            ("signature", {"size": f"{size:,}", "key": "+".join(context.vkey.split("+", 2)[:2])}),
            *witnesses,
            ("threshold", {"names": names, "needed": context.threshold}),
        ]


def said_of(problem: Problem) -> Answer:
    """A refusal as an answer. What a verdict says by itself has no reason beside it."""
    name = said.VERDICT_OF.get(problem.code, "failed")
    reason = "" if name in ("missing", "mismatch", "tries") else problem.detail
    tone, words = said.verdict(name)
    return Answer(tone, words, reason, http_status=problem.status)


def install(app: FastAPI, site: "Site") -> None:
    """Adds ``/verify``."""
    page = VerifyPage(site)
    routes = APIRouter(include_in_schema=False)

    @routes.get("/verify")
    async def asked(request: Request) -> HTMLResponse:
        return page.asked(request)

    @routes.post("/verify")
    async def answered(request: Request) -> Response:
        return await page.answered(request)

    app.include_router(routes)
