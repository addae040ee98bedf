"""The process that sends: events at their intended moments, whatever the service does. It times no answer.

Another process signs ahead, at a lower priority; a queue a partition lets a broker that is slow or away delay
the acknowledgements, never the loop. An event's slip is how late the loop handed it to its partition's queue:
the generator's own fault, and nobody else's.
"""

import asyncio
import logging
import math
import os
import time
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import Future
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from farechain.config import KafkaSettings
from farechain.errors import EXIT_CHECK_FAILED, EXIT_UNAVAILABLE, FarechainError
from farechain.load.journal import NEVER_INTENDED, JournalWriter
from farechain.load.payments import PLACES, Payment, Place
from farechain.load.signing import SPAN_S, Signing, SigningSpec, Span, end_with_parent

SPANS_AHEAD = 16
TICK_S = 0.004
"""The loop looks no more often than this; an event waits for it half a tick in the mean."""
QUEUED_MAX = 1_000_000
"""Events that wait for a broker that is away: 200 s of 5,000 a second, 800 MB."""
FELL_BEHIND = "THE GENERATOR FELL BEHIND"
BEHIND_MAX_S = 20
"""A generator that is so late gives up: the run has failed whatever follows."""
BACKLOG_AT_ONCE = 5_000
BATCH_BYTES_MAX = 256 * 1024
REQUEST_TIMEOUT_MS = 120_000


@dataclass(frozen=True, slots=True)
class GeneratorSpec:
    """What one generator sends, and where it writes what was sent; its log lines go beside that file."""

    kafka: KafkaSettings
    idempotent: bool
    signing: SigningSpec
    journal: Path
    backlog: int
    backlog_places: tuple[Place, ...]


def generate(spec: GeneratorSpec, line: Connection) -> None:
    """The whole life of a generator process.

    Over the line: it says ``("ready",)`` once the backlog is in Kafka and the first spans are signed, is told
    the start (nanoseconds of the monotonic clock, as all moments here), says ``("done", facts)`` after the
    last acknowledgement; or ``("failed", code, message)``.
    """
    end_with_parent()
    logging.basicConfig(filename=spec.journal.with_suffix(".log"), filemode="w", level=logging.WARNING)
    try:
        line.send(("done", asyncio.run(_generate(spec, line))))
    except* FarechainError as errors:
        error = _first(errors)
        line.send(("failed", getattr(error, "code", "E_LOAD"), str(error)))
    except* (KafkaError, OSError) as errors:
        error = _first(errors)
        line.send(("failed", "E_BROKER", f"events cannot be sent: {type(error).__name__}: {error}"))
    except* EOFError:
        pass  # who started this is gone


def _security(kafka: KafkaSettings) -> dict[str, Any]:
    if kafka.protocol == "PLAINTEXT":
        return {}
    from farechain.service import opening  # seconds of imports, which most runs do not need

    return opening.security_of(kafka)


def _first(error: BaseException) -> BaseException:
    """The first that is no group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _generate(spec: GeneratorSpec, line: Connection) -> dict[str, float]:
    journal = JournalWriter(spec.journal, PLACES)
    signing = Signing(spec.signing)
    producer = AIOKafkaProducer(
        bootstrap_servers=spec.kafka.bootstrap,
        enable_idempotence=spec.idempotent,
        acks="all",
        compression_type="lz4",
        max_batch_size=BATCH_BYTES_MAX,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        **_security(spec.kafka),
    )
    try:
        await producer.start()
        queues = {place: _Queue(producer, place, journal) for place in PLACES}
        async with asyncio.TaskGroup() as tasks:
            for queue in queues.values():
                tasks.create_task(queue.run())
            dispatching = tasks.create_task(_dispatch(spec, line, signing, queues))
        signing.close()
        return dispatching.result() | {"cpu_s": round(sum(os.times()[:4]), 2)}
    finally:
        signing.close()
        await producer.stop()
        journal.close()


async def _dispatch(
    spec: GeneratorSpec, line: Connection, signing: Signing, queues: "dict[Place, _Queue]"
) -> dict[str, float]:
    """Hands every event to its queue at its moment; ends the queues."""
    try:
        for first in range(0, spec.backlog, BACKLOG_AT_ONCE):
            count = min(BACKLOG_AT_ONCE, spec.backlog - first)
            made = await asyncio.wrap_future(signing.backlog(count, spec.backlog_places))
            await asyncio.gather(*(queue.idle.wait() for queue in queues.values()))
            for payment in made:
                queues[payment.place].put(NEVER_INTENDED, 0, payment)
        spans = _spans(spec, signing)
        moments, payments = await anext(spans)
        line.send(("ready",))
        start_ns: int = await asyncio.to_thread(line.recv)
        sent = 0
        while True:
            for moment, payment in zip(moments, payments, strict=True):
                at_ns = start_ns + round(moment * 1e9)
                early_ns = at_ns - time.monotonic_ns()
                if early_ns > 0:
                    await asyncio.sleep(max(early_ns / 1e9, TICK_S))
                slip_us = max(0, time.monotonic_ns() - at_ns) // 1000
                queues[payment.place].put(at_ns, slip_us, payment)
            sent += len(moments)
            if time.monotonic_ns() - start_ns > (moments[-1] + BEHIND_MAX_S if moments else math.inf) * 1e9:
                message = f"{FELL_BEHIND} by {BEHIND_MAX_S} s: this machine cannot send at this rate"
                raise FarechainError("E_LOAD", message, EXIT_CHECK_FAILED)
            if sum(len(queue.due) for queue in queues.values()) > QUEUED_MAX:
                message = f"the broker takes too little: {QUEUED_MAX} events wait in the generator"
                raise FarechainError("E_LOAD", message, EXIT_UNAVAILABLE)
            try:
                moments, payments = await anext(spans)
            except StopAsyncIteration:
                break
        return {"sent": sent, "late_s": time.monotonic() - start_ns / 1e9 - spec.signing.seconds}
    finally:
        for queue in queues.values():
            queue.end()


async def _spans(spec: GeneratorSpec, signing: Signing) -> AsyncIterator[Span]:
    """The spans of the run in order, some of them signed ahead."""
    ahead: deque[Future[Span]] = deque()
    count = math.ceil(spec.signing.seconds / SPAN_S)
    for number in range(min(SPANS_AHEAD, count)):
        ahead.append(signing.span(number))
    for number in range(SPANS_AHEAD, count + SPANS_AHEAD):
        if not ahead:
            return
        span = await asyncio.wrap_future(ahead.popleft())
        if number < count:
            ahead.append(signing.span(number))
        yield span


class _Queue:
    """Events of one partition on their way to Kafka; what comes while a batch is away goes with the next."""

    def __init__(self, producer: AIOKafkaProducer, place: Place, journal: JournalWriter) -> None:
        self.due: deque[tuple[int, int, Payment]] = deque()
        self.idle = asyncio.Event()
        self.idle.set()
        self._producer = producer
        self._place = place
        self._journal = journal
        self._wake = asyncio.Event()
        self._ended = False

    def put(self, at_ns: int, slip_us: int, payment: Payment) -> None:
        """Takes an event; never waits."""
        self.due.append((at_ns, slip_us, payment))
        self.idle.clear()
        self._wake.set()

    def end(self) -> None:
        """Nothing comes any more."""
        self._ended = True
        self._wake.set()

    async def run(self) -> None:
        """Sends until the end, in order, and writes what was acknowledged into the journal."""
        while True:
            while self.due:
                await self._send()
            self.idle.set()
            if self._ended:
                return
            self._wake.clear()
            await self._wake.wait()

    async def _send(self) -> None:
        batch, taken = self._producer.create_batch(), []
        while self.due:
            at_ns, slip_us, one = self.due[0]
            headers = [("fc-kid", one.kid), ("fc-sig", one.signature)]
            # An empty batch takes a record of any size.
            if batch.append(key=one.key, value=one.value, timestamp=None, headers=headers) is None:
                break
            self.due.popleft()
            taken.append((at_ns, slip_us, one.fen))
        topic, partition = self._place
        acknowledged = await (await self._producer.send_batch(batch, topic, partition=partition))
        self._journal.write(self._place, acknowledged.offset, taken)
