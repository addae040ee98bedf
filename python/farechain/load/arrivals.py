"""When events are meant to be sent: a Poisson process over a rate curve, a second at a time. No clock.

The arrivals of a second follow from seed, generator and second alone, so that nobody holds them all, and no
answer of the service can move one (an open loop).
"""

import random
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from farechain.day.curve import minute_weights

if TYPE_CHECKING:
    from farechain.load.scenario import Scenario

Points = tuple[tuple[float, float], ...]
"""(second, events a second) in order; linear between two, level before the first and after the last."""
_SCENE = "METRO"


def points_of(scenario: "Scenario") -> Points:
    """The rate of a scenario over its seconds."""
    rate, seconds = scenario.rate, scenario.seconds
    if rate.shape == "points":
        return rate.points
    if rate.shape == "steady":
        return ((0.0, rate.per_s), (seconds, rate.per_s))
    first, last = (round(hour * 60) for hour in rate.hours)
    weights = minute_weights(_SCENE)[first:last]
    scale = rate.per_s * len(weights) / sum(weights)
    step_s = seconds / len(weights)
    return tuple(((minute + 0.5) * step_s, weight * scale) for minute, weight in enumerate(weights))


def rate_at(points: Points, second: float) -> float:
    """Events a second at a moment."""
    place = bisect_right(points, second, key=lambda point: point[0])
    if place == 0:
        return points[0][1]
    if place == len(points):
        return points[-1][1]
    (before_s, before), (after_s, after) = points[place - 1], points[place]
    return before + (after - before) * (second - before_s) / (after_s - before_s)


def arrivals(
    points: Points, span_s: tuple[float, float], seed: int, generator: tuple[int, int] = (1, 1)
) -> Sequence[float]:
    """The moments in a span of the run, in order, seconds since its start.

    Args:
        span_s: from, to (exclusive); spans that follow one another give the moments of the whole.
        generator: (n, m): this is the n-th of m, which together have the whole rate.
    """
    number, of = generator
    start_s, end_s = span_s
    rng = random.Random(f"arrivals {seed} {number}/{of} {start_s!r}")  # noqa: S311 - no secret
    inside = [per_s for at, per_s in points if start_s < at < end_s]
    most = max(rate_at(points, start_s), rate_at(points, end_s), *inside, 0.0) / of
    moments: list[float] = []
    if most <= 0:
        return moments
    at_s = start_s
    # Lewis and Shedler's thinning: arrivals at the highest rate, kept in proportion to that of the moment.
    while (at_s := at_s + rng.expovariate(most)) < end_s:
        if rng.random() * most * of <= rate_at(points, at_s):
            moments.append(at_s)
    return moments
