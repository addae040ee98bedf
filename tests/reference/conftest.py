"""Fixtures of the reference's tests."""

from pathlib import Path

import pytest

from .twin import Story

pytest.register_assert_rewrite("reference.stories_claim", "reference.stories_parties")
pytest.register_assert_rewrite(
    "reference.stories_red", "reference.stories_books", "reference.stories_waiting"
)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A ledger and its reference after genesis."""
    return Story(tmp_path / "ledger")
