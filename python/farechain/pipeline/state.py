"""Commitments to current state: at an interval while anything changes, off the way of the inputs.

The map follows durable blocks in a thread of its own; the next block that ingest seals begins with the
commitment. Knows nothing of sources.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from farechain._core import Ledger, LedgerError
from farechain.pipeline.waiting import first_of


class StateCommitments:
    """Asks for a commitment whenever there is something new to commit to.

    Args:
        ledger: the ledger whose state it is.
        published_size: blocks under the published checkpoint. While the last commitment is not among them no
            other is made: nothing could be proved under it.
        interval_s: seconds between two looks.
        ask: puts a commitment into the next block, or makes one; returns at once.
        on_looked: called in the event loop after each look, with ``Ledger.state_status``.
        on_trouble: called with the reason when the map cannot be followed or made; it is tried again.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        published_size: Callable[[], int],
        interval_s: float,
        ask: Callable[[], None],
        on_looked: Callable[[dict[str, Any]], None] = lambda _status: None,
        on_trouble: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        self._ledger = ledger
        self._published_size = published_size
        self._interval_s = interval_s
        self._ask = ask
        self._on_looked = on_looked
        self._on_trouble = on_trouble
        self._looking = asyncio.Lock()

    async def run(self, stop: asyncio.Event) -> None:
        """Looks at each interval until ``stop`` is set."""
        while not stop.is_set():
            if await self.is_due() and self._is_published():
                self._ask()
            await first_of(stop, timeout_s=self._interval_s)

    async def is_due(self) -> bool:
        """Follows the ledger to its head; whether a commitment would say anything new.

        False where that cannot be found out: the map is derived, and no input waits for it.
        """
        try:
            async with self._looking:
                await asyncio.to_thread(self._ledger.apply_state)
                status = await asyncio.to_thread(self._ledger.state_status)
        except LedgerError as error:
            self._on_trouble(f"{error.args[0]}: {error.args[1]}")
            return False
        self._on_looked(status)
        return bool(status["due"])

    def _is_published(self) -> bool:
        committed = self._ledger.state_status()["committed"]
        return committed is None or committed["block"] < self._published_size()
