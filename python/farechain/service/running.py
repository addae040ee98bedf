"""Runs the stages of a service until it is told to stop, and leaves in an order that loses nothing.

Order of leaving: stop fetching, seal and commit what was fetched, publish it, send its receipts, mirror the
positions, close. A stage that fails stops sealing in the same order, and its error is the one that is told;
the supervisor starts the process again, and opening is recovering.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from farechain._core import Ledger, LedgerError, PublicLog
from farechain.access.tokens import Tokens
from farechain.api.context import ApiContext, Liveness
from farechain.backup.mark import backed_up_s
from farechain.config import Settings
from farechain.errors import FarechainError
from farechain.ledger_errors import as_failure
from farechain.listening import serve
from farechain.observability.metrics import Metrics
from farechain.pages.site import create_site
from farechain.pipeline.clock import BlockClock
from farechain.pipeline.ingest import BlockLimits, Ingest, Sealed
from farechain.pipeline.publish import Published, Publisher
from farechain.pipeline.relay import Relay
from farechain.pipeline.state import StateCommitments
from farechain.replica.owner import ReplicaLink
from farechain.service import opening, replicating
from farechain.service.bookkeeping import Bookkeeper, open_books
from farechain.service.commands import CommandDesk
from farechain.service.draining import drain
from farechain.service.private import PrivateFollower, open_store, signer_of
from farechain.service.promising import PromiseKeeper, open_keeper
from farechain.service.relaying import open_relays
from farechain.service.restored import confirmed
from farechain.service.resuming import resume
from farechain.service.standby import Switch, standby_app
from farechain.service.supervised import Supervisor
from farechain.service.totals import Summary, Totals
from farechain.service.upkeep import Upkeep
from farechain.service.watching import Notices, Watch
from farechain.sources import Source
from farechain.witness.client import WitnessEndpoint, cosigners

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What is open while the service runs."""

    ledger: Ledger
    public_log: PublicLog
    source: Source
    commands: CommandDesk
    publisher: Publisher
    relays: dict[str, Relay]
    private: PrivateFollower | None
    bookkeeper: Bookkeeper | None
    """None where nobody can ask (no HTTP), or the books cannot be opened."""


class Service:
    """One chain's service.

    Args:
        settings: the whole configuration.
        listener: where the HTTP interface answers; None for none.
        until_end: end once everything that the source has now is durable, published and sent.
    """

    def __init__(
        self, settings: Settings, listener: socket.socket | None, *, until_end: bool = False
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._until_end = until_end
        self._metrics = Metrics()
        self._metrics.backup_time.set_function(partial(backed_up_s, settings.state_dir))
        self._liveness = Liveness(stalled_after_s=settings.limits.stalled_after_s)
        self._totals = Totals()
        self._notices = Notices()
        self._vkeys = [member.vkey for member in settings.witnesses.members]
        self._wakes: list[Callable[[], None]] = []
        self._ending = asyncio.Event()
        self._ingest: Ingest | None = None
        self._promise: PromiseKeeper | None = None
        self._traces = opening.traces_of(settings, "serve" if listener else "ingest")
        self._stated = 0
        self._keeping = opening.keeping_of(settings)
        self._supervisor = Supervisor()
        self._waiting_for = "opening the ledger"
        self._app = Switch(standby_app(lambda: self._waiting_for, self._metrics.registry))

    async def run(self, stop: asyncio.Event) -> Summary | None:
        """Runs until ``stop`` is set, or to the end of the source. None where it was stopped as a standby.

        Raises:
            FarechainError: a stage cannot go on; what was acknowledged is durable. Exit with its code.
        """
        seed = opening.log_seed(self._settings)
        http_stop = asyncio.Event()
        http = self._serve_http(http_stop)
        self._supervisor.tell(READY="1", STATUS=self._waiting_for)
        watchdog = asyncio.create_task(self._supervisor.watch(self._progress), name="watchdog")
        try:
            ledger = await opening.own_ledger(self._settings, stop, self._on_standby)
            if ledger is None:
                return None
            try:
                return await self._run_with(ledger, seed, stop)
            finally:
                await asyncio.shield(asyncio.to_thread(ledger.close))
        except LedgerError as error:
            raise as_failure(error) from error
        finally:
            watchdog.cancel()
            http_stop.set()
            if http is not None:
                await http
            await self._traces.close()

    def _serve_http(self, stop: asyncio.Event) -> "asyncio.Task[None] | None":
        if self._listener is None:
            return None
        return asyncio.create_task(serve(self._app, self._listener, stop), name="http")

    def _progress(self) -> object | None:
        """Of the owner, while it is not ending: that has a deadline of its own."""
        return None if self._ingest is None or self._ending.is_set() else self._ingest.turns

    def _on_standby(self, reason: str) -> None:
        self._waiting_for = reason
        self._supervisor.tell(STATUS=reason)
        log.warning("%s; waiting for its lock", reason)

    async def _run_with(self, ledger: Ledger, seed: bytes, stop: asyncio.Event) -> Summary | None:
        settings = self._settings
        log.info("ledger open chain=%s height=%d", ledger.chain, ledger.height)
        async with AsyncExitStack() as stack:
            self._waiting_for = f"bringing the replica at {settings.replica.address} to the head"
            link = await replicating.replicate(settings, ledger, self._metrics, stack, stop)
            self._liveness.replica = lambda: replicating.not_ready(settings, link)
            public_log = await asyncio.to_thread(opening.open_public_log, settings, ledger, seed)
            on_wait = None if self._until_end else partial(setattr, self, "_waiting_for")
            if not await confirmed(settings, ledger, public_log, stop, self._metrics, on_wait=on_wait):
                return None
            source, http_source = opening.source_of(settings, ledger)
            await source.start()
            stack.push_async_callback(source.close)
            commands = CommandDesk(ledger, http_source, settings.commands.timeout_ms / 1000)
            relays = await open_relays(
                settings, ledger, stack, busy=self._is_catching_up, on_trouble=self._on_relay_trouble
            )
            publisher = self._publisher(ledger, public_log)
            private = await self._private(ledger, commands, stack)
            self._promise = await open_keeper(
                ledger, public_log, commands, settings, notices=self._notices, stack=stack
            )
            bookkeeper = await self._bookkeeper(ledger, stack)
            parts = Parts(ledger, public_log, source, commands, publisher, relays, private, bookkeeper)
            resume(ledger, public_log, settings, metrics=self._metrics, liveness=self._liveness)
            site = create_site(self._context(parts), self._keeping)
            self._app.app = self._traces.around(site)
            self._supervisor.tell(STATUS=f"owner, opened at height {ledger.height}")
            log.info("running source=%s relays=%d", settings.source.kind, len(relays))
            await self._run_stages(parts, stop, link)
            summary = Summary(
                height=ledger.height,
                published_size=public_log.published_size,
                relay_lag_blocks={topic: relay.lag_blocks for topic, relay in relays.items()},
                totals=self._totals,
                refused=self._liveness.witness_refusal,
            )
            log.info("stopped height=%d published=%d", summary.height, summary.published_size)
            return summary

    def _publisher(self, ledger: Ledger, public_log: PublicLog) -> Publisher:
        witnesses = self._settings.witnesses
        return Publisher(
            ledger,
            public_log,
            witnesses=[WitnessEndpoint(each.name, each.url, each.vkey) for each in witnesses.members],
            threshold=witnesses.threshold,
            timeout_s=witnesses.timeout_ms / 1000,
            on_published=self._on_published,
            on_refused=self._on_refused,
        )

    async def _private(
        self, ledger: Ledger, commands: CommandDesk, stack: AsyncExitStack
    ) -> PrivateFollower | None:
        settings = self._settings.private
        store = await asyncio.to_thread(open_store, self._settings)
        if store is None:
            return None
        stack.callback(store.close)
        signer = signer_of(settings, ledger.network)
        return PrivateFollower(ledger, store, commands, settings, signer, notices=self._notices)

    async def _bookkeeper(self, ledger: Ledger, stack: AsyncExitStack) -> Bookkeeper | None:
        if self._listener is None:
            return None
        books = await asyncio.to_thread(open_books, self._settings.state_dir, self._metrics)
        if books is None:
            return None
        stack.callback(books.close)
        return Bookkeeper(
            books, ledger, self._metrics, busy=self._is_catching_up, on_trouble=self._on_books_trouble
        )

    def _is_catching_up(self) -> bool:
        return self._ingest is not None and self._ingest.catching_up

    def _context(self, parts: Parts) -> ApiContext:
        return ApiContext(
            ledger=parts.ledger,
            log=parts.public_log,
            public_dir=self._settings.public_dir,
            registry=self._metrics.registry,
            liveness=self._liveness,
            vkey=parts.public_log.vkey,
            witness_vkeys=self._vkeys,
            threshold=self._settings.witnesses.threshold,
            demonstration=self._settings.demonstration,
            tokens=Tokens(self._settings.tokens_file),
            commands=parts.commands if parts.commands.open else None,
            private=parts.private.store if parts.private is not None else None,
            books=parts.bookkeeper.books if parts.bookkeeper else None,
            audit_file=self._settings.audit_file,
            public_url=self._settings.api.public_url,
            ending=self._ending,
            on_answer=self._metrics.requests.answered,
        )

    async def _run_stages(self, parts: Parts, stop: asyncio.Event, link: ReplicaLink | None) -> None:
        """Ingest first; what follows from the block log goes on until it has done the last durable block."""
        self._totals.started_s = time.monotonic()
        self._wakes = [parts.publisher.wake, *(relay.wake for relay in parts.relays.values())]
        if parts.bookkeeper is not None:
            self._wakes.append(parts.bookkeeper.wake)
        blocks = self._settings.blocks
        states = self._states(parts)
        ingest = Ingest(
            parts.ledger,
            parts.source,
            limits=BlockLimits(blocks.max_inputs, blocks.max_age_ms, blocks.max_bytes),
            clock=BlockClock(),
            on_block=partial(self._on_block, parts.commands),
            first=opening.first_of_source(self._settings, parts.ledger),
            until_end=self._until_end,
            last_state_is_due=states.is_due,
        )
        self._ingest = ingest
        halt, sealed_all = asyncio.Event(), asyncio.Event()
        watch = Watch(
            parts.ledger,
            parts.source,
            ingest.taken,
            parts.relays,
            metrics=self._metrics,
            liveness=self._liveness,
        )
        first = _start(ingest.run(halt), "ingest")
        first.add_done_callback(lambda _ended: parts.commands.end())
        followers = [_start(parts.publisher.run(sealed_all), "publish")]
        followers += [
            _start(relay.run(sealed_all), f"relay {topic}") for topic, relay in parts.relays.items()
        ]
        keeping = [_start(parts.bookkeeper.run(halt), "books")] if parts.bookkeeper else []
        watching = _start(watch.run(self._settings.limits.lag_interval_ms / 1000), "watch")
        upkeep = Upkeep(parts.ledger, self._settings, self._metrics.upkeep, self._notices)
        beside = [watching, _start(states.run(halt), "state"), _start(upkeep.run(halt), "upkeep")]
        if link is not None:
            beside.append(_start(replicating.watch(link), "replica"))
        if parts.private is not None:
            beside.append(_start(parts.private.run(self._ending), "private"))
        if self._promise is not None:
            keeping.append(_start(self._promise.run(halt), "promise"))
        stopping = asyncio.create_task(stop.wait(), name="stop")
        everything = [first, *followers, *beside, stopping]
        try:
            await asyncio.wait(everything, return_when=asyncio.FIRST_COMPLETED)
            halt.set()
            self._ending.set()
            self._supervisor.tell(STOPPING="1", STATUS="draining")
            self._tell_failure(task for task in everything if task.done())
            await drain(first, followers, sealed_all, stopping, self._settings.limits.drain_deadline_s)
            if watching.done():
                watching.result()
            await watch.once()
            await parts.commands.answered()
        finally:
            halt.set()  # a step of the books ends by itself, and nothing may close under it
            for task in everything:
                task.cancel()
            await asyncio.gather(*everything, *keeping, return_exceptions=True)

    def _states(self, parts: Parts) -> StateCommitments:
        return StateCommitments(
            parts.ledger,
            published_size=lambda: parts.public_log.published_size,
            interval_s=self._settings.state.interval_s,
            ask=self._ask_for_state,
            on_looked=self._on_state_looked,
            on_trouble=partial(self._on_state_trouble, parts.ledger),
        )

    def _on_state_looked(self, status: dict[str, Any]) -> None:
        committed = status["committed"]
        self._stated = committed["height"] if committed else 0
        self._metrics.state_behind.set(status["applied"] - self._stated if status["due"] else 0)

    def _on_state_trouble(self, ledger: Ledger, reason: str) -> None:
        self._metrics.state_behind.set(ledger.height - self._stated)
        self._notices.warn(log, "state not followed, trying again", reason)

    def _ask_for_state(self) -> None:
        if self._ingest is not None:
            self._ingest.commit_state()

    def _tell_failure(self, ended: "Iterable[asyncio.Task[Any]]") -> None:
        """While the rest drains, probes and metrics say why nothing is sealed any more."""
        for task in ended:
            error = task.exception()
            if isinstance(error, LedgerError):
                if error.args[0] == "conflict":
                    self._metrics.append_conflicts.inc()
                error = as_failure(error)
            if isinstance(error, FarechainError):
                self._metrics.sealing_stopped.labels(error.code).set(1)
                self._liveness.stopped_reason = f"{error.code}: {error.message}"
                log.error("stopped by %s: %s: %s", task.get_name(), error.code, error.message)

    def _on_block(self, commands: CommandDesk, sealed: Sealed) -> None:
        commands.durable(sealed.committed.height)
        self._metrics.block(sealed)
        self._liveness.block(sealed)
        self._totals.block(sealed)
        self._traces.block(sealed)
        for wake in self._wakes:
            wake()
        block = sealed.committed
        log.debug("block height=%d inputs=%d records=%d", block.height, block.inputs, block.records)

    def _on_published(self, published: Published) -> None:
        names = cosigners(published.note, self._vkeys)
        for name in names:
            self._metrics.cosignatures.labels(name).inc()
        self._metrics.published(published)
        if self._promise is not None:
            self._promise.published(published)
        self._traces.published(published)
        self._liveness.published(published, names)
        self._totals.published(published)
        log.debug("published size=%d cosigned=%d", published.size, len(names))

    def _on_refused(self, reason: str) -> None:
        self._metrics.refused_rounds.inc()
        self._liveness.witness_refusal = reason
        self._notices.warn(log, "checkpoint not published", reason)

    def _on_books_trouble(self, reason: str) -> None:
        self._notices.warn(log, "the books are behind, trying again", reason)

    def _on_relay_trouble(self, reason: str) -> None:
        self._notices.warn(log, "not relayed, trying again", reason)


def _start(stage: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
    return asyncio.create_task(stage, name=name)
