"""Commands of invoices, 40 to 60: what they say and its canonical data (docs/format.md, section 2)."""

import re
from collections.abc import Callable
from typing import Any

from .errors import require
from .fields import NUMBER_MAX, amount, count, exactly, hexadecimal, matching, month, one_of, text, uscc

(CLAIM, RETITLE, BIND, TRANSFER, LOCK, UNLOCK, REIMBURSE, CONFIRM_USE, POST, UNPOST) = range(40, 50)
(RED_ISSUE, RED_REQUEST, RED_CONFIRM, RED_REFUSE, RED_WITHDRAW, RED_EXPIRE) = range(50, 56)
FREEZE, UNFREEZE, BATCH = 56, 57, 60

BUYERS = {"INDIVIDUAL": 1, "ORGANIZATION": 2}
REASONS = {"ISSUE_ERROR": 1, "SALES_RETURN": 2, "SERVICE_SUSPENSION": 3, "SALES_DISCOUNT": 4}
ROWS_MAX = 256
ORDERS_MAX = 64

Fields = list[Any]
"""A command's members in the order of its row in the table, as they stand in canonical data."""

INVOICE = "code number"
BUYER = "buyer buyer_tax_id title holder"


def claim(data: dict[str, Any]) -> Fields:
    return [*buyer(data), claimed(data["payments"])]


def retitle(data: dict[str, Any]) -> Fields:
    return [*invoice(data), *buyer(data)]


def bind(data: dict[str, Any]) -> Fields:
    return [*invoice(data), hexadecimal_or_null(data["opening"], 32), hexadecimal(data["holder"], 16)]


def transfer(data: dict[str, Any]) -> Fields:
    return [*invoice(data), hexadecimal(data["holder"], 16)]


def lock(data: dict[str, Any]) -> Fields:
    return [*invoice(data), claim_id(data), hexadecimal_or_null(data["presentation"], 64)]


def unlock(data: dict[str, Any]) -> Fields:
    return [*invoice(data), claim_id(data)]


def reimburse(data: dict[str, Any]) -> Fields:
    which, claim, fen = invoice(data), claim_id(data), amount(data["amount_fen"])
    require(fen >= 1)
    return [*which, claim, fen]


def post(data: dict[str, Any]) -> Fields:
    return [*invoice(data), matching(data["voucher"], r"[!-~]{1,64}"), month(data["period"])]


def red_issue(data: dict[str, Any]) -> Fields:
    return [*invoice(data), one_of(data["reason"], REASONS), payments_or_null(data["payments"], least=1)]


def red_request(data: dict[str, Any]) -> Fields:
    return [*invoice(data), one_of(data["reason"], REASONS), payments_or_null(data["payments"], least=0)]


def freeze(data: dict[str, Any]) -> Fields:
    return [*invoice(data), text(data["note"], 1, 100)]


def batch(data: dict[str, Any]) -> Fields:
    """Orders as ``[kind number, members...]``, one after the other."""
    orders = data["orders"]
    require(isinstance(orders, list) and 1 <= len(orders) <= ORDERS_MAX)
    return [[order(one) for one in orders]]


def order(data: Any) -> list[Any]:
    require(isinstance(data, dict))
    name = data.get("kind")
    require(isinstance(name, str) and name in ORDERS)
    number, members, read = ORDERS[name]
    exactly(data, "kind " + members)
    return [number, *read(data)]


def invoice(data: dict[str, Any]) -> Fields:
    """Which invoice."""
    code, number = invoice_code(data["code"]), count(data["number"])
    require(1 <= number <= NUMBER_MAX, "E_NUMBER_RANGE")
    return [code, number]


def invoice_code(value: Any) -> str:
    """Twelve digits: of the family that begins with 1, or the start of an all-digital number of twenty."""
    require(isinstance(value, str))
    require(re.fullmatch(r"1\d{6}\d9\d\d0|[2-9]\d{11}", value, re.ASCII) is not None, "E_CODE_FORMAT")
    return str(value)


def buyer(data: dict[str, Any]) -> Fields:
    kind, tax_id = one_of(data["buyer"], BUYERS), data["buyer_tax_id"]
    tax_id = None if tax_id is None else uscc(tax_id)
    title, holder = hexadecimal_or_null(data["title"], 32), hexadecimal_or_null(data["holder"], 16)
    if kind == BUYERS["ORGANIZATION"]:
        require(tax_id is not None and title is not None, "E_TITLE_REQUIRED")
    else:
        require(tax_id is None)
    return [kind, tax_id, title, holder]


def claimed(value: Any) -> list[list[Any]]:
    """Payments as ``[payment, opening or null]``."""
    rows = []
    for row in rows_of(value, least=1):
        exactly(row, "payment opening")
        rows.append([hexadecimal(row["payment"], 32), hexadecimal_or_null(row["opening"], 32)])
    require(len({row[0] for row in rows}) == len(rows))
    return rows


def payments_or_null(value: Any, *, least: int) -> list[bytes] | None:
    if value is None:
        return None
    payments = [hexadecimal(payment, 32) for payment in rows_of(value, least=least)]
    require(len(set(payments)) == len(payments))
    return payments


def claim_id(data: dict[str, Any]) -> str:
    return matching(data["claim_id"], r"[!-~]{1,32}")


def hexadecimal_or_null(value: Any, size: int) -> bytes | None:
    return None if value is None else hexadecimal(value, size)


def rows_of(value: Any, *, least: int = 0) -> list[Any]:
    require(isinstance(value, list) and least <= len(value) <= ROWS_MAX)
    return list(value)


ORDERS: dict[str, tuple[int, str, Callable[[dict[str, Any]], Fields]]] = {
    "CLAIM": (CLAIM, f"{BUYER} payments", claim),
    "RETITLE": (RETITLE, f"{INVOICE} {BUYER}", retitle),
    "BIND": (BIND, f"{INVOICE} opening holder", bind),
    "TRANSFER": (TRANSFER, f"{INVOICE} holder", transfer),
    "LOCK": (LOCK, f"{INVOICE} claim_id presentation", lock),
    "UNLOCK": (UNLOCK, f"{INVOICE} claim_id", unlock),
    "REIMBURSE": (REIMBURSE, f"{INVOICE} claim_id amount_fen", reimburse),
    "CONFIRM_USE": (CONFIRM_USE, INVOICE, invoice),
    "POST": (POST, f"{INVOICE} voucher period", post),
    "UNPOST": (UNPOST, INVOICE, invoice),
    "RED_ISSUE": (RED_ISSUE, f"{INVOICE} reason payments", red_issue),
    "RED_REQUEST": (RED_REQUEST, f"{INVOICE} reason payments", red_request),
    "RED_CONFIRM": (RED_CONFIRM, INVOICE, invoice),
    "RED_REFUSE": (RED_REFUSE, INVOICE, invoice),
    "RED_WITHDRAW": (RED_WITHDRAW, INVOICE, invoice),
    "RED_EXPIRE": (RED_EXPIRE, INVOICE, invoice),
    "FREEZE": (FREEZE, f"{INVOICE} note", freeze),
    "UNFREEZE": (UNFREEZE, INVOICE, invoice),
}
"""The kinds that may stand in a batch."""
