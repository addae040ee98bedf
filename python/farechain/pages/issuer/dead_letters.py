"""An issuer's rejected events: when, why in words, where they stand, and what to do. No personal data."""

from fastapi import Request
from fastapi.responses import Response

from farechain.pages.issuer.remedies import OTHER, REMEDIES
from farechain.pages.office import Office, ask

ROWS = 100


def add(office: Office) -> None:
    """``/issuer/dead-letters``."""

    @office.routes.get("/issuer/dead-letters")
    async def letters(request: Request) -> Response:
        visit = await office.visit(request)
        books, after = visit.books, visit.asked("after")
        page = await ask(lambda: books.dead_letters(visit.caller.party, ROWS, after)) if books else None
        codes = sorted({letter.code for letter in page.entries}) if page else []
        return visit.page("issuer/dead_letters.html", page=page, codes=codes, remedies=REMEDIES, other=OTHER)
