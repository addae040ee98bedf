"""Stories of red letters that wait for numbers, and of what has become of them when numbers come."""

from __future__ import annotations

from . import cbor, events
from .orders import lock, of, red
from .stories_claim import annex
from .stories_parties import standing
from .stories_red import gives_back, merged, posted
from .telling import ISSUER, REIMBURSER, Telling


def story_a_confirmation_waits_for_numbers_and_the_queue(t: Telling) -> None:
    posted(t, numbers=1)
    assert gives_back(t, "A", 50) == "RECORDED OWED 1"
    assert t.does(of("RED_CONFIRM", 1), REIMBURSER) == "REJECTED E_NUMBER_RANGE"
    assert t.does(events.grant("144032609110", 2, 9)) == "APPLIED"
    assert t.does(of("RED_CONFIRM", 1), REIMBURSER) == "REVERSED"


def story_a_waiting_refund_becomes_owed_when_its_invoice_is_used_meanwhile(t: Telling) -> None:
    merged(t, numbers=1)
    assert gives_back(t, "A", 50) == "RECORDED 4"
    assert gives_back(t, "A", 40, "R2") == "RECORDED 4"
    assert gives_back(t, "B", 200, "R3") == "RECORDED 4"
    assert t.does(red("RED_ISSUE", 1), ISSUER) == "REJECTED E_NUMBER_RANGE"
    assert t.does(of("CONFIRM_USE", 1), REIMBURSER) == "APPLIED"
    assert t.does(events.grant("144032609110", 2, 9)) == "APPLIED"
    assert t.next_block() == ["DRAINED 3"]
    assert [one[1:4:2] for one in t.last] == [[7, 1], [7, 2], [7, 2]]
    assert t.replay.blocks[-1].annexes == [None, None, None]
    assert t.does(of("RED_CONFIRM", 1), REIMBURSER) == "REVERSED"
    assert t.last[0][2:4] == ["144032609110", 2], "what is owed takes no number"


def story_a_waiting_refund_of_a_held_invoice_is_drained_in_the_long_form(t: Telling) -> None:
    merged(t, numbers=1)
    assert gives_back(t, "A", 150) == "RECORDED 4"
    assert gives_back(t, "A", 50, "R2") == "RECORDED 4"
    assert t.does(lock(1), REIMBURSER) == "APPLIED"
    assert t.does(events.grant("144032609110", 2, 2)) == "APPLIED"
    assert t.next_block() == ["DRAINED 1"]
    assert t.last[0][1] == 6
    assert t.last[0][12:14] == [2, 0]
    found = t.replay.blocks[-1].annexes[0]
    assert found is not None
    assert cbor.decode(found)[0] is None
    assert annex(t)[2][0][1:] == [0, 200, 50]
    assert standing(t)[1] == 1
    assert t.does(events.grant("144032609110", 3, 3)) == "APPLIED"
    assert t.next_block() == ["DRAINED 1"]
    assert annex(t)[1][0][2] == -1
