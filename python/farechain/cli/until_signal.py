"""Runs a service until SIGTERM or SIGINT; a second signal leaves at once."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from farechain.errors import EXIT_UNAVAILABLE

T = TypeVar("T")
log = logging.getLogger("farechain.process")


def run_until_signal(service: Callable[[asyncio.Event], Coroutine[Any, Any, T]]) -> T:
    """Runs ``service(stop)`` in an event loop of its own; the first signal sets ``stop``."""

    async def running() -> T:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _on_signal, number, stop)
        return await service(stop)

    return asyncio.run(running())


def _on_signal(number: signal.Signals, stop: asyncio.Event) -> None:
    if stop.is_set():
        log.warning("%s again: leaving without draining", number.name)
        # Nothing acknowledged is lost by this: opening the ledger again is recovering it.
        os._exit(EXIT_UNAVAILABLE)
    log.info("%s: stopping", number.name)
    stop.set()
