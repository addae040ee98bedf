"""Many lines checked at once: scanned, pasted or in a file; what can be locked is locked from there."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from farechain.api.problems import Problem
from farechain.export.tables import Column, as_csv
from farechain.pages.clerk.checking import Answer, Checking
from farechain.pages.clerk.desk import Desk, name_of
from farechain.pages.clerk.scanned import LINES_MAX, Scan, read_lines
from farechain.pages.clerk.several import ACTIONS
from farechain.pages.language import language_of
from farechain.pages.layout import NO_STORE, when

COLUMNS = (
    Column("line", integer=True),
    Column("text"),
    Column("answer"),
    Column("words"),
    Column("reason"),
    Column("code"),
    Column("number"),
    Column("seller"),
    Column("total_fen", integer=True),
    Column("remaining_fen", integer=True),
    Column("locker"),
    Column("since"),
)
TOO_MANY = f"at most {LINES_MAX} lines at once: check the rest afterwards"


def install(routes: APIRouter, desk: Desk) -> None:
    """Adds the routes."""

    @routes.get("/clerk/check")
    async def ask(request: Request) -> Response:
        session = await desk.clerk(request)
        return desk.render(
            request, "clerk/check.html", session, tab="check", answers=None, lines="", counts={}, claim_id=""
        )

    @routes.post("/clerk/check")
    async def check(request: Request) -> Response:
        session = await desk.clerk(request)
        form = await desk.site.sessions.form(request, session)
        lines = "\n".join(text for text in (form.one("lines"), *form.all("file")) if text)
        scans = read_lines(lines)
        if len(scans) > LINES_MAX:
            raise Problem(422, "E_TOO_MANY", TOO_MANY)
        answers = await answer(desk, request, session.caller.party, scans)
        if form.one("as") == "csv":
            return _file(request, answers)
        return desk.render(
            request,
            "clerk/check.html",
            session,
            tab="check",
            answers=answers,
            lines=lines,
            counts=_counts(answers),
            claim_id=_one_claim(answers),
            names=await desk.names(),
            actions=ACTIONS,
        )


async def answer(desk: Desk, request: Request, tax_id: str, scans: list[Scan]) -> list[Answer]:
    """What the lines are answered for a company."""
    checking = Checking(
        desk.ledger,
        tax_id,
        accepts_individuals=await desk.accepts_individuals(tax_id),
        hosts=desk.hosts(request),
        books=desk.context.books,
    )
    return await asyncio.to_thread(checking.all, scans)


def _counts(answers: list[Answer]) -> dict[str, int]:
    """How many lines can be locked, and how many cannot."""
    lockable = sum(each.is_lockable for each in answers)
    return {"lines": len(answers), "lockable": lockable, "others": len(answers) - lockable}


def _one_claim(answers: list[Answer]) -> str:
    """The claim that all presentations are for; empty where they differ."""
    claims = {
        each.scan.presentation.claim_id for each in answers if each.is_lockable and each.scan.presentation
    }
    return claims.pop() if len(claims) == 1 else ""


def _file(request: Request, answers: list[Answer]) -> Response:
    language = language_of(request)
    rows: list[dict[str, Any]] = [
        {
            "line": number,
            "text": each.scan.text,
            "answer": each.verdict.name,
            "words": each.verdict.words.in_(language),
            "reason": each.reason.in_(language),
            "code": each.invoice.code if each.invoice else None,
            "number": name_of(each.invoice)[-8:] if each.invoice else None,
            "seller": each.fields["seller"] if each.fields else None,
            "total_fen": each.fields["total_fen"] if each.fields else None,
            "remaining_fen": each.remaining_fen,
            "locker": each.locker,
            "since": when(each.since_ms) if each.since_ms else None,
        }
        for number, each in enumerate(answers, 1)
    ]
    headers = {"Content-Disposition": 'attachment; filename="checked.csv"'} | NO_STORE
    return Response(as_csv(rows, COLUMNS), media_type="text/csv; charset=utf-8", headers=headers)
