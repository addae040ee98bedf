"""From durable blocks to the published checkpoint: bundles, tiles, signature, cosignatures, rename.

Tails the ledger; knows nothing of sources. A checkpoint never names a block that is not durable.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from farechain._core import Ledger, PublicLog
from farechain.pipeline.waiting import first_of
from farechain.witness.client import CosigningError, WitnessEndpoint, WitnessRound

RETRY_MS = 1_000
"""Pause after a round in which too few witnesses answered."""


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint in its place."""

    size: int
    note: str
    publish_s: float
    cosign_s: float
    rename_s: float = 0.0
    """The part of ``publish_s`` that came after the cosignatures."""


class Publisher:
    """Publishes a checkpoint whenever the ledger has grown.

    Args:
        ledger: the ledger to tail.
        log: its public log.
        witnesses: who must be asked; ``threshold`` of them must cosign.
        on_published: called in the event loop after each checkpoint.
        on_refused: called with the reason when too few witnesses cosigned; publishing is tried again.
    """

    def __init__(
        self,
        ledger: Ledger,
        log: PublicLog,
        *,
        witnesses: Sequence[WitnessEndpoint] = (),
        threshold: int = 0,
        timeout_s: float = 5.0,
        on_published: Callable[[Published], None] = lambda _published: None,
        on_refused: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        self._ledger = ledger
        self._log = log
        self._round = WitnessRound(witnesses, threshold, timeout_s)
        self._on_published = on_published
        self._on_refused = on_refused
        self._grown = asyncio.Event()
        self._grown.set()
        self._known_outside = 0

    def wake(self) -> None:
        """Says that the ledger has grown."""
        self._grown.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Publishes until ``stop`` is set and everything durable is published, or could not be for one round.

        Raises:
            LedgerError: ``rollback`` or ``io``: stop the process; nothing wrong was signed.
        """
        async with self._round:
            await self._ask_what_is_known_outside()
            while not stop.is_set() or self._behind():
                await self._wait_for_growth(stop)
                last_round = stop.is_set()
                if not self._behind() or await self._publish_once():
                    continue
                if last_round:
                    return
                await first_of(stop, timeout_s=RETRY_MS / 1000)

    async def _ask_what_is_known_outside(self) -> None:
        """A copy restored from a backup must reach the highest size that was signed before it signs again."""
        note = self._log.checkpoint()
        if note:
            self._known_outside = max((await self._round.highest_known(note)).values(), default=0)

    def _behind(self) -> bool:
        return self._log.published_size <= self._ledger.height

    async def _wait_for_growth(self, stop: asyncio.Event) -> None:
        if self._behind() or stop.is_set():
            return
        self._grown.clear()
        await first_of(self._grown, stop)

    async def _publish_once(self) -> bool:
        started = time.monotonic()
        size = await asyncio.to_thread(self._extend)
        if size < self._known_outside:
            self._on_refused(
                f"witnesses have seen size {self._known_outside}, this copy has {size}: nothing is signed "
                "until it reaches that size; restore the newer copy, or replay the topics"
            )
            return False
        note = await asyncio.to_thread(self._log.sign)
        signed = time.monotonic()
        try:
            note = await self._round.cosign(note, self._log.consistency)
        except CosigningError as error:
            self._known_outside = max(self._known_outside, error.known_size)
            self._on_refused(str(error))
            return False
        cosigned = time.monotonic()
        await asyncio.to_thread(self._log.publish, note)
        finished = time.monotonic()
        renamed = finished - cosigned
        self._on_published(Published(size, note, signed - started + renamed, cosigned - signed, renamed))
        return True

    def _extend(self) -> int:
        # Up to where the ledger is now: on a slow disk it may grow faster than this follows, and whoever
        # waits for a checkpoint must not wait until it rests.
        height = self._ledger.height
        while self._log.size <= height:
            self._log.catch_up(self._ledger)
        return self._log.size
