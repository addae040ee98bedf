"""Commands over HTTP as a source: ``http/0``, whose offsets go on at the ledger's position.

A command waits in memory, bounded, until its block is durable. Nothing is acknowledged before: whoever waits
when the process ends sends the same bytes again, and the ledger knows a duplicate. So offsets have no holes,
and what is lost with the process was promised to nobody.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from farechain._core import SourceRecord
from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.sources import NO_TOPIC_ID, Chunk, Partition

TOPIC = "http"
PARTITION = 0
SOURCE = (TOPIC, NO_TOPIC_ID, PARTITION)
"""As genesis lists it."""
OVERHEAD_BYTES = 512
"""Of a command beside its value, counted against the bound."""
AGAIN = "not recorded: send the same bytes again, a command is recorded once"


@dataclass(frozen=True, slots=True)
class Durable:
    """Where a command is: its offset, and the block that holds its outcome."""

    offset: int
    height: int


@dataclass(slots=True)
class _Waiter:
    offset: int
    size_bytes: int
    done: "asyncio.Future[Durable]"


class HttpSource:
    """A bounded queue of signed commands (see ``Source``); everything belongs to one event loop.

    Args:
        partition: ``http/0`` at the ledger's position.
        waiting_max: commands on their way to a durable block, at most.
        waiting_bytes_max: their bytes, at most.
        clock_s: Unix time, which stamps a command's arrival.
    """

    def __init__(
        self,
        partition: Partition,
        *,
        waiting_max: int = 1024,
        waiting_bytes_max: int = 16 << 20,
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        self._next = partition.position
        self._waiting_max = waiting_max
        self._waiting_bytes_max = waiting_bytes_max
        self._clock_s = clock_s
        self._queue: list[SourceRecord] = []
        self._waiting: deque[_Waiter] = deque()
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._paused = False
        self._closed: str | None = None

    @property
    def waiting(self) -> int:
        """Commands that were taken and are in no durable block yet."""
        return len(self._waiting)

    def offer(self, kid: str, signature: bytes, value: bytes) -> "asyncio.Future[Durable]":
        """Takes a command; the future ends when its block is durable.

        Args:
            kid: the signer's key id, 32 hex digits.
            signature: 64 bytes over ``value``.
            value: the CloudEvent's exact bytes.

        Raises:
            FarechainError: ``E_BUSY`` while too many wait, ``E_NOT_RECORDED`` once the source is closed: the
                caller sends it again later. The future raises ``E_NOT_RECORDED``, too.
        """
        if self._closed is not None:
            raise FarechainError("E_NOT_RECORDED", self._closed, EXIT_UNAVAILABLE)
        size_bytes = len(value) + OVERHEAD_BYTES
        if len(self._waiting) >= self._waiting_max or (
            self._waiting_bytes + size_bytes > self._waiting_bytes_max
        ):
            message = f"{len(self._waiting)} commands wait for their block: send it again in a moment"
            raise FarechainError("E_BUSY", message, EXIT_UNAVAILABLE)
        headers: list[tuple[str, bytes | None]] = [("fc-kid", kid.encode()), ("fc-sig", signature)]
        self._queue.append((self._next, int(self._clock_s() * 1000), None, value, headers))
        waiter = _Waiter(self._next, size_bytes, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        self._waiting_bytes += size_bytes
        self._next += 1
        self._arrived.set()
        return waiter.done

    def durable(self, next_offset: int, height: int) -> None:
        """Acknowledges everything below ``next_offset`` that waits: it is in the durable block ``height``."""
        while self._waiting and self._waiting[0].offset < next_offset:
            waiter = self._waiting.popleft()
            self._waiting_bytes -= waiter.size_bytes
            if not waiter.done.done():  # whoever sent it may have left
                waiter.done.set_result(Durable(waiter.offset, height))

    def end(self, reason: str = AGAIN) -> None:
        """Takes no more, and tells all who still wait that theirs is not known to be recorded."""
        self._closed = self._closed or reason
        for waiter in self._waiting:
            if not waiter.done.done():
                waiter.done.set_exception(FarechainError("E_NOT_RECORDED", self._closed, EXIT_UNAVAILABLE))
                waiter.done.exception()  # marks it as seen: nobody may be waiting any more
        self._waiting.clear()
        self._queue.clear()
        self._waiting_bytes = 0

    async def start(self) -> None:
        """See ``Source``: there is nothing to open."""

    async def read(self, timeout_ms: int) -> Sequence[Chunk]:
        """See ``Source``."""
        if not self._ready():
            self._arrived.clear()
            try:
                async with asyncio.timeout(timeout_ms / 1000):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        return self.urgent()

    def urgent(self) -> Sequence[Chunk]:
        """See ``Source``: whoever gave a command waits for its block."""
        if not self._ready():
            return []
        taken, self._queue = self._queue, []
        return [Chunk(0, taken, None)]

    def _ready(self) -> bool:
        return bool(self._queue) and not self._paused

    async def lag(self) -> dict[int, int]:
        """See ``Source``."""
        return {0: len(self._queue)}

    def pause(self, partitions: Sequence[int]) -> None:
        """See ``Source``."""
        self._paused = self._paused or bool(partitions)

    def resume(self, partitions: Sequence[int]) -> None:
        """See ``Source``."""
        if partitions:
            self._paused = False
            self._arrived.set()

    async def commit(self, positions: Sequence[int]) -> None:
        """See ``Source``: nobody else wants to know."""

    async def close(self) -> None:
        """See ``Source``."""
        self.end()
