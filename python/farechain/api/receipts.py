"""Receipts as a stream of server-sent events: what became of each input, from any block on.

An event is one receipt without what only the parties know (no amount, no hash, no check code). The last event
of a block carries the block's height as its id, so a client that comes again with ``Last-Event-ID`` goes on
behind the last block that it has whole; what it sees twice has the same receipt id.
"""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from farechain._core import LedgerError
from farechain.api.context import ApiContext
from farechain.api.payments import InvoiceId
from farechain.api.problems import Problem, responses

LOG = logging.getLogger("farechain.api")
LISTENERS_MAX = 64
STREAM_S_MAX = 600.0
"""A stream ends then and the client comes again where it was."""
POLL_S = 0.2
HEARTBEAT_S = 15.0
PART_EVENTS = 256
"""A full block is written in parts of so many."""
HEIGHT_PATTERN = r"^(0|[1-9][0-9]{0,14})$"
From = Annotated[
    str | None,
    Query(
        alias="from",
        pattern=HEIGHT_PATTERN,
        description="The first block; by default the next one to come. `Last-Event-ID` goes before it.",
        examples=["1"],
    ),
]
LastEventId = Annotated[
    str | None, Header(pattern=HEIGHT_PATTERN, description="The last block that the client has whole.")
]


class ReceiptEvent(BaseModel):
    """What became of one input."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "id": "shenzhen/0/2/0",
                    "subject": "payments.metro/3/0",
                    "time": "2026-03-01T00:00:01.000Z",
                    "verdict": "ISSUED",
                    "code": None,
                    "state": None,
                    "invoice": {"code": "144032609110", "number": "00000001"},
                    "input_digest": "28d2d84ee3f91893175f5fa78755ef58975d283f024babaa626de3241b946cea",
                }
            ]
        },
    )

    id: str = Field(description="chain/height/index; the same each time.")
    subject: str = Field(description="topic/partition/offset of the input.")
    time: str = Field(description="Block time.")
    verdict: str
    code: str | None = Field(description="Why it was rejected.")
    state: str | None = Field(description="What a payment waits for, if it does.")
    invoice: InvoiceId | None
    input_digest: str


class Receipts:
    """Streams of one service, bounded in number."""

    def __init__(self, context: ApiContext, listeners_max: int = LISTENERS_MAX) -> None:
        self._context = context
        self._listeners_max = listeners_max
        self._listeners = 0

    def admit(self, wanted: str | None, last_event_id: str | None) -> int:
        """The first block of a stream.

        Raises:
            Problem: 503 where there are as many listeners as are allowed, 404 for a block that is far off.
        """
        if self._listeners >= self._listeners_max or self._context.ending.is_set():
            raise Problem(503, "E_BUSY", "too many listeners: come again later", {"Retry-After": "30"})
        height = self._context.ledger.height
        first = height + 1
        if last_event_id is not None:
            first = int(last_event_id) + 1
        elif wanted is not None:
            first = int(wanted)
        if first > height + 1:
            raise Problem(404, "E_NOT_FOUND", f"no block {first} yet; the head is {height}")
        return first

    async def events(self, height: int) -> AsyncIterator[str]:
        """The stream from a block on, until its time, the service or the listener ends."""
        self._listeners += 1
        try:
            ends = time.monotonic() + STREAM_S_MAX
            beaten = time.monotonic()
            yield ": receipts\n\n"
            while time.monotonic() < ends and not self._context.ending.is_set():
                if height <= self._context.ledger.height:
                    for part in await asyncio.to_thread(self._block, height):
                        yield part
                    height += 1
                    beaten = time.monotonic()
                    continue
                if time.monotonic() - beaten >= HEARTBEAT_S:
                    beaten = time.monotonic()
                    yield ": still here\n\n"
                await self._wait()
            yield ": the end; come again\n\n"
        except LedgerError as error:
            LOG.info("stream of receipts ended: %s", error.args[-1])
        finally:
            self._listeners -= 1

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._context.ending.wait()
        except TimeoutError:
            return

    def _block(self, height: int) -> list[str]:
        """A block's events in parts. A block without any still moves the client's id."""
        _next, messages = self._context.ledger.receipts(height, 1)
        events = [f"data: {_shown(json.loads(value)).model_dump_json()}\n\n" for _key, value in messages]
        last = events.pop() if events else ": nothing\n\n"
        events.append(f"id: {height}\n{last}")
        return ["".join(events[at : at + PART_EVENTS]) for at in range(0, len(events), PART_EVENTS)]


def _shown(receipt: dict[str, Any]) -> ReceiptEvent:
    data = receipt["data"]
    invoice = data.get("invoice")
    return ReceiptEvent(
        id=receipt["id"],
        subject=receipt["subject"],
        time=receipt["time"],
        verdict=data["verdict"],
        code=data.get("code"),
        state=data.get("state"),
        invoice=InvoiceId(code=invoice["code"], number=f"{invoice['number']:08d}") if invoice else None,
        input_digest=data["input_digest"],
    )


def router(context: ApiContext) -> APIRouter:
    """``/v1/receipts``."""
    routes = APIRouter(prefix="/v1", tags=["chain"])
    receipts = Receipts(context)
    schema = {"$ref": f"#/components/schemas/{ReceiptEvent.__name__}"}
    described: dict[int | str, dict[str, Any]] = {
        200: {
            "description": "Each `data` is a ReceiptEvent.",
            "content": {"text/event-stream": {"itemSchema": schema}},
        },
        **responses(404, 422, 503),
    }

    @routes.get("/receipts", response_class=StreamingResponse, responses=described)
    async def stream(request: Request, first: From = None, last_event_id: LastEventId = None) -> Response:
        """What became of each input, as server-sent events, from a block on; comments are heart-beats."""
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        height = receipts.admit(first, last_event_id)
        if request.scope.get("farechain.head"):
            return Response(media_type="text/event-stream", headers=headers)
        return StreamingResponse(receipts.events(height), media_type="text/event-stream", headers=headers)

    return routes
