"""What a scenario promises against what was measured: a line each, and whether it holds. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from hdrh.histogram import HdrHistogram

from farechain.load.faults import Done
from farechain.load.generator import FELL_BEHIND
from farechain.load.oracle import Findings
from farechain.load.scenario import Scenario
from farechain.load.timing import ALL, WITH_BACKLOG, WITHOUT_BACKLOG, Seconds, Timing, percentile_ms
from farechain.load.watching import Watched

MB = 1 << 20
SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing that must hold, with what was found in words."""

    name: str
    kept: bool
    found: str


def judged_seconds(scenario: Scenario, group: str) -> list[int]:
    """The seconds whose p99 is promised: the steady phase, without what a disturbance may take."""
    steady = range(int(scenario.warm_up_s), int(scenario.seconds))
    disturbed_s = scenario.disturbed_from_s
    if disturbed_s is None or group == WITHOUT_BACKLOG:
        return list(steady)
    back_s = disturbed_s + scenario.promises.back_within_s
    # What was meant to be sent a promised latency before a fault may be on its way when it comes.
    on_its_way_s = math.floor(disturbed_s - scenario.promises.p99_ms / 1000)
    return [second for second in steady if second < on_its_way_s or second >= back_s]


def back_within_s(scenario: Scenario, seconds: Seconds) -> float | None:
    """From the disturbance to the end of the last second whose p99 is over the promise; None: undisturbed."""
    disturbed_s = scenario.disturbed_from_s
    if disturbed_s is None:
        return None
    over = [
        second
        for second in range(int(disturbed_s), int(scenario.seconds) + 1)
        if seconds.percentile_ms(second, 99) > scenario.promises.p99_ms
    ]
    return max(over) + 1 - disturbed_s if over else 0.0


def longest_gap_s(done: Done, until_s: float, watched: Watched, start_ns: int) -> float:
    """The longest time without a new checkpoint from a fault to a later second of the run."""
    moments = [(seen.at_ns - start_ns) / 1e9 for seen in watched.checkpoints]
    inside = [at for at in moments if done.from_s <= at <= until_s]
    edges = [done.from_s, *inside, until_s]
    return round(max(after - before for before, after in pairwise(edges)), 2)


def memory_growth(scenario: Scenario, watched: Watched, start_ns: int) -> tuple[float, float] | None:
    """Bytes of the service: means of the first and of the last third of the steady phase.

    None where a fault changes the process in it, or nobody could look.
    """
    if scenario.faults:
        return None
    first: list[int] = []
    last: list[int] = []
    third_s = scenario.steady_s / 3
    for at_ns, sizes in watched.memory:
        steady_s = (at_ns - start_ns) / 1e9 - scenario.warm_up_s
        if SERVICE in sizes and 0 <= steady_s <= third_s:
            first.append(sizes[SERVICE])
        elif SERVICE in sizes and 2 * third_s <= steady_s <= scenario.steady_s:
            last.append(sizes[SERVICE])
    return (fmean(first), fmean(last)) if first and last else None


def promises(
    scenario: Scenario,
    timing: Timing,
    findings: Findings,
    watched: Watched,
    start_ns: int,
    *,
    late_s: float,
    alone: bool,
    audit: str | None,
    gone: Sequence[str],
) -> list[Promise]:
    """Everything that must hold.

    Args:
        late_s: how much later than planned the generator handed over its last event.
        alone: nobody else sends events to this ledger.
        audit: what the audit found wrong; empty: nothing, None: there was none.
        gone: services that ended by themselves, with their last line.
    """
    wrong = findings.wrong(alone=alone)
    kept = [_generator(scenario, timing.slip, late_s)]
    kept += [_latency(scenario, group, timing.groups[group]) for group in _groups(timing)]
    kept.append(
        Promise("every event once, money equal", not wrong, "; ".join(wrong) or f"{findings.sent} events")
    )
    uncovered = f"{timing.uncovered} events are under no checkpoint" if timing.uncovered else "all of them"
    kept.append(Promise("every event under a checkpoint", not timing.uncovered, uncovered))
    back = watched.went_back
    kept.append(
        Promise(
            "no checkpoint went back", not back, back[0] if back else f"{len(watched.checkpoints)} were seen"
        )
    )
    if audit is not None:
        kept.append(Promise("audit clean", not audit, audit or "every record was derived again"))
    if any(fault.do == "full-disk" for fault in scenario.faults):
        stopped = [line for line in gone if "E_IO" in line]
        kept.append(
            Promise(
                "the service ends with E_IO on a full disk", bool(stopped), "; ".join(gone) or "it went on"
            )
        )
    growth = memory_growth(scenario, watched, start_ns)
    if growth is not None:
        kept.append(_memory(scenario, growth, findings.sent))
    return kept


def _groups(timing: Timing) -> Sequence[str]:
    return (WITH_BACKLOG, WITHOUT_BACKLOG) if WITH_BACKLOG in timing.groups else (ALL,)


def _generator(scenario: Scenario, slip: HdrHistogram, late_s: float) -> Promise:
    bound_ms = scenario.promises.slip_p99_ms
    slip_ms = percentile_ms(slip, 99)
    behind = slip_ms > bound_ms or late_s * 1000 > bound_ms
    said = (
        f"p99 of its slip {slip_ms:g} ms (at most {bound_ms:g}), its last event {late_s * 1000:.0f} ms late"
    )
    if behind:
        said = f"{FELL_BEHIND}, the run says nothing of the service: {said}"
    return Promise("the generator kept up", not behind, said)


def _latency(scenario: Scenario, group: str, seconds: Seconds) -> Promise:
    judged = seconds.over(judged_seconds(scenario, group))
    p99_ms, bound_ms = percentile_ms(judged, 99), scenario.promises.p99_ms
    words = "" if group == ALL else f" of partitions {group}"
    name = f"p99{words} at most {bound_ms:g} ms"
    said = f"p99 {p99_ms:g} ms of {judged.total_count} events"
    back_s = back_within_s(scenario, seconds)
    if back_s is not None and group != WITHOUT_BACKLOG:
        said += f"; back within it {back_s:g} s after the disturbance"
        name += f", {scenario.promises.back_within_s:g} s after the disturbance"
    return Promise(name, judged.total_count > 0 and p99_ms <= bound_ms, said)


def _memory(scenario: Scenario, growth: tuple[float, float], sent: int) -> Promise:
    first, last = growth
    bound = scenario.promises.rss_growth_mb * MB
    # Two thirds of the events lie between the means of the thirds.
    bound += scenario.promises.rss_growth_bytes_per_event * sent * 2 / 3
    said = f"{first / MB:.0f} MB, then {last / MB:.0f} MB (at most {bound / MB:.0f} MB more)"
    return Promise("memory flat", last - first <= bound, said)


def broken(kept: Iterable[Promise]) -> list[Promise]:
    """Those that do not hold."""
    return [each for each in kept if not each.kept]
