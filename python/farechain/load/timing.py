"""How long events took: from the intended moment to the checkpoint that covers them, second by second."""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, groupby

from hdrh.histogram import HdrHistogram

from farechain.load.journal import NEVER_INTENDED
from farechain.load.oracle import NO_HEIGHT, NOT_OURS, Sent
from farechain.load.payments import Place
from farechain.load.watching import Seen

LONGEST_US = 3_600_000_000
FIGURES = 3
PERCENTILES = (50.0, 90.0, 99.0, 99.9)
ALL, WITH_BACKLOG, WITHOUT_BACKLOG = "all", "with backlog", "without backlog"


def histogram() -> HdrHistogram:
    """An empty one: 1 microsecond to an hour, three significant digits."""
    return HdrHistogram(1, LONGEST_US, FIGURES)


def merged(encoded: Iterable[str | bytes]) -> HdrHistogram:
    """The sum of histograms as ``HdrHistogram.encode`` writes them, of several generators or runs."""
    total = histogram()
    for one in encoded:
        total.decode_and_add(one)
    return total


def percentile_ms(of: HdrHistogram, percentile: float) -> float:
    """A percentile in milliseconds; 0 of nothing."""
    return round(of.get_value_at_percentile(percentile) / 1000, 1) if of.total_count else 0.0


@dataclass(slots=True)
class Seconds:
    """Latencies of events by the second of the run in which they were meant to be sent, microseconds."""

    latencies_us: "dict[int, array[int]]" = field(default_factory=dict)

    def add(self, second: int, latency_us: int) -> None:
        """Takes one."""
        self.latencies_us.setdefault(second, array("I")).append(min(latency_us, LONGEST_US))

    def sort(self) -> None:
        """In each second; before anything is asked."""
        self.latencies_us = {
            second: array("I", sorted(values)) for second, values in sorted(self.latencies_us.items())
        }

    def percentile_ms(self, second: int, percentile: float) -> float:
        """Of the events of one second, exactly; 0 where there are none."""
        values = self.latencies_us.get(second)
        if not values:
            return 0.0
        return float(values[min(len(values) - 1, int(len(values) * percentile / 100))]) / 1000

    def over(self, seconds: Iterable[int]) -> HdrHistogram:
        """The histogram of some seconds."""
        total = histogram()
        for second in seconds:
            for value, same in groupby(self.latencies_us.get(second, ())):
                total.record_value(max(value, 1), sum(1 for _ in same))
        return total


@dataclass(slots=True)
class Timing:
    """What the events' times say.

    ``groups``: latencies of ``ALL``, and apart of partitions with and without a backlog where there is one.
    ``waiting``: by second, events that were meant to be sent and are under no checkpoint yet.
    ``backlog_done_s``: when the last event of the backlog was under a checkpoint; None without one.
    """

    groups: dict[str, Seconds] = field(default_factory=dict)
    slip: HdrHistogram = field(default_factory=histogram)
    slip_by_second: dict[int, int] = field(default_factory=dict)
    waiting: list[int] = field(default_factory=list)
    uncovered: int = 0
    backlog_done_s: float | None = None


def time_events(
    sent: dict[Place, Sent],
    seen: Sequence[Seen],
    start_ns: int,
    *,
    steady_from_s: float,
    backlog_places: Sequence[Place] = (),
) -> Timing:
    """Times every event that has an outcome.

    Args:
        steady_from_s: the slip histogram has what was meant to be sent from this second on.
        backlog_places: partitions that had a backlog at the start.
    """
    timing, published = Timing(groups={ALL: Seconds()}), _Published(seen, start_ns)
    if backlog_places:
        timing.groups |= {WITH_BACKLOG: Seconds(), WITHOUT_BACKLOG: Seconds()}
    tally = _Tally()
    for place, events in sent.items():
        groups = [timing.groups[ALL]]
        if backlog_places:
            groups.append(timing.groups[WITH_BACKLOG if place in backlog_places else WITHOUT_BACKLOG])
        _time_partition(events, published, tally, groups)
    timing.backlog_done_s = tally.backlog_done_us / 1e6 if backlog_places else None
    timing.uncovered = tally.uncovered
    timing.slip_by_second = tally.most_slip_us
    for (second, slip_us), count in tally.slips.items():
        if second >= steady_from_s:
            timing.slip.record_value(max(slip_us, 1), count)
    for seconds in timing.groups.values():
        seconds.sort()
    timing.waiting = tally.waiting()
    return timing


class _Published:
    """When each block was first seen under a checkpoint, microseconds since the start of the run."""

    def __init__(self, seen: Sequence[Seen], start_ns: int) -> None:
        self.start_ns = start_ns
        self._seen = seen
        self._sizes = [each.size for each in seen]
        self._known: dict[int, int | None] = {NO_HEIGHT: None}

    def at_us(self, height: int) -> int | None:
        """None where no checkpoint covers it."""
        if height not in self._known:
            place = bisect_right(self._sizes, height)
            found = self._seen[place] if place < len(self._seen) else None
            self._known[height] = None if found is None else (found.at_ns - self.start_ns) // 1000
        return self._known[height]


@dataclass(slots=True)
class _Tally:
    """Counts by second of the run; a backlog's events come in second -1."""

    come: Counter[int] = field(default_factory=Counter)
    gone: Counter[int] = field(default_factory=Counter)
    slips: Counter[tuple[int, int]] = field(default_factory=Counter)
    most_slip_us: dict[int, int] = field(default_factory=dict)
    uncovered: int = 0
    backlog_done_us: int = 0

    def waiting(self) -> list[int]:
        """At the end of each second, what came and is not gone."""
        last = max([*self.come, *self.gone, 0])
        changes = [self.come[second] - self.gone[second] for second in range(last + 1)]
        return list(accumulate(changes, initial=self.come[-1] - self.gone[-1]))[1:]


def _time_partition(events: Sent, published: _Published, tally: _Tally, groups: list[Seconds]) -> None:
    for intended_ns, slip_us, height in zip(events.intended_ns, events.slip_us, events.height, strict=True):
        if intended_ns == NOT_OURS:
            continue
        covered_us = published.at_us(height)
        if covered_us is None:
            tally.uncovered += 1
        else:
            tally.gone[max(covered_us // 1_000_000, -1)] += 1
        if intended_ns == NEVER_INTENDED:
            tally.come[-1] += 1
            tally.backlog_done_us = max(tally.backlog_done_us, covered_us or 0)
            continue
        intended_us = (intended_ns - published.start_ns) // 1000
        second = intended_us // 1_000_000
        tally.come[second] += 1
        # To a tenth of a millisecond: an event's own slip is in the journal.
        tally.slips[second, slip_us // 100 * 100] += 1
        tally.most_slip_us[second] = max(tally.most_slip_us.get(second, 0), slip_us)
        if covered_us is not None:
            for group in groups:
                group.add(second, covered_us - intended_us)
