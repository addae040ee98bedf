"""The process that signs ahead of a generator, at a lower priority; imports little, to start fast."""

import multiprocessing
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from farechain.errors import EXIT_UNAVAILABLE
from farechain.load.arrivals import Points, arrivals
from farechain.load.payments import Payment, Payments, Place

SPAN_S = 0.25
"""Signed at once: 1,250 events of 5,000 a second, about 30 ms of two cores."""
SIGNER_NICENESS = 10
_ZONE = timezone(timedelta(hours=8))
Span = tuple[Sequence[float], list[Payment]]
"""Intended moments, seconds since the start of the run, and as many payments."""


@dataclass(frozen=True, slots=True)
class SigningSpec:
    """What is signed. ``run`` goes into transaction ids; ``generator`` is (n, m): for the n-th of m."""

    keys: Path
    points: Points
    seconds: float
    seed: int
    run: str
    generator: tuple[int, int]


class Signing:
    """The process, as its generator sees it. Close it."""

    def __init__(self, spec: SigningSpec) -> None:
        self._pool = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(spec,)
        )

    def span(self, number: int) -> "Future[Span]":
        """Signs what is meant to be sent in the ``number``-th span of the run; ask in order."""
        return self._pool.submit(_sign_span, number)

    def backlog(self, count: int, places: Sequence[Place]) -> "Future[list[Payment]]":
        """Signs payments for these places in turn."""
        return self._pool.submit(_sign_backlog, count, places)

    def close(self) -> None:
        """Ends the process; what it was asked and has not begun is not done."""
        self._pool.shutdown(cancel_futures=True)


def end_with_parent() -> None:
    """However the parent ends, this process does not outlive it."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(EXIT_UNAVAILABLE)

    threading.Thread(target=watch, daemon=True).start()


class _Kept:
    """What the process keeps."""

    spec: SigningSpec
    payments: Payments


def _begin(spec: SigningSpec) -> None:
    end_with_parent()
    os.nice(SIGNER_NICENESS)
    _Kept.spec = spec
    _Kept.payments = Payments(spec.keys, seed=spec.seed, run=spec.run, generator=spec.generator)


def _sign_span(number: int) -> Span:
    spec = _Kept.spec
    span_s = (number * SPAN_S, min((number + 1) * SPAN_S, spec.seconds))
    moments = arrivals(spec.points, span_s, spec.seed, spec.generator)
    return moments, _Kept.payments.make(len(moments), datetime.now(_ZONE))


def _sign_backlog(count: int, places: Sequence[Place]) -> list[Payment]:
    return _Kept.payments.make(count, datetime.now(_ZONE), places)
