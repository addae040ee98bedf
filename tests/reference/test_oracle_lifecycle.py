"""The life of an invoice told to ledger and reference: every record, annex and outcome byte for byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from . import stories
from .life import Life
from .telling import Telling
from .twin import Story

SEEDS = range(6)
STEPS = 300
MUST_COME = {
    *("ISSUED", "REVERSED", "APPLIED", "DRAINED", "RECORDED OWED 1", "RECORDED OWED 2"),
    *(
        f"REJECTED {code}"
        for code in (
            *("E_ROLE", "E_STATE", "E_NUMBER_RANGE", "E_LOCKED_BY_OTHER"),
            *("E_PAYMENT_SPENT", "E_PAYMENT_UNKNOWN", "E_PAYMENT_REFUNDED", "E_SIGNATURE", "E_RED_EXCEEDS"),
        )
    ),
}


@pytest.mark.parametrize("tell", stories.ALL, ids=stories.name)
def test_ledger_and_reference_tell_the_same(tell: Callable[[Telling], None], story: Story) -> None:
    tell(story)
    story.reopen(rebuild=True)


def test_random_lives_give_the_same_bytes(tmp_path: Path) -> None:
    """Inputs of all kinds over few invoices and parties, cut into blocks by chance."""
    seen: Counter[str] = Counter()
    for seed in SEEDS:
        story = Story(tmp_path / str(seed), drain_max=(1, 3, 1024)[seed % 3])
        seen.update(Life(story, seed).run(STEPS))
        story.reopen(rebuild=True)
        story.ledger.close()
    assert not MUST_COME - seen.keys(), seen
