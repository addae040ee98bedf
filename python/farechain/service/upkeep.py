"""Looks now and then at what changes slowly: how long numbers last, the last audit, disk, memory."""

import asyncio
import json
import logging
import math
import os
import shutil
import time
from pathlib import Path
from typing import Any

from farechain._core import Ledger
from farechain.config import Settings
from farechain.observability.upkeep import UpkeepMetrics
from farechain.pages.supply import SOON_DAYS, supply_of
from farechain.pipeline.waiting import first_of
from farechain.service.watching import Notices

INTERVAL_S = 15.0
COST_RATIO = 50
"""Looking takes at most a fiftieth of one core's time, however large registry and ledger are."""
DAY_S = 86_400

log = logging.getLogger(__name__)


class Upkeep:
    """One service's slow gauges.

    Args:
        ledger: whose grants are looked at.
        settings: where it lies.
        metrics: moved.
        notices: tells what could not be looked at; the gauges keep what they had.
    """

    def __init__(self, ledger: Ledger, settings: Settings, metrics: UpkeepMetrics, notices: Notices) -> None:
        self._ledger = ledger
        self._settings = settings
        self._metrics = metrics
        self._notices = notices

    async def run(self, stop: asyncio.Event) -> None:
        """Looks at once and then each ``INTERVAL_S``, until ``stop`` is set."""
        cost_s = 0.0
        while not stop.is_set():
            try:
                cost_s = await asyncio.to_thread(self.once)
            except Exception as error:  # whatever it is, the gauges are old and all else goes on
                self._notices.warn(log, "numbers, audit and disk not looked at", f"{error}")
            await first_of(stop, timeout_s=max(INTERVAL_S, COST_RATIO * cost_s))

    def once(self) -> float:
        """One look. Blocks; returns the CPU seconds that it took. Raises ``OSError``, ``LedgerError``."""
        started = time.thread_time()
        self._numbers(int(time.time() * 1000))
        self._audit()
        self._disk()
        self._metrics.tables.set(sum(self._ledger.memory_bytes().values()))
        return time.thread_time() - started

    def _numbers(self, now_ms: int) -> None:
        """A seller takes its own numbers first, then anyone's: what it has lasts as long as both."""
        by_seller: dict[str | None, list[dict[str, Any]]] = {None: []}
        for grant in self._ledger.registry()["grants"]:
            by_seller.setdefault(grant["tax_id"] or None, []).append(grant)
        supplies = {seller: supply_of(self._ledger, of, now_ms) for seller, of in by_seller.items()}
        anyones = supplies.pop(None)
        reserve = anyones.days(now_ms)
        lasting = [] if reserve is None else [reserve]
        if reserve is None:
            reserve = math.inf if anyones.left else 0.0
        for supply in supplies.values():
            own = supply.days(now_ms)
            if own is not None:
                lasting.append(own + reserve)
        self._metrics.numbers_left.set(anyones.left + sum(supply.left for supply in supplies.values()))
        self._metrics.numbers_last.set(min(lasting, default=math.inf) * DAY_S)
        self._metrics.short_sellers.set(sum(days < SOON_DAYS for days in lasting))

    def _audit(self) -> None:
        file = self._settings.audit_file
        try:
            found = json.loads(file.read_text("utf-8"))
            at_ms, ok = int(found["at_ms"]), bool(found["ok"])
        except FileNotFoundError:
            genesis = self._ledger.block(0)
            at_ms, ok = (genesis["time_ms"] if genesis else 0), True
        except (ValueError, TypeError, KeyError):
            self._notices.warn(log, "not an audit's result", str(file))
            return
        self._metrics.audit_time.set(at_ms / 1000)
        self._metrics.audit_failed.set(not ok)

    def _disk(self) -> None:
        place = self._settings.ledger.path
        usage = shutil.disk_usage(place)
        self._metrics.free.set(usage.free)
        self._metrics.size.set(usage.total)
        self._metrics.show_parts({entry.name: _bytes_of(Path(entry)) for entry in os.scandir(place)})


def _bytes_of(path: Path) -> int:
    """Allocated bytes of a file or of all that is below a directory; what goes meanwhile counts nothing."""
    found = 0
    for directory, _names, files in (
        [(str(path.parent), [], [path.name])] if path.is_file() else os.walk(path)
    ):
        for name in files:
            try:
                found += os.lstat(os.path.join(directory, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    return found
