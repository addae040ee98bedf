"""The auditor's pages: chain and witnesses, blocks, completeness, what was refused, commands, declarations.

They change nothing. What they show can be derived again with ``farechain audit``, which trusts none of it.
"""

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from farechain import _core
from farechain.access.roles import Role
from farechain.api import chain
from farechain.api.problems import Problem
from farechain.books.books import Books
from farechain.errors import FarechainError
from farechain.pages import words
from farechain.pages.auditor.completeness import BLOCKS, completeness
from farechain.pages.auditor.register import register
from farechain.pages.auditor.vocabulary import REJECTED, VERDICTS
from farechain.pages.routes import page_routes
from farechain.promise.folder import Folder

if TYPE_CHECKING:
    from farechain.pages.site import Site

HEADERS = 50
OUTCOMES = 100
ROWS = 100
NUMBER_DIGITS_MAX = 15


class AuditorPages:
    """Reads for auditors."""

    def __init__(self, site: "Site") -> None:
        self._site = site
        self._context = site.context
        self.promise = Folder(site.context.public_dir)

    async def page(self, request: Request, name: str, **values: Any) -> HTMLResponse:
        """A page of the auditor who is logged in. Raises ``LoginNeededError`` for others."""
        session = await self._site.sessions.need(request, Role.AUDITOR)
        shared: dict[str, Any] = {
            "word": session.word,
            "verdicts": VERDICTS,
            "rejected": REJECTED,
            "kinds": words.RECORDS,
        }
        return self._site.layout.render(request, name, caller=session.caller, **shared, **values)

    async def read(self, request: Request, reading: Callable[[], Any]) -> Any:
        """What a thread reads, for an auditor alone. Raises ``LoginNeededError``, ``Problem``."""
        await self._site.sessions.need(request, Role.AUDITOR)
        try:
            return await asyncio.to_thread(reading)
        except FarechainError as error:
            raise Problem(422 if error.code == "E_CURSOR" else 503, error.code, error.message) from error

    def checkpoint(self) -> dict[str, Any] | None:
        """The published checkpoint: size, root, and who signed it when; None before the first. Blocks."""
        try:
            note = (self._context.public_dir / "checkpoint").read_text("utf-8")
        except FileNotFoundError:
            return None
        vkeys = [self._context.vkey, *self._context.witness_vkeys]
        origin, size, root = _core.parse_checkpoint(note)
        signers = _core.open_note(note, vkeys)
        return {"origin": origin, "size": size, "root": root.hex(), "signers": signers, "note": note}

    def last_audit(self) -> dict[str, Any] | None:
        """What ``farechain audit`` said last of this ledger; None where it is not known. Blocks."""
        file = self._context.audit_file
        try:
            found = json.loads(file.read_text("utf-8")) if file is not None else None
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def headers(self, before: int | None) -> list[dict[str, Any]]:
        """Blocks below a height (None: the last ones), the latest first. Blocks."""
        ledger = self._context.ledger
        end = ledger.height + 1 if before is None else min(before, ledger.height + 1)
        first = max(0, end - HEADERS)
        raw = ledger.headers(first, end - first)
        return [_core.decode_header(each) | {"hash": _core.block_hash(each).hex()} for each in reversed(raw)]

    def books(self) -> Books:
        """The lists by party. Raises ``Problem`` 503 where none are kept."""
        if self._context.books is None:
            raise Problem(503, "E_NO_BOOKS", "no lists by party are kept here")
        return self._context.books


def install(app: FastAPI, site: "Site") -> None:
    """Adds ``/auditor`` and what is below it."""
    pages, context = AuditorPages(site), site.context
    routes = page_routes(site.layout)

    @routes.get("/auditor")
    async def overview(request: Request) -> HTMLResponse:
        now_ms = int(context.clock_s() * 1000)
        status, checkpoint, audit, day = await pages.read(
            request,
            lambda: (
                chain.status_of(context),
                pages.checkpoint(),
                pages.last_audit(),
                pages.promise.last_day(now_ms),
            ),
        )
        return await pages.page(
            request,
            "auditor/overview.html",
            status=status,
            checkpoint=checkpoint,
            audit=audit,
            day=day,
            context=context,
        )

    @routes.get("/auditor/blocks")
    async def blocks(request: Request) -> HTMLResponse:
        before = _number(request, "before")
        rows = await pages.read(request, lambda: pages.headers(before))
        older = rows[-1]["height"] if rows and rows[-1]["height"] > 0 else None
        return await pages.page(request, "auditor/blocks.html", rows=rows, older=older)

    @routes.get("/auditor/blocks/{height}")
    async def block(request: Request, height: str) -> HTMLResponse:
        wanted, start = _decimal(height), _number(request, "from") or 0
        found = await pages.read(request, lambda: context.ledger.block(wanted))
        if found is None:
            raise Problem(404, "E_NOT_FOUND", f"no block {wanted}; the head is {context.ledger.height}")
        shown = chain.printable(found)
        outcomes = shown.pop("outcomes")
        following = start + OUTCOMES if start + OUTCOMES < len(outcomes) else None
        return await pages.page(
            request,
            "auditor/block.html",
            block=shown,
            outcomes=outcomes[start : start + OUTCOMES],
            total=len(outcomes),
            start=start,
            following=following,
            published=wanted < context.log.published_size,
        )

    @routes.get("/auditor/completeness")
    async def complete(request: Request) -> HTMLResponse:
        last = _number(request, "last")
        found = await pages.read(request, lambda: completeness(context.ledger, last))
        return await pages.page(request, "auditor/completeness.html", found=found, blocks=BLOCKS)

    @routes.get("/auditor/dead-letters")
    async def dead_letters(request: Request) -> HTMLResponse:
        party = request.query_params.get("party") or None
        after = request.query_params.get("after") or None
        books = pages.books()
        letters, counts = await pages.read(
            request, lambda: (books.dead_letters(party, ROWS, after), books.dead_letter_counts())
        )
        return await pages.page(
            request,
            "auditor/dead_letters.html",
            letters=letters,
            counts=counts[:ROWS],
            party=party,
            by_code=context.ledger.status()["rejected"],
        )

    @routes.get("/auditor/commands")
    async def commands(request: Request) -> HTMLResponse:
        height, _dot, index = (request.query_params.get("before") or "").partition(".")
        before = (_decimal(height), _decimal(index)) if height else (context.ledger.height + 1, 0)
        rows, older = await pages.read(request, lambda: register(context.ledger, before, ROWS))
        return await pages.page(request, "auditor/commands.html", rows=rows, older=older)

    @routes.get("/auditor/declarations")
    async def declarations(request: Request) -> HTMLResponse:
        after = request.query_params.get("after") or None
        books = pages.books()
        found = await pages.read(request, lambda: books.declarations(None, ROWS, after))
        return await pages.page(request, "auditor/declarations.html", found=found)

    app.include_router(routes)


def _number(request: Request, name: str) -> int | None:
    given = request.query_params.get(name)
    return _decimal(given) if given else None


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS_MAX):
        raise Problem(422, "E_SCHEMA", "a height or place is a whole number")
    return int(text)
