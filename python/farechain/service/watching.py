"""Watches a running service: lag, positions, what waits to be sent; mirrors positions to the source."""

import asyncio
import logging
import time
from collections.abc import Mapping

from farechain._core import Ledger
from farechain.api.context import Liveness
from farechain.observability.metrics import Metrics
from farechain.pipeline.ingest import ENGINE_SOURCES
from farechain.pipeline.relay import Relay
from farechain.pipeline.taken import Taken
from farechain.sources import Source

REPEAT_AFTER_S = 30.0
"""A trouble that lasts is told this often."""
TOLD_MAX = 256
"""Different troubles that are remembered."""


class Notices:
    """Tells a trouble at once and then seldom, so that a retry loop does not fill the disk with lines."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], float] = {}

    def warn(self, log: logging.Logger, what: str, reason: str) -> None:
        """Writes the line, unless it was written a moment ago."""
        now = time.monotonic()
        last = self._told.get((what, reason))
        if last is not None and now - last < REPEAT_AFTER_S:
            return
        if len(self._told) >= TOLD_MAX:
            self._told.clear()
        self._told[what, reason] = now
        log.warning("%s: %s", what, reason)


class Watch:
    """Moves the gauges of a service and mirrors the ledger's positions to its source.

    Args:
        ledger: whose positions are watched.
        source: asked for its lag, told the positions.
        taken: what was read of it and is not durable.
        relays: by topic, what waits to be sent.
        metrics: moved.
        liveness: moved.
    """

    def __init__(
        self,
        ledger: Ledger,
        source: Source,
        taken: Taken,
        relays: Mapping[str, Relay],
        *,
        metrics: Metrics,
        liveness: Liveness,
    ) -> None:
        self._ledger = ledger
        self._source = source
        self._taken = taken
        self._relays = relays
        self._metrics = metrics
        self._liveness = liveness
        self._positions = [position[3] for position in ledger.positions()[ENGINE_SOURCES:]]
        self._names = [(topic, str(number)) for topic, _, number, _, _ in ledger.positions()[ENGINE_SOURCES:]]

    async def run(self, interval_s: float) -> None:
        """Watches until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(interval_s)

    async def once(self) -> None:
        """One look."""
        positions = [position[3] for position in self._ledger.positions()[ENGINE_SOURCES:]]
        for names, before, now in zip(self._names, self._positions, positions, strict=True):
            self._metrics.records_consumed.labels(*names).inc(now - before)
        self._positions = positions
        await self._source.commit(positions)
        behind = await self._source.lag()
        now_ms = int(time.time() * 1000)
        oldest_ms = self._taken.oldest_ms(positions, behind, now_ms)
        self._metrics.behind(
            {self._names[index]: count for index, count in behind.items()},
            {self._names[index]: at for index, at in oldest_ms.items()},
            now_ms,
        )
        self._liveness.lag_records = {"/".join(self._names[at]): count for at, count in behind.items()}
        for topic, relay in self._relays.items():
            self._metrics.relay_lag.labels(topic).set(relay.lag_blocks)
