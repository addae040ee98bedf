"""``PYTHONPATH=tests:python python -m drills [--only ALERT]``: makes each fault, writes the report.

Needs Debian's Prometheus, and the rights to trace its own children and to mount a file system in memory.
"""

import argparse
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml  # type: ignore[import-untyped]  # it ships no types

from drills.faults import FAULTS, Fault, made, small_disk
from monitoring import scaling
from monitoring.programs import Prometheus, prometheus
from monitoring.watched import Watched, watched

REPORT = Path(__file__).parents[2] / "docs" / "drills" / "alerts.md"
FACTOR = 20
PATIENCE_S = 120
POLL_S = 0.2
NOT_MADE = {
    "FarechainWitnessSilent": "needs a second witness; `alerts_test.yml` has it",
    "FarechainNoHeadroom": "needs a flood that keeps a stage at work; a spool is not read so fast",
    "FarechainAppendConflict": "the lock keeps a second writer out; without it the directory is not the same",
    "FarechainRelayBehind": "needs a broker; `tests/unit/test_relay_rounds.py` has the fault",
    "FarechainMemory": "nothing is known that lets it grow",
}


@dataclass
class Seen:
    """When an alert fired after the fault, and when it ended after the repair; None: not within patience."""

    fault: Fault
    alert: str
    fired_s: float | None = None
    ended_s: float | None = None


@contextmanager
def riding(chain: Watched, per_s: float) -> Iterator[None]:
    """Rides that come at a steady pace."""
    ended = threading.Event()

    def ride() -> None:
        while not ended.wait(1 / per_s):
            chain.ride()

    rider = threading.Thread(target=ride)
    rider.start()
    try:
        yield
    finally:
        ended.set()
        rider.join()


def drill(fault: Fault, place: Path, seen: list[Seen]) -> None:
    """One fault on a chain of its own."""
    disk = small_disk(place / "disk") if fault.small else nullcontext(place)
    with (
        disk as where,
        watched(where / "chain", fault.changes) as chain,
        prometheus(place / "prometheus", chain.target, factor=FACTOR) as asked,
        riding(chain, fault.rides_per_s),
    ):
        asked.until(lambda asked: any(one["value"][1] == "1" for one in asked.query("up")))
        began = time.monotonic()
        with made(fault, chain) as repair:
            watch(asked, began, seen, fired=True)
            began = time.monotonic()
            repair()
            watch(asked, began, [one for one in seen if one.fired_s is not None], fired=False)


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
        f"| {one.alert} | {one.fault.what} | {shown(one.fired_s)} | {shown(one.ended_s)} |" for one in seen
    ]
    left = [f"| {alert} | {reason} |" for alert, reason in NOT_MADE.items()]
    lines = [
        "# Drill: each alert by its fault",
        "",
        f"Made on {datetime.now(UTC):%Y-%m-%d} by `PYTHONPATH=tests:python .venv/bin/python -m drills`.",
        "Services, witnesses and Prometheus are real, and so are the rules of `deploy/prometheus`, but all",
        f"their durations and ages are divided by {FACTOR}: a wait of a minute is 3 s here. What ends by the",
        "age of a long window (the slow burn rates) takes longer than the drill waits. The times say that an",
        "alert comes and goes; they depend on how busy the machine was.",
        "",
        "| alert | fault | s until it fired | s from the repair until it ended |",
        "|---|---|---|---|",
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
    parser.add_argument("--only", action="append", help="faults that raise this alert; no report is written")
    chosen = parser.parse_args().only
    groups = yaml.safe_load((scaling.PROMETHEUS / "alerts.yml").read_text())["groups"]
    alerts = {rule["alert"] for group in groups for rule in group["rules"]}
    drilled = {alert for fault in FAULTS for alert in fault.alerts}
    assert drilled | set(NOT_MADE) == alerts, (
        f"neither made nor explained: {alerts - drilled - set(NOT_MADE)}"
    )
    seen: list[Seen] = []
    for fault in FAULTS:
        if chosen and not set(chosen) & set(fault.alerts):
            continue
        seen += [Seen(fault, alert) for alert in fault.alerts]
        try:
            with tempfile.TemporaryDirectory(prefix="farechain-drill-") as place:
                drill(fault, Path(place), seen[-len(fault.alerts) :])
        except Exception:  # the other drills are to be seen, too; this one's alerts did not fire
            traceback.print_exc()
        for one in seen[-len(fault.alerts) :]:
            print(f"{one.alert}: fired {one.fired_s}, ended {one.ended_s} ({fault.what})", flush=True)
    if not chosen:
        REPORT.write_text(report(seen))
    return 0 if all(one.fired_s is not None for one in seen) else 1


if __name__ == "__main__":
    raise SystemExit(main())
