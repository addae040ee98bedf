"""Medians, ratios to farechain, the goals; the table that is printed and the JSON that is kept."""

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.figures import machine
from bench.peers.lines import EQUAL, FROM_KAFKA, FROM_MEMORY, LINES, OWN, PYTHON, USUAL_PYTHON, Line
from bench.peers.running import Told


@dataclass(slots=True)
class Result:
    """All rounds of a line, or why it has none."""

    line: Line
    rounds: list[Told] = field(default_factory=list)
    failure: str = ""

    @property
    def events_per_s(self) -> float:
        """Median over the rounds."""
        return median(told.events / told.wall_s for told in self.rounds)

    @property
    def cpu_us(self) -> float:
        """CPU an event, all processes but the broker; median over the rounds."""
        return median(told.cpu_s / told.events * 1e6 for told in self.rounds)

    @property
    def broker_cpu_us(self) -> float:
        """CPU of the broker an event."""
        return median(told.broker_cpu_s / told.events * 1e6 for told in self.rounds)

    @property
    def disk_bytes(self) -> float:
        """Bytes on disk an event."""
        return median(told.disk_bytes / told.events for told in self.rounds)


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times a peer's wall time and CPU an event are farechain's on the same input."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Goal:
    """What was asked for, against the peer's best line at equal work."""

    name: str
    asked: float
    measured: float | None

    @property
    def verdict(self) -> str:
        """Whether it was met."""
        if self.measured is None:
            return "not measured"
        return "met" if self.measured >= self.asked else "not met"


def reference(results: list[Result], source: str) -> Result | None:
    """farechain with warm keys on the same input."""
    own = (each for each in results if each.line.group == OWN and each.line.source == source)
    first = next(own, None)
    return first if first is not None and first.rounds else None


def ratio(result: Result, results: list[Result]) -> Ratio | None:
    """Of a line to farechain; None where one of them has no figures."""
    own = reference(results, result.line.source)
    if own is None or not result.rounds:
        return None
    return Ratio(own.events_per_s / result.events_per_s, result.cpu_us / own.cpu_us)


def goals(results: list[Result]) -> list[Goal]:
    """The three that were set; the first against what most would write and against the fastest."""

    def least(chosen: list[Line], what: str) -> float | None:
        ratios = [ratio(each, results) for each in results if each.line in chosen]
        return min((getattr(each, what) for each in ratios if each is not None), default=None)

    def equal(group: str) -> list[Line]:
        return [each for each in LINES if each.group == group and each.work == EQUAL]

    return [
        Goal("events/s, times the Python pipeline's with OpenSSL", 15, least([USUAL_PYTHON], "wall")),
        Goal("events/s, times the fastest Python pipeline's", 15, least(equal(PYTHON), "wall")),
        Goal("CPU an event of Tessera at equal work, times farechain's", 4, least(equal("Tessera"), "cpu")),
        Goal("CPU an event of immudb at equal work, times farechain's", 4, least(equal("immudb"), "cpu")),
    ]


def show(results: list[Result]) -> None:
    """Prints one table for each input, then the goals."""
    console = Console(file=sys.stdout, width=150)
    for source in (FROM_KAFKA, FROM_MEMORY):
        table = Table(title=f"the same day's events {source}, durable", title_justify="left")
        for column in (
            "",
            "line",
            "work",
            "events/s",
            "CPU us",
            "bytes",
            "wall",
            "CPU",
            "rounds",
            "leaves out",
        ):
            table.add_column(
                column, justify="left" if column in {"", "line", "work", "leaves out"} else "right"
            )
        for each in results:
            if each.line.source == source:
                table.add_row(*_cells(each, results))
        console.print(table)
    console.print("wall, CPU: times farechain's with warm keys on the same input; CPU of the broker apart")
    for goal in goals(results):
        measured = "" if goal.measured is None else f"{goal.measured:.1f}, "
        console.print(f"{goal.name}: {measured}asked for {goal.asked:.0f}: {goal.verdict}")


def _cells(result: Result, results: list[Result]) -> list[str]:
    line, compared = result.line, ratio(result, results)
    if compared is None:
        return [line.group, line.name, line.work, *[""] * 6, result.failure]
    return [
        line.group,
        line.name,
        line.work,
        f"{result.events_per_s:,.0f}",
        f"{result.cpu_us:.1f}",
        f"{result.disk_bytes:,.0f}",
        f"{compared.wall:.2f}x",
        f"{compared.cpu:.2f}x",
        str(len(result.rounds)),
        ", ".join(line.leaves_out) or "-",
    ]


def keep(path: Path, results: list[Result], left_out: int) -> None:
    """Writes everything with the machine's description as JSON."""
    content = {
        "machine": machine(),
        "inputs_not_given_to_memory_peers": left_out,
        "lines": [_kept(each, results) for each in results],
        "goals": [asdict(each) | {"verdict": each.verdict} for each in goals(results)],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")


def _kept(result: Result, results: list[Result]) -> dict[str, object]:
    line, compared = result.line, ratio(result, results)
    said: dict[str, object] = {
        "peer": line.group,
        "line": line.name,
        "source": line.source,
        "work": line.work,
        "leaves_out": list(line.leaves_out),
    }
    if compared is None:
        return said | {"failure": result.failure}
    return said | {
        "events_per_s": round(result.events_per_s),
        "cpu_us_per_event": round(result.cpu_us, 2),
        "broker_cpu_us_per_event": round(result.broker_cpu_us, 2),
        "disk_bytes_per_event": round(result.disk_bytes),
        "times_farechain_wall": round(compared.wall, 2),
        "times_farechain_cpu": round(compared.cpu, 2),
        "rounds": [asdict(told) for told in result.rounds],
    }


def empty() -> list[Result]:
    """A result for every line, without rounds."""
    return [Result(line) for line in LINES]
