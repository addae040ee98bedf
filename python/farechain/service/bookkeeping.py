"""Keeps the books behind a ledger: whatever becomes of them, nothing else waits or stops."""

import asyncio
import logging
import math
from collections.abc import Callable
from pathlib import Path

from farechain._core import Ledger
from farechain.books.books import Books
from farechain.errors import FarechainError
from farechain.observability.metrics import Metrics
from farechain.pipeline.waiting import first_of, let_pass

NAME = "books.sqlite"
RETRY_S = 1.0
RETRY_MAX_S = 60.0
"""The pause after a failure, doubled each time up to this."""
log = logging.getLogger(__name__)


def open_books(directory: Path, metrics: Metrics) -> Books | None:
    """The books in a directory; None where they cannot be opened, which log and metrics say. Blocks."""
    try:
        return Books.open(directory / NAME)
    except FarechainError as error:
        metrics.books_lag.set(math.inf)
        log.error("%s: %s; pages that need the books say so", error.code, error.message)
        return None


class Bookkeeper:
    """Follows a ledger with books, step by step in a thread.

    Args:
        metrics: its gauge of the books' lag and its count of their failures.
        busy: whether ingest is catching up; it goes first.
        on_trouble: called with the reason each time a step failed; it is tried again.
    """

    def __init__(
        self,
        books: Books,
        ledger: Ledger,
        metrics: Metrics,
        *,
        busy: Callable[[], bool] = lambda: False,
        on_trouble: Callable[[str], None] = log.warning,
    ) -> None:
        self.books = books
        self._ledger = ledger
        self._metrics = metrics
        self._busy = busy
        self._on_trouble = on_trouble
        self._grown = asyncio.Event()
        self._booked = books.height
        self._show_lag()

    def wake(self) -> None:
        """Says that the ledger has grown."""
        self._grown.set()
        self._show_lag()

    async def run(self, stop: asyncio.Event) -> None:
        """Follows until ``stop`` is set; what is left then is followed the next time."""
        pause_s = RETRY_S
        while not stop.is_set():
            self._grown.clear()
            await let_pass(self._busy, stop)
            try:
                more = await asyncio.to_thread(self._step)
            except Exception as error:  # whatever it is, the books are behind and all else goes on
                self._metrics.books_failures.inc()
                self._on_trouble(f"{type(error).__name__}: {error}")
                await first_of(stop, timeout_s=pause_s)
                pause_s = min(2 * pause_s, RETRY_MAX_S)
                continue
            pause_s = RETRY_S
            if not more:
                await first_of(self._grown, stop)

    def _step(self) -> bool:
        more = self.books.follow(self._ledger)
        self._booked = self.books.height
        self._show_lag()
        return more

    def _show_lag(self) -> None:
        self._metrics.books_lag.set(max(0, self._ledger.height - self._booked))
