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
        now = self._clock()
        left, seen = self._left.pop(caller, (self._burst, now))
        left = min(self._burst, left + (now - seen) * self._per_second)
        allowed = left >= 1
        self._left[caller] = (left - 1 if allowed else left, now)
        if len(self._left) > self._max_callers:
            self._left.popitem(last=False)
        return allowed
