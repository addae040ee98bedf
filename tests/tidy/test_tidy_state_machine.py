"""The page of an invoice's states is what the core's table says."""

from farechain import _core
from reference.command_invoice import ORDERS
from tidy import state_machine
from tidy.state_machine import ALL, NAMES, PAGE, UNTOUCHED, Standing, allowed, answer, ways
from tidy.tracked import ROOT


def test_the_page_is_written_from_the_core_s_table() -> None:
    assert PAGE.read_text() == state_machine.page(), f"write it again: {state_machine.COMMAND}"


def test_the_table_has_every_command_of_an_invoice_in_order() -> None:
    assert [name for name in ORDERS if name != "CLAIM"] == NAMES
    assert _core.lifecycle_rules() == state_machine.RULES


def test_standings_that_no_history_leads_to() -> None:
    """A red letter cancels a lock, and only what is used or posted is asked for."""
    never = [one for one in ALL if one.fiscal == "REVERSED" and one.claim == "LOCKED"]
    never += [one for one in ALL if one.fiscal == "RED_PENDING" and not one.used_or_posted]
    assert set(ALL) - set(ways()) == set(never)


def test_every_move_of_a_standing_that_can_come_about_leads_to_another() -> None:
    led = ways()
    for standing in led:
        for name, reached in state_machine.moves(standing):
            assert reached in led, (standing, name)


def test_a_fresh_invoice_and_one_that_is_gone() -> None:
    fresh = ["RETITLE", "TRANSFER", "LOCK", "CONFIRM_USE", "RED_ISSUE", "FREEZE"]
    assert allowed(UNTOUCHED) == fresh
    assert allowed(UNTOUCHED, held=False) == ["RETITLE", "BIND", *fresh[2:]]
    assert allowed(Standing("REVERSED", "FREE", "NONE", frozen=True)) == ["UNFREEZE"]
    assert answer("RED_ISSUE", Standing("ISSUED", "POSTED", "NONE", frozen=False)) == "E_RED_NEEDS_CONFIRM"
    assert answer("LOCK", Standing("RED_PENDING", "LOCKED", "CONFIRMED", frozen=True)) == "E_LOCKED_BY_OTHER"


def test_the_documents_lead_to_the_page() -> None:
    for name in ("README.md", "ARCHITECTURE.md"):
        assert "(docs/state-machine.md)" in (ROOT / name).read_text()
