"""The report as one HTML page, from the facts of ``report.json`` alone."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from farechain.load.plots import Chart, Line, svg

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c1917; background: #fff; max-width: 54rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { margin: .3rem 0; } .plain { color: #57534e; }
.verdict { font-weight: 600; } .kept { color: #3f6212; } .missed { color: #b91c1c; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .25rem .8rem .25rem 0;
  border-bottom: 1px solid #e7e5e4; vertical-align: top; } th { font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; margin: .8rem 0; font: 11px system-ui, sans-serif; }
.title { font-size: 13px; font-weight: 600; } .tick, .note { fill: #57534e; } .grid { stroke: #e7e5e4; }
.bound { stroke: #b91c1c; stroke-dasharray: 4 3; } .mark { stroke: #78716c; stroke-dasharray: 2 3; }
.shade { fill: #f5f5f4; }
"""
LATENCY_NAMES = {"p50": "p50", "p99": "p99", "p100": "largest"}


def page(facts: Mapping[str, Any]) -> str:
    """The whole page."""
    scenario = facts["scenario"]
    kind, words = ("kept", "All promises hold.") if facts["ok"] else ("missed", "A promise broke.")
    parts = [
        f"<h1>Load test: {escape(scenario['name'])}</h1>",
        f"<p>{escape(scenario['about'])}</p>",
        f'<p class="plain">{escape(facts["began"])}, farechain {escape(facts["version"])} '
        f"({escape(facts['instructions'])}); {scenario['warm_up_s']:g} s of warm-up, then "
        f"{scenario['steady_s']:g} s steady. Times are from the moment at which "
        "an event was meant to be sent to the published checkpoint "
        "that covers it.</p>",
        f'<p class="verdict {kind}">{words}</p>',
        _table(
            ("", "promise", "found"),
            [("kept" if one["kept"] else "MISSED", one["name"], one["found"]) for one in facts["promises"]],
        ),
        "<h2>Figures</h2>",
        _figures(facts),
        _events(facts),
        _happened(facts),
        "<h2>Over time</h2>",
        *(svg(chart) for chart in _charts(facts)),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Load test: {escape(scenario['name'])}</title><style>{STYLE}</style></head>\n"
        f"<body>{chr(10).join(part for part in parts if part)}</body></html>\n"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[object]], numbers_from: int = 99) -> str:
    def cells(tag: str, row: Sequence[object]) -> str:
        classes = [' class="number"' if at >= numbers_from else "" for at in range(len(row))]
        return "".join(
            f"<{tag}{kind}>{escape(str(cell))}</{tag}>" for cell, kind in zip(row, classes, strict=True)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><tr>{cells('th', head)}</tr>{body}</table>"


def _figures(facts: Mapping[str, Any]) -> str:
    listed = {f"latency, {group}": figures for group, figures in facts["latency_ms"].items()}
    listed["slip of the generator"] = facts["slip_ms"]
    names = list(facts["slip_ms"])
    rows = [(name, *(f"{figures[one]:,g}" for one in names)) for name, figures in listed.items()]
    return _table(("steady phase, ms", *names), rows, numbers_from=1)


def _events(facts: Mapping[str, Any]) -> str:
    events = facts["events"]
    verdicts = ", ".join(f"{count:,} {name}" for name, count in events["by_verdict"].items())
    issued, sent = (f"{events[name] / 100:,.2f}" for name in ("issued_fen", "sent_fen"))
    return (
        f"<p>{events['sent']:,} events sent, {sent} yuan; {escape(verdicts)}, {issued} yuan on invoices.</p>"
    )


def _happened(facts: Mapping[str, Any]) -> str:
    lines = [
        f"{one['do']} at {one['from_s']:g} s: the longest time without a new checkpoint until the next fault "
        f"was {one['longest_gap_s']:g} s"
        for one in facts["faults"]
    ]
    lines += facts["ended_services"]
    if facts["backlog_done_s"] is not None:
        lines.append(f"the backlog was under a checkpoint after {facts['backlog_done_s']:.1f} s")
    return "".join(f"<p>{escape(line)}.</p>" for line in lines)


def _charts(facts: Mapping[str, Any]) -> list[Chart]:
    scenario, series = facts["scenario"], facts["series"]
    marks = [(one["from_s"], one["do"]) for one in facts["faults"]]
    p99_ms, slip_ms = scenario["promises"]["p99_ms"], scenario["promises"]["slip_p99_ms"]
    sending = math.ceil(scenario["warm_up_s"] + scenario["steady_s"])

    def chart(title: str, lines: list[Line], bound: tuple[float, str] | None = None) -> Chart:
        return Chart(title, "second of the run", lines, marks, bound, shaded_to=scenario["warm_up_s"])

    def line(name: str, of: str, *, until: int = sending) -> Line:
        return Line(name, list(enumerate(series[of][:until])))

    groups = [name.removeprefix("p99, ") for name in series if name.startswith("p99, ")]
    charts = [
        chart(
            "Latency by the second in which an event was meant to be sent, ms",
            [line(name, of) for of, name in LATENCY_NAMES.items()],
            (p99_ms, "promised p99"),
        ),
        *(
            chart(
                f"Latency of partitions {group}, ms",
                [line(name, f"{of}, {group}") for of, name in LATENCY_NAMES.items()],
                (p99_ms, "promised p99"),
            )
            for group in groups
        ),
        _percentiles(facts["curve"]),
        chart("Rate, events a second", [line("meant to be sent", "sent")]),
        chart(
            "Events that are under no checkpoint yet",
            [line("waiting", "waiting", until=len(series["waiting"]))],
        ),
        chart("Slip of the generator, ms", [line("largest", "slip_max_ms")], (slip_ms, "p99 at most")),
    ]
    if facts["memory_mb"]:
        sizes = [Line(name, [p for p in points if p[0] >= 0]) for name, points in facts["memory_mb"].items()]
        charts.append(chart("Resident memory, MB", sizes))
    return charts


def _percentiles(curve: Sequence[Sequence[float]]) -> Chart:
    """Latency against the number of nines."""
    points = [(-math.log10(1 - percentile / 100), ms) for percentile, ms in curve if percentile < 100]
    most = max((x for x, _ in points), default=1.0)
    names = ("0", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %", "99.99999 %")
    x_ticks = [(float(nines), name) for nines, name in enumerate(names) if nines <= math.ceil(most)]
    return Chart(
        "Latency by percentile, steady phase, ms", "percentile", [Line("latency", points)], x_ticks=x_ticks
    )
