"""``PYTHONPATH=tests:python python -m drills``: makes each fault, writes the report.

Needs Debian's Prometheus, and the rights to trace its own children and to mount a file system in memory.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml  # type: ignore[import-untyped]  # it ships no types

from drills.faults import DISK, FACTOR, FACTORS, FAULTS, SETTINGS, Fault, made, small_disk
from monitoring import scaling
from monitoring.programs import Prometheus, prometheus
from monitoring.watched import riding, watched

REPORT = Path(__file__).parents[2] / "docs" / "drills" / "alerts.md"
PATIENCE_S = 120
POLL_S = 0.2
NOT_MADE = {
    "FarechainNoHeadroom": "needs a flood that keeps a stage at work; a spool is not read so fast",
    "FarechainAppendConflict": "nothing from outside makes it: it guards against a defect of the program",
    "FarechainReplicaAway": "needs a replica; `tests/integration` and `docs/drills` have its faults",
    "FarechainRelayBehind": "needs a broker; `alerts_test.yml` and `tests/unit/test_relay_rounds.py` have it",
    "FarechainRequestsBurnFast": "needs a service that fails and answers; `alerts_test.yml` has it",
    "FarechainRequestsBurnSlow": "as the fast one",
    "FarechainMemory": "nothing is known that lets it grow",
}


@dataclass
class Seen:
    """When an alert fired after the fault, and when it ended after the repair; None: not within patience."""

    fault: Fault
    alert: str
    fired_s: float | None = None
    ended_s: float | None = None

    def printable(self) -> dict[str, object]:
        """As one line of JSON has it."""
        times = {"fired_s": self.fired_s, "ended_s": self.ended_s}
        return {"alert": self.alert, "fault": self.fault.what, **times}


def drill(name: str, place: Path, told: Callable[[Seen], None]) -> None:
    """The faults of one place, one after the other; each alert is told when it has ended, or has not."""
    factor = FACTORS.get(name, FACTOR)
    disk = small_disk(place / "disk") if name == DISK else nullcontext(place)
    with (
        disk as where,
        watched(where / "chain", SETTINGS, witnesses=2) as chain,
        prometheus(place / "prometheus", chain.target, factor=factor) as asked,
    ):
        asked.until(lambda asked: any(one["value"][1] == "1" for one in asked.query("up")))
        for fault in [fault for fault in FAULTS if fault.place == name]:
            seen = [Seen(fault, alert) for alert in fault.alerts]
            with riding(chain, fault.rides_per_s):
                began = time.monotonic()
                with made(fault, chain) as repair:
                    watch(asked, began, seen, fired=True)
                    began = time.monotonic()
                    repair()
                    watch(asked, began, [one for one in seen if one.fired_s is not None], fired=False)
            for one in seen:
                told(one)


def watch(asked: Prometheus, began: float, seen: list[Seen], *, fired: bool) -> None:
    """Until all have fired, or ended, or patience is at its end."""
    waiting = list(seen)
    pause = threading.Event()
    while waiting and time.monotonic() - began < PATIENCE_S:
        firing, now = asked.firing(), time.monotonic() - began
        for one in [one for one in waiting if (one.alert in firing) == fired]:
            waiting.remove(one)
            if fired:
                one.fired_s = now
            else:
                one.ended_s = now
        pause.wait(POLL_S)


def report(seen: list[Seen]) -> str:
    """The page."""

    def shown(seconds: float | None) -> str:
        return f"{seconds:.0f}" if seconds is not None else f"not in {PATIENCE_S}"

    rows = [
        f"| {one.alert} | {one.fault.what} | {FACTORS.get(one.fault.place, FACTOR)} "
        f"| {shown(one.fired_s)} | {shown(one.ended_s)} |"
        for one in seen
    ]
    left = [f"| {alert} | {reason} |" for alert, reason in NOT_MADE.items()]
    lines = [
        "# Drill: each alert by its fault",
        "",
        f"Made on {datetime.now(UTC):%Y-%m-%d} by `PYTHONPATH=tests:python .venv/bin/python -m drills`.",
        "Services, witnesses and Prometheus are real, and so are the rules of `deploy/prometheus`, but all",
        "their durations and ages are divided by the factor: by 20, a wait of a minute is 3 s here. What",
        "ends by the age of a long window (the slow burn rates) takes longer than the drill waits. The times",
        "say that an alert comes and goes; they depend on how busy the machine was.",
        "",
        "| alert | fault | factor | s until it fired | s from the repair until it ended |",
        "|---|---|---|---|---|",
        *rows,
        "",
        "## Not made",
        "",
        "| alert | why |",
        "|---|---|",
        *left,
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Exit code 1 where an alert did not fire."""
    parser = argparse.ArgumentParser(prog="python -m drills", description=__doc__)
    parser.add_argument("--place", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    groups = yaml.safe_load((scaling.PROMETHEUS / "alerts.yml").read_text())["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"]}
    drilled = {alert for fault in FAULTS for alert in fault.alerts}
    assert drilled | set(NOT_MADE) == alerts, (
        f"neither made nor explained: {alerts - drilled - set(NOT_MADE)}"
    )
    if arguments.place is not None:
        with tempfile.TemporaryDirectory(prefix="farechain-drill-") as place:
            drill(arguments.place, Path(place), lambda one: print(json.dumps(one.printable()), flush=True))
        return 0
    places = dict.fromkeys(fault.place for fault in FAULTS)
    with ThreadPoolExecutor(len(places)) as pool:
        seen = [one for each in pool.map(in_a_process, places) for one in each]
    REPORT.write_text(report(seen))
    return 0 if all(one.fired_s is not None for one in seen) else 1


def in_a_process(place: str) -> list[Seen]:
    """The drills of one place, in a process of its own; what it does not come to has not fired."""
    words = [sys.executable, "-m", "drills", "--place", place]
    times: dict[tuple[str, str], tuple[float | None, float | None]] = {}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if line.startswith("{"):
                one = json.loads(line)
                times[one["alert"], one["fault"]] = one["fired_s"], one["ended_s"]
    pairs = [(fault, alert) for fault in FAULTS if fault.place == place for alert in fault.alerts]
    return [Seen(fault, alert, *times.get((alert, fault.what), (None, None))) for fault, alert in pairs]


if __name__ == "__main__":
    raise SystemExit(main())
