"""Fixtures of the reference's tests."""

from pathlib import Path

import pytest

from .twin import Story


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A ledger and its reference after genesis."""
    return Story(tmp_path / "ledger")
