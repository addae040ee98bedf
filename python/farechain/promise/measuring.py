"""From the events of blocks and the checkpoints that covered them to the numbers of a summary."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from farechain.promise.document import BOUNDS_MS

SPACING_MS = 5_000
"""A note in a document stands for checkpoints that are at most so much older."""


class Covering(NamedTuple):
    """A published checkpoint: its size, when it was put in place (Unix time, ms), and its note."""

    size: int
    published_ms: int
    note: str


class Numbers(NamedTuple):
    """What is summarised of the events of some blocks."""

    events: int
    counts: tuple[int, ...]
    sum_ms: int
    max_ms: int
    max_height: int


def measure(
    blocks: Iterable[tuple[int, Sequence[int]]], checkpoints: Sequence[tuple[int, int]], first: int
) -> Numbers:
    """The time of each event to the first checkpoint that covers its block.

    Args:
        blocks: (height, times of its events, ms), ascending; an event's time is that of the broker's append.
        checkpoints: (size, published_ms), ascending, up to one over the last block.
        first: stands for the block of the slowest event where no event took any time.

    Raises:
        ValueError: no checkpoint covers a block.
    """
    counts = [0] * (len(BOUNDS_MS) + 1)
    events = sum_ms = max_ms = at = 0
    max_height = first
    for height, times_ms in blocks:
        while at < len(checkpoints) and checkpoints[at][0] <= height:
            at += 1
        if at == len(checkpoints):
            raise ValueError(f"no checkpoint covers block {height}")
        published_ms = checkpoints[at][1]
        for time_ms in times_ms:
            # A broker's clock that is ahead makes no event negative.
            took_ms = max(0, published_ms - time_ms)
            counts[bisect_left(BOUNDS_MS, took_ms)] += 1
            sum_ms += took_ms
            if took_ms > max_ms:
                max_ms, max_height = took_ms, height
        events += len(times_ms)
    return Numbers(events, tuple(counts), sum_ms, max_ms, max_height)


def covering(rows: Iterable[Covering], first: int, last: int) -> list[Covering]:
    """Those of the checkpoints, ascending, that were the first to cover a block of ``first`` to ``last``."""
    found = []
    wanted = first
    for row in rows:
        if row.size > wanted and wanted <= last:
            found.append(row)
            wanted = row.size
    return found


def witnessed(rows: Sequence[Covering]) -> list[str]:
    """The notes that show when these checkpoints were there: one for all within ``SPACING_MS``."""
    notes = []
    since_ms: int | None = None
    for row, following in zip(rows, [*rows[1:], None], strict=False):
        since_ms = row.published_ms if since_ms is None else since_ms
        if following is None or following.published_ms - since_ms > SPACING_MS:
            notes.append(row.note)
            since_ms = None
    return notes
