"""Bounds guessing: invoices are numbered in order, so a look-up by an outsider may be tried only so often."""

import time
from collections import OrderedDict
from collections.abc import Callable


class Tries:
    """A token bucket per caller; the least recently seen caller is forgotten first.

    Args:
        burst: tries at once.
        per_minute: tries that come back in a minute.
        max_callers: callers remembered.
    """

    def __init__(
        self,
        burst: int = 20,
        per_minute: float = 20.0,
        max_callers: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._burst = float(burst)
        self._per_second = per_minute / 60
        self._max_callers = max_callers
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allow(self, caller: str) -> bool:
        """Takes one try of a caller; ``False`` when none is left."""
        now, left = self._clock(), self._left_of(caller)
        self._left.pop(caller, None)
        self._left[caller] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > self._max_callers:
            self._left.popitem(last=False)
        return left >= 1

    def has_left(self, caller: str) -> bool:
        """Whether a caller has a try left; takes none."""
        return self._left_of(caller) >= 1

    def _left_of(self, caller: str) -> float:
        now = self._clock()
        left, seen = self._left.get(caller, (self._burst, now))
        return min(self._burst, left + (now - seen) * self._per_second)
