"""An issuer's rejected events: when, why in words, where they stand, and what to do. No personal data."""

import asyncio

from fastapi import Request
from fastapi.responses import Response

from farechain.api.problems import Problem
from farechain.books.entries import DeadLetter, Page
from farechain.errors import FarechainError
from farechain.pages.issuer.remedies import OTHER, REMEDIES
from farechain.pages.office import Office, Visit

ROWS = 100


def add(office: Office) -> None:
    """``/issuer/dead-letters``."""

    @office.routes.get("/issuer/dead-letters")
    async def letters(request: Request) -> Response:
        visit = await office.visit(request)
        page = await asyncio.to_thread(_letters, visit)
        codes = sorted({letter.code for letter in page.entries}) if page else []
        return visit.page("issuer/dead_letters.html", page=page, codes=codes, remedies=REMEDIES, other=OTHER)


def _letters(visit: Visit) -> Page[DeadLetter] | None:
    if visit.books is None:
        return None
    try:
        return visit.books.dead_letters(visit.caller.party, ROWS, visit.asked("after"))
    except FarechainError as error:
        raise Problem(422 if error.code == "E_CURSOR" else 503, error.code, error.message) from error
