"""Every cell of the table of an invoice's states is tried on a ledger: done, or refused with its code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tidy.state_machine import ALL, NAMES, Standing, after, allowed, answer, ways

from . import orders
from .events import payment
from .orders import CODE, Order, of
from .telling import BUREAU, HOLDER, ISSUER, OTHER_HOLDER, REIMBURSER, kid
from .twin import Story

LAPSED_MS = 73 * 3_600_000
DONE = {"RETITLE": "ISSUED", "RED_ISSUE": "REVERSED", "RED_CONFIRM": "REVERSED"}
"""Verdicts that are not APPLIED."""
GIVEN: dict[str, tuple[Callable[[int], Order], bytes]] = {
    "RETITLE": (orders.retitle, ISSUER),
    "BIND": (orders.bind, ISSUER),
    "TRANSFER": (partial(orders.transfer, holder=OTHER_HOLDER), HOLDER),
    "LOCK": (orders.lock, REIMBURSER),
    "UNLOCK": (orders.unlock, REIMBURSER),
    "REIMBURSE": (partial(orders.reimburse, amount_fen=1), REIMBURSER),
    "POST": (orders.post, REIMBURSER),
    "RED_ISSUE": (partial(orders.red, "RED_ISSUE"), ISSUER),
    "RED_REQUEST": (partial(orders.red, "RED_REQUEST"), ISSUER),
    "FREEZE": (orders.freeze, BUREAU),
    "CONFIRM_USE": (partial(of, "CONFIRM_USE"), REIMBURSER),
    "UNPOST": (partial(of, "UNPOST"), REIMBURSER),
    "RED_CONFIRM": (partial(of, "RED_CONFIRM"), REIMBURSER),
    "RED_REFUSE": (partial(of, "RED_REFUSE"), REIMBURSER),
    "RED_WITHDRAW": (partial(of, "RED_WITHDRAW"), ISSUER),
    "RED_EXPIRE": (partial(of, "RED_EXPIRE"), HOLDER),
    "UNFREEZE": (partial(of, "UNFREEZE"), BUREAU),
}
"""Each command by one who may give it, so that nothing but where the invoice stands decides."""


@dataclass
class Subject:
    """An invoice for the commands that are tried on it; at most the last of them may move it."""

    number: int
    standing: Standing
    way: list[str]
    tried: list[str]
    held: bool = True


def subjects() -> Iterator[Subject]:
    """For each standing an invoice that all refused commands are tried on, and one for each permitted one."""
    number = 0
    for held in (True, False):
        for standing, way in ways().items():
            names = NAMES if held else ["BIND"]
            refused = [name for name in names if answer(name, standing, held=held) is not None]
            permitted = [[name] for name in names if answer(name, standing, held=held) is None]
            for tried in [refused, *permitted]:
                number += 1
                yield Subject(number, standing, way, tried, held)


def given(subject: Subject, name: str) -> tuple[Order, bytes]:
    if name == "LOCK" and not subject.held:
        return orders.lock(subject.number, None), REIMBURSER
    make, seed = GIVEN[name]
    return make(subject.number), seed


def built(path: Path) -> tuple[Story, list[Subject]]:
    """A ledger with all of them, each where it is to stand."""
    story, every = Story(path), list(subjects())
    story.set_up(policy="ON_CLAIM", numbers=10 * len(every))
    story.set_up_parties()
    for one in every:
        story.say(payment(txn_id=f"T{one.number}", gross_fen=200, paid_fen=200))
    story.next_block()
    for one in every:
        holder = kid(HOLDER) if one.held else None
        story.order(orders.claim(f"T{one.number}", holder=holder), ISSUER)
    assert set(story.next_block()) == {"ISSUED"}
    for step in range(max(len(one.way) for one in every)):
        steps = [(one, one.way[step]) for one in every if step < len(one.way)]
        for one, name in steps:
            story.order(*given(one, name))
        assert story.next_block() == [DONE.get(name, "APPLIED") for _, name in steps]
    return story, every


def axes(story: Story, number: int) -> Standing:
    """Where the ledger says that an invoice stands."""
    found = story.ledger.invoice(CODE, number)
    assert found is not None
    standing = found["standing"]
    return Standing(standing["fiscal"], standing["claim"], standing["use"], standing["frozen"])


def test_every_cell_is_done_or_refused_as_the_table_says(tmp_path: Path) -> None:
    story, every = built(tmp_path / "ledger")
    for one in every:
        found = story.ledger.invoice(CODE, one.number)
        assert found is not None
        assert axes(story, one.number) == one.standing
        assert found["allowed"] == allowed(one.standing, held=one.held)
    # The table says nothing of holders: whoever hands over what nobody holds is not the holder.
    without = [one for one in every if not one.held]
    for one in without:
        story.order(orders.transfer(one.number, OTHER_HOLDER), HOLDER)
    assert story.next_block() == ["REJECTED E_ROLE"] * len(without)
    cells = [(one, name) for one in every for name in one.tried]
    assert len(cells) == len(ways()) * (len(NAMES) + 1)
    assert {one.standing for one, _ in cells} < set(ALL)
    # A request lapses when it can no longer be confirmed, so that is tried last.
    lapse = [cell for cell in cells if cell[1] == "RED_EXPIRE"]
    at_once = [cell for cell in cells if cell[1] != "RED_EXPIRE"]
    for tried, wait_ms in ((at_once, 1000), (lapse, LAPSED_MS)):
        for one, name in tried:
            story.order(*given(one, name))
        outcomes = story.next_block(wait_ms)
        for (one, name), outcome in zip(tried, outcomes, strict=True):
            code = answer(name, one.standing, held=one.held)
            expected = DONE.get(name, "APPLIED") if code is None else f"REJECTED {code}"
            assert outcome == expected, (name, one)
    for one in every:
        moved = [name for name in one.tried if answer(name, one.standing, held=one.held) is None]
        led = after(moved[0], one.standing) if moved else one.standing
        assert axes(story, one.number) == led, one
    story.ledger.close()
