"""Follows a ledger that another process owns: opened read-only, opened again when its checkpoint moves.

A reader sees the ledger as it was when it was opened; reopening costs a moment, so it is done seldom.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from farechain.config import Settings
from farechain.errors import FarechainError
from farechain.service import opening

POLL_S = 0.5
"""How often the checkpoint is looked at."""
COST_RATIO = 20
"""A reader spends at most a twentieth of its time on opening, however large the ledger is."""

log = logging.getLogger(__name__)


class FollowedLedger:
    """A read-only ledger that is exchanged for a newer view of itself; answers as ``Ledger`` does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        started = time.monotonic()
        self._ledger = opening.open_ledger(settings, readonly=True)
        self._seen = _stamp(settings.public_dir)
        self._next = self._after(started)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def prove(self, height: int, index: int, _log: object, witnesses: Sequence[str] = ()) -> bytes:
        """A compact proof, from the tiles of the public directory."""
        return self._ledger.prove(height, index, str(self._settings.public_dir), witnesses)

    def prove_payment_state(
        self, payment: bytes, _log: object, witnesses: Sequence[str] = ()
    ) -> bytes | None:
        """A compact proof of where a payment stands, from the map that the owner keeps."""
        return self._ledger.prove_payment_state(payment, str(self._settings.public_dir), witnesses)

    def prove_invoice_state(
        self, code: str, number: int, _log: object, witnesses: Sequence[str] = ()
    ) -> bytes | None:
        """The same of an invoice."""
        return self._ledger.prove_invoice_state(code, number, str(self._settings.public_dir), witnesses)

    def refresh(self) -> bool:
        """Opens the ledger again where the checkpoint moved and the last opening is long enough ago. Blocks.

        A view that is in use by a request stays until that request is answered.
        """
        stamp = _stamp(self._settings.public_dir)
        started = time.monotonic()
        if stamp == self._seen or started < self._next:
            return False
        newer = opening.open_ledger(self._settings, readonly=True)
        self._ledger, self._seen = newer, stamp
        self._next = self._after(started)
        return True

    async def follow(self, stop: asyncio.Event, on_grown: Callable[[], None] = lambda: None) -> None:
        """Refreshes until ``stop`` is set. A ledger that cannot be read at this moment is tried again.

        Args:
            on_grown: called after each refresh.
        """
        while not stop.is_set():
            try:
                if await asyncio.to_thread(self.refresh):
                    on_grown()
                    log.debug("reopened height=%d", self._ledger.height)
            except FarechainError as error:
                log.warning("%s: %s; the older view stays", error.code, error.message)
            try:
                await asyncio.wait_for(stop.wait(), POLL_S)
            except TimeoutError:
                continue

    @staticmethod
    def _after(started: float) -> float:
        now = time.monotonic()
        return now + (now - started) * COST_RATIO


class PublishedLog:
    """What the public directory says of itself; answers what the HTTP layer asks of ``PublicLog``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stamp: object = None
        self._size = 0

    @property
    def published_size(self) -> int:
        """The size of the published checkpoint."""
        stamp = _stamp(self._settings.public_dir)
        if stamp != self._stamp:
            self._size = opening.published_checkpoint(self._settings)[1]
            self._stamp = stamp
        return self._size

    def checkpoint(self) -> str:
        """The published note; empty before the first."""
        return opening.published_checkpoint(self._settings)[0]


def _stamp(public: Path) -> object:
    try:
        stat = (public / "checkpoint").stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_mtime_ns
