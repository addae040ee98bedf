"""Commands as values of inputs: every kind with all that it may say, and what each is refused for."""

from collections.abc import Iterator
from typing import Any

from reference import command_invoice, events
from reference.events import APP, BUYER, SELLER, command, number

CODE, ALL_DIGITAL = "144032609110", "264419999999"
KID, DIGEST, SIGNATURE = "0f" * 16, "ab" * 32, "01" * 64
PAYMENTS = [f"{place:064x}" for place in range(256)]
Order = dict[str, Any]
INVOICE: Order = {"code": CODE, "number": 1}
LAST: Order = {"code": ALL_DIGITAL, "number": 99_999_999}
ORGANISATION: Order = {
    "buyer": "ORGANIZATION",
    "buyer_tax_id": BUYER,
    "title": "7e" * 32,
    "holder": KID,
}
INDIVIDUAL: Order = {"buyer": "INDIVIDUAL", "buyer_tax_id": None, "title": None, "holder": None}
CLAIMED: list[Order] = [
    {"payment": PAYMENTS[1], "opening": None},
    {"payment": PAYMENTS[0], "opening": DIGEST},
]
PERIOD = "2026-03"
DECLARED: Order = {"period": PERIOD, "invoiced_fen": 0, "uninvoiced_fen": 1, "red_fen": 2**53 - 1}
AMOUNTS: list[tuple[Any, str]] = [
    (-1, "E_AMOUNT_NEGATIVE"),
    (number("-0"), "E_AMOUNT_NEGATIVE"),
    (number("1.0"), "E_AMOUNT_FLOAT"),
    (2**53, "E_AMOUNT_OVERFLOW"),
    ("1", "E_SCHEMA"),
    (None, "E_SCHEMA"),
]
"""What is no amount, and its code."""
TAX_IDS = [(SELLER[:-1], "E_USCC_FORMAT"), (SELLER[:-1] + "U", "E_USCC_CHECKSUM"), (None, "E_SCHEMA")]
NUMBERS: list[tuple[Any, str]] = [
    (0, "E_NUMBER_RANGE"),
    (100_000_000, "E_NUMBER_RANGE"),
    (-1, "E_SCHEMA"),
    (number("1.0"), "E_SCHEMA"),
    ("1", "E_SCHEMA"),
]
CODES = [("144032009111", "E_CODE_FORMAT"), ("064400000001", "E_CODE_FORMAT"), (1, "E_SCHEMA")]
PERIODS = ["2026-00", "2026-13", "1969-12", "2200-01", "2026-3", "202603", "2026-03-01", None, 24_314]


def of_keys_and_books() -> Iterator[Order]:
    yield command("REVOKE_KEY", kid=KID)
    yield command("ADMIT", kid=KID, until="2026-03-01T08:00:00.5+08:00")
    yield command("ADMIT", kid=KID, until="2199-12-31T23:59:59.999-23:59")
    yield command("DELEGATE", agent=APP, scenes=["METRO", "BUS"], to_height=None)
    yield command("DELEGATE", agent=APP, scenes=[], to_height=2**53 - 1)
    yield command("REIMBURSER_POLICY", accepts_individuals=True)
    yield command("REIMBURSER_POLICY", accepts_individuals=False)
    yield command("APPLY_NUMBERS", count=1)
    yield command("APPLY_NUMBERS", count=99_999_999)
    yield command("REFUSE_NUMBERS", tax_id=SELLER, reason="号码不足")
    yield command("DECLARE", **DECLARED)
    yield command("DECLARE", **{**DECLARED, "period": "1970-01"})
    yield command("ACKNOWLEDGE", tax_id=SELLER, period="2199-12")
    yield command("ATTEST", subject="A", digest=DIGEST)
    yield command("ATTEST", subject="ACCESS_2_" + "Z" * 23, digest=DIGEST)


def of_invoices() -> Iterator[Order]:
    """The kinds that may stand in a batch."""
    yield command("CLAIM", **ORGANISATION, payments=CLAIMED)
    yield command("CLAIM", **INDIVIDUAL, payments=CLAIMED[:1])
    every = [{"payment": payment, "opening": None} for payment in PAYMENTS]
    yield command("CLAIM", **{**INDIVIDUAL, "title": DIGEST, "holder": KID}, payments=every)
    yield command("RETITLE", **INVOICE, **ORGANISATION)
    yield command("BIND", **INVOICE, opening=None, holder=KID)
    yield command("BIND", **LAST, opening=DIGEST, holder=KID)
    yield command("TRANSFER", **LAST, holder=KID)
    yield command("LOCK", **INVOICE, claim_id="T", presentation=None)
    yield command("LOCK", **LAST, claim_id="~" * 32, presentation=SIGNATURE)
    yield command("UNLOCK", **LAST, claim_id="!")
    yield command("REIMBURSE", **LAST, claim_id="T-1", amount_fen=2**53 - 1)
    yield command("CONFIRM_USE", **LAST)
    yield command("POST", **LAST, voucher="V" * 64, period=PERIOD)
    yield command("UNPOST", **LAST)
    for kind in ("RED_ISSUE", "RED_REQUEST"):
        for reason in command_invoice.REASONS:
            yield command(kind, **INVOICE, reason=reason, payments=None)
        yield command(kind, **LAST, reason="SALES_RETURN", payments=PAYMENTS)
    yield command("RED_REQUEST", **LAST, reason="SALES_RETURN", payments=[])
    for kind in ("RED_CONFIRM", "RED_REFUSE", "RED_WITHDRAW", "RED_EXPIRE"):
        yield command(kind, **LAST)
    yield command("FREEZE", **LAST, note="n" * 100)
    yield command("UNFREEZE", **LAST)


def in_batch(order: Order) -> Order:
    """Without what the batch says for all of them."""
    return {name: value for name, value in order.items() if name not in ("network", "command_id")}


def accepted() -> Iterator[Order]:
    """Commands of every kind from 25 on."""
    yield from of_keys_and_books()
    yield from of_invoices()
    small = [in_batch(order) for order in of_invoices() if len(order.get("payments") or "") < 3]
    yield command("BATCH", orders=small)
    yield command("BATCH", orders=[{"kind": "UNPOST", **INVOICE}] * 64)


def refused() -> Iterator[tuple[Order, str]]:
    """Commands with the code that each is refused for."""
    seen: set[str] = set()
    for order in accepted():
        if order["kind"] not in seen:
            seen.add(order["kind"])
            yield {**order, "extra": 1}, "E_SCHEMA"
            yield dict(list(order.items())[:-1]), "E_SCHEMA"
    yield from refused_of_keys_and_books()
    yield from refused_of_invoices()
    yield from refused_buyers()
    yield from refused_batches()


def refused_of_keys_and_books() -> Iterator[tuple[Order, str]]:
    for kid in ("0F" * 16, KID[1:], None, 15):
        yield command("REVOKE_KEY", kid=kid), "E_SCHEMA"
    yield command("ADMIT", kid=KID, until="2026-03-01T08:00:00"), "E_TIME_NO_OFFSET"
    yield command("ADMIT", kid=KID, until="2026-02-29T08:00:00Z"), "E_SCHEMA"
    yield command("ADMIT", kid="", until="2026-03-01T08:00:00"), "E_SCHEMA"
    for tax_id, code in TAX_IDS:
        yield command("DELEGATE", agent=tax_id, scenes=[], to_height=None), code
        yield command("REFUSE_NUMBERS", tax_id=tax_id, reason=""), code
        yield command("ACKNOWLEDGE", tax_id=tax_id, period=""), code
    for scenes in (["metro"], ["METRO"] * 257, None):
        yield command("DELEGATE", agent=APP, scenes=scenes, to_height=None), "E_SCHEMA"
    for height in (-1, 2**53, number("1.0"), "1"):
        yield command("DELEGATE", agent=APP, scenes=[], to_height=height), "E_SCHEMA"
    for value in (1, None, "true"):
        yield command("REIMBURSER_POLICY", accepts_individuals=value), "E_SCHEMA"
    for count, code in NUMBERS:
        yield command("APPLY_NUMBERS", count=count), code
    for reason in ("", "r" * 101, "字" * 34, None):
        yield command("REFUSE_NUMBERS", tax_id=SELLER, reason=reason), "E_SCHEMA"
    for subject in ("", "a", "1A", "_A", "A" * 33, None, 1):
        yield command("ATTEST", subject=subject, digest=""), "E_SCHEMA"
    for digest in (DIGEST[2:], DIGEST.upper(), None):
        yield command("ATTEST", subject="A", digest=digest), "E_SCHEMA"
    for period in PERIODS:
        yield command("DECLARE", **{**DECLARED, "period": period, "red_fen": -1}), "E_SCHEMA"
        yield command("ACKNOWLEDGE", tax_id=SELLER, period=period), "E_SCHEMA"
    for name in ("invoiced_fen", "uninvoiced_fen", "red_fen"):
        for amount, code in AMOUNTS:
            yield command("DECLARE", **{**DECLARED, name: amount}), code


def refused_of_invoices() -> Iterator[tuple[Order, str]]:
    for order in of_invoices():
        if order["kind"] in ("UNPOST", "RED_EXPIRE", "BIND"):
            yield from (({**order, "code": value}, code) for value, code in CODES)
            yield from (({**order, "number": value}, code) for value, code in NUMBERS)
    yield command("UNPOST", code="", number=0), "E_CODE_FORMAT"
    holders: list[Order] = [
        {"opening": DIGEST[1:], "holder": KID},
        {"opening": None, "holder": None},
        {"opening": None, "holder": DIGEST},
    ]
    for members in holders:
        yield command("BIND", **INVOICE, **members), "E_SCHEMA"
    yield command("TRANSFER", **INVOICE, holder=KID.upper()), "E_SCHEMA"
    for claim_id in ("", "c" * 33, "a b", "号", None):
        yield command("LOCK", **INVOICE, claim_id=claim_id, presentation=None), "E_SCHEMA"
        yield command("UNLOCK", **INVOICE, claim_id=claim_id), "E_SCHEMA"
        yield command("REIMBURSE", **INVOICE, claim_id=claim_id, amount_fen=-1), "E_SCHEMA"
    for presentation in (SIGNATURE[1:], DIGEST, 1):
        yield command("LOCK", **INVOICE, claim_id="T", presentation=presentation), "E_SCHEMA"
    for amount, code in ((0, "E_SCHEMA"), *AMOUNTS):
        yield command("REIMBURSE", **INVOICE, claim_id="T", amount_fen=amount), code
    for voucher in ("", "v" * 65, "a b", None):
        yield command("POST", **INVOICE, voucher=voucher, period=PERIOD), "E_SCHEMA"
    yield command("POST", **INVOICE, voucher="V", period=PERIODS[0]), "E_SCHEMA"
    for kind in ("RED_ISSUE", "RED_REQUEST"):
        for reason in ("RETITLED", "sales_return", 2, None):
            yield command(kind, **INVOICE, reason=reason, payments=None), "E_SCHEMA"
        named: list[Any] = [[DIGEST, DIGEST], [*PAYMENTS, DIGEST], ["AB" * 32], [None], {}]
        for payments in named:
            yield command(kind, **INVOICE, reason="SALES_RETURN", payments=payments), "E_SCHEMA"
    yield command("RED_ISSUE", **INVOICE, reason="SALES_RETURN", payments=[]), "E_SCHEMA"
    for note in ("", "n" * 101, None):
        yield command("FREEZE", **INVOICE, note=note), "E_SCHEMA"


def refused_buyers() -> Iterator[tuple[Order, str]]:
    spoiled: list[tuple[Order, str]] = [
        ({"buyer": "COMPANY"}, "E_SCHEMA"),
        ({"buyer": None, "buyer_tax_id": "x"}, "E_SCHEMA"),
        ({"buyer_tax_id": None}, "E_TITLE_REQUIRED"),
        ({"title": None}, "E_TITLE_REQUIRED"),
        ({"title": None, "holder": "x"}, "E_SCHEMA"),
        ({"title": "x"}, "E_SCHEMA"),
        ({"buyer_tax_id": SELLER[:-1], "title": None}, "E_USCC_FORMAT"),
        ({"buyer_tax_id": SELLER[:-1] + "U", "title": "x"}, "E_USCC_CHECKSUM"),
        ({"buyer": "INDIVIDUAL"}, "E_SCHEMA"),
        ({"buyer": "INDIVIDUAL", "buyer_tax_id": "x"}, "E_USCC_FORMAT"),
    ]
    for changes, code in spoiled:
        yield command("CLAIM", **{**ORGANISATION, **changes}, payments=CLAIMED), code
        yield command("RETITLE", **INVOICE, **{**ORGANISATION, **changes}), code
    yield command("CLAIM", **{**ORGANISATION, "title": None}, payments=[]), "E_TITLE_REQUIRED"
    claims: list[Any] = [
        [],
        [*CLAIMED, CLAIMED[0]],
        [{**CLAIMED[0], "opening": DIGEST}, CLAIMED[0]],
        [{"payment": PAYMENTS[0]}],
        [{**CLAIMED[0], "fen": 1}],
        [{**CLAIMED[0], "opening": ""}],
        [PAYMENTS[0]],
        [{"payment": f"{place:064x}", "opening": None} for place in range(257)],
        None,
    ]
    for payments in claims:
        yield command("CLAIM", **INDIVIDUAL, payments=payments), "E_SCHEMA"
    yield command("RETITLE", **{**INVOICE, "number": 0}, **{**ORGANISATION, "title": None}), "E_NUMBER_RANGE"


def refused_batches() -> Iterator[tuple[Order, str]]:
    """The first order that is wrong gives the code, whatever is wrong with a later one."""
    good = {"kind": "UNPOST", **INVOICE}
    batches: list[tuple[Any, str]] = [
        ([], "E_SCHEMA"),
        ([good] * 65, "E_SCHEMA"),
        (good, "E_SCHEMA"),
        ([None], "E_SCHEMA"),
        ([{**good, "kind": "NOTHING"}], "E_SCHEMA"),
        ([{**good, "kind": None}], "E_SCHEMA"),
        ([{**good, "command_id": "c-2"}], "E_SCHEMA"),
        ([{**good, "network": "shenzhen"}], "E_SCHEMA"),
        ([INVOICE], "E_SCHEMA"),
        ([{"kind": "BATCH", "orders": [good]}], "E_SCHEMA"),
        ([in_batch(events.COMMANDS[0])], "E_SCHEMA"),
        ([in_batch(command("REVOKE_KEY", kid=KID))], "E_SCHEMA"),
        ([good, {**good, "number": 0}, {**good, "code": "x"}], "E_NUMBER_RANGE"),
        ([{**good, "code": "x"}, {**good, "extra": 1}], "E_CODE_FORMAT"),
        ([{**good, "extra": 1, "code": "x"}], "E_SCHEMA"),
        ([good, in_batch(command("CLAIM", **{**ORGANISATION, "title": None}, payments=CLAIMED))],
         "E_TITLE_REQUIRED"),
        ([in_batch(command("REIMBURSE", **INVOICE, claim_id="T", amount_fen=number("1e1")))],
         "E_AMOUNT_FLOAT"),
    ]  # fmt: skip
    for orders, code in batches:
        yield command("BATCH", orders=orders), code
