"""Renders templates: what every page needs, in the language of its reader."""

import hashlib
import importlib.resources
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from farechain import _core
from farechain.access.tokens import Caller
from farechain.api.context import ApiContext
from farechain.api.invoices import keys_of
from farechain.api.problems import Problem
from farechain.pages import words
from farechain.pages.language import Words, language_of

DONE = re.compile(r"([0-9]{1,15})\.([0-9]{1,6})", re.ASCII)
NO_STORE = {"Cache-Control": "no-store"}
CHINA = timedelta(hours=8)


class Layout:
    """One site's templates."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._templates = Environment(
            loader=PackageLoader("farechain.pages"), autoescape=select_autoescape(), undefined=StrictUndefined
        )
        self._templates.filters |= {"yuan": yuan, "when": when, "day": day, "duration": duration}
        self._verifier = (
            importlib.resources.files("farechain.pages") / "static" / "verifier.html"
        ).read_bytes()

    @property
    def verifier(self) -> bytes:
        """The page that checks a proof offline."""
        return self._verifier

    def render(
        self, request: Request, name: str, http_status: int = 200, caller: Caller | None = None, **values: Any
    ) -> HTMLResponse:
        """A page; ``values`` are what its template names.

        Args:
            caller: who is logged in: their role's pages and a way out are shown.
        """
        language = language_of(request)

        def say(english: str | Words, chinese: str = "") -> str:
            both = english if isinstance(english, Words) else Words(english, chinese)
            return both.in_(language)

        shared = {
            "language": language,
            "say": say,
            "caller": caller,
            "path": request.url.path,
            "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "done": self._done(request.query_params.get("done", "")),
            "once": lambda: secrets.token_hex(16),
            "demonstration": self._context.demonstration,
            "chain": self._context.ledger.chain,
            "keys": keys_of(self._context),
            "records": words.RECORDS,
            "reasons": words.REASONS,
            "statuses": words.STATUSES,
            "refused": words.REFUSED,
            "verifier_hash": hashlib.sha256(self._verifier).hexdigest(),
        }
        page = self._templates.get_template(name).render(**{**shared, **values})
        return HTMLResponse(page, http_status, headers=NO_STORE)

    def refused(self, request: Request, problem: Problem, caller: Caller | None = None) -> HTMLResponse:
        """Why something was not done, and what is possible instead, as a page."""
        return self.render(request, "problem.html", problem.status, caller, problem=problem)

    def _done(self, place: str) -> dict[str, Any] | None:
        """What the page before this one recorded (``routes.done``): ``kind``, ``height``, ``index``."""
        found = DONE.fullmatch(place)
        if found is None:
            return None
        height, index = int(found[1]), int(found[2])
        record = self._context.ledger.record(height, index)
        kind = _core.decode_record(record)["kind"] if record else None
        return {"kind": kind, "height": height, "index": index} if kind else None


def yuan(amount_fen: int) -> str:
    """Fen as yuan, without a detour over floats."""
    magnitude = abs(amount_fen)
    return f"{'−' if amount_fen < 0 else ''}¥{magnitude // 100:,}.{magnitude % 100:02d}"


def local(time_ms: int) -> datetime:
    """A time in UTC+8, which genesis fixes for dates."""
    return datetime.fromtimestamp(time_ms // 1000, UTC) + CHINA


def when(time_ms: int) -> str:
    """A time in UTC+8, to the second."""
    return local(time_ms).strftime("%Y-%m-%d %H:%M:%S")


def day(time_ms: int) -> str:
    """A date in UTC+8."""
    return when(time_ms)[:10]


def duration(milliseconds: float | None) -> str:
    """``120 ms``, ``1.4 s``, ``3 min``, ``5 h``; a dash where nothing was measured."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 120_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes = milliseconds / 60_000
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:,.0f} h"
