"""The story of the vector of an invoice's life: every kind of record that is not a payment's."""

from __future__ import annotations

from . import events, orders
from .events import BUYER, SELLER, command, payment, refund
from .orders import OPENING, PAYER, bind, claim, freeze, of, post, red, reimburse, transfer, unlock
from .telling import (
    AGENT,
    AUDITOR,
    BUREAU,
    DEVICE,
    HOLDER,
    ISSUER,
    OTHER_HOLDER,
    OTHER_REIMBURSER,
    REIMBURSER,
    SPARE,
    Telling,
    key,
    kid,
)

HOUR_MS = 3_600_000
MONTH_MS = 31 * 24 * HOUR_MS
Ordered = tuple[orders.Order, bytes]


def tell(t: Telling) -> None:
    """On a drained block at most two records."""
    beginning(t)
    claimed_and_posted(t)
    handed_over(t)
    reversed_by_both_sides(t)
    owed(t)
    waiting(t)
    declared(t)


def together(t: Telling, *ordered: Ordered, becomes: list[str] | None = None) -> None:
    """Commands of one block."""
    for one, seed in ordered:
        t.order(one, seed)
    assert t.next_block() == (becomes or ["APPLIED"] * len(ordered))


def beginning(t: Telling) -> None:
    t.set_up(policy="ON_CLAIM", limit=10_000, numbers=0)
    t.set_up_parties()
    until = "2026-03-01T08:00:00.5+08:00"
    together(
        t,
        (command("APPLY_NUMBERS", count=10), ISSUER),
        (command("REFUSE_NUMBERS", tax_id=SELLER, reason="号码不足"), BUREAU),
        (command("APPLY_NUMBERS", count=14), ISSUER),
        (events.grant("264410000001", 99_999_993, 99_999_999, SELLER), BUREAU),
        (events.grant("144032609110", 1, 7), BUREAU),
        (orders.delegate("METRO", to_height=9), ISSUER),
        (orders.policy(accepts_individuals=True), REIMBURSER),
        (key(SPARE, "DEVICE", scenes=["METRO"]), ISSUER),
        (orders.of_key("RETIRE_KEY", SPARE), ISSUER),
        (orders.admit(SPARE, until), ISSUER),
    )
    t.say(payment(txn_id="A", gross_fen=300, paid_fen=300, invoiceable_fen=200), SPARE)
    t.say(payment(txn_id="A2", paid_at="2026-03-01T08:00:01+08:00"), SPARE)
    t.order(orders.of_key("REVOKE_KEY", SPARE))
    t.say(payment(txn_id="B"), SPARE)
    t.say(payment(txn_id="B"), DEVICE)
    t.say(payment(txn_id="C", payer=PAYER), DEVICE)
    t.say(payment(txn_id="bus", scene="BUS", detail={"line": "M1"}), DEVICE)
    recorded, expired = "RECORDED 3", "REJECTED E_KEY_EXPIRED"
    assert sorted(t.next_block()) == sorted(["APPLIED", recorded, expired, expired, *[recorded] * 3])


NUMBER = 99_999_993
"""Of the first invoice."""


def digital(order: orders.Order, number: int) -> orders.Order:
    return {**order, "code": "264410000001", "number": number}


def shown(number: int, holder: bytes, claim_id: str = "T-1", code: str = "264410000001") -> orders.Order:
    return orders.lock(number, holder, claim_id=claim_id, code=code)


def claimed_and_posted(t: Telling) -> None:
    first = claim("A", "B", holder=kid(HOLDER))
    together(
        t,
        (claim("A", "none"), AGENT),
        (claim("A", "bus"), AGENT),
        (first, AGENT),
        (claim("B"), ISSUER),
        becomes=["REJECTED E_PAYMENT_UNKNOWN", "REJECTED E_ROLE", "ISSUED", "REJECTED E_PAYMENT_SPENT"],
    )
    assert t.does(shown(NUMBER, OTHER_HOLDER), REIMBURSER) == "REJECTED E_SIGNATURE"
    together(
        t,
        (shown(NUMBER, HOLDER), REIMBURSER),
        (shown(NUMBER, HOLDER), REIMBURSER),
        (digital(unlock(1, "T-2"), NUMBER), REIMBURSER),
        (digital(unlock(1), NUMBER), BUREAU),
        (shown(NUMBER, HOLDER, "EXP-2026-03/17"), REIMBURSER),
        (digital(reimburse(1, 866, "EXP-2026-03/17"), NUMBER), REIMBURSER),
        (digital(reimburse(1, 865, "EXP-2026-03/17"), NUMBER), REIMBURSER),
        (digital(post(1), NUMBER), REIMBURSER),
        (digital(of("UNPOST", 1), NUMBER), REIMBURSER),
        (digital(post(1, "V-2"), NUMBER), REIMBURSER),
        becomes=[
            *("APPLIED", "REJECTED E_LOCKED_BY_OTHER", "REJECTED E_LOCKED_BY_OTHER", "APPLIED", "APPLIED"),
            *("REJECTED E_OVER_INVOICED", "APPLIED", "APPLIED", "APPLIED", "APPLIED"),
        ],
    )


def handed_over(t: Telling) -> None:
    """The second invoice is an individual's; a retitle makes the third and fourth."""
    opened = orders.individual()
    second = NUMBER + 1
    assert t.does(claim(("C", OPENING), **opened), AGENT) == "ISSUED"
    together(
        t,
        (digital(bind(1), second), ISSUER),
        (digital(transfer(1, OTHER_HOLDER), second), HOLDER),
        (digital(freeze(1), second), BUREAU),
        (digital(transfer(1, HOLDER), second), OTHER_HOLDER),
        (digital(of("UNFREEZE", 1), second), BUREAU),
        (digital(orders.retitle(1, holder=kid(HOLDER)), second), AGENT),
        becomes=["APPLIED", "APPLIED", "APPLIED", "REJECTED E_STATE", "APPLIED", "ISSUED"],
    )
    both = orders.batch(
        claim("bus"), digital(of("RED_ISSUE", 1, reason="ISSUE_ERROR", payments=None), second + 2)
    )
    t.order(both, ISSUER)
    t.order(orders.batch(digital(red("RED_ISSUE", 1), second + 2), claim("none")), ISSUER)
    assert t.next_block() == ["APPLIED", "REJECTED E_STATE"]


def reversed_by_both_sides(t: Telling) -> None:
    """Of the first invoice the first trip; of the invoice of the bus all, in vain."""
    bus = NUMBER + 4
    ask = digital(red("RED_REQUEST", 1, ["A"]), NUMBER)
    together(
        t,
        (digital(of("CONFIRM_USE", 1), bus), REIMBURSER),
        (digital(red("RED_ISSUE", 1), bus), ISSUER),
        (digital(red("RED_REQUEST", 1), bus), ISSUER),
        (digital(of("RED_REFUSE", 1), bus), REIMBURSER),
        (digital(red("RED_REQUEST", 1, reason="SALES_DISCOUNT"), bus), REIMBURSER),
        (digital(of("RED_WITHDRAW", 1), bus), ISSUER),
        (digital(of("RED_WITHDRAW", 1), bus), REIMBURSER),
        (digital(red("RED_REQUEST", 1, reason="SERVICE_SUSPENSION"), bus), ISSUER),
        (ask, OTHER_REIMBURSER),
        (ask, REIMBURSER),
        (digital(of("RED_CONFIRM", 1), NUMBER), ISSUER),
        becomes=[
            *("APPLIED", "REJECTED E_RED_NEEDS_CONFIRM", "APPLIED", "APPLIED", "APPLIED", "REJECTED E_ROLE"),
            *("APPLIED", "APPLIED", "REJECTED E_ROLE", "APPLIED", "REVERSED"),
        ],
    )
    assert t.does(digital(of("RED_EXPIRE", 1), bus), AUDITOR, after_ms=72 * HOUR_MS) == "REJECTED E_STATE"
    assert t.does(digital(of("RED_EXPIRE", 1), bus), AUDITOR, after_ms=1000) == "APPLIED"


def owed(t: Telling) -> None:
    t.say(refund(txn_id="B", refund_id="R1", refund_fen=165))
    t.say(refund(txn_id="B", refund_id="R2", refund_fen=100))
    assert t.next_block() == ["RECORDED OWED 1", "RECORDED OWED 2"]
    together(
        t,
        (digital(of("RED_CONFIRM", 1), NUMBER), REIMBURSER),
        (digital(red("RED_REQUEST", 1, []), NUMBER), REIMBURSER),
        (digital(of("RED_CONFIRM", 1), NUMBER), ISSUER),
        becomes=["REVERSED", "APPLIED", "REVERSED"],
    )


def waiting(t: Telling) -> None:
    """The last numbers go; a refund waits for one, another becomes owed meanwhile."""
    open_ones = [grant for grant in t.replay.state.grants if not grant.closed and grant.next <= grant.last]
    for grant in open_ones:
        t.order(events.close(grant.first, grant.code))
    t.say(payment(txn_id="D", gross_fen=500, paid_fen=500))
    t.order(events.grant("144032609120", 1, 1))
    assert sorted(t.next_block()) == ["APPLIED"] * (len(open_ones) + 1) + ["RECORDED 3"]
    assert t.does(claim("D", "A"), ISSUER) == "ISSUED"
    for place, (txn_id, fen) in enumerate([("D", 200), ("A", 50), ("D", 300)], 3):
        t.say(refund(txn_id=txn_id, refund_id=f"R{place}", refund_fen=fen))
    assert t.next_block() == ["RECORDED 4"] * 3
    assert t.does(events.grant("144032609120", 2, 9)) == "APPLIED"
    assert t.next_block() == ["DRAINED 2"]
    t.order(of("CONFIRM_USE", 1, code="144032609120"), REIMBURSER)
    assert t.next_block() == ["DRAINED 1", "APPLIED"]
    assert t.replay.state.invoices["144032609120", 1].buyer == BUYER


def declared(t: Telling) -> None:
    t.time_ms += MONTH_MS
    months = t.replay.state.months[SELLER, 2026 * 12 + 2]
    said = (months.invoiced, max(0, months.uninvoiced), months.red + max(0, -months.uninvoiced))
    together(
        t,
        (orders.declare("2026-03", said[0] + 1, *said[1:]), ISSUER),
        (orders.declare("2026-03", *said), ISSUER),
        (orders.acknowledge("2026-03"), BUREAU),
        (orders.acknowledge("2026-03"), BUREAU),
        becomes=["REJECTED E_SUM_LINES", "APPLIED", "APPLIED", "REJECTED E_STATE"],
    )
    t.say(payment(txn_id="late"))
    assert t.next_block() == ["RECORDED 3"]
