"""The registry as requests see it: read from the ledger at most so often, one reading for all who ask.

A reading copies every key, grant and book, so its cost grows with the network; it takes at most a tenth
of the time, however many ask.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from farechain._core import Ledger

COST_RATIO = 10


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The registry at a height.

    Attributes:
        height: the block that it was read at, or a later one.
        registry: as ``Ledger.registry`` has it.
    """

    height: int
    registry: Mapping[str, Any]


class RegistryView:
    """Reads the registry of one ledger for all requests."""

    def __init__(self, ledger: Ledger, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._clock_s = clock_s
        self._lock = asyncio.Lock()
        self._seen: Snapshot | None = None
        self._next_s = 0.0

    async def now(self) -> Snapshot:
        """The registry as of a moment ago."""
        if self._seen is not None and (self._is_current(self._seen) or self._clock_s() < self._next_s):
            return self._seen
        return await self._read(self._ledger.height)

    async def fresh(self) -> Snapshot:
        """The registry at this height or later: for whoever wants to see what was recorded just now.

        Waits until it may be read again, for those who ask together once.
        """
        return await self._read(self._ledger.height)

    def _is_current(self, seen: Snapshot) -> bool:
        return seen.height >= self._ledger.height

    async def _read(self, at_least: int) -> Snapshot:
        async with self._lock:
            if self._seen is not None and self._seen.height >= at_least:
                return self._seen
            await asyncio.sleep(max(0.0, self._next_s - self._clock_s()))
            started_s = self._clock_s()
            self._seen = await asyncio.to_thread(self._snapshot)
            ended_s = self._clock_s()
            self._next_s = ended_s + COST_RATIO * (ended_s - started_s)
            return self._seen

    def _snapshot(self) -> Snapshot:
        height = self._ledger.height
        return Snapshot(height, self._ledger.registry())
