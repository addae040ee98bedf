"""The live stream of the page: the status every second as server-sent events, computed once for all."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator

from farechain._core import LedgerError
from farechain.api.chain import Status, status_of
from farechain.api.context import ApiContext
from farechain.api.problems import Problem

LOG = logging.getLogger("farechain.api")
PERIOD_S = 1.0
MAX_LISTENERS = 256
MAX_STREAM_S = 600.0
"""A stream ends then and the browser comes again: a proxy or a page left open never holds one for ever."""


class Live:
    """Streams of one service, bounded in number."""

    def __init__(self, context: ApiContext, max_listeners: int = MAX_LISTENERS) -> None:
        self._context = context
        self._max_listeners = max_listeners
        self._listeners = 0
        self._lock = asyncio.Lock()
        self._read_at = float("-inf")
        self._event = ""

    def admit(self) -> None:
        """Raises ``Problem`` 503 when there are as many listeners as are allowed."""
        if self._listeners >= self._max_listeners:
            raise Problem(503, "E_BUSY", "too many listeners: poll /v1/status instead", {"Retry-After": "30"})

    async def events(self) -> AsyncIterator[str]:
        """One event a second until the listener, its time, or the ledger is gone: the process then closes."""
        self._listeners += 1
        try:
            ends = time.monotonic() + MAX_STREAM_S
            while time.monotonic() < ends and self._context.liveness.stopped_reason is None:
                yield await self._present()
                await asyncio.sleep(PERIOD_S)
            yield await self._present()
        except LedgerError as error:
            LOG.info("live stream ended: %s", error.args[-1])
        finally:
            self._listeners -= 1

    async def _present(self) -> str:
        async with self._lock:
            if time.monotonic() - self._read_at >= PERIOD_S / 2:
                status: Status = await asyncio.to_thread(status_of, self._context)
                self._event = f"data: {status.model_dump_json()}\n\n"
                self._read_at = time.monotonic()
            return self._event
