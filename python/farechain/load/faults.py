"""Does the faults of a scenario at their seconds, and keeps when each was done. Knows no particular fault."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from farechain.load.scenario import FaultTable


@dataclass(frozen=True, slots=True)
class Done:
    """A fault that was done: seconds since the start of the run, when it began and when it was done."""

    fault: FaultTable
    from_s: float
    to_s: float


class Faults:
    """A thread that does them in order; ``join`` waits for the last and raises what one of them raised."""

    def __init__(
        self, faults: Sequence[FaultTable], start_ns: int, apply: Callable[[FaultTable], None]
    ) -> None:
        self.done: list[Done] = []
        self._faults = sorted(faults, key=lambda fault: fault.at_s)
        self._start_ns = start_ns
        self._apply = apply
        self._ended = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self) -> list[Done]:
        """What was done, once all is."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self.done

    def cancel(self) -> None:
        """Does no further one."""
        self._ended.set()
        self._thread.join()

    def _since_start_s(self) -> float:
        return (time.monotonic_ns() - self._start_ns) / 1e9

    def _run(self) -> None:
        try:
            for fault in self._faults:
                if self._ended.wait(max(0.0, fault.at_s - self._since_start_s())):
                    return
                from_s = self._since_start_s()
                self._apply(fault)
                self.done.append(Done(fault, round(from_s, 3), round(self._since_start_s(), 3)))
        except Exception as error:
            self._error = error
