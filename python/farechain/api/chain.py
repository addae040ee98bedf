"""The chain over HTTP: status, blocks, and the live stream that the page shows."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from farechain.api.context import ApiContext
from farechain.api.invoices import printable
from farechain.api.problems import Problem

LIVE_PERIOD_S = 1.0


class CheckpointView(BaseModel):
    """The published checkpoint."""

    model_config = ConfigDict(extra="forbid")

    size: int
    age_s: float | None
    cosigners: list[str]
    required: int
    refused: str | None


class Status(BaseModel):
    """What the chain is doing now."""

    model_config = ConfigDict(extra="forbid")

    network: str
    chain: str
    height: int
    head: str
    time_ms: int
    inputs: int
    invoices: int
    red_letters: int
    duplicates: int
    recorded: int
    rejected: dict[str, int]
    waiting: int
    rate_per_s: float
    latency_ms: dict[str, float | None]
    lag_records: int
    checkpoint: CheckpointView
    curve: list[list[int]]
    demonstration: bool
    not_ready: str | None


def status_of(context: ApiContext) -> Status:
    """Reads ledger and liveness into one answer."""
    counts = context.ledger.status()
    liveness = context.liveness
    return Status(
        network=context.ledger.network,
        chain=context.ledger.chain,
        height=context.ledger.height,
        head=context.ledger.head.hex(),
        time_ms=counts["time_ms"],
        inputs=counts["inputs"],
        invoices=counts["invoices"],
        red_letters=counts["red_letters"],
        duplicates=counts["duplicates"],
        recorded=counts["recorded"],
        rejected=counts["rejected"],
        waiting=counts["waiting"],
        rate_per_s=round(liveness.rate_per_s(), 1),
        latency_ms=liveness.latency_ms(),
        lag_records=sum(liveness.lag_records.values()),
        checkpoint=CheckpointView(
            size=context.log.published_size,
            age_s=round(time.time() - liveness.published_s, 1) if liveness.published_s else None,
            cosigners=list(liveness.cosigners),
            required=context.threshold,
            refused=liveness.witness_refusal,
        ),
        curve=counts["curve"],
        demonstration=context.demonstration,
        not_ready=liveness.not_ready(),
    )


def router(context: ApiContext) -> APIRouter:
    """The routes under ``/v1`` that are about the chain."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/status")
    async def status() -> Status:
        """Counts, rate, latency, checkpoint and the day's curve."""
        return await asyncio.to_thread(status_of, context)

    @routes.get("/blocks/{height}")
    async def block(height: Annotated[int, Path(ge=0, le=2**40)]) -> dict[str, Any]:
        """A block: header, hash, ranges and outcomes."""
        found = await asyncio.to_thread(context.ledger.block, height)
        if found is None:
            raise Problem(404, "E_NOT_FOUND", f"no block {height}; the head is {context.ledger.height}")
        shown: dict[str, Any] = printable(found)
        return shown

    @routes.get("/live", response_class=StreamingResponse)
    async def live() -> StreamingResponse:
        """The status every second, as server-sent events."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_events(context), media_type="text/event-stream", headers=headers)

    return routes


async def _events(context: ApiContext) -> AsyncIterator[str]:
    while True:
        status = await asyncio.to_thread(status_of, context)
        yield f"data: {json.dumps(status.model_dump())}\n\n"
        await asyncio.sleep(LIVE_PERIOD_S)
