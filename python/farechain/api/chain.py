"""The chain over HTTP: its status, and its blocks."""

import asyncio
import time
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from farechain.api.context import ApiContext
from farechain.api.problems import Problem, responses

Height = Annotated[str, Path(pattern=r"^(0|[1-9][0-9]{0,14})$", description="Height of a block, from 0.")]


class CheckpointView(BaseModel):
    """The published checkpoint."""

    model_config = ConfigDict(extra="forbid")

    size: int = Field(description="Blocks under it.")
    age_s: float | None = Field(
        description="Seconds since it was published; null if this process has published none."
    )
    cosigners: list[str]
    required: int = Field(description="How many witnesses must cosign.")
    refused: str | None = Field(description="Why the last round was refused, if it was.")


class Latency(BaseModel):
    """From the broker's append of a payment to the signed checkpoint, milliseconds; null before the first."""

    model_config = ConfigDict(extra="forbid")

    p50: float | None
    p99: float | None


class Status(BaseModel):
    """What the chain is doing now. Counts are since genesis."""

    model_config = ConfigDict(extra="forbid")

    network: str
    chain: str
    height: int
    head: str = Field(description="Hash of the last durable block.")
    time_ms: int = Field(description="Its block time.")
    inputs: int
    invoices: int
    red_letters: int
    duplicates: int
    recorded: int
    rejected: dict[str, int] = Field(description="Rejected inputs by code.")
    waiting: int = Field(description="Payments that wait for numbers or credit.")
    rate_per_s: float = Field(description="Invoices a second over the last ten seconds.")
    latency_ms: Latency
    lag_records: int = Field(description="Records in Kafka that were not read yet.")
    checkpoint: CheckpointView
    curve_day: date = Field(description="The latest day that payments are dated by.")
    curve: list[tuple[int, int]] = Field(description="That day: (ten minutes since midnight, invoices).")
    demonstration: bool
    not_ready: str | None


class SourceRange(BaseModel):
    """What a block consumed of one partition: ``[first_offset, next_offset)``."""

    model_config = ConfigDict(extra="forbid")

    source: int
    topic: str
    partition: int
    first_offset: int
    next_offset: int
    last_digest: str = Field(description="Digest of the last input consumed of this partition, ever.")


class OutcomeView(BaseModel):
    """What became of one input."""

    model_config = ConfigDict(extra="forbid")

    source: int
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    verdict: str
    code: str | None = Field(description="Why it was rejected.")
    first: tuple[int, int] | None = Field(description="Of a duplicate: (height, index) of the first record.")
    first_record: int
    record_count: int
    digest: str = Field(description="Digest of the input's canonical bytes.")


class BlockView(BaseModel):
    """A block: its header by name and as bytes, and what its roots commit to. Digests and bytes are hex."""

    model_config = ConfigDict(extra="forbid")

    version: int
    suite: int
    chain: str
    height: int
    previous: str
    time_ms: int
    record_count: int
    records_root: str
    inputs_root: str
    header: str
    hash: str
    counts: dict[str, int] = Field(description="Outcomes by verdict.")
    ranges: list[SourceRange]
    outcomes: list[OutcomeView] = Field(description="One an input, in the order of decision.")


def status_of(context: ApiContext) -> Status:
    """Reads ledger and liveness into one answer."""
    counts = context.ledger.status()
    liveness = context.liveness
    checkpoint = CheckpointView(
        size=context.log.published_size,
        age_s=round(time.time() - liveness.published_s, 1) if liveness.published_s else None,
        cosigners=list(liveness.cosigners),
        required=context.threshold,
        refused=liveness.witness_refusal,
    )
    since_genesis = (
        "time_ms",
        "inputs",
        "invoices",
        "red_letters",
        "duplicates",
        "recorded",
        "rejected",
        "waiting",
    )
    return Status(
        network=context.ledger.network,
        chain=context.ledger.chain,
        height=context.ledger.height,
        head=context.ledger.head.hex(),
        rate_per_s=round(liveness.rate_per_s(), 1),
        latency_ms=Latency(**liveness.latency_ms()),
        lag_records=sum(liveness.lag_records.values()),
        checkpoint=checkpoint,
        curve_day=date(1970, 1, 1) + timedelta(days=counts["curve_day"]),
        curve=counts["curve"],
        demonstration=context.demonstration,
        not_ready=liveness.not_ready(),
        **{name: counts[name] for name in since_genesis},
    )


def router(context: ApiContext) -> APIRouter:
    """``/v1/status`` and ``/v1/blocks``."""
    routes = APIRouter(prefix="/v1", tags=["chain"])

    @routes.get("/status", responses=responses())
    async def status() -> Status:
        """Counts, rate, latency, checkpoint and the day's curve."""
        return await asyncio.to_thread(status_of, context)

    @routes.get("/blocks/{height}", responses=responses(404, 422))
    async def block(height: Height) -> BlockView:
        """A block: header, hash, ranges and outcomes."""
        found = await asyncio.to_thread(context.ledger.block, int(height))
        if found is None:
            raise Problem(404, "E_NOT_FOUND", f"no block {height}; the head is {context.ledger.height}")
        return BlockView(**printable(found))

    return routes


def printable(value: Any) -> Any:
    """The same value with every ``bytes`` in hex, for JSON."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: printable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [printable(part) for part in value]
    return value
