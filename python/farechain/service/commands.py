"""Between HTTP and the source of commands: tells who waits what became of theirs once it is durable."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from farechain._core import Ledger
from farechain.api.context import Recorded
from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.pipeline.ingest import ENGINE_SOURCES
from farechain.service import opening
from farechain.sources.http import AGAIN, Durable, HttpSource

BLOCKS_KEPT = 8
"""Of so many blocks what became of their commands is kept: all who waited for one read it once."""
LEAVE_S = 2.0
"""So long the ledger stays open for answers that are on their way."""

log = logging.getLogger(__name__)
Place = tuple[int, int]


class CommandDesk:
    """Takes commands for ``http/0`` (see ``farechain.api.context.Commands``).

    Args:
        ledger: opened for writing.
        source: its part that takes commands; None where genesis lists none.
        timeout_s: how long a command may wait for its block.
    """

    def __init__(self, ledger: Ledger, source: HttpSource | None, timeout_s: float) -> None:
        self._ledger = ledger
        self._source = source
        self._timeout_s = timeout_s
        self._index = (opening.http_index_of(ledger) or 0) + ENGINE_SOURCES
        self._blocks: OrderedDict[int, asyncio.Task[dict[int, Recorded]]] = OrderedDict()
        self._answering = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def open(self) -> bool:
        """Whether this chain takes commands over HTTP."""
        return self._source is not None

    @asynccontextmanager
    async def taking(self, kid: str, signature: bytes, value: bytes) -> AsyncIterator[Recorded]:
        """See ``Commands``."""
        self._answering += 1
        self._idle.clear()
        try:
            yield await self._record(kid, signature, value)
        finally:
            self._answering -= 1
            if self._answering == 0:
                self._idle.set()

    async def _record(self, kid: str, signature: bytes, value: bytes) -> Recorded:
        if self._source is None:
            raise FarechainError("E_NOT_RECORDED", "genesis does not list http/0", EXIT_UNAVAILABLE)
        durable = self._source.offer(kid, signature, value)
        try:
            async with asyncio.timeout(self._timeout_s):
                place = await durable
        except TimeoutError:
            message = f"no block within {self._timeout_s:g} s; {AGAIN}"
            raise FarechainError("E_NOT_RECORDED", message, EXIT_UNAVAILABLE) from None
        return await self._outcome(place)

    async def _outcome(self, place: Durable) -> Recorded:
        reading = self._blocks.get(place.height)
        if reading is None:
            reading = asyncio.create_task(asyncio.to_thread(self._read, place.height), name="outcomes")
            self._blocks[place.height] = reading
            if len(self._blocks) > BLOCKS_KEPT:
                self._blocks.popitem(last=False)
        return (await asyncio.shield(reading))[place.offset]

    def _read(self, height: int) -> dict[int, Recorded]:
        """What became of the commands in a block, by offset."""
        seen: dict[int, dict[str, Any]] = {}
        block = self._block(height, seen)
        mine = [outcome for outcome in block["outcomes"] if outcome["source"] == self._index]
        return {outcome["offset"]: self._recorded(height, outcome, seen) for outcome in mine}

    def _recorded(self, height: int, outcome: dict[str, Any], seen: dict[int, dict[str, Any]]) -> Recorded:
        at, decided = height, outcome
        if outcome["first"] is not None:
            at, index = outcome["first"]
            decided = next(
                other
                for other in self._block(at, seen)["outcomes"]
                if other["record_count"] and other["first_record"] == index
            )
        return Recorded(
            height=height,
            offset=outcome["offset"],
            verdict=decided["verdict"],
            code=decided["code"],
            duplicate=outcome["first"] is not None,
            at=at,
            time_ms=self._block(at, seen)["time_ms"],
            first_record=decided["first_record"],
            record_count=decided["record_count"],
        )

    def _block(self, height: int, seen: dict[int, dict[str, Any]]) -> dict[str, Any]:
        if height not in seen:
            found = self._ledger.block(height)
            if found is None:
                raise FarechainError("E_NOT_RECORDED", f"no block {height}; {AGAIN}", EXIT_UNAVAILABLE)
            seen[height] = found
        return seen[height]

    def durable(self, height: int) -> None:
        """A block became durable: acknowledges the commands in it. Called after each, before the next."""
        if self._source is not None and self._source.waiting:
            self._source.durable(self._ledger.positions()[self._index][3], height)

    def end(self) -> None:
        """No block comes any more: whoever waits is told to send it again."""
        if self._source is not None:
            self._source.end(f"this service stops; {AGAIN}")

    async def answered(self) -> None:
        """Waits until all answers are written, for a moment at most: they read the ledger."""
        try:
            async with asyncio.timeout(LEAVE_S):
                await self._idle.wait()
        except TimeoutError:
            log.warning("%d answers to commands were not written in time", self._answering)
