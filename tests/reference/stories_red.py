"""Stories of red letters: of trips, of refunds, asked for and answered, owed, waiting, drained."""

from __future__ import annotations

from typing import Any

from . import events, orders
from .events import METRO, payment, refund
from .orders import bind, claim, freeze, lock, of, payment_id, post, red, reimburse
from .stories_claim import annex, pay
from .stories_parties import BY_OTHER, ROLE, STATE, standing
from .telling import AGENT, HOLDER, ISSUER, OTHER_REIMBURSER, REIMBURSER, Telling, kid

HOUR_MS = 3_600_000


def merged(t: Telling, *, numbers: int = 1000) -> None:
    """Invoice 1 of trips A, B and C, 200 each, held, for the company of the reimburser."""
    t.set_up(policy="ON_CLAIM", numbers=numbers)
    t.set_up_parties()
    pay(t, "A", "B", "C")
    assert t.does(claim("A", "B", "C", holder=kid(HOLDER)), ISSUER) == "ISSUED"


def posted(t: Telling, **set_up: Any) -> None:
    merged(t, **set_up)
    for order in (lock(1), reimburse(1, 600), post(1)):
        assert t.does(order, REIMBURSER) == "APPLIED"


def gives_back(t: Telling, txn_id: str, fen: int, refund_id: str = "R1") -> str:
    t.say(refund(txn_id=txn_id, refund_id=refund_id, refund_fen=fen))
    return t.next_block()[-1]


def story_a_partial_red_letter_books_the_difference(t: Telling) -> None:
    merged(t)
    none = "REJECTED E_PAYMENT_UNKNOWN"
    assert t.does(red("RED_ISSUE", 1, ["A", "none"]), ISSUER) == none
    assert t.does(red("RED_ISSUE", 1), AGENT) == ROLE
    assert t.does(red("RED_ISSUE", 1), REIMBURSER) == ROLE
    assert t.does(red("RED_ISSUE", 1, ["C", "A"]), ISSUER) == "REVERSED"
    record = t.last[0]
    assert record[:4] == [1, 6, "144032609110", 2]
    assert record[6:8] == ["144032609110", 1]
    assert record[9:14] == [-389, -11, -400, 2, 400]
    assert standing(t) == [1, 1, 1, False, 200, bytes.fromhex(kid(HOLDER)), None, None, 0]
    data, lines, payments = annex(t)
    assert data[1] == 50
    assert lines == [[METRO, 300, -2, -389, -11, -400, 200]]
    assert [[one[0].hex(), *one[1:]] for one in payments] == [
        [payment_id("A"), 0, 200, 0],
        [payment_id("C"), 0, 200, 0],
    ]
    assert t.does(red("RED_ISSUE", 1, ["A"]), ISSUER) == none
    assert t.does(red("RED_ISSUE", 1), ISSUER) == "REVERSED"
    assert t.last[0][9:12] == [-194, -6, -200]
    assert standing(t)[0] == 3
    assert t.does(red("RED_ISSUE", 1), ISSUER) == STATE


def story_a_red_letter_cancels_a_lock_and_leaves_a_reimbursement(t: Telling) -> None:
    merged(t)
    assert t.does(lock(1), REIMBURSER) == "APPLIED"
    assert t.does(red("RED_ISSUE", 1, ["A"]), ISSUER) == "REVERSED"
    assert standing(t)[1] == 1
    assert standing(t)[6:8] == [None, None]
    assert t.does(reimburse(1, 400), REIMBURSER) == STATE
    assert t.does(lock(1), REIMBURSER) == "APPLIED"
    assert t.does(reimburse(1, 401), REIMBURSER) == "REJECTED E_OVER_INVOICED"
    assert t.does(reimburse(1, 400), REIMBURSER) == "APPLIED"
    assert gives_back(t, "B", 50) == "REVERSED"
    assert standing(t)[1:] == [3, 1, False, 350, bytes.fromhex(kid(HOLDER)), events.BUYER, "T-1", 400]


def story_a_red_letter_needs_a_number(t: Telling) -> None:
    merged(t, numbers=1)
    assert t.does(red("RED_ISSUE", 1), ISSUER) == "REJECTED E_NUMBER_RANGE"
    assert t.does(red("RED_ISSUE", 1, ["none"]), ISSUER) == "REJECTED E_PAYMENT_UNKNOWN"


def story_an_agent_reverses_where_every_trip_s_scene_is_delegated(t: Telling) -> None:
    t.set_up(policy="ON_CLAIM")
    t.set_up_parties()
    pay(t, "A")
    pay(t, "bus", scene="BUS", detail={"line": "M1"})
    assert t.does(claim("A", "bus"), ISSUER) == "ISSUED"
    for scenes, expected in ((["METRO"], ROLE), (["BUS"], ROLE), (["BUS", "METRO"], "REVERSED")):
        assert t.does(orders.delegate(*scenes), ISSUER) == "APPLIED"
        assert t.does(red("RED_ISSUE", 1), AGENT) == expected


def story_a_refund_takes_off_its_own_trip(t: Telling) -> None:
    merged(t)
    assert gives_back(t, "B", 60) == "REVERSED"
    record = t.last[0]
    assert record[1] == 6
    assert record[9:14] == [-59, -1, -60, 2, 0]
    data, lines, payments = annex(t)
    assert data[:2] == [1, 2]
    assert lines == [[METRO, 300, 0, -59, -1, -60, 540]]
    assert payments[0][1:] == [0, 200, 140]
    assert gives_back(t, "B", 140, "R2") == "REVERSED"
    assert annex(t)[1][0][2] == -1
    assert gives_back(t, "B", 1, "R3") == "REJECTED E_RED_EXCEEDS"


def story_the_short_form_is_for_an_invoice_as_nobody_touched_it(t: Telling) -> None:
    t.set_up()
    t.set_up_parties()
    pay(t, "A", "B", "C")
    assert gives_back(t, "A", 50) == "REVERSED"
    assert t.last[0][1] == 2
    assert t.does(freeze(1)) == "APPLIED"
    assert gives_back(t, "A", 50, "R2") == "REVERSED"
    assert t.last[0][1] == 6
    assert standing(t) == [1, 1, 1, True, 100, None, None, None, 0]
    assert t.does(of("UNFREEZE", 1)) == "APPLIED"
    assert gives_back(t, "A", 100, "R3") == "REVERSED"
    assert t.last[0][1] == 2
    assert t.last[0][10] == 0
    assert t.does(bind(2), ISSUER) == "APPLIED"
    assert gives_back(t, "B", 200, "R4") == "REVERSED"
    assert t.last[0][1] == 6
    assert t.does(red("RED_ISSUE", 3), ISSUER) == "REVERSED"
    assert gives_back(t, "C", 200, "R5") == "RECORDED 2"
    assert t.last[0][8] == 200


def story_a_used_invoice_is_reversed_by_both_sides(t: Telling) -> None:
    merged(t)
    ask, confirm = red("RED_REQUEST", 1, ["A"]), of("RED_CONFIRM", 1)
    assert t.does(ask, ISSUER) == STATE
    assert t.does(of("CONFIRM_USE", 1), REIMBURSER) == "APPLIED"
    assert t.does(red("RED_ISSUE", 1), ISSUER) == "REJECTED E_RED_NEEDS_CONFIRM"
    for kind in ("RED_CONFIRM", "RED_REFUSE", "RED_WITHDRAW", "RED_EXPIRE"):
        assert t.does(of(kind, 1), ISSUER) == STATE
    assert t.does(red("RED_REQUEST", 1, ["none"]), ISSUER) == "REJECTED E_PAYMENT_UNKNOWN"
    assert t.does(red("RED_REQUEST", 1, []), ISSUER) == STATE
    assert t.does(ask, OTHER_REIMBURSER) == ROLE
    assert t.does(ask, AGENT) == ROLE
    assert t.does(ask, ISSUER) == "APPLIED"
    assert standing(t)[:3] == [2, 1, 2]
    assert t.does(ask, ISSUER) == STATE
    assert t.does(red("RED_ISSUE", 1), ISSUER) == STATE
    assert t.does(confirm, ISSUER) == ROLE
    assert t.does(confirm, OTHER_REIMBURSER) == ROLE
    assert t.does(of("RED_WITHDRAW", 1), REIMBURSER) == ROLE
    assert t.does(confirm, REIMBURSER) == "REVERSED"
    assert t.last[0][12] == 2
    assert standing(t)[:5] == [1, 1, 2, False, 400]
    assert t.does(confirm, REIMBURSER) == STATE
    assert t.does(red("RED_REQUEST", 1, reason="ISSUE_ERROR"), REIMBURSER) == "APPLIED"
    assert t.does(confirm, REIMBURSER) == ROLE
    assert t.does(of("RED_REFUSE", 1), REIMBURSER) == ROLE
    assert t.does(confirm, ISSUER) == "REVERSED"
    assert t.last[0][12] == 1
    assert standing(t)[:5] == [3, 1, 2, False, 0]


def story_a_request_is_refused_withdrawn_or_lapses(t: Telling) -> None:
    posted(t)
    ask, lapse = red("RED_REQUEST", 1), of("RED_EXPIRE", 1)
    assert t.does(ask, REIMBURSER) == "APPLIED"
    assert t.does(of("RED_REFUSE", 1), OTHER_REIMBURSER) == ROLE
    assert t.does(of("RED_REFUSE", 1), ISSUER) == "APPLIED"
    assert standing(t)[:2] == [1, 4]
    assert t.does(ask, REIMBURSER) == "APPLIED"
    assert t.does(of("RED_WITHDRAW", 1), ISSUER) == ROLE
    assert t.does(of("UNPOST", 1), REIMBURSER) == STATE
    assert t.does(of("RED_WITHDRAW", 1), REIMBURSER) == "APPLIED"
    assert t.does(ask, ISSUER) == "APPLIED"
    assert t.does(lapse, HOLDER, after_ms=72 * HOUR_MS) == STATE
    assert t.does(lapse, HOLDER, after_ms=1) == "APPLIED"
    assert standing(t)[0] == 1
    assert t.does(ask, ISSUER) == "APPLIED"
    assert t.does(of("RED_CONFIRM", 1), REIMBURSER, after_ms=72 * HOUR_MS + 1) == STATE
    assert t.does(of("RED_REFUSE", 1), REIMBURSER) == "APPLIED"
    assert t.does(ask, ISSUER) == "APPLIED"
    assert t.does(of("RED_CONFIRM", 1), REIMBURSER, after_ms=72 * HOUR_MS) == "REVERSED"
    assert standing(t) == [3, 4, 1, False, 0, bytes.fromhex(kid(HOLDER)), events.BUYER, "T-1", 600]


def story_a_refund_of_a_posted_invoice_is_owed(t: Telling) -> None:
    posted(t)
    assert gives_back(t, "A", 50) == "RECORDED OWED 1"
    record = t.last[0]
    assert record[:5] == [1, 7, events.SELLER, 1, 50]
    assert record[5].hex() == payment_id("A")
    assert record[6:8] == ["144032609110", 1]
    assert standing(t)[:2] == [2, 4]
    assert gives_back(t, "A", 30, "R2") == "RECORDED OWED 2"
    assert gives_back(t, "B", 200, "R3") == "RECORDED OWED 2"
    assert t.does(of("RED_CONFIRM", 1), ISSUER) == ROLE
    assert t.does(of("RED_CONFIRM", 1), REIMBURSER) == "REVERSED"
    assert t.last[0][11:14] == [-50, 2, 0]
    assert annex(t)[2][0][1:] == [0, 200, 150]
    assert standing(t)[:2] == [1, 4]
    assert t.does(red("RED_REQUEST", 1, []), ISSUER) == "APPLIED"
    assert gives_back(t, "C", 1, "R4") == "RECORDED OWED 2"
    assert t.does(of("RED_CONFIRM", 1), REIMBURSER) == "REVERSED"
    assert [one[1:] for one in annex(t)[2]] == [[0, 150, 120], [0, 200, 0]]
    assert t.last[0][9:13] == [-223, -7, -230, 2]
    assert t.does(red("RED_REQUEST", 1, []), REIMBURSER) == "APPLIED"
    assert t.does(of("RED_CONFIRM", 1), ISSUER) == "REVERSED"
    assert t.does(red("RED_REQUEST", 1, []), ISSUER) == STATE


def story_what_was_refused_or_lapsed_stays_owed(t: Telling) -> None:
    posted(t)
    assert gives_back(t, "A", 50) == "RECORDED OWED 1"
    assert t.does(of("RED_REFUSE", 1), REIMBURSER) == "APPLIED"
    assert gives_back(t, "A", 100, "R2") == "RECORDED OWED 1"
    assert t.does(of("RED_EXPIRE", 1), ISSUER, after_ms=73 * HOUR_MS) == "APPLIED"
    assert gives_back(t, "A", 50, "R3") == "RECORDED OWED 1"
    assert t.does(of("RED_WITHDRAW", 1), ISSUER) == "APPLIED"
    assert t.does(red("RED_REQUEST", 1, []), REIMBURSER) == "APPLIED"
    assert t.does(of("RED_CONFIRM", 1), ISSUER) == "REVERSED"
    assert annex(t)[2][0][1:] == [0, 200, 0]


def story_refunds_beyond_what_is_live_reach_no_invoice(t: Telling) -> None:
    """Of 600 paid for each trip only 200 could be invoiced."""
    t.set_up(policy="ON_CLAIM")
    t.set_up_parties()
    for txn_id in "AB":
        t.say(payment(txn_id=txn_id, gross_fen=700, paid_fen=600, invoiceable_fen=200))
    t.next_block()
    assert t.does(claim("A", "B"), ISSUER) == "ISSUED"
    for order in (lock(1, None), reimburse(1, 400), post(1)):
        assert t.does(order, REIMBURSER) == "APPLIED"
    assert gives_back(t, "A", 300) == "RECORDED OWED 1"
    assert gives_back(t, "A", 100, "R2") == "RECORDED 3"
    assert t.does(of("RED_CONFIRM", 1), REIMBURSER) == "REVERSED"
    assert annex(t)[2] == [[bytes.fromhex(payment_id("A")), 0, 200, 0]]
    assert gives_back(t, "A", 100, "R3") == "RECORDED 3", "nothing is left that could fall"


def story_a_reversed_trip_owes_nothing_more(t: Telling) -> None:
    posted(t)
    assert gives_back(t, "A", 50) == "RECORDED OWED 1"
    assert gives_back(t, "B", 50, "R2") == "RECORDED OWED 2"
    assert t.does(of("RED_REFUSE", 1), REIMBURSER) == "APPLIED"
    assert t.does(of("UNPOST", 1), REIMBURSER) == "APPLIED"
    assert t.does(red("RED_ISSUE", 1, ["A"]), ISSUER) == "REVERSED"
    assert t.last[0][13] == 150
    assert gives_back(t, "B", 20, "R3") == "REVERSED"
    assert annex(t)[2][0][1:] == [0, 200, 180]
    assert t.does(post(1), REIMBURSER) == "APPLIED"
    assert t.does(red("RED_REQUEST", 1, []), ISSUER) == "APPLIED"
    assert t.does(of("RED_CONFIRM", 1), REIMBURSER) == "REVERSED"
    assert [one[1:] for one in annex(t)[2]] == [[0, 180, 130]]
    assert t.does(claim("A"), ISSUER) == "ISSUED"
    assert t.last[0][8] == 150


def story_a_lock_s_other_side_is_its_locker(t: Telling) -> None:
    """An individual's invoice has no buyer; whoever posted it answers."""
    t.set_up()
    t.set_up_parties()
    pay(t, "A")
    assert t.does(bind(1), ISSUER) == "APPLIED"
    assert t.does(orders.policy(accepts_individuals=True), REIMBURSER) == "APPLIED"
    assert t.does(lock(1), REIMBURSER) == "APPLIED"
    assert t.does(reimburse(1, 200), OTHER_REIMBURSER) == BY_OTHER
    assert t.does(reimburse(1, 200), REIMBURSER) == "APPLIED"
    assert t.does(post(1), REIMBURSER) == "APPLIED"
    assert gives_back(t, "A", 20) == "RECORDED OWED 1"
    assert t.does(of("RED_CONFIRM", 1), OTHER_REIMBURSER) == ROLE
    assert t.does(of("RED_CONFIRM", 1), REIMBURSER) == "REVERSED"
    assert t.last[0][1] == 6
