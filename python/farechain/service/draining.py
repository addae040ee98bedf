"""Lets the stages of a service end in their order: what was fetched is sealed, then published and sent."""

import asyncio
import logging
from typing import Any

from farechain.errors import EXIT_UNAVAILABLE, FarechainError

log = logging.getLogger(__name__)


async def drain(
    ingest: "asyncio.Task[None]",
    followers: "list[asyncio.Task[None]]",
    sealed_all: asyncio.Event,
    stopping: "asyncio.Task[Any]",
    deadline_s: float,
) -> None:
    """Lets the stages end in their order.

    Without a signal (``stopping``) there is no deadline: the end is when everything is published.

    Raises:
        FarechainError: ``E_DEADLINE``, or what a stage raised.
    """
    draining = asyncio.create_task(_in_order(ingest, followers, sealed_all))
    try:
        await asyncio.wait([draining, stopping], return_when=asyncio.FIRST_COMPLETED)
        if not draining.done():
            log.info("draining deadline_s=%g", deadline_s)
            await asyncio.wait([draining], timeout=deadline_s)
        if not draining.done():
            message = f"not drained in {deadline_s:g} s; nothing durable is lost: start again"
            raise FarechainError("E_DEADLINE", message, EXIT_UNAVAILABLE)
        draining.result()
    finally:
        draining.cancel()


async def _in_order(
    ingest: "asyncio.Task[None]", followers: "list[asyncio.Task[None]]", sealed_all: asyncio.Event
) -> None:
    """Ends ingest, then its followers; the first error is raised when all have ended."""
    await asyncio.wait([ingest])
    sealed_all.set()
    await asyncio.wait(followers)
    for task in (ingest, *followers):
        task.result()
