"""The bureau's and the issuers' part: numbers applied for, invoices frozen, months declared."""

from typing import Any

from farechain import _core
from farechain.data import ON_CLAIM_METRO, Operator
from farechain.day.commands import invoice_code
from farechain.day.life.expected import APPLIED, refused
from farechain.day.life.people import People, presentation
from farechain.day.life.shelf import Shelf, of_a_company
from farechain.day.life.turn import Turn

_FURTHER = 4
"""The batch digit of the code under which further numbers are granted."""
_GRANTED, _REFUSED, _OPEN = "metro-1", "bus-1", "scenic-1"
_DECLARING = ("metro-1", ON_CLAIM_METRO, "bus-1")


def apply_for_numbers(turn: Turn, people: People) -> None:
    """Three issuers ask for numbers."""
    for code in (_GRANTED, _REFUSED, _OPEN):
        issuer = people.keyring.issuers[code]
        turn.order(issuer, "APPLY_NUMBERS", APPLIED, count=500_000)
        turn.order(issuer, "APPLY_NUMBERS", refused("E_STATE"), count=500_000)
    turn.order(people.app, "APPLY_NUMBERS", refused("E_ROLE"), count=1)


def answer_applications(turn: Turn, people: People) -> None:
    """One gets them, one is refused, one waits."""
    by_code = _operators(people)
    year = int(turn.period[:4])
    numbers: dict[str, Any] = {"code": invoice_code(year, _FURTHER), "from": 1, "to": 500_000}
    turn.order(people.bureau, "GRANT_NUMBERS", APPLIED, **numbers, tax_id=by_code[_GRANTED].tax_id)
    refusal = {"tax_id": by_code[_REFUSED].tax_id, "reason": "上一批号码尚未用完"}
    turn.order(people.bureau, "REFUSE_NUMBERS", APPLIED, **refusal)
    turn.order(people.bureau, "REFUSE_NUMBERS", refused("E_STATE"), **refusal)


def freeze(turn: Turn, people: People, shelf: Shelf) -> None:
    """Two invoices are frozen, one of them for good; nobody locks a frozen one."""
    for i, invoice in enumerate(shelf.take_free(2, of_a_company)):
        note = {"note": f"协查函〔2026〕{i + 1}号"}
        turn.order(people.auditor, "FREEZE", refused("E_ROLE"), **invoice.named, **note)
        turn.order(people.bureau, "FREEZE", APPLIED, **invoice.named, **note)
        turn.order(people.bureau, "FREEZE", refused("E_STATE"), **invoice.named, **note)
        company = invoice.buyer or people.companies[0]
        claim_id = f"BX-{turn.number}-F{i}"
        locking = {"claim_id": claim_id, "presentation": presentation(invoice, company, claim_id)}
        turn.order(people.of(company), "LOCK", refused("E_STATE"), **invoice.named, **locking)
        if i == 1:
            turn.order(people.bureau, "UNFREEZE", APPLIED, **invoice.named)
            turn.order(people.bureau, "UNFREEZE", refused("E_STATE"), **invoice.named)


def declare(turn: Turn, people: People, ledger: _core.Ledger) -> None:
    """Issuers declare the month before, which is over, with the ledger's own totals; two are acknowledged."""
    by_code = _operators(people)
    books = {issuer["tax_id"]: issuer["months"] for issuer in ledger.registry()["issuers"]}
    period = {"period": turn.period_before}
    for code in _DECLARING:
        operator, issuer = by_code[code], people.keyring.issuers[code]
        month = books[operator.tax_id].get(turn.period_before, {})
        invoiced, uninvoiced, reds = month.get("to_declare", (0, 0, 0))
        amounts = {"invoiced_fen": invoiced, "uninvoiced_fen": uninvoiced, "red_fen": reds}
        now = {**amounts, "period": turn.period}
        turn.order(issuer, "DECLARE", refused("E_STATE"), **now)
        wrong = {**amounts, **period, "invoiced_fen": invoiced + 1}
        turn.order(issuer, "DECLARE", refused("E_SUM_LINES"), **wrong)
        turn.order(issuer, "DECLARE", APPLIED, **period, **amounts)
        turn.order(issuer, "DECLARE", refused("E_STATE"), **period, **amounts)
    for code in _DECLARING[:2]:
        members = {"tax_id": by_code[code].tax_id, **period}
        turn.order(people.bureau, "ACKNOWLEDGE", APPLIED, **members)
        turn.order(people.bureau, "ACKNOWLEDGE", refused("E_STATE"), **members)
    undeclared = {"tax_id": by_code[_OPEN].tax_id, **period}
    turn.order(people.bureau, "ACKNOWLEDGE", refused("E_STATE"), **undeclared)


def _operators(people: People) -> dict[str, Operator]:
    return {one.code: one for one in people.keyring.operators}
