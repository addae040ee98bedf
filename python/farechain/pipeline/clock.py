"""Block time: the wall clock, watched, so that a jump of it never gets into the ledger unseen."""

import time
from collections.abc import Callable

from farechain.errors import EXIT_UNAVAILABLE, FarechainError

MAX_JUMP_MS = 60_000
"""A wall clock that moves against the monotonic one by more than this stops sealing."""


class BlockClock:
    """Gives block times in milliseconds since 1970.

    Raises:
        FarechainError: ``E_CLOCK`` when the wall clock jumped by more than a minute; the operator repairs the
            clock and starts again. The ledger itself never lets block time go back.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        max_jump_ms: int = MAX_JUMP_MS,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._max_jump_ms = max_jump_ms
        self._offset = wall() - monotonic()

    def now_ms(self) -> int:
        """The present block time."""
        wall = self._wall()
        jump_ms = (wall - self._monotonic() - self._offset) * 1000
        if abs(jump_ms) > self._max_jump_ms:
            raise FarechainError(
                "E_CLOCK",
                f"the wall clock jumped by {jump_ms / 1000:.0f} s: nothing is sealed; repair it and start",
                EXIT_UNAVAILABLE,
            )
        return int(wall * 1000)
