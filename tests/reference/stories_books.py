"""Stories of keys, numbers applied for, delegations, and of the totals that a seller declares."""

from __future__ import annotations

from . import events, orders
from .events import APP, OTHER_SELLER, SELLER, command, payment, refund
from .orders import acknowledge, claim, declare, payment_id, red, retitle
from .stories_claim import pay
from .telling import (
    AGENT,
    AUDITOR,
    BUREAU,
    DEVICE,
    HOLDER,
    ISSUER,
    OTHER_ISSUER,
    REIMBURSER,
    SPARE,
    START_MS,
    Telling,
    key,
    kid,
    rotation,
    row,
)

ROLE, STATE, EXPIRED = "REJECTED E_ROLE", "REJECTED E_STATE", "REJECTED E_KEY_EXPIRED"
DAY_MS = 24 * 3_600_000
MONTH_MS = 31 * DAY_MS
"""March has as many days: a month after the start is 1 April."""


def story_a_retired_device_s_payments_are_admitted(t: Telling) -> None:
    t.set_up()
    t.set_up_second_seller()
    until = "2026-03-01T08:00:00.5+08:00"
    assert t.does(orders.admit(DEVICE, until), ISSUER) == STATE
    assert t.does(orders.of_key("RETIRE_KEY", DEVICE), ISSUER) == "APPLIED"
    assert pay(t, "A") == [EXPIRED]
    assert t.does(orders.admit(SPARE, until), ISSUER) == "REJECTED E_KEY_UNKNOWN"
    assert t.does(orders.admit(DEVICE, until), OTHER_ISSUER) == ROLE
    assert t.does(orders.admit(DEVICE, until), BUREAU) == ROLE
    assert t.does(orders.admit(ISSUER, until), ISSUER) == ROLE
    assert t.does(orders.admit(DEVICE, "2026-03-01T08:01:00+08:00"), ISSUER) == STATE
    assert t.does(orders.admit(DEVICE, until), ISSUER) == "APPLIED"
    t.say(payment(txn_id="A"))
    t.say(refund(txn_id="A", paid_at="2026-03-01T08:00:00+08:00"))
    t.say(payment(txn_id="B", paid_at="2026-03-01T08:00:00.501+08:00"))
    t.say(command("APPLY_NUMBERS", count=1))
    t.say(payment(txn_id="B", scene="TAXI"))
    t.say(payment(txn_id="B", paid_fen=-1))
    assert t.next_block() == ["ISSUED", "REVERSED", EXPIRED, EXPIRED, ROLE, EXPIRED]
    assert t.does(orders.admit(DEVICE, "2026-03-01T08:00:00.4+08:00"), ISSUER) == "APPLIED"
    assert pay(t, "B") == [EXPIRED]


def story_what_is_attested_is_on_the_ledger_and_does_nothing_else(t: Telling) -> None:
    t.set_up()
    t.set_up_parties()
    for seed in (BUREAU, ISSUER, AGENT, REIMBURSER):
        assert t.does(orders.attest(b"\7" * 32), seed) == "APPLIED"
        assert t.last[0][:3] == [1, 33, bytes.fromhex(kid(seed))]
        assert t.does(orders.attest(b"\7" * 32), seed) == "APPLIED"
    for seed in (DEVICE, HOLDER, AUDITOR):
        assert t.does(orders.attest(b"\7" * 32), seed) == ROLE


def story_a_revoked_key_is_never_admitted(t: Telling) -> None:
    t.set_up()
    until = "2026-03-01T08:00:00.5+08:00"
    assert t.does(orders.of_key("RETIRE_KEY", DEVICE), ISSUER) == "APPLIED"
    assert t.does(orders.admit(DEVICE, until), ISSUER) == "APPLIED"
    assert pay(t, "A") == ["ISSUED"]
    assert t.does(orders.of_key("REVOKE_KEY", SPARE)) == "REJECTED E_KEY_UNKNOWN"
    assert t.does(orders.of_key("REVOKE_KEY", DEVICE), DEVICE) == EXPIRED
    assert t.does(orders.of_key("REVOKE_KEY", DEVICE), ISSUER) == "APPLIED"
    assert pay(t, "B") == [EXPIRED]
    assert t.does(orders.admit(DEVICE, until), ISSUER) == STATE
    assert t.does(orders.of_key("REVOKE_KEY", DEVICE)) == STATE
    assert t.does(key(SPARE, "DEVICE", scenes=["METRO"])) == "APPLIED"
    assert t.does(orders.of_key("REVOKE_KEY", SPARE)) == "APPLIED"
    assert t.does(orders.of_key("RETIRE_KEY", SPARE)) == STATE


def story_a_rotated_device_s_payments_are_admitted(t: Telling) -> None:
    t.set_up()
    assert t.does(rotation(DEVICE, SPARE), DEVICE) == "APPLIED"
    assert pay(t, "A") == [EXPIRED]
    assert t.does(orders.admit(DEVICE, "2026-03-01T08:00:01+08:00"), ISSUER) == "APPLIED"
    assert pay(t, "A") == ["ISSUED"]


def story_an_agent_registers_holders_of_its_own(t: Telling) -> None:
    t.set_up()
    t.set_up_parties()
    assert t.does(key(SPARE, "HOLDER"), AGENT) == ROLE
    assert t.does(key(SPARE, "DEVICE", tax_id=APP, scenes=["METRO"]), AGENT) == ROLE
    assert t.does(key(SPARE, "HOLDER", tax_id=APP), HOLDER) == ROLE
    assert t.does(key(SPARE, "HOLDER", tax_id=APP), AGENT) == "APPLIED"


def story_delegations_and_policies_have_their_signers(t: Telling) -> None:
    t.set_up()
    assert t.does(orders.delegate("METRO"), ISSUER) == ROLE, "there is no such agent yet"
    t.set_up_parties()
    assert t.does(orders.delegate("METRO"), AGENT) == ROLE
    assert t.does(orders.delegate("METRO"), BUREAU) == ROLE
    assert t.does(orders.delegate("METRO", agent=SELLER), ISSUER) == ROLE
    assert t.does(orders.delegate("METRO"), ISSUER) == "APPLIED"
    assert t.last[0][1] == 27
    assert t.does(orders.policy(accepts_individuals=True), ISSUER) == ROLE
    assert t.does(orders.policy(accepts_individuals=True), REIMBURSER) == "APPLIED"


def story_numbers_are_applied_for(t: Telling) -> None:
    t.set_up()
    apply_, refuse = (
        command("APPLY_NUMBERS", count=100),
        command("REFUSE_NUMBERS", tax_id=SELLER, reason="no"),
    )
    assert t.does(apply_, BUREAU) == ROLE
    assert t.does(refuse) == STATE
    assert t.does(apply_, ISSUER) == "APPLIED"
    assert t.does(apply_, ISSUER) == STATE
    assert t.does(refuse, ISSUER) == ROLE
    assert t.does(refuse) == "APPLIED"
    assert t.does(apply_, ISSUER) == "APPLIED"
    assert t.does(events.grant("144032609120", 1, 5)) == "APPLIED"
    assert t.does(apply_, ISSUER) == STATE
    assert t.does(events.grant("144032609120", 6, 9, SELLER)) == "APPLIED"
    assert t.does(apply_, ISSUER) == "APPLIED"


def story_numbers_of_twenty_digits(t: Telling) -> None:
    t.set_up(numbers=0)
    assert t.does(events.grant("264510000001", 1, 5)) == "REJECTED E_CODE_REGION"
    assert t.does(events.grant("264410000001", 1, 5)) == "APPLIED"
    assert pay(t, "A") == ["ISSUED"]
    assert t.last[0][2:4] == ["264410000001", 1]


def story_a_month_is_declared_when_it_is_over(t: Telling) -> None:
    t.set_up(policy="ON_CLAIM")
    t.set_up_parties()
    pay(t, "A", "B", "C")
    assert t.does(claim("A"), ISSUER) == "ISSUED"
    right = declare("2026-03", 200, 400, 0)
    assert t.does(right, ISSUER) == STATE
    assert t.does(acknowledge("2026-03")) == STATE
    assert t.does(right, BUREAU, after_ms=MONTH_MS) == ROLE
    for wrong in ((201, 400, 0), (200, 399, 0), (200, 400, 1)):
        assert t.does(declare("2026-03", *wrong), ISSUER) == "REJECTED E_SUM_LINES"
    assert t.does(right, ISSUER) == "APPLIED"
    assert t.does(right, ISSUER) == STATE
    assert t.does(acknowledge("2026-03"), ISSUER) == ROLE
    assert t.does(acknowledge("2026-03", OTHER_SELLER)) == STATE
    assert t.does(acknowledge("2026-03")) == "APPLIED"
    assert t.does(acknowledge("2026-03")) == STATE
    assert t.does(claim("B"), ISSUER) == "ISSUED"
    march = t.replay.state.months[SELLER, 2026 * 12 + 2]
    assert (march.invoiced, march.uninvoiced) == (400, 200), "a late claim moves between the columns"


def story_months_are_declared_one_after_the_other(t: Telling) -> None:
    t.set_up()
    pay(t, "A")
    assert t.does(declare("2026-05", 0, 0, 0), ISSUER, after_ms=3 * MONTH_MS) == "APPLIED"
    assert t.does(declare("2026-03", 200, 0, 0), ISSUER) == STATE
    assert t.does(declare("2026-07", 0, 0, 0), ISSUER, after_ms=2 * MONTH_MS) == STATE
    assert t.does(declare("2026-06", 0, 0, 0), ISSUER) == "APPLIED"


def story_a_late_payment_is_booked_in_the_month_it_comes(t: Telling) -> None:
    t.set_up(policy="ON_CLAIM")
    t.set_up_parties()
    assert t.does(declare("2026-03", 0, 0, 0), ISSUER, after_ms=MONTH_MS) == "APPLIED"
    assert pay(t, "A") == ["RECORDED 3"]
    assert t.last[0][9] == 2
    assert t.does(events.command("MANDATE", rows=[row("METRO")]), ISSUER) == "APPLIED"
    assert pay(t, "B") == ["ISSUED"]
    assert t.last[0][10] == 2
    t.time_ms += MONTH_MS
    assert t.does(claim("A"), ISSUER) == "ISSUED"
    annex = t.replay.blocks[-1].annexes[0]
    assert annex is not None
    assert t.does(declare("2026-04", 200, 200, 0), ISSUER) == "APPLIED"
    may = t.replay.state.months[SELLER, 2026 * 12 + 4]
    assert (may.invoiced, may.uninvoiced) == (200, -200)
    assert t.does(declare("2026-05", 200, 0, 200), ISSUER, after_ms=MONTH_MS) == "APPLIED"


def story_red_letters_are_booked_in_their_own_month(t: Telling) -> None:
    t.set_up()
    t.set_up_parties()
    pay(t, "A", "B", "C")
    t.time_ms += MONTH_MS
    assert t.does(red("RED_ISSUE", 1), ISSUER) == "REVERSED"
    t.say(refund(txn_id="B", refund_fen=50))
    assert t.next_block() == ["REVERSED"]
    assert t.does(retitle(3), ISSUER) == "ISSUED"
    t.say(refund(txn_id="A", refund_id="R2", refund_fen=20))
    assert t.next_block() == ["RECORDED 2"]
    t.time_ms += MONTH_MS
    assert t.does(declare("2026-03", 600, 0, 0), ISSUER) == "APPLIED"
    assert t.does(declare("2026-04", 200, 180, 450), ISSUER) == "APPLIED"
    assert t.does(claim("A"), ISSUER) == "ISSUED"
    assert t.does(declare("2026-05", 180, 0, 180), ISSUER, after_ms=MONTH_MS) == "APPLIED"


def story_what_waits_moves_between_the_columns_when_it_is_drained(t: Telling) -> None:
    t.set_up(numbers=0)
    assert pay(t, "A", "B") == ["RECORDED 4"] * 2
    t.say(refund(txn_id="A", refund_fen=50))
    assert t.next_block() == ["RECORDED 2"]
    assert t.does(events.grant("144032609110", 1, 1)) == "APPLIED"
    assert t.next_block() == ["DRAINED 1"]
    assert t.does(declare("2026-03", 150, 200, 0), ISSUER, after_ms=MONTH_MS) == "APPLIED"


def story_refunds_of_a_declared_month_fall_into_the_present_one(t: Telling) -> None:
    t.set_up(policy="ON_CLAIM")
    pay(t, "A")
    assert t.does(declare("2026-03", 0, 200, 0), ISSUER, after_ms=MONTH_MS) == "APPLIED"
    t.say(refund(txn_id="A", refund_fen=70))
    assert t.next_block() == ["RECORDED 2"]
    assert t.does(declare("2026-04", 0, 0, 70), ISSUER, after_ms=MONTH_MS) == "APPLIED"


def story_what_a_top_up_stands_for_is_in_no_column(t: Telling) -> None:
    t.set_up(stored_value="AT_TOPUP")
    assert pay(t, "card", channel="CARD") == ["RECORDED 2"]
    t.say(refund(txn_id="card", channel="CARD", refund_fen=70))
    assert t.next_block() == ["RECORDED 2"]
    assert t.last[0][8] == 0
    assert t.last[0][5].hex() == payment_id("card", channel=4)
    assert t.does(declare("2026-03", 0, 0, 0), ISSUER, after_ms=MONTH_MS) == "APPLIED"


def story_an_auditor_only_lets_requests_lapse(t: Telling) -> None:
    t.set_up()
    t.set_up_parties()
    pay(t, "A")
    assert t.time_ms > START_MS
    assert t.does(red("RED_ISSUE", 1), AUDITOR) == ROLE
    assert t.does(orders.of("RED_EXPIRE", 1), AUDITOR) == STATE
