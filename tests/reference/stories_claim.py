"""Stories of claims and titles: trips merged, agents and payers, titles changed, trips claimed again."""

from __future__ import annotations

from typing import Any

from . import cbor, events, orders
from .events import BUYER, METRO, OTHER_SELLER, payment, refund
from .orders import OPENING, PAYER, TITLE, claim, payment_id, red, retitle
from .telling import AGENT, HOLDER, ISSUER, OTHER_DEVICE, OTHER_ISSUER, REIMBURSER, Telling, key, kid, row

OTHER_TAX_CODE = "3010101020201000000"


def ready(t: Telling, **mandate: Any) -> None:
    """A seller whose payments wait for claims, and everybody else."""
    t.set_up(**{"policy": "ON_CLAIM", **mandate})
    t.set_up_parties()


def pay(t: Telling, *txns: str, fen: int = 200, **changes: Any) -> list[str]:
    """Payments of a block of their own."""
    for txn_id in txns:
        t.say(payment(txn_id=txn_id, gross_fen=fen, paid_fen=fen, **changes))
    return t.next_block()


def annex(t: Telling, index: int = 0) -> list[Any]:
    """A composed annex of the latest block, with its canonical data read."""
    found = t.replay.blocks[-1].annexes[index]
    assert found is not None
    data, lines, payments = cbor.decode(found)
    return [None if data is None else cbor.decode(data), lines, payments]


def story_trips_are_merged_into_one_invoice_whose_tax_is_of_the_sum(t: Telling) -> None:
    ready(t)
    assert pay(t, "A", "B", "C") == ["RECORDED 3"] * 3
    assert t.does(claim("B", "A", "C", holder=kid(HOLDER)), ISSUER) == "ISSUED"
    record = t.last[0]
    assert record[:4] == [1, 5, "144032609110", 1]
    assert record[6:9] == [583, 17, 600]
    assert record[9:12] == [BUYER, bytes.fromhex(TITLE), bytes.fromhex(kid(HOLDER))]
    data, lines, payments = annex(t)
    assert data[:3] == [1, 40, "order-15"]
    assert lines == [[METRO, 300, 3, 583, 17, 600]]
    booked_at = 1_772_323_200_500
    assert [[one[0].hex(), *one[2:]] for one in payments] == [
        [payment_id(txn_id), 0, 200, booked_at] for txn_id in "BAC"
    ]


def story_lines_are_one_per_tax_code_and_rate_in_order(t: Telling) -> None:
    ready(t, stored_value="AT_TOPUP")
    rates = [*t.rates(), {**t.rates()[0], "scene": "BUS", "tax_code": OTHER_TAX_CODE}]
    assert t.does(events.command("RATE_TABLE", rows=rates)) == "APPLIED"
    rows = [row("METRO", policy="ON_CLAIM"), row("BUS", policy="ON_CLAIM", tax_code=OTHER_TAX_CODE)]
    assert t.does(events.command("MANDATE", rows=rows), ISSUER) == "APPLIED"
    assert pay(t, "ride") == ["RECORDED 3"]
    assert pay(t, "bus", fen=100, scene="BUS", detail={"line": "M1"}) == ["RECORDED 3"]
    rows[0] = row("METRO", policy="ON_CLAIM", stored_value="AT_TOPUP")
    assert t.does(events.command("MANDATE", rows=rows), ISSUER) == "APPLIED"
    assert pay(t, "up", fen=5000, kind="TOPPED_UP") == ["RECORDED 3"]
    order = claim("ride", "bus")
    order["payments"].append({"payment": payment_id("up", kind=3), "opening": None})
    assert t.does(order, ISSUER) == "ISSUED"
    _, lines, payments = annex(t)
    assert [line[:3] for line in lines] == [[OTHER_TAX_CODE, 300, 1], [METRO, -2, 1], [METRO, 300, 1]]
    assert [one[2:4] for one in payments] == [[2, 200], [0, 100], [1, 5000]]
    assert t.last[0][8] == 5300


def story_claims_are_refused(t: Telling) -> None:
    ready(t)
    t.set_up_second_seller()
    pay(t, "A", "B")
    t.say(payment(seller_tax_id=OTHER_SELLER, txn_id="A", paid_fen=0), OTHER_DEVICE)
    pay(t, "zero", fen=0)
    unknown = "REJECTED E_PAYMENT_UNKNOWN"
    assert t.does(claim("A", "none"), ISSUER) == unknown
    other = claim("A")
    other["payments"].append({"payment": payment_id("A", seller=OTHER_SELLER), "opening": None})
    assert t.does(other, ISSUER) == "REJECTED E_SELLER_MIXED"
    assert t.does(claim("A"), OTHER_ISSUER) == "REJECTED E_ROLE"
    assert t.does(claim("A"), REIMBURSER) == "REJECTED E_ROLE"
    assert t.does(claim("zero"), ISSUER) == "REJECTED E_STATE"
    t.say(refund(txn_id="B", refund_fen=200))
    assert t.next_block() == ["RECORDED 2"]
    assert t.does(claim("B"), ISSUER) == "REJECTED E_PAYMENT_REFUNDED"
    for holder, code in (("00" * 16, "E_KEY_UNKNOWN"), (kid(ISSUER), "E_ROLE")):
        assert t.does(claim("A", holder=holder), ISSUER) == f"REJECTED {code}"
    assert t.does(claim("A"), ISSUER) == "ISSUED"
    assert t.does(claim("A"), ISSUER) == "REJECTED E_PAYMENT_SPENT"
    pay(t, "C")
    assert t.does(events.command("MANDATE", rows=[]), ISSUER) == "APPLIED"
    assert t.does(claim("C"), ISSUER) == "REJECTED E_RATE_NOT_ALLOWED"


def story_what_stands_for_another_invoice_or_waits_is_not_claimed(t: Telling) -> None:
    t.set_up(stored_value="AT_TOPUP", numbers=0)
    t.set_up_parties()
    assert pay(t, "card", channel="CARD") == ["RECORDED 2"]
    assert pay(t, "wait") == ["RECORDED 4"]
    order = claim("wait")
    order["payments"][0]["payment"] = payment_id("card", channel=4)
    assert t.does(order, ISSUER) == "REJECTED E_STATE"
    assert t.does(claim("wait"), ISSUER) == "REJECTED E_STATE"
    assert t.does(events.command("MANDATE", rows=[row("METRO")]), ISSUER) == "APPLIED"
    assert pay(t, "up", kind="TOPPED_UP") == ["RECORDED 7"]
    order["payments"][0]["payment"] = payment_id("up", kind=3)
    assert t.does(order, ISSUER) == "REJECTED E_STATE"
    t.say(refund(txn_id="wait", refund_fen=200))
    assert t.next_block() == ["RECORDED 2"]
    assert t.does(claim("wait"), ISSUER) == "REJECTED E_PAYMENT_REFUNDED"


def story_a_claim_needs_credit_and_numbers(t: Telling) -> None:
    ready(t, limit=500, numbers=0)
    pay(t, "A", "B", "C")
    assert t.does(claim("A", "B", "C"), ISSUER) == "REJECTED E_STATE"
    assert t.does(claim("A", "B"), ISSUER) == "REJECTED E_NUMBER_RANGE"
    assert t.does(events.grant("144032609110", 1, 9)) == "APPLIED"
    assert t.does(claim("A", "B"), ISSUER) == "ISSUED"
    assert t.does(claim("C"), ISSUER) == "REJECTED E_STATE"
    month_ms = 31 * 24 * 3_600_000
    assert t.does(claim("C"), ISSUER, after_ms=month_ms) == "ISSUED"


def story_a_claim_waits_behind_its_seller_s_queue(t: Telling) -> None:
    t.set_up(limit=500)
    t.set_up_parties()
    assert t.does(events.command("MANDATE", rows=[row("METRO", policy="ON_CLAIM")]), ISSUER) == "APPLIED"
    pay(t, "A")
    assert t.does(events.command("MANDATE", rows=[row("METRO")]), ISSUER) == "APPLIED"
    assert pay(t, "big", fen=600) == ["RECORDED 5"]
    assert t.does(claim("A"), ISSUER) == "REJECTED E_NUMBER_RANGE"


def story_an_agent_claims_by_delegation_or_by_opening_the_payer(t: Telling) -> None:
    ready(t)
    pay(t, "A", "B", "C")
    pay(t, "P", "Q", payer=PAYER)
    role = "REJECTED E_ROLE"
    assert t.does(claim("A"), AGENT) == role
    assert t.does(claim(("A", OPENING)), AGENT) == role
    assert t.does(claim(("P", "0f" * 32)), AGENT) == role
    assert t.does(claim("P"), AGENT) == role
    assert t.does(claim(("P", OPENING)), AGENT) == "ISSUED"
    assert t.does(orders.delegate("BUS"), ISSUER) == "APPLIED"
    assert t.does(claim("A"), AGENT) == role
    height = len(t.replay.blocks)
    assert t.does(orders.delegate("METRO", "BUS", to_height=height + 2), ISSUER) == "APPLIED"
    assert t.does(claim("A", ("Q", OPENING)), AGENT) == "ISSUED"
    assert t.does(claim("B"), AGENT) == role
    assert t.does(orders.delegate("METRO"), ISSUER) == "APPLIED"
    assert t.does(claim("B"), AGENT) == "ISSUED"
    assert t.does(orders.delegate(), ISSUER) == "APPLIED"
    assert t.does(claim("C"), AGENT) == role


def story_a_title_is_changed_by_a_red_letter_and_a_new_invoice(t: Telling) -> None:
    t.set_up()
    t.set_up_parties()
    assert pay(t, "A", fen=665) == ["ISSUED"]
    assert t.does(retitle(1, holder=kid(HOLDER)), ISSUER) == "ISSUED"
    redded, blue = t.last
    assert redded[:4] == [1, 6, "144032609110", 2]
    assert redded[9:14] == [-646, -19, -665, 5, 665]
    assert redded[18] == [3, 1, 1, False, 0, None, None, None, 0]
    assert blue[:4] == [1, 5, "144032609110", 3]
    assert blue[6:9] == [646, 19, 665]
    assert redded[16] != blue[14], "each record has an identity of its own"
    assert annex(t, 0)[1:] == [
        [[METRO, 300, -1, -646, -19, -665, 0]],
        [[bytes.fromhex(payment_id("A")), 0, 665, 0]],
    ]
    assert annex(t, 1)[1] == [[METRO, 300, 1, 646, 19, 665]]
    assert annex(t, 1)[2][0][4] == t.time_ms
    assert t.does(retitle(1), ISSUER) == "REJECTED E_STATE"
    assert t.does(retitle(2), ISSUER) == "REJECTED E_NUMBER_RANGE"
    assert t.does(retitle(3, **orders.individual()), AGENT) == "ISSUED"


def story_a_title_is_not_changed(t: Telling) -> None:
    t.set_up(numbers=2)
    t.set_up_parties()
    pay(t, "A")
    role = "REJECTED E_ROLE"
    assert t.does(retitle(1), AGENT) == role
    assert t.does(retitle(1), REIMBURSER) == role
    assert t.does(retitle(1, holder="00" * 16), ISSUER) == "REJECTED E_KEY_UNKNOWN"
    assert t.does(retitle(1, holder=kid(AGENT)), ISSUER) == "REJECTED E_NUMBER_RANGE"
    assert t.does(orders.bind(1), ISSUER) == "APPLIED"
    assert t.does(orders.freeze(1)) == "APPLIED"
    assert t.does(retitle(1), ISSUER) == "REJECTED E_STATE"
    assert t.does(events.grant("144032609120", 1, 9)) == "APPLIED"
    assert t.does(retitle(1), AGENT) == "REJECTED E_STATE"
    assert t.does(orders.of("UNFREEZE", 1)) == "APPLIED"
    assert t.does(retitle(1), AGENT) == "ISSUED"
    assert [record[2:4] for record in t.last] == [["144032609110", 2], ["144032609120", 1]]


def story_a_new_title_keeps_what_is_live(t: Telling) -> None:
    """Of two lines one is gone and the other has lost a trip and part of another."""
    ready(t)
    rates = [*t.rates(), {**t.rates()[0], "scene": "BUS", "tax_code": OTHER_TAX_CODE}]
    assert t.does(events.command("RATE_TABLE", rows=rates)) == "APPLIED"
    rows = [row("METRO", policy="ON_CLAIM"), row("BUS", policy="ON_CLAIM", tax_code=OTHER_TAX_CODE)]
    assert t.does(events.command("MANDATE", rows=rows), ISSUER) == "APPLIED"
    pay(t, "A", "B", "C")
    pay(t, "bus", scene="BUS", detail={"line": "M1"})
    assert t.does(claim("A", "bus", "B", "C"), ISSUER) == "ISSUED"
    assert t.does(red("RED_ISSUE", 1, ["bus", "A"]), ISSUER) == "REVERSED"
    t.say(refund(txn_id="C", refund_fen=50))
    assert t.next_block() == ["REVERSED"]
    assert t.does(retitle(1), ISSUER) == "ISSUED"
    assert annex(t, 1)[1] == [[METRO, 300, 2, 340, 10, 350]]
    assert [one[2:4] for one in annex(t, 1)[2]] == [[0, 200], [0, 150]]


def story_what_a_red_letter_released_is_claimed_again(t: Telling) -> None:
    ready(t)
    pay(t, "A", "B")
    assert t.does(claim("A", "B"), ISSUER) == "ISSUED"
    assert t.does(red("RED_ISSUE", 1, ["A"]), ISSUER) == "REVERSED"
    assert t.last[0][13] == 200
    t.say(refund(txn_id="A", refund_fen=30))
    assert t.next_block() == ["RECORDED 2"]
    assert t.last[0][8] == 30
    assert t.does(claim("A", "B"), ISSUER) == "REJECTED E_PAYMENT_SPENT"
    assert t.does(claim("A"), ISSUER) == "ISSUED"
    assert t.last[0][8] == 170
    assert annex(t)[2][0][3:] == [170, t.time_ms]
    assert t.does(red("RED_ISSUE", 1, ["A"]), ISSUER) == "REJECTED E_PAYMENT_UNKNOWN"
    t.say(refund(txn_id="A", refund_id="R2", refund_fen=170))
    assert t.next_block() == ["REVERSED"]
    assert t.last[0][6:8] == ["144032609110", 3]


def story_an_invoice_of_an_automatic_seller_is_claimed_again_under_a_title(t: Telling) -> None:
    t.set_up()
    t.set_up_parties()
    assert pay(t, "A", fen=665) == ["ISSUED"]
    assert t.does(claim("A"), ISSUER) == "REJECTED E_PAYMENT_SPENT"
    assert t.does(red("RED_ISSUE", 1, reason="ISSUE_ERROR"), ISSUER) == "REVERSED"
    assert t.does(claim("A"), ISSUER) == "ISSUED"
    assert t.last[0][8] == 665


def story_a_seller_s_key_of_another_role_claims_nothing(t: Telling) -> None:
    ready(t)
    pay(t, "A")
    spare = b"\x21" * 32
    assert t.does(key(spare, "AUDITOR")) == "APPLIED"
    assert t.does(claim("A"), spare) == "REJECTED E_ROLE"
