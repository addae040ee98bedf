"""The life of an invoice, told to the reference alone: every rule by a small history."""

from collections.abc import Callable

import pytest

from . import stories
from .life import Life
from .telling import Alone, Telling


@pytest.mark.parametrize("tell", stories.ALL, ids=stories.name)
def test_the_reference_follows(tell: Callable[[Telling], None]) -> None:
    tell(Alone())


def test_a_random_life_keeps_the_invariants() -> None:
    """Live amounts never exceed what may be invoiced and is owed back; remainders are their sums."""
    for seed in range(2):
        story = Alone(drain_max=3)
        Life(story, seed).run(150)
        for invoice in story.replay.state.invoices.values():
            lines = [0] * len(invoice.lines)
            for share in invoice.shares:
                lines[share.line] += share.live
            assert [line.remaining for line in invoice.lines] == lines
            assert (invoice.fiscal == 3) == (sum(lines) == 0)
            assert (invoice.fiscal == 2) == (invoice.request is not None)
            assert (invoice.locker is None) == (invoice.claim == 1)
        for paid in story.replay.state.payments.values():
            reversing = story.replay.state.reversing(paid)
            assert paid.live <= story.replay.state.may_be_invoiced(paid) + reversing or paid.topped_up
