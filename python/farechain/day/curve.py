"""When people pay: the day's curve of each scene, and trains that arrive and empty onto the gates."""

import random
from bisect import bisect
from itertools import accumulate

DAY_MS = 86_400_000
_HOURLY: dict[str, tuple[float, ...]] = {
    "METRO": (
        0.2, 0, 0, 0, 0, 0.1, 2.2, 7.5, 12.5, 7.6, 4.4, 3.9,
        4.1, 4.2, 4.0, 4.3, 5.2, 8.4, 12.2, 8.0, 4.8, 3.9, 3.4, 1.7,
    ),
    "BUS": (
        0.2, 0.1, 0, 0, 0.1, 0.8, 3.5, 8.6, 10.4, 6.2, 4.6, 4.4,
        4.4, 4.2, 4.3, 4.7, 5.9, 8.8, 9.6, 6.1, 4.2, 3.4, 2.4, 1.1,
    ),
    "AIRPORT_COACH": (
        1.0, 0.4, 0, 0, 1.5, 4.5, 6.5, 6.5, 6, 5.5, 5, 5,
        5, 5.5, 6, 6, 6, 6, 5.5, 5, 4.5, 4, 3, 2,
    ),
    "TAXI": (
        3.6, 2.6, 1.8, 1.2, 1, 1.2, 2, 4, 5, 5, 4.6, 4.6,
        4.8, 4.6, 4.6, 4.6, 5, 5.6, 5.8, 5.6, 5.6, 5.8, 5.4, 4.6,
    ),
    "PARKING": (
        1, 0.6, 0.4, 0.3, 0.3, 0.4, 1, 2.5, 4.5, 5, 5, 6,
        6.5, 6, 5.5, 5.5, 6, 7.5, 8, 7.5, 7, 6, 3.5, 2,
    ),
    "SCENIC": (
        0, 0, 0, 0, 0, 0, 0.2, 2, 8, 14, 14, 11,
        8, 10, 9, 7, 5, 4, 4.5, 3, 1, 0.2, 0, 0,
    ),
}  # fmt: skip
"""Weight of each hour; minutes between are interpolated."""


def minute_weights(scene: str) -> list[float]:
    """The weight of each of the day's 1,440 minutes."""
    weights, hourly = [], _HOURLY[scene]
    for minute in range(1440):
        hour, part = divmod(minute + 30, 60)
        before, after = hourly[(hour - 1) % 24], hourly[hour % 24]
        weights.append(before + (after - before) * part / 60)
    return weights


_CUMULATIVE = {scene: list(accumulate(minute_weights(scene))) for scene in _HOURLY}


def moments(rng: random.Random, scene: str, count: int) -> list[int]:
    """``count`` moments of the day in order, milliseconds since midnight, spread by the scene's curve."""
    cumulative = _CUMULATIVE[scene]
    total, uniform = cumulative[-1], rng.random
    return sorted(
        min(bisect(cumulative, uniform() * total), 1439) * 60_000 + int(uniform() * 60_000)
        for _ in range(count)
    )


def at_the_gate(rng: random.Random, moment_ms: int, station: int) -> int:
    """The moment at which a passenger who is about at a station passes its gate: soon after a train came in.

    Trains come every 150 s in the peaks and every 300 s otherwise, at each station in a phase of its own.
    """
    hour = moment_ms // 3_600_000
    headway_ms = 150_000 if hour in (7, 8, 9, 17, 18, 19) else 300_000
    phase_ms = station * 37_000 % headway_ms
    train_ms = (moment_ms - phase_ms) // headway_ms * headway_ms + phase_ms
    walked_ms = int(15_000 + rng.expovariate(1 / 18_000))
    return max(0, min(train_ms + walked_ms, DAY_MS - 1))
