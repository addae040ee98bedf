"""Line charts as inline SVG: a title, few lines, axes with round numbers, marks where something happened."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 860, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 120, 30, 34
COLOURS = ("#1f5fa8", "#c2410c", "#4d7c0f", "#7e22ce", "#57534e")
TICKS = 4

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A named line; a point without a neighbour is not shown."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Chart:
    """What one chart shows.

    Attributes:
        marks: (x, words) of vertical lines.
        bound: (y, words) of a horizontal one.
        x_ticks: (x, words); none: round numbers.
    """

    title: str
    x_name: str
    lines: Sequence[Line]
    marks: Sequence[tuple[float, str]] = ()
    bound: tuple[float, str] | None = None
    x_ticks: Sequence[tuple[float, str]] = ()
    shaded_to: float = 0.0


def ticks(most: float, count: int = TICKS) -> list[float]:
    """Round numbers from 0 to at least ``most``."""
    if most <= 0:
        return [0.0, 1.0]
    step = 10.0 ** math.floor(math.log10(most / count))
    step *= next(each for each in (1, 2, 5, 10) if each * step * count >= most * 0.999)
    return [number * step for number in range(math.ceil(most / step - 1e-9) + 1)]


def svg(chart: Chart) -> str:
    """The chart as one ``<svg>`` element."""
    points = [point for line in chart.lines for point in line.points]
    most_y = max([y for _, y in points] + ([chart.bound[0]] if chart.bound else []), default=1.0)
    y_ticks = ticks(most_y)
    x_ticks = list(chart.x_ticks) or [
        (x, f"{x:g}") for x in ticks(max((x for x, _ in points), default=1.0), 8)
    ]
    x_of, y_of = _scale(x_ticks[-1][0], LEFT, WIDTH - RIGHT), _scale(y_ticks[-1], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(chart.title)}">',
        f'<text class="title" x="0" y="14">{escape(chart.title)}</text>',
    ]
    if chart.shaded_to > 0:
        width = x_of(chart.shaded_to) - LEFT
        parts.append(
            f'<rect class="shade" x="{LEFT}" y="{TOP}" width="{width:.1f}" height="{HEIGHT - TOP - BOTTOM}"/>'
        )
    for y in y_ticks:
        at = y_of(y)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{y:,g}</text>')
    for x, words in x_ticks:
        parts.append(
            f'<text class="tick" x="{x_of(x):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">'
            f"{escape(words)}</text>"
        )
    parts.append(
        f'<text class="tick" x="{WIDTH - RIGHT}" y="{HEIGHT - 2}" text-anchor="end">'
        f"{escape(chart.x_name)}</text>"
    )
    parts += _marks(chart, x_of, y_of)
    parts += _lines(chart.lines, x_of, y_of)
    return "".join([*parts, "</svg>"])


class _scale:  # noqa: N801 - used as a function
    def __init__(self, most: float, start: float, end: float) -> None:
        self._factor, self._start = (end - start) / (most or 1.0), start

    def __call__(self, value: float) -> float:
        return self._start + value * self._factor


def _marks(chart: Chart, x_of: _scale, y_of: _scale) -> list[str]:
    parts = []
    if chart.bound is not None:
        at = y_of(chart.bound[0])
        place = f'x="{WIDTH - RIGHT - 4}" y="{at - 4:.1f}" text-anchor="end"'
        parts.append(f'<line class="bound" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text class="note" {place}>{escape(chart.bound[1])}</text>')
    for number, (x, words) in enumerate(chart.marks):
        at = x_of(x)
        parts.append(f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(
            f'<text class="note" x="{at + 4:.1f}" y="{TOP + 10 + 12 * (number % 4)}">{escape(words)}</text>'
        )
    return parts


def _lines(lines: Sequence[Line], x_of: _scale, y_of: _scale) -> list[str]:
    parts, taken = [], list[float]()
    for line, colour in zip(lines, COLOURS, strict=False):
        if not line.points:
            continue
        path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in line.points)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{path}"/>')
        at = y_of(line.points[-1][1]) + 4
        while any(abs(at - other) < 12 for other in taken):
            at -= 12
        taken.append(at)
        place = f'x="{WIDTH - RIGHT + 6}" y="{at:.1f}"'
        parts.append(f'<text class="name" fill="{colour}" {place}>{escape(line.name)}</text>')
    return parts
