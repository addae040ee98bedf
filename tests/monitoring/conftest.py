"""One watched chain for all tests of a process."""

from collections.abc import Iterator

import pytest

from monitoring.watched import Watched, watched


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Its service and witness run; whoever ends them starts them again."""
    with watched(tmp_path_factory.mktemp("watched") / "chain") as chain:
        yield chain
