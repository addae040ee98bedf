"""Commands of the life cycle as the reference decodes them: canonical data, and the first code."""

from typing import Any

import pytest

from . import cbor, events, orders
from .command import Command
from .errors import Rejected
from .event import decode
from .events import BUYER, SELLER, command

KID, WORD, PERIOD = "0f" * 16, "ab" * 32, 2026 * 12 + 2
CODE, TITLE = orders.CODE, bytes.fromhex(orders.TITLE)
ORGANIZATION = [2, BUYER, TITLE, None]
INVOICE = [CODE, 7]


def read(data: dict[str, Any]) -> Command:
    found = decode(events.value(data))
    assert isinstance(found, Command)
    return found


def code_of(data: dict[str, Any]) -> str:
    with pytest.raises(Rejected) as refusal:
        read(data)
    return refusal.value.code


CANONICAL: list[tuple[dict[str, Any], list[Any]]] = [
    (command("REVOKE_KEY", kid=KID), [25, bytes.fromhex(KID)]),
    (
        command("ADMIT", kid=KID, until="2026-03-01T08:00:00.5+08:00"),
        [26, bytes.fromhex(KID), 1_772_323_200_500],
    ),
    (
        command("DELEGATE", agent=BUYER, scenes=["METRO", "BUS"], to_height=9),
        [27, BUYER, ["METRO", "BUS"], 9],
    ),
    (command("DELEGATE", agent=BUYER, scenes=[], to_height=None), [27, BUYER, [], None]),
    (command("REIMBURSER_POLICY", accepts_individuals=True), [28, True]),
    (command("APPLY_NUMBERS", count=1000), [29, 1000]),
    (command("REFUSE_NUMBERS", tax_id=SELLER, reason="否"), [30, SELLER, "否"]),
    (orders.declare("2026-03", 3, 2, 1), [31, PERIOD, 3, 2, 1]),
    (orders.acknowledge("2026-03"), [32, SELLER, PERIOD]),
    (orders.attest(b"\7" * 32, "A" * 32), [33, "A" * 32, b"\7" * 32]),
    (
        command("CLAIM", **orders.buyer(), payments=[{"payment": WORD, "opening": WORD}]),
        [40, *ORGANIZATION, [[bytes.fromhex(WORD), bytes.fromhex(WORD)]]],
    ),
    (
        command("CLAIM", **orders.individual(), payments=[{"payment": WORD, "opening": None}]),
        [40, 1, None, None, None, [[bytes.fromhex(WORD), None]]],
    ),
    (orders.retitle(7, holder=KID), [41, *INVOICE, 2, BUYER, TITLE, bytes.fromhex(KID)]),
    (orders.of("BIND", 7, opening=None, holder=KID), [42, *INVOICE, None, bytes.fromhex(KID)]),
    (orders.of("TRANSFER", 7, holder=KID), [43, *INVOICE, bytes.fromhex(KID)]),
    (
        orders.of("LOCK", 7, claim_id="T-1", presentation="01" * 64),
        [44, *INVOICE, "T-1", b"\1" * 64],
    ),
    (orders.lock(7, None), [44, *INVOICE, "T-1", None]),
    (orders.unlock(7), [45, *INVOICE, "T-1"]),
    (orders.reimburse(7, 5), [46, *INVOICE, "T-1", 5]),
    (orders.of("CONFIRM_USE", 7), [47, *INVOICE]),
    (orders.post(7), [48, *INVOICE, "V-1", PERIOD]),
    (orders.of("UNPOST", 7), [49, *INVOICE]),
    (orders.red("RED_ISSUE", 7, reason="SALES_DISCOUNT"), [50, *INVOICE, 4, None]),
    (orders.of("RED_REQUEST", 7, reason="ISSUE_ERROR", payments=[]), [51, *INVOICE, 1, []]),
    (
        orders.of("RED_REQUEST", 7, reason="SERVICE_SUSPENSION", payments=[WORD]),
        [51, *INVOICE, 3, [bytes.fromhex(WORD)]],
    ),
    *(
        (orders.of(kind, 7), [number, *INVOICE])
        for number, kind in enumerate(("RED_CONFIRM", "RED_REFUSE", "RED_WITHDRAW", "RED_EXPIRE"), 52)
    ),
    (orders.freeze(7), [56, *INVOICE, "a court's order"]),
    (orders.of("UNFREEZE", 7, code="264410000001"), [57, "264410000001", 7]),
    (
        orders.batch(orders.unlock(7), orders.of("UNPOST", 7)),
        [60, [[45, *INVOICE, "T-1"], [49, *INVOICE]]],
    ),
]


@pytest.mark.parametrize(("data", "expected"), CANONICAL)
def test_canonical_data_is_the_members_in_order(data: dict[str, Any], expected: list[Any]) -> None:
    kind, *members = expected
    assert cbor.decode(read(data).canonical) == [1, kind, "c-1", *members]


NOTHING = orders.of("UNPOST", 7)
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({**orders.of("UNPOST", 7), "number": 0}, "E_NUMBER_RANGE"),
    ({**orders.of("UNPOST", 7), "number": 100_000_000}, "E_NUMBER_RANGE"),
    ({**orders.of("UNPOST", 7), "number": "7"}, "E_SCHEMA"),
    ({**orders.of("UNPOST", 7), "extra": 1, "code": "x"}, "E_SCHEMA"),
    (orders.of("UNPOST", 7, code="144032008111"), "E_CODE_FORMAT"),
    (orders.of("UNPOST", 0, code="044032609110"), "E_CODE_FORMAT"),
    (orders.claim("A", buyer_tax_id=None), "E_TITLE_REQUIRED"),
    (orders.claim("A", title=None), "E_TITLE_REQUIRED"),
    (orders.claim("A", title=None, holder="x"), "E_SCHEMA"),
    (orders.claim("A", title=None, buyer_tax_id="44078819091887401X"), "E_USCC_CHECKSUM"),
    (orders.claim("A", buyer="INDIVIDUAL"), "E_SCHEMA"),
    (orders.claim("A", buyer="COMPANY", title=None), "E_SCHEMA"),
    (orders.claim("A", "A"), "E_SCHEMA"),
    (orders.claim(), "E_SCHEMA"),
    (orders.claim(*(f"T{n}" for n in range(257))), "E_SCHEMA"),
    (orders.claim("A", title=TITLE.hex().upper()), "E_SCHEMA"),
    (orders.retitle(0, title=None), "E_NUMBER_RANGE"),
    (orders.reimburse(7, 0), "E_SCHEMA"),
    (orders.reimburse(7, -1), "E_AMOUNT_NEGATIVE"),
    (orders.reimburse(7, 1, claim_id="x" * 33), "E_SCHEMA"),
    (orders.post(7, period="2026-13"), "E_SCHEMA"),
    (orders.post(7, period="1969-12"), "E_SCHEMA"),
    (orders.post(7, voucher=""), "E_SCHEMA"),
    (orders.declare("2026-03", 1, 2**53, 0), "E_AMOUNT_OVERFLOW"),
    (orders.declare("2200-01", -1, 0, 0), "E_SCHEMA"),
    (orders.red("RED_ISSUE", 7, []), "E_SCHEMA"),
    (orders.red("RED_ISSUE", 7, ["A", "A"]), "E_SCHEMA"),
    (orders.red("RED_REQUEST", 7, reason="RETITLED"), "E_SCHEMA"),
    (orders.of("FREEZE", 7, note=""), "E_SCHEMA"),
    (command("APPLY_NUMBERS", count=0), "E_NUMBER_RANGE"),
    (command("REFUSE_NUMBERS", tax_id=SELLER, reason="x" * 101), "E_SCHEMA"),
    *((orders.attest(bytes(32), subject), "E_SCHEMA") for subject in ("", "a", "0A", "_A", "A" * 33, "Ä")),
    (orders.attest(bytes(31)), "E_SCHEMA"),
    (command("REIMBURSER_POLICY", accepts_individuals=1), "E_SCHEMA"),
    (command("ADMIT", kid=KID, until="2026-03-01T08:00:00"), "E_TIME_NO_OFFSET"),
    (command("DELEGATE", agent=BUYER, scenes=["metro"], to_height=None), "E_SCHEMA"),
    (orders.batch(), "E_SCHEMA"),
    (orders.batch(*[NOTHING] * 65), "E_SCHEMA"),
    (command("BATCH", orders=[orders.batch(NOTHING)]), "E_SCHEMA"),
    (command("BATCH", orders=[{**NOTHING, "command_id": "x"}]), "E_SCHEMA"),
    (orders.batch({**NOTHING, "number": 0}, {**NOTHING, "code": "x"}), "E_NUMBER_RANGE"),
    (orders.batch(NOTHING, command("REVOKE_KEY", kid=KID)), "E_SCHEMA"),
    (command("NOTHING"), "E_SCHEMA"),
]


@pytest.mark.parametrize(("data", "code"), REFUSED)
def test_the_first_failure_is_the_code(data: dict[str, Any], code: str) -> None:
    assert code_of(data) == code


def test_a_batch_of_the_most_orders_is_read() -> None:
    assert len(read(orders.batch(*[NOTHING] * 64)).fields[0]) == 64
