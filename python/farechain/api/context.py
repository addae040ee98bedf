"""What the HTTP layer is given: the ledger, its log, and what the service knows about its own health."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry

from farechain._core import Ledger, PublicLog
from farechain.access.tokens import Tokens
from farechain.api.access import ROUTES, Rule
from farechain.books.books import Books
from farechain.pipeline.ingest import Sealed
from farechain.pipeline.publish import Published
from farechain.private.store import Store

RATE_WINDOW_S = 10.0
RECENT_LATENCIES = 512


@dataclass
class Liveness:
    """Progress of the running pipeline, for the page and the probes. Bounded; moved by callbacks only."""

    stalled_after_s: float = 30.0
    stopped_reason: str | None = None
    replica: Callable[[], str | None] = lambda: None
    """Why the second copy takes nothing; None where it does, or there is none."""
    lag_records: dict[str, int] = field(default_factory=dict)
    last_block_s: float = 0.0
    cosigners: tuple[str, ...] = ()
    witness_refusal: str | None = None
    published_s: float = 0.0
    _unpublished: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=4096))
    _latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT_LATENCIES))
    _issued: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=4096))

    def block(self, sealed: Sealed) -> None:
        """A block became durable."""
        self.last_block_s = time.time()
        self._issued.append((time.monotonic(), sealed.committed.invoices))
        if sealed.oldest_ms:
            self._unpublished.append((sealed.committed.height, sealed.oldest_ms))

    def published(self, published: Published, cosigners: Sequence[str]) -> None:
        """A checkpoint is in place."""
        self.published_s = time.time()
        self.cosigners = tuple(cosigners)
        self.witness_refusal = None
        while self._unpublished and self._unpublished[0][0] < published.size:
            self._latencies_ms.append(max(0.0, time.time() * 1000 - self._unpublished.popleft()[1]))

    def rate_per_s(self) -> float:
        """Invoices per second over the last ten seconds."""
        since = time.monotonic() - RATE_WINDOW_S
        return sum(count for at, count in self._issued if at >= since) / RATE_WINDOW_S

    def latency_ms(self) -> dict[str, float | None]:
        """Median and 99th percentile from append in Kafka to checkpoint, of recent blocks' oldest events."""
        ordered = sorted(self._latencies_ms)
        if not ordered:
            return {"p50": None, "p99": None}
        last = len(ordered) - 1
        return {"p50": ordered[last // 2], "p99": ordered[last * 99 // 100]}

    def not_ready(self) -> str | None:
        """Why the service should get no traffic; ``None`` when it is ready."""
        if self.stopped_reason:
            return self.stopped_reason
        if replica := self.replica():
            return replica
        behind = sum(self.lag_records.values())
        if behind and self.last_block_s and time.time() - self.last_block_s > self.stalled_after_s:
            return f"{behind} records wait and no block was sealed for {self.stalled_after_s:.0f} s"
        return None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a command; its block is durable.

    Attributes:
        height: the block with its outcome.
        offset: its place in ``http/0``.
        verdict: ``ISSUED``, ``REVERSED``, ``APPLIED`` or ``REJECTED``; a duplicate's is the first one's.
        code: why it was rejected, else None.
        duplicate: whether the ledger had it already.
        at: the block with its records: another one than ``height`` for a duplicate.
        time_ms: the time of the block ``at``.
        first_record: index of its first record there.
        record_count: 0 for what was rejected.
    """

    height: int
    offset: int
    verdict: str
    code: str | None
    duplicate: bool
    at: int
    time_ms: int
    first_record: int
    record_count: int


class Commands(Protocol):
    """Takes signed commands and waits until they are durable."""

    def taking(self, kid: str, signature: bytes, value: bytes) -> AbstractAsyncContextManager[Recorded]:
        """What became of a command; the ledger stays open inside of the ``async with``.

        Args:
            kid: the signer's key id, 32 hex digits.
            signature: 64 bytes over ``value``.
            value: the CloudEvent's exact bytes, at most 64 KiB.

        Raises:
            FarechainError: ``E_BUSY``, ``E_NOT_RECORDED``: nothing is known to be recorded; send it again.
        """


@dataclass(frozen=True, slots=True)
class ApiContext:
    """Everything a request may need, passed in once."""

    ledger: Ledger
    log: PublicLog
    public_dir: Path
    registry: CollectorRegistry
    liveness: Liveness
    vkey: str
    witness_vkeys: Sequence[str] = ()
    threshold: int = 0
    demonstration: bool = True
    clock_s: Callable[[], float] = time.time
    tokens: Tokens | None = None
    """Of those who call; without them everybody is anonymous."""
    commands: Commands | None = None
    no_commands: str = (
        "this chain takes no commands over HTTP, its genesis does not list http/0: send them to the topic"
    )
    books: Books | None = None
    """Lists by party; they may be some blocks behind, ``Books.height`` says how far they are."""
    private: Store | None = None
    """Where texts go that come with commands; without it none are taken."""
    public_url: str = "http://127.0.0.1:8800"
    """Where people reach the pages: it is printed on documents, without a slash at its end."""
    audit_file: Path | None = None
    """Where ``farechain audit`` leaves what it said last."""
    routes: Mapping[str, Rule] = field(default_factory=lambda: ROUTES)
    """What each route needs; what is not in it is refused."""
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    on_answer: Callable[[str, int, float], None] = lambda _route, _status, _seconds: None
    """Told each request's route template, status, and seconds until its answer began."""
