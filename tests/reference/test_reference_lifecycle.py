"""The life of an invoice, told to the reference alone: every rule by a small history."""

from collections.abc import Callable

import pytest

from . import stories
from .telling import Alone, Telling


@pytest.mark.parametrize("tell", stories.ALL, ids=stories.name)
def test_the_reference_follows(tell: Callable[[Telling], None]) -> None:
    tell(Alone())
