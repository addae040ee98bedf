"""Waits for the first of several events, leaving nothing behind; lets ingest go first."""

import asyncio
import time
from collections.abc import Callable

YIELD_S = 0.05
"""How often a follower of the block log looks whether ingest still catches up."""
YIELD_MAX_S = 5.0
"""So long it lets ingest pass at most; then it takes one step: what follows never stands still."""


async def first_of(*events: asyncio.Event, timeout_s: float | None = None) -> None:
    """Returns when one of the events is set, or after ``timeout_s`` seconds."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def let_pass(busy: Callable[[], bool], stop: asyncio.Event) -> None:
    """Returns when nothing is busy any more, ``stop`` is set, or the patience is at its end."""
    deadline = time.monotonic() + YIELD_MAX_S
    while busy() and time.monotonic() < deadline and not stop.is_set():
        await first_of(stop, timeout_s=YIELD_S)
