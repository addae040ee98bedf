"""The ingest pipeline: fetch, seal, prepare, commit. Each stage works while the next one does.

Knows sources and the ledger. It moves whole chunks and batches; it never looks at a record.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from farechain._core import Committed, Intake, Ledger, LedgerError, PreparedBatch, RawBatch
from farechain.errors import EXIT_REFUSED, FarechainError
from farechain.pipeline.clock import BlockClock
from farechain.pipeline.taken import Taken
from farechain.sources import Chunk, RawChunk, Source

ENGINE_SOURCES = 1
"""The ledger's source 0 is the engine's own; the partitions of a source begin behind it."""
READ_MS_MAX = 250
"""A read waits no longer, whatever a block's age may be: so soon is ``stop`` noticed."""
DRAIN_READ_MS = 5
"""A read waits no longer while payments that waited can be issued, whose next block is due at once; nor at
the end, where only the last blocks are waited for."""

CATCHING_UP_S = 1.0
"""So long after a full block, and after the start, ingest counts as catching up."""

URGENT_INPUTS = 2048
"""Inputs of a block that somebody waits for: it takes a quarter of a full one's time."""
PREPARE_S = 0.05
"""No block holds more than was prepared in this time lately: who gives a command waits for those under way.
With keys that are new, or on a slow machine, full blocks would take several times as long."""
PACE_FROM_INPUTS = 512
"""Smaller batches say little about what a large one takes."""


@dataclass(frozen=True, slots=True)
class BlockLimits:
    """When a block is sealed."""

    max_inputs: int = 8192
    max_age_ms: int = 200
    max_bytes: int = 64 * 1024 * 1024
    """Decompressed: large records, hostile ones above all, seal a block before there are many of them."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A durable block with the times of its way, seconds."""

    committed: Committed
    oldest_ms: int
    fetched_s: float
    prepare_s: float
    commit_s: float
    decode_ns: int
    verify_ns: int
    with_state: bool = False
    """Whether it commits to current state."""


class Ingest:
    """Runs a source into a ledger until it is told to stop.

    Args:
        ledger: opened for writing; this pipeline is the only one that commits to it.
        source: opened at the ledger's positions.
        limits: when blocks are sealed.
        on_block: called in the event loop after each durable block.
        first: partitions (by index) to be read to their present end before any other, such as commands.
        until_end: return once everything that the source has is durable, instead of waiting for more.
        last_state_is_due: asked then, until it says no: a commitment to current state is made first.
    """

    def __init__(
        self,
        ledger: Ledger,
        source: Source,
        *,
        limits: BlockLimits,
        clock: BlockClock,
        on_block: Callable[[Sealed], None],
        first: Iterable[int] = (),
        until_end: bool = False,
        last_state_is_due: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._ledger = ledger
        self._source = source
        self._limits = limits
        self._clock = clock
        self._on_block = on_block
        self._first = set(first)
        self._until_end = until_end
        self._last_state_is_due = last_state_is_due
        self._state_wanted = False
        self._intake: Intake = ledger.intake()
        self.taken = Taken(len(ledger.positions()) - ENGINE_SOURCES)
        """What waits to be durable."""
        self._raw: asyncio.Queue[tuple[RawBatch, float] | None] = asyncio.Queue(maxsize=1)
        self._sealable = asyncio.Semaphore(1)
        self._prepared: asyncio.Queue[tuple[PreparedBatch, float, float] | None] = asyncio.Queue(maxsize=1)
        self._in_flight = 0
        self._unreadable: FarechainError | None = None
        self._full_s = time.monotonic()
        self._most_inputs = URGENT_INPUTS
        self.turns = 0
        """How often the source was asked: this stands still only where preparing or committing hangs."""

    @property
    def catching_up(self) -> bool:
        """Whether a block was sealed for being full a moment ago: more is waiting than one block takes."""
        return time.monotonic() - self._full_s < CATCHING_UP_S

    def commit_state(self) -> None:
        """Puts a commitment to the state that was applied into the next block, which is made at once."""
        self._state_wanted = True

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until ``stop`` is set, then seals what was fetched and returns when it is durable.

        Raises:
            FarechainError: from the source (truncated, recreated), the clock or a batch that cannot be read.
                Stop the process and tell the operator; nothing that was acknowledged is lost.
            LedgerError: the ledger refused a batch or is poisoned; exit and recover by opening again.
        """
        try:
            async with asyncio.TaskGroup() as stages:
                stages.create_task(self._fetch(stop), name="fetch")
                stages.create_task(self._prepare(), name="prepare")
                stages.create_task(self._commit(), name="commit")
        except BaseExceptionGroup as group:
            # One stage failed and the others were cancelled: its error is the whole story.
            raise group.exceptions[0] from group
        if self._unreadable is not None:
            raise self._unreadable

    async def _fetch(self, stop: asyncio.Event) -> None:
        try:
            await self._read_first(stop)
            await self._read_on(stop)
        except FarechainError as error:
            if error.code != "E_BATCH":
                raise
            # What was fetched before it becomes durable first: the same batch stops the next start, too.
            self._unreadable = error
        while not self._intake.is_empty:
            await self._seal()
        await self._raw.put(None)

    async def _read_first(self, stop: asyncio.Event) -> None:
        """What the first partitions have now, in blocks of its own.

        The others are paused only where that takes a second read: a paused partition's next fetch may wait
        for one of the first that has nothing left.
        """
        rest = [i for i in range(len(self._ledger.positions()) - ENGINE_SOURCES) if i not in self._first]
        early: list[Chunk | RawChunk] = []
        paused = False
        while not stop.is_set() and not await self._first_is_read():
            if early and not paused:
                self._source.pause(rest)
                paused = True
            self.turns += 1
            chunks = await self._source.read(min(READ_MS_MAX, self._limits.max_age_ms))
            early += [chunk for chunk in chunks if chunk.partition not in self._first]
            await self._take([chunk for chunk in chunks if chunk.partition in self._first])
            while self._is_full():
                await self._seal()
        while not self._intake.is_empty:
            await self._seal()
        if paused:
            self._source.resume(rest)
        await self._take(early)

    async def _read_on(self, stop: asyncio.Event) -> None:
        waiting_since: float | None = None
        while not stop.is_set():
            self.turns += 1
            ending = self._until_end and await self._everything_is_read()
            if waiting_since is None and not self._intake.is_empty:
                waiting_since = time.monotonic()
            aged = waiting_since is not None and (
                ending or (time.monotonic() - waiting_since) * 1000 >= self._limits.max_age_ms
            )
            if self._is_full():
                self._full_s = time.monotonic()
            if self._is_full() or aged or self._has_own_work():
                await self._seal_full_batches()
                waiting_since = None if self._intake.is_empty else time.monotonic()
            elif ending and self._in_flight == 0:
                if self._last_state_is_due is None or not await self._last_state_is_due():
                    return
                self.commit_state()
            await self._take(await self._source.read(self._read_timeout_ms(waiting_since, ending)))

    async def _first_is_read(self) -> bool:
        lag = await self._source.lag()
        return all(lag.get(partition, 0) == 0 for partition in self._first)

    async def _everything_is_read(self) -> bool:
        return all(behind == 0 for behind in (await self._source.lag()).values())

    def _has_own_work(self) -> bool:
        # Asked only between blocks: the answer of a ledger that is committing is out of date.
        return self._in_flight == 0 and (self._state_wanted or self._ledger.drainable)

    def _read_timeout_ms(self, waiting_since: float | None, ending: bool) -> int:
        if ending or self._has_own_work():
            return min(DRAIN_READ_MS, self._limits.max_age_ms)
        if waiting_since is None:
            return min(READ_MS_MAX, self._limits.max_age_ms)
        left = self._limits.max_age_ms - (time.monotonic() - waiting_since) * 1000
        return max(1, min(READ_MS_MAX, int(left)))

    async def _take(self, chunks: Sequence[Chunk | RawChunk]) -> None:
        for chunk in chunks:
            source = chunk.partition + ENGINE_SOURCES
            self.taken.add(chunk)
            if isinstance(chunk, RawChunk):
                await self._take_raw(source, chunk)
            else:
                self._intake.push_records(source, chunk.records, chunk.next_offset)

    async def _take_raw(self, source: int, chunk: RawChunk) -> None:
        while True:
            try:
                self._intake.push_raw(source, chunk.data, chunk.fetch_offset, chunk.aborted)
            except LedgerError as error:
                topic, _, partition, _, _ = self._ledger.positions()[source]
                message = f"{topic}/{partition}: {error.args[1]}; it stops here: repair or replay the topic"
                raise FarechainError("E_BATCH", message, EXIT_REFUSED) from error
            if self._intake.expected(source) >= chunk.next_offset:
                return
            # It is so much once decompressed that it comes in parts.
            while self._is_full():
                await self._seal()

    async def _seal_full_batches(self) -> None:
        await self._seal()
        while self._is_full():
            await self._seal()

    def _is_full(self) -> bool:
        intake, limits = self._intake, self._limits
        most = min(limits.max_inputs, self._most_inputs)
        return intake.pending >= most or intake.pending_bytes >= limits.max_bytes

    async def _seal(self) -> None:
        """Seals a block once the last one is prepared: as late as possible, with what somebody waits for."""
        await self._sealable.acquire()
        urgent = self._source.urgent()
        for chunk in urgent:
            source = chunk.partition + ENGINE_SOURCES
            self.taken.add(chunk)
            self._intake.push_records(source, chunk.records, chunk.next_offset, ahead=True)
        self._in_flight += 1
        # Somebody waits for this block and for those before it: while commands come, all of them are small.
        most = URGENT_INPUTS if urgent else self._most_inputs
        sealed = self._intake.seal(min(self._limits.max_inputs, most))
        await self._raw.put((sealed, time.monotonic()))

    async def _prepare(self) -> None:
        while (item := await self._raw.get()) is not None:
            raw, fetched = item
            started = time.monotonic()
            prepared = await asyncio.to_thread(self._ledger.prepare, raw)
            ready = time.monotonic()
            if len(prepared) >= PACE_FROM_INPUTS:
                self._most_inputs = max(URGENT_INPUTS, int(len(prepared) * PREPARE_S / (ready - started)))
            self._sealable.release()
            await self._prepared.put((prepared, fetched, ready - started))
        await self._prepared.put(None)

    async def _commit(self) -> None:
        while (item := await self._prepared.get()) is not None:
            prepared, fetched, prepare_s = item
            started = time.monotonic()
            state, self._state_wanted = self._state_wanted, False
            committed = await asyncio.shield(
                asyncio.to_thread(self._ledger.commit, prepared, self._clock.now_ms(), state=state)
            )
            self._in_flight -= 1
            self._on_block(
                Sealed(
                    committed,
                    prepared.oldest_ms,
                    fetched,
                    prepare_s,
                    time.monotonic() - started,
                    prepared.decode_ns,
                    prepared.verify_ns,
                    state,
                )
            )
