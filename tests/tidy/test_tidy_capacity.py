"""The page about capacity is computed from what was measured."""

import itertools

from farechain.config import Settings
from tidy import capacity
from tidy.capacity import PAGE


def test_its_tables_are_the_formulas() -> None:
    assert PAGE.read_text() == capacity.page(), f"write it again: {capacity.COMMAND}"


def test_costs_are_of_the_size_that_the_design_allows() -> None:
    """A unit that is mistaken (MB for MiB, a thousand for a million) would be seen here."""
    assert 5 < capacity.EVENT_US["avx512"] < capacity.EVENT_US["avx2"] < capacity.EVENT_US["portable"] < 30
    assert 10 < capacity.INDEX_BYTES < 40
    assert capacity.LOG_BYTES < capacity.DISK_BYTES < 2000
    assert capacity.SNAPSHOT_BYTES < 40


def test_more_trips_never_need_less() -> None:
    rows = [
        [float(cell.replace(",", "")) for cell in line.replace("/", "|").strip("| ").split("|")]
        for line in list(capacity.cities())[2:]
    ]
    assert [row[0] for row in rows] == list(capacity.CITIES)
    for smaller, larger in itertools.pairwise(rows):
        assert all(a <= b for a, b in zip(smaller, larger, strict=True))


def test_the_page_names_the_block_age_that_is_set() -> None:
    assert f"`blocks.max_age_ms = {Settings().blocks.max_age_ms}`" in PAGE.read_text()
