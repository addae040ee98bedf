"""The day's curve as an SVG path and a caption: the same as ``browser/curve.js`` draws once it is live."""

from collections.abc import Sequence
from typing import NamedTuple

HEIGHT = 100
BUCKET_MIN = 10
BUCKETS_PER_HOUR = 6


class Drawn(NamedTuple):
    """A curve as the page shows it."""

    path: str
    caption: str
    hours: list[tuple[str, int]]


def path_of(curve: Sequence[Sequence[int]]) -> str:
    """A path of bars in a box of 144 by 100; ``curve`` has (bucket of ten minutes, invoices) pairs."""
    most = max((count for _bucket, count in curve), default=1) or 1
    bars = []
    for bucket, count in curve:
        if count > 0:
            height = f"{HEIGHT * count / most:.2f}".rstrip("0").rstrip(".")
            bars.append(f"M{bucket}.1 100v-{height}h.8v{height}z")
    return "".join(bars)


def caption_of(curve: Sequence[Sequence[int]]) -> str:
    """When it was busiest."""
    if not curve:
        return "No invoice yet."
    bucket, count = max(curve, key=lambda pair: pair[1])
    return f"Busiest {_clock(bucket)}–{_clock(bucket + 1)}: {count:,} invoices in ten minutes."


def hours_of(curve: Sequence[Sequence[int]]) -> list[tuple[str, int]]:
    """Invoices by the hour, for those who read tables rather than curves."""
    hours = [0] * 24
    for bucket, count in curve:
        hours[bucket // BUCKETS_PER_HOUR] += count
    return [(f"{hour:02d}:00", count) for hour, count in enumerate(hours)]


def _clock(bucket: int) -> str:
    return f"{bucket * BUCKET_MIN // 60:02d}:{bucket * BUCKET_MIN % 60:02d}"
