"""The promise over HTTP: how long events took to their checkpoint, by range of blocks and of the last day."""

import asyncio
from bisect import bisect_left
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from farechain.api.context import ApiContext
from farechain.api.paging import Cursor, Limit
from farechain.api.problems import Problem, responses
from farechain.promise.document import BOUNDS_MS
from farechain.promise.folder import Day, Folder, Summarised

EXAMPLE: dict[str, Any] = {
    "first": 421,
    "last": 3390,
    "from_ms": 1772323200000,
    "to_ms": 1772323800150,
    "events": 41280,
    "late": 0,
    "buckets": [[200, 1200], [500, 39000], [1000, 1080]],
    "mean_ms": 312.5,
    "max_ms": 870,
    "max_height": 1702,
    "attested": 3392,
    "document": "/promise/000000000421-000000003390.json",
}


class PromiseRange(BaseModel):
    """How long the events of some blocks took, from the broker's append to the published checkpoint."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})

    first: int = Field(description="The first block of the range.")
    last: int = Field(description="Its last block.")
    from_ms: int = Field(description="Time of the first block.")
    to_ms: int = Field(description="Time of the last block.")
    events: int = Field(description="Inputs of all kinds, but the engine's own.")
    late: int = Field(description="Events that took longer than a minute.")
    buckets: list[tuple[int | None, int]] = Field(
        description="(up to so many milliseconds, events), empty ones left out; null: longer than a minute."
    )
    mean_ms: float | None
    max_ms: int = Field(description="What the slowest event took.")
    max_height: int = Field(description="Its block.")
    attested: int | None = Field(description="The block that attests the document; null while none does.")
    document: str = Field(description="Path of the whole document; its proof is there as `.proof.json`.")


class PromiseDay(BaseModel):
    """The sums of the ranges that ended in the last 24 hours."""

    model_config = ConfigDict(extra="forbid")

    events: int
    late: int
    max_ms: int
    max_height: int
    through: int = Field(description="The last block that is in it.")


class PromisePage(BaseModel):
    """Ranges, the latest first."""

    model_config = ConfigDict(extra="forbid")

    items: list[PromiseRange]
    next: str | None = Field(description="Cursor of the next page; null after the last.")
    day: PromiseDay | None = Field(description="Null where no range ended in the last day.")


def router(context: ApiContext) -> APIRouter:
    """``/v1/promise``."""
    routes = APIRouter(prefix="/v1", tags=["chain"])
    folder = Folder(context.public_dir)

    @routes.get("/promise", responses=responses(422, 503))
    async def promise(response: Response, limit: Limit = "50", cursor: Cursor = None) -> PromisePage:
        """How long events took to their checkpoint, summarised by range of blocks, the latest first.

        `farechain promise verify` checks it from outside.
        """
        response.headers["Cache-Control"] = "no-store"
        now_ms = int(context.clock_s() * 1000)
        try:
            return await asyncio.to_thread(_page, folder, int(limit), cursor, now_ms)
        except (OSError, ValueError) as error:
            raise Problem(503, "E_PROMISE", f"a summary cannot be read: {error}") from error

    return routes


def _page(folder: Folder, limit: int, cursor: str | None, now_ms: int) -> PromisePage:
    stems = folder.stems()
    end = len(stems) if cursor is None else bisect_left(stems, cursor)
    chosen = stems[max(0, end - limit) : end][::-1]
    day = folder.last_day(now_ms)
    return PromisePage(
        items=[_range(folder.summary(stem)) for stem in chosen],
        next=chosen[-1] if end > limit else None,
        day=_day(day) if day is not None else None,
    )


def _range(one: Summarised) -> PromiseRange:
    buckets = zip([*BOUNDS_MS, None], one.counts, strict=True)
    return PromiseRange(
        first=one.first,
        last=one.last,
        from_ms=one.from_ms,
        to_ms=one.to_ms,
        events=one.events,
        late=one.late,
        buckets=[(bound, count) for bound, count in buckets if count],
        mean_ms=round(one.sum_ms / one.events, 1) if one.events else None,
        max_ms=one.max_ms,
        max_height=one.max_height,
        attested=one.attested,
        document=f"/promise/{one.stem}.json",
    )


def _day(day: Day) -> PromiseDay:
    return PromiseDay(**day._asdict())
