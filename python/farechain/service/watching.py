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
        relays: by topic, what waits to be sent.
        metrics: moved.
        liveness: moved.
    """

    def __init__(
        self,
        ledger: Ledger,
        source: Source,
        relays: Mapping[str, Relay],
        metrics: Metrics,
        liveness: Liveness,
    ) -> None:
        self._ledger = ledger
        self._source = source
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
        for index, behind in (await self._source.lag()).items():
            topic, number = self._names[index]
            self._metrics.lag.labels(topic, number).set(behind)
            self._liveness.lag_records[f"{topic}/{number}"] = behind
        for topic, relay in self._relays.items():
            self._metrics.relay_lag.labels(topic).set(relay.lag_blocks)
