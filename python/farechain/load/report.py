"""What a run found, as JSON that says everything, and as one page that needs no other file."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from hdrh.histogram import HdrHistogram

from farechain import _core
from farechain.load.faults import Done
from farechain.load.oracle import Findings
from farechain.load.scenario import Scenario
from farechain.load.timing import ALL, PERCENTILES, Timing, merged, percentile_ms
from farechain.load.verdict import MB, Promise, back_within_s, broken, longest_gap_s
from farechain.load.watching import Watched

CURVE_TICKS = 5
"""Points of the percentile curve for each halving of the distance to 100 %."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A run's report. ``facts`` is what ``report.json`` has."""

    facts: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether everything that was promised holds."""
        return bool(self.facts["ok"])


def measured(
    scenario: Scenario,
    timing: Timing,
    findings: Findings,
    watched: Watched,
    start_ns: int,
    *,
    promises: Sequence[Promise],
    done: Sequence[Done],
    gone: Sequence[str],
    started_s: float,
    generators: Sequence[Mapping[str, float]],
    share: tuple[int, int],
) -> Measured:
    """Puts together what a run found."""
    steady = range(int(scenario.warm_up_s), math.ceil(scenario.seconds))
    histograms = {group: seconds.over(steady) for group, seconds in timing.groups.items()}
    begin = datetime.fromtimestamp(started_s, UTC).isoformat(timespec="seconds")
    return Measured(
        {
            "ok": not broken(promises),
            "scenario": scenario.model_dump(mode="json"),
            "began": begin,
            "version": _core.VERSION,
            "instructions": _core.INSTRUCTIONS,
            "share": list(share),
            "promises": [asdict(each) for each in promises],
            "events": {**asdict(findings), "by_verdict": dict(findings.by_verdict)},
            "latency_ms": {group: figures(one) for group, one in histograms.items()},
            "slip_ms": figures(timing.slip),
            "back_within_s": {
                group: back_within_s(scenario, seconds) for group, seconds in timing.groups.items()
            },
            "backlog_done_s": timing.backlog_done_s,
            "faults": _faults(scenario, done, watched, start_ns),
            "ended_services": list(gone),
            "generators": [dict(each) for each in generators],
            "series": _series(scenario, timing),
            "memory_mb": _memory(watched, start_ns),
            "curve": curve(histograms[ALL]),
            "histograms": {
                "latency_us": histograms[ALL].encode().decode(),
                "slip_us": timing.slip.encode().decode(),
            },
        }
    )


def figures(of: HdrHistogram) -> dict[str, float]:
    """Percentiles and the largest, milliseconds, and how many events."""
    percentiles = {f"p{each:g}": percentile_ms(of, each) for each in PERCENTILES}
    return {**percentiles, "max": percentile_ms(of, 100), "events": of.total_count}


def curve(of: HdrHistogram) -> list[tuple[float, float]]:
    """(percentile, milliseconds), denser towards 100 %."""
    if not of.total_count:
        return []
    return [
        (round(each.percentile_level_iterated_to, 5), each.value_iterated_to / 1000)
        for each in of.get_percentile_iterator(CURVE_TICKS)
    ]


def merge(reports: Sequence[Mapping[str, Any]]) -> Measured:
    """The report of several runs that loaded one cluster together: histograms added, promises of all.

    Of the seconds' percentiles, which cannot be added, the worst is taken.
    """
    latency = merged(each["histograms"]["latency_us"] for each in reports)
    slip = merged(each["histograms"]["slip_us"] for each in reports)
    base = reports[0]
    facts = {
        **base,
        "ok": all(each["ok"] for each in reports),
        "share": [each["share"] for each in reports],
        "promises": [
            {**promise, "name": f"{number}: {promise['name']}"}
            for number, each in enumerate(reports, 1)
            for promise in each["promises"]
        ],
        "events": _sum(each["events"] for each in reports),
        "latency_ms": {ALL: figures(latency)},
        "slip_ms": figures(slip),
        "series": {
            name: [
                _join(name, values)
                for values in zip(*(each["series"][name] for each in reports), strict=False)
            ]
            for name in base["series"]
        },
        "generators": [one for each in reports for one in each["generators"]],
        "curve": curve(latency),
        "histograms": {"latency_us": latency.encode().decode(), "slip_us": slip.encode().decode()},
    }
    return Measured(facts)


def _join(name: str, values: Sequence[float]) -> float:
    return sum(values) if name in {"sent", "waiting"} else max(values)


def _sum(counts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    total: dict[str, Any] = {}
    for each in counts:
        for name, value in each.items():
            if isinstance(value, dict):
                total[name] = _sum([total.get(name, {}), value])
            else:
                total[name] = total.get(name, 0) + value
    return total


def _faults(
    scenario: Scenario, done: Sequence[Done], watched: Watched, start_ns: int
) -> list[dict[str, Any]]:
    ends = [*(each.from_s for each in done), scenario.seconds][1:]
    return [
        {
            **each.fault.model_dump(mode="json"),
            "from_s": each.from_s,
            "to_s": each.to_s,
            "longest_gap_s": longest_gap_s(each, end, watched, start_ns),
        }
        for each, end in zip(done, ends, strict=True)
    ]


def _series(scenario: Scenario, timing: Timing) -> dict[str, list[float]]:
    """By second of the run; milliseconds, events a second, events."""
    count = max(math.ceil(scenario.seconds), len(timing.waiting))
    latencies = timing.groups[ALL].latencies_us
    series: dict[str, list[float]] = {
        "sent": [len(latencies.get(second, ())) for second in range(count)],
        "waiting": [*timing.waiting, *[0] * (count - len(timing.waiting))],
        "slip_max_ms": [timing.slip_by_second.get(second, 0) / 1000 for second in range(count)],
    }
    for group, seconds in timing.groups.items():
        words = "" if group == ALL else f", {group}"
        for percentile in (50, 99, 100):
            series[f"p{percentile}{words}"] = [
                seconds.percentile_ms(second, percentile) for second in range(count)
            ]
    return series


def _memory(watched: Watched, start_ns: int) -> dict[str, list[tuple[float, float]]]:
    """Megabytes by process: (second of the run, size)."""
    sizes: dict[str, list[tuple[float, float]]] = {}
    for at_ns, by_process in watched.memory:
        for name, size in by_process.items():
            sizes.setdefault(name, []).append((round((at_ns - start_ns) / 1e9, 1), round(size / MB, 1)))
    return sizes
