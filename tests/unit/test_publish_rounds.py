"""A checkpoint is published however fast the ledger grows."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from farechain import _core
from farechain.pipeline.publish import Published, Publisher


class GrowingLedger:
    """A ledger that has a block more whenever the public log has followed it."""

    height = 0


class FollowingLog:
    """A public log that takes one round for each block, as on a slow disk."""

    def __init__(self, ledger: GrowingLedger, stop: asyncio.Event) -> None:
        self._ledger = ledger
        self._stop = stop
        self.size = 0
        self.published_size = 0
        self.rounds = 0

    def catch_up(self, _ledger: GrowingLedger) -> int:
        self.rounds += 1
        assert self.rounds < 100, "the log follows for ever"
        self.size = self._ledger.height + 1
        if not self._stop.is_set():
            self._ledger.height += 1
        return self.size

    def checkpoint(self) -> str:
        return ""

    def sign(self) -> str:
        return f"note of {self.size}"

    def publish(self, _note: str) -> None:
        self.published_size = self.size

    def consistency(self, _old: int, _new: int) -> Sequence[bytes]:
        return []


async def test_a_ledger_that_grows_while_the_log_follows_does_not_hold_back_the_checkpoint() -> None:
    stop, ledger = asyncio.Event(), GrowingLedger()
    log = FollowingLog(ledger, stop)
    sizes: list[int] = []

    def published(checkpoint: Published) -> None:
        sizes.append(checkpoint.size)
        if len(sizes) == 3:
            stop.set()

    refused: list[str] = []
    publisher = Publisher(
        cast(_core.Ledger, ledger),
        cast(Any, log),
        witnesses=[],
        threshold=0,
        timeout_s=1.0,
        on_published=published,
        on_refused=refused.append,
    )
    await publisher.run(stop)
    assert sizes == [1, 2, 3, 4]
    assert log.published_size == ledger.height + 1
    assert not refused
