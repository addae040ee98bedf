"""Commitments to current state: the ledger's roots are those of the reference's map."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from farechain import _core

from . import cbor, stories
from .life import Life
from .telling import Telling
from .twin import Story

SEEDS = range(3)
PIECES, STEPS = 4, 40
AXES = {
    **{"ISSUED": 1, "RED_PENDING": 2, "REVERSED": 3},
    **{"FREE": 1, "LOCKED": 2, "REIMBURSED": 3, "POSTED": 4},
    **{"NONE": 1, "CONFIRMED": 2},
}


def audited(story: Story) -> int:
    """How many commitments an audit found right. Closes the ledger."""
    story.ledger.close()
    report = _core.audit(str(story.path))
    assert report["ok"], report["what"]
    found: int = report["states"]
    return found


def says_what_the_reference_knows(story: Story, place: Path) -> None:
    """Proves every payment and invoice under a published checkpoint; none has moved since the commitment."""
    log = _core.PublicLog.open(str(place / "public"), str(place / "signer"), story.ledger.chain, b"L" * 32)
    log.catch_up(story.ledger)
    log.publish(log.sign())
    state = story.replay.state
    for identity, paid in state.payments.items():
        proof = story.ledger.prove_payment_state(identity, log)
        assert proof is not None
        proven = _core.verify_state_proof(proof, log.vkey, [], 0)
        assert proven["payment"] == identity
        assert proven["finding"] == ("INVOICED" if paid.live else "NOT_INVOICED")
        if paid.live:
            assert paid.invoice is not None
            assert list(proven["invoice"]) == paid.invoice.name[:2]
            assert proven["fen"] in (paid.live, None)
            assert standing_of(proven["standing"]) == paid.invoice.standing
    for invoice in state.invoices.values():
        proof = story.ledger.prove_invoice_state(invoice.code, invoice.number, log)
        assert proof is not None
        proven = _core.verify_state_proof(proof, log.vkey, [], 0)
        assert (proven["finding"], proven["asked"]) == ("INVOICE", (invoice.code, invoice.number))
        assert standing_of(proven["standing"]) == invoice.standing


def standing_of(proven: dict[str, Any]) -> list[Any]:
    axes = [AXES[proven[name]] for name in ("fiscal", "claim", "use")]
    rest = ("frozen", "remaining_fen", "holder", "locker", "claim_id", "reimbursed_fen")
    return [*axes, *(proven[name] for name in rest)]


@pytest.mark.parametrize("tell", stories.ALL, ids=stories.name)
def test_the_roots_of_every_story_are_those_of_the_reference(
    tell: Callable[[Telling], None], story: Story, tmp_path: Path
) -> None:
    tell(story)
    while story.next_block():
        pass
    sealed = story.commit_state(0, story.time_ms)
    count = cbor.decode(sealed.records[0])[3]
    assert count == len(story.replay.entries(sealed.height - 1))
    says_what_the_reference_knows(story, tmp_path)
    assert audited(story) == 1


def test_random_lives_with_commitments_between_them(tmp_path: Path) -> None:
    """The map follows by changes what the reference makes anew; a drain comes behind the commitment."""
    for seed in SEEDS:
        story = Story(tmp_path / str(seed), drain_max=(1, 3, 1024)[seed % 3])
        life = Life(story, seed)
        life.begin()
        for piece in range(PIECES):
            life.go_on(STEPS)
            story.commit_state(10_000, story.time_ms)
            if piece == 1:
                story.reopen(rebuild=True)
        while story.next_block():
            pass
        story.commit_state(0, story.time_ms)
        says_what_the_reference_knows(story, story.path)
        assert audited(story) == PIECES + 1
