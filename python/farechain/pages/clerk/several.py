"""One thing done to several invoices: as one command that holds wholly or not at all, or each by itself.

What was ticked is read again from the ledger; the ledger decides, and every invoice has a line of its own in
the answer, a refusal too: what hindered it, who has locked it and since when.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from farechain import orders
from farechain.api.command_models import CommandAnswer
from farechain.api.problems import Problem
from farechain.orders import Invoice, Order
from farechain.pages.clerk.checking import Checking
from farechain.pages.clerk.desk import (
    Desk,
    claim_id_of,
    distinct,
    invoice_of,
    is_party,
    name_of,
    once_of,
    period_of,
    voucher_of,
)
from farechain.pages.clerk.scanned import LINES_MAX, Scan, read_lines
from farechain.pages.forms import Form, fen, typed
from farechain.pages.language import Words
from farechain.party import Party
from farechain.presentation import Presentation

TOGETHER_MAX = 64
"""Orders that one BATCH takes."""
GIVEN_AT_ONCE = 32
"""Commands of one form that wait for their block together."""
ACTIONS = {
    "lock": Words("Lock", "锁定"),
    "unlock": Words("Unlock", "解除锁定"),
    "reimburse": Words("Reimburse", "报销"),
    "post": Words("Post", "入账"),
    "unpost": Words("Take out of the books", "撤销入账"),
    "confirm": Words("Confirm use (deduction)", "确认抵扣"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order for one invoice, or why it cannot even be said."""

    invoice: Invoice
    order: Order | None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one invoice: ``answer`` where it was done, ``problem`` where this one was refused.

    Neither: nothing was done to it, because of another one.
    """

    invoice: Invoice
    answer: CommandAnswer | None = None
    problem: Problem | None = None

    @property
    def name(self) -> str:
        """``CODE-NUMBER``."""
        return name_of(self.invoice)


def install(routes: APIRouter, desk: Desk) -> None:
    """Adds the route that all lists with check boxes lead to."""

    @routes.post("/clerk/several")
    async def several(request: Request) -> Response:
        session = await desk.clerk(request)
        form = await desk.site.sessions.form(request, session)
        party = await desk.site.signing.party_of(session.caller)
        action = form.one("do")
        if action not in ACTIONS:
            raise Problem(422, "E_SCHEMA", "say what to do")
        wanted = await asyncio.to_thread(_wanted, desk, request, party.tax_id, action, form)
        together = form.one("how") == "together"
        if not wanted:
            raise Problem(422, "E_NOTHING_CHOSEN", "no invoice is ticked")
        if len(wanted) > (TOGETHER_MAX if together else LINES_MAX):
            raise Problem(422, "E_TOO_MANY", f"at most {LINES_MAX} at once, or {TOGETHER_MAX} as one command")
        give = as_one if together else each
        results = await give(desk, party, wanted, once_of(form))
        done = sum(result.answer is not None for result in results)
        back = form.one("back")
        return desk.render(
            request,
            "clerk/results.html",
            session,
            200 if done else 409,
            tab=None,
            action=ACTIONS[action],
            results=results,
            done_count=done,
            together=together,
            claim_id=form.one("claim_id"),
            back=back if back.startswith("/clerk") else "/clerk",
        )


async def each(desk: Desk, party: Party, wanted: Sequence[Wanted], once: str) -> list[Result]:
    """Every order a command of its own: what one is refused does not concern the others."""
    gate = asyncio.Semaphore(GIVEN_AT_ONCE)

    async def give(one: Wanted) -> Result:
        if one.order is None:
            return Result(one.invoice, problem=one.problem)
        try:
            async with gate:
                # The command's id is the form's and the invoice's: sent twice, it is done once.
                answer = await desk.give(party, one.order, f"{once}.{name_of(one.invoice)}")
        except Problem as problem:
            return Result(one.invoice, problem=problem)
        return Result(one.invoice, answer)

    return list(await asyncio.gather(*(give(one) for one in wanted)))


async def as_one(desk: Desk, party: Party, wanted: Sequence[Wanted], once: str) -> list[Result]:
    """All orders in one command, or none: the first that is refused stops the whole."""
    if any(one.order is None for one in wanted):
        return [Result(one.invoice, problem=one.problem) for one in wanted]
    try:
        answer = await desk.give(party, orders.batch([one.order for one in wanted if one.order]), once)
    except Problem as problem:
        hindering = problem.more.get("invoice")
        names = [name_of(one.invoice) for one in wanted]
        culprit = hindering if hindering in names else names[0]
        return [
            Result(one.invoice, problem=problem if name == culprit else None)
            for one, name in zip(wanted, names, strict=True)
        ]
    return [Result(one.invoice, answer) for one in wanted]


def _wanted(desk: Desk, request: Request, tax_id: str, action: str, form: Form) -> list[Wanted]:
    if action == "lock":
        return locks(
            [
                *(Scan(name, invoice_of(name)) for name in form.all("pick")),
                *_lines(desk, request, tax_id, form),
            ],
            read_lines(form.one("presentations")),
            claim_id_of(form),
        )
    picked = distinct(invoice_of(name) for name in form.all("pick"))
    return [_order(desk, tax_id, action, form, invoice) for invoice in picked[: LINES_MAX + 1]]


def _lines(desk: Desk, request: Request, tax_id: str, form: Form) -> list[Scan]:
    """Lines that were checked on the page before, with the invoices that their codes stand for."""
    checking = Checking(desk.ledger, tax_id, accepts_individuals=True, hosts=desk.hosts(request))
    answers = [checking.one(scan) for line in form.all("line")[: LINES_MAX + 1] for scan in read_lines(line)]
    return [
        Scan(answer.scan.text, answer.invoice, presentation=answer.scan.presentation)
        for answer in answers
        if answer.invoice is not None
    ]


def locks(scans: Sequence[Scan], presented: Sequence[Scan], claim_id: str) -> list[Wanted]:
    """Orders that lock each invoice once, with the presentation that any of the lines has of it."""
    shown: dict[Invoice, Presentation] = {}
    for scan in [*presented, *scans]:
        if scan.presentation is not None and scan.invoice is not None:
            shown[scan.invoice] = scan.presentation
    picked = distinct(scan.invoice for scan in scans if scan.invoice is not None)
    return [_lock(invoice, shown.get(invoice), claim_id) for invoice in picked]


def _lock(invoice: Invoice, shown: Presentation | None, claim_id: str) -> Wanted:
    if shown is not None and shown.claim_id != claim_id:
        detail = f"it was presented for claim {shown.claim_id}, not for {claim_id}"
        return Wanted(invoice, None, Problem(422, "E_PRESENTATION", detail))
    return Wanted(invoice, orders.lock(invoice, claim_id, shown.signature if shown else None))


def _order(desk: Desk, tax_id: str, action: str, form: Form, invoice: Invoice) -> Wanted:
    found = desk.ledger.invoice(*invoice)
    if found is None or found["standing"] is None or not is_party(tax_id, found):
        return Wanted(invoice, None, Problem(404, "E_NOT_FOUND", "no invoice of yours"))
    try:
        return Wanted(invoice, said(action, form, invoice, found["standing"]))
    except Problem as problem:
        return Wanted(invoice, None, problem)


def said(action: str, form: Form, invoice: Invoice, standing: Mapping[str, object]) -> Order:
    """The order of an action but ``lock``, with what the form says. Raises ``Problem`` 422."""
    # Of what is not locked the ledger looks at the state first, whatever claim is named.
    claim_id = str(standing["claim_id"] or form.one("claim_id") or "-")
    if action == "unlock":
        return orders.unlock(invoice, claim_id)
    if action == "reimburse":
        return orders.reimburse(invoice, claim_id, _amount(form, invoice, standing))
    if action == "post":
        return orders.post(invoice, voucher_of(form), period_of(form))
    if action == "unpost":
        return orders.unpost(invoice)
    return orders.confirm_use(invoice)


def _amount(form: Form, invoice: Invoice, standing: Mapping[str, object]) -> int:
    """What was typed for this invoice, else all that is left of it. Raises ``Problem`` 422."""
    text = form.one(f"amount.{name_of(invoice)}")
    amount_fen = fen(typed(text)) if text else int(str(standing["remaining_fen"]))
    if amount_fen <= 0:
        raise Problem(422, "E_AMOUNT", "an amount is in yuan, such as 6.65")
    return amount_fen
