"""Stories of holders, reimbursers and the bureau: held, handed over, locked, reimbursed, posted, frozen."""

from __future__ import annotations

from typing import Any

from . import orders
from .events import BUYER, OTHER_BUYER, OTHER_SELLER
from .orders import OPENING, PAYER, bind, claim, freeze, lock, of, post, red, reimburse, transfer, unlock
from .stories_claim import pay
from .telling import (
    AGENT,
    AUDITOR,
    DEVICE,
    HOLDER,
    ISSUER,
    OTHER_HOLDER,
    OTHER_ISSUER,
    OTHER_REIMBURSER,
    REIMBURSER,
    SPARE,
    Telling,
    kid,
    rotation,
)

ROLE, STATE = "REJECTED E_ROLE", "REJECTED E_STATE"
BY_OTHER = "REJECTED E_LOCKED_BY_OTHER"


def ready(t: Telling, *, holder: bytes | None = HOLDER, **who: Any) -> None:
    """Invoice 1, of one payment of 665, for the company of the reimburser; with a holder perhaps."""
    t.set_up(policy="ON_CLAIM")
    t.set_up_parties()
    pay(t, "A", fen=665)
    named = None if holder is None else kid(holder)
    assert t.does(claim("A", holder=named, **who), ISSUER) == "ISSUED"


def standing(t: Telling) -> list[Any]:
    """What the latest record says of its invoice."""
    found: list[Any] = t.last[-1][-1]
    return found


def story_an_invoice_without_a_holder_gets_one(t: Telling) -> None:
    t.set_up()
    t.set_up_parties()
    pay(t, "A", payer=PAYER)
    pay(t, "B")
    t.set_up_second_seller()
    assert t.does(bind(9), ISSUER) == "REJECTED E_NUMBER_RANGE"
    assert t.does(bind(1), OTHER_ISSUER) == ROLE
    assert t.does(bind(1), HOLDER) == ROLE
    assert t.does(bind(1), AGENT) == ROLE
    assert t.does(bind(1, opening="0f" * 32), AGENT) == ROLE
    assert t.does(bind(2, opening=OPENING), AGENT) == ROLE
    assert t.does(bind(1, SPARE, OPENING), AGENT) == "REJECTED E_KEY_UNKNOWN"
    assert t.does(bind(1, REIMBURSER, OPENING), AGENT) == ROLE
    assert t.does(bind(1, opening=OPENING), AGENT) == "APPLIED"
    record = t.last[0]
    assert record[:5] == [1, 42, bytes.fromhex(kid(AGENT)), "144032609110", 1]
    assert standing(t) == [1, 1, 1, False, 200, bytes.fromhex(kid(HOLDER)), None, None, 0]
    assert t.does(bind(1, opening=OPENING), AGENT) == STATE
    assert t.does(bind(1), ISSUER) == STATE
    assert t.does(orders.delegate("METRO"), ISSUER) == "APPLIED"
    assert t.does(bind(2, AGENT), AGENT) == "APPLIED"


def story_a_frozen_or_reversed_invoice_gets_no_holder(t: Telling) -> None:
    t.set_up()
    t.set_up_parties()
    pay(t, "A", "B")
    assert t.does(freeze(1)) == "APPLIED"
    assert t.does(bind(1), ISSUER) == STATE
    assert t.does(red("RED_ISSUE", 2), ISSUER) == "REVERSED"
    assert t.does(bind(2), ISSUER) == STATE


def story_the_holder_hands_an_invoice_over(t: Telling) -> None:
    ready(t)
    assert t.does(transfer(1, OTHER_HOLDER), OTHER_HOLDER) == ROLE
    assert t.does(transfer(1, OTHER_HOLDER), ISSUER) == ROLE
    assert t.does(transfer(1, SPARE), HOLDER) == "REJECTED E_KEY_UNKNOWN"
    assert t.does(transfer(1, DEVICE), HOLDER) == ROLE
    assert t.does(transfer(1, OTHER_HOLDER), HOLDER) == "APPLIED"
    assert t.does(transfer(1, HOLDER), HOLDER) == ROLE
    assert t.does(freeze(1)) == "APPLIED"
    assert t.does(transfer(1, HOLDER), OTHER_HOLDER) == STATE
    assert t.does(of("UNFREEZE", 1)) == "APPLIED"
    assert t.does(lock(1, OTHER_HOLDER), REIMBURSER) == "APPLIED"
    assert t.does(transfer(1, HOLDER), OTHER_HOLDER) == STATE


def story_nobody_hands_over_what_nobody_holds(t: Telling) -> None:
    ready(t, holder=None)
    assert t.does(transfer(1, OTHER_HOLDER), HOLDER) == ROLE


def story_a_rotated_key_still_holds_and_a_retired_one_receives_nothing(t: Telling) -> None:
    ready(t)
    assert t.does(rotation(HOLDER, SPARE), HOLDER) == "APPLIED"
    assert t.does(transfer(1, OTHER_HOLDER), HOLDER) == "REJECTED E_KEY_EXPIRED"
    assert t.does(lock(1, HOLDER), REIMBURSER) == "REJECTED E_SIGNATURE"
    assert t.does(lock(1, SPARE), REIMBURSER) == "APPLIED"
    assert t.does(unlock(1), REIMBURSER) == "APPLIED"
    assert t.does(transfer(1, HOLDER), SPARE) == "REJECTED E_KEY_EXPIRED"
    assert t.does(transfer(1, OTHER_HOLDER), SPARE) == "APPLIED"


def story_a_retired_holder_presents_nothing(t: Telling) -> None:
    ready(t)
    assert t.does(orders.of_key("RETIRE_KEY", HOLDER)) == "APPLIED"
    assert t.does(lock(1), REIMBURSER) == "REJECTED E_SIGNATURE"


def story_a_lock_needs_the_buyer_and_the_holder_s_presentation(t: Telling) -> None:
    ready(t)
    signature = "REJECTED E_SIGNATURE"
    assert t.does(lock(1, tax_id=OTHER_BUYER), OTHER_REIMBURSER) == ROLE
    assert t.does(lock(1), ISSUER) == ROLE
    assert t.does(lock(1, None), REIMBURSER) == signature
    assert t.does(lock(1, OTHER_HOLDER), REIMBURSER) == signature
    assert t.does({**lock(1), "claim_id": "T-2"}, REIMBURSER) == signature
    assert t.does(lock(1, tax_id=OTHER_BUYER), REIMBURSER) == signature
    assert t.does(freeze(1)) == "APPLIED"
    assert t.does(lock(1), REIMBURSER) == STATE
    assert t.does(of("UNFREEZE", 1)) == "APPLIED"
    assert t.does(lock(1), REIMBURSER) == "APPLIED"
    assert standing(t) == [1, 2, 1, False, 665, bytes.fromhex(kid(HOLDER)), BUYER, "T-1", 0]
    assert t.does(lock(1), REIMBURSER) == BY_OTHER


def story_a_lock_without_holder_is_the_buyer_s_own(t: Telling) -> None:
    ready(t, holder=None)
    assert t.does(lock(1, None), REIMBURSER) == "APPLIED"
    pay(t, "B")
    assert t.does(claim("B", **orders.individual()), ISSUER) == "ISSUED"
    assert t.does(lock(2, None), REIMBURSER) == ROLE
    assert t.does(orders.policy(accepts_individuals=True), REIMBURSER) == "APPLIED"
    assert t.does(lock(2, None), REIMBURSER) == STATE
    assert t.does(bind(2), ISSUER) == "APPLIED"
    assert t.does(lock(2, tax_id=OTHER_BUYER), OTHER_REIMBURSER) == ROLE
    assert t.does(lock(2), REIMBURSER) == "APPLIED"
    assert t.does(orders.policy(accepts_individuals=False), REIMBURSER) == "APPLIED"
    assert t.does(orders.policy(accepts_individuals=True), OTHER_REIMBURSER) == "APPLIED"
    assert t.does(lock(2, tax_id=OTHER_BUYER), OTHER_REIMBURSER) == BY_OTHER
    assert t.does(unlock(2), OTHER_REIMBURSER) == BY_OTHER
    assert t.does(reimburse(2, 1), OTHER_REIMBURSER) == BY_OTHER


def story_a_lock_is_given_up(t: Telling) -> None:
    ready(t)
    assert t.does(unlock(1), REIMBURSER) == STATE
    assert t.does(lock(1), REIMBURSER) == "APPLIED"
    assert t.does(unlock(1), AGENT) == ROLE
    assert t.does(unlock(1, "T-2"), REIMBURSER) == BY_OTHER
    assert t.does(unlock(1), REIMBURSER) == "APPLIED"
    assert standing(t)[1:] == [1, 1, False, 665, bytes.fromhex(kid(HOLDER)), None, None, 0]
    assert t.does(lock(1), REIMBURSER) == "APPLIED"
    assert t.does(unlock(1, "any")) == "APPLIED"


def story_a_claim_is_reimbursed_once(t: Telling) -> None:
    ready(t)
    assert t.does(reimburse(1, 100), REIMBURSER) == STATE
    assert t.does(lock(1), REIMBURSER) == "APPLIED"
    assert t.does(reimburse(1, 100, "T-2"), REIMBURSER) == BY_OTHER
    assert t.does(reimburse(1, 666), REIMBURSER) == "REJECTED E_OVER_INVOICED"
    assert t.does(freeze(1)) == "APPLIED"
    assert t.does(reimburse(1, 600), REIMBURSER) == STATE
    assert t.does(of("UNFREEZE", 1)) == "APPLIED"
    assert t.does(reimburse(1, 600), REIMBURSER) == "APPLIED"
    assert standing(t)[1] == 3
    assert standing(t)[6:] == [BUYER, "T-1", 600]
    assert t.does(reimburse(1, 600), REIMBURSER) == STATE
    assert t.does(unlock(1), REIMBURSER) == STATE
    assert t.does(lock(1), REIMBURSER) == STATE


def story_a_reimbursed_invoice_is_posted_and_taken_back(t: Telling) -> None:
    ready(t)
    assert t.does(post(1), REIMBURSER) == STATE
    assert t.does(lock(1), REIMBURSER) == "APPLIED"
    assert t.does(reimburse(1, 665), REIMBURSER) == "APPLIED"
    assert t.does(unposted := of("UNPOST", 1), REIMBURSER) == STATE
    assert t.does(post(1), OTHER_REIMBURSER) == BY_OTHER
    assert t.does(post(1), AGENT) == ROLE
    assert t.does(freeze(1)) == "APPLIED"
    assert t.does(post(1), REIMBURSER) == STATE
    assert t.does(of("UNFREEZE", 1)) == "APPLIED"
    assert t.does(post(1), REIMBURSER) == "APPLIED"
    assert standing(t)[1] == 4
    assert t.does(unposted, OTHER_REIMBURSER) == BY_OTHER
    assert t.does(freeze(1)) == "APPLIED"
    assert t.does(unposted, REIMBURSER) == "APPLIED"
    assert standing(t)[1] == 3


def story_the_buyer_confirms_its_use_once(t: Telling) -> None:
    ready(t)
    use = of("CONFIRM_USE", 1)
    assert t.does(use, OTHER_REIMBURSER) == ROLE
    assert t.does(use, HOLDER) == ROLE
    assert t.does(lock(1), REIMBURSER) == "APPLIED"
    assert t.does(use, REIMBURSER) == "APPLIED"
    assert standing(t)[:3] == [1, 2, 2]
    assert t.does(use, REIMBURSER) == STATE
    pay(t, "B")
    assert t.does(claim("B", **orders.individual()), ISSUER) == "ISSUED"
    assert t.does(of("CONFIRM_USE", 2), REIMBURSER) == ROLE
    assert t.does(orders.retitle(1), ISSUER) == STATE


def story_the_bureau_freezes(t: Telling) -> None:
    ready(t)
    assert t.does(freeze(1), ISSUER) == ROLE
    assert t.does(of("UNFREEZE", 1)) == STATE
    assert t.does(freeze(1)) == "APPLIED"
    assert standing(t)[3] is True
    assert t.does(freeze(1)) == STATE
    assert t.does(of("CONFIRM_USE", 1), REIMBURSER) == STATE
    assert t.does(red("RED_ISSUE", 1), ISSUER) == STATE
    assert t.does(of("UNFREEZE", 1)) == "APPLIED"
    assert t.does(freeze(7)) == "REJECTED E_NUMBER_RANGE"


def story_a_batch_happens_wholly_or_not_at_all(t: Telling) -> None:
    t.set_up(policy="ON_CLAIM")
    t.set_up_parties()
    pay(t, "A", "B")
    before = t.next_block()
    assert before == []
    spent = orders.batch(claim("A"), claim("B"), claim("A"))
    assert t.does(spent, ISSUER) == "REJECTED E_PAYMENT_SPENT"
    role = orders.batch(claim("A", "none"), lock(1, None))
    assert t.does(role, ISSUER) == ROLE, "the signer may give all of its orders, before any is looked at"
    good = orders.batch(claim("A"), bind(1), orders.retitle(1), red("RED_ISSUE", 3))
    assert t.does(good, ISSUER) == "APPLIED"
    kinds_and_numbers = [(one[1], one[3]) for one in t.last if one[1] in (5, 6)]
    assert kinds_and_numbers == [(5, 1), (6, 2), (5, 3), (6, 4)]
    assert [one[1] for one in t.last] == [60, 5, 42, 6, 5, 6]
    outcome = t.replay.blocks[-1].outcomes[-1]
    assert int.from_bytes(outcome[28:32], "big") == 6
    t.say({**good, "command_id": f"order-{t.commands}"}, ISSUER, source=1)
    assert t.next_block() == ["DUPLICATE"]
    assert t.does(claim("A", "B"), ISSUER) == "ISSUED"


def story_identities_of_a_batch_s_records_differ(t: Telling) -> None:
    t.set_up()
    t.set_up_parties()
    pay(t, "A", "B")
    assert t.does(orders.batch(bind(1), bind(2)), ISSUER) == "APPLIED"
    batch, first, second = t.last
    assert len({bytes(batch[3]), bytes(first[6]), bytes(second[6])}) == 3
    assert len({bytes(batch[4]), bytes(first[7]), bytes(second[7])}) == 3
    assert t.does(orders.batch(transfer(1, AGENT), transfer(2, AGENT)), HOLDER) == "APPLIED"
    assert t.does(orders.batch(transfer(1, HOLDER)), AGENT) == "APPLIED"
    assert t.does(orders.batch(transfer(1, HOLDER)), AUDITOR) == ROLE


def story_an_agent_retitles_what_a_key_of_its_own_holds(t: Telling) -> None:
    ready(t)
    assert t.does(orders.retitle(1, holder=kid(AGENT)), AGENT) == "ISSUED"
    assert t.does(transfer(3, OTHER_HOLDER), AGENT) == "APPLIED"
    assert t.does(orders.of_key("RETIRE_KEY", OTHER_HOLDER)) == "APPLIED"
    assert t.does(orders.retitle(3, holder=kid(OTHER_HOLDER)), AGENT) == "REJECTED E_KEY_EXPIRED"


def story_a_seller_s_neighbour_is_not_the_seller(t: Telling) -> None:
    ready(t)
    t.set_up_second_seller()
    assert OTHER_SELLER in t.replay.state.issuers
    assert t.does(red("RED_ISSUE", 1), OTHER_ISSUER) == ROLE
    assert t.does(orders.retitle(1), OTHER_ISSUER) == ROLE
