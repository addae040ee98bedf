"""``make bench-peers``: farechain and its peers on the same day's events, side by side in one run.

Every line is a process of its own and bounded in time. The lines take turns: a whole round of all of them,
then the next; a line that takes long runs in fewer rounds. What cannot be had says why, and the run goes on.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.day import prepared_day, produced
from bench.peers import events, postgresql, table
from bench.peers.lines import GO_PROGRAMS, Setting
from bench.peers.running import RunError, built, run
from bench.peers.table import Result

PLACE = Path("var/bench")
SOURCES = Path("bench/peers")
ROUNDS = 3
LONG_S = 25.0
"""A line that takes longer runs once."""
RUN_S = 120.0
"""A run that takes longer is killed."""
ROUNDS_S = 540.0
"""No round is begun later."""


def programs() -> dict[str, Path | RunError]:
    """The Go programs, built, or why one is not."""
    found: dict[str, Path | RunError] = {}
    for name in GO_PROGRAMS:
        _say(f"building {name}")
        try:
            found[name] = built(SOURCES / name, PLACE / "peers" / name)
        except RunError as failure:
            found[name] = failure
    return found


@contextmanager
def database() -> Iterator[tuple[int, Path] | RunError]:
    """PostgreSQL, or why it is not there."""
    try:
        with postgresql.server() as server:
            yield server.pid, server.path
    except postgresql.DatabaseError as error:
        yield RunError(str(error))


def measure(setting: Setting, results: list[Result]) -> None:
    """All rounds, the lines in turn."""
    started = time.monotonic()
    for number in range(ROUNDS):
        for result in results:
            long = any(told.wall_s > LONG_S for told in result.rounds)
            if result.failure or long or (number and time.monotonic() - started > ROUNDS_S):
                continue
            _one(setting, result, number + 1)


def _one(setting: Setting, result: Result, number: int) -> None:
    line, path = result.line, setting.place / "peers" / "run"
    try:
        command = line.command(setting, path)
        kept = setting.server[1] if line.on_server and not isinstance(setting.server, RunError) else path
        result.rounds.append(run(command, path, kept, timeout_s=RUN_S))
        told = result.rounds[-1]
        _say(f"round {number}, {line.source}: {line.group}, {line.name}, {line.work}: {told.wall_s:.2f} s")
    except RunError as failure:
        result.failure = str(failure)
        _say(f"round {number}, {line.source}: {line.group}, {line.name}, {line.work}: {failure}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Sets up, measures, prints, keeps."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("--invoices", type=int, default=170_000)
    parser.add_argument("--output", type=Path, default=Path("bench/results/peers-latest.json"))
    args = parser.parse_args()
    PLACE.mkdir(parents=True, exist_ok=True)
    day = prepared_day(PLACE, args.invoices)
    given = events.write(day)
    results = table.empty()
    made = programs()
    with produced(PLACE, day), database() as server:
        measure(Setting(PLACE, day, given.path, made, server), results)
    table.show(results)
    table.keep(args.output, results, given.left_out)


if __name__ == "__main__":
    main()
