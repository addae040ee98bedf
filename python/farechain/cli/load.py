"""``farechain load``: a load test against a cluster, with a report and an exit code."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from farechain.cli.arguments import config_argument, settings_of, show

if TYPE_CHECKING:
    from farechain.load.report import Measured

HELP = "Load a cluster by a scenario, judge latency, memory and every event's outcome, and write a report."
MODULES = {"hdrh"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    parser.add_argument(
        "scenario", nargs="?", help="a name, or a file that ends in .toml; none: lists the names"
    )
    parser.add_argument(
        "--local", type=Path, metavar="DIR", help="start broker, ledger and service below DIR, made afresh"
    )
    config_argument(parser)
    parser.add_argument(
        "--keys", type=Path, metavar="DIR", help="keys of the generated day, where the cluster runs already"
    )
    parser.add_argument("--url", help="the service, where it is not at api.host and api.port")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where the report goes (default: DIR/load, or var/load)"
    )
    parser.add_argument(
        "--generators", type=int, default=1, metavar="N", help="generator processes (default: 1)"
    )
    parser.add_argument(
        "--generator", default="1/1", metavar="N/M", help="this is the N-th of M runs that share the rate"
    )
    parser.add_argument(
        "--merge", type=Path, nargs="+", metavar="REPORT", help="add up report.json of such runs instead"
    )


def run(args: argparse.Namespace) -> int:
    """Runs the verb. Exit code 1 where a promise does not hold, 4 where the scenario could not be run."""
    from farechain.errors import EXIT_USAGE, FarechainError

    try:
        return _run(args)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in MODULES:
            raise
        message = f"{error.name} is not installed: `pip install 'farechain[load]'`"
        raise FarechainError("E_EXTRA", message, EXIT_USAGE) from error


def _run(args: argparse.Namespace) -> int:
    from farechain.errors import EXIT_USAGE, FarechainError
    from farechain.load import report, run, scenario

    if args.merge:
        out = args.out or Path("var/load")
        return _tell(args, report.merge([_report(path) for path in args.merge]), out)
    if args.scenario is None:
        listed = {name: scenario.read(name).about for name in scenario.names()}
        show(args, listed)
        return 0
    wanted = scenario.read(args.scenario)
    out = args.out or (args.local / "load" if args.local else Path("var/load"))
    if not 1 <= args.generators <= run.GENERATORS_MAX:
        raise FarechainError("E_USAGE", f"--generators is 1 to {run.GENERATORS_MAX}", EXIT_USAGE)
    options = run.Options(wanted, out, args.generators, _share(args.generator))
    if args.local:
        return _tell(args, run.run_local(options, args.local, _progress), out)
    settings = settings_of(args)
    if args.keys is None:
        message = "--local DIR starts a cluster; --config FILE with --keys DIR takes one that runs"
        raise FarechainError("E_USAGE", message, EXIT_USAGE)
    url = args.url or f"http://{settings.api.host}:{settings.api.port}"
    return _tell(args, run.run_against(options, run.Running(settings, args.keys, url), _progress), out)


def _share(text: str) -> tuple[int, int]:
    from farechain.errors import EXIT_USAGE, FarechainError

    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of) <= 99):
        raise FarechainError("E_USAGE", f"--generator {text}: write N/M, as 1/3 of 1/3, 2/3, 3/3", EXIT_USAGE)
    return int(number), int(of)


def _report(path: Path) -> dict[str, object]:
    from farechain.errors import EXIT_USAGE, FarechainError

    try:
        facts: dict[str, object] = json.loads(path.read_text("utf-8"))
        if not {"histograms", "series", "promises"} <= set(facts):
            raise ValueError("it has other members")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FarechainError(
            "E_INPUT", f"{path} is no report.json of a load test: {error}", EXIT_USAGE
        ) from error
    return facts


def _tell(args: argparse.Namespace, measured: "Measured", out: Path) -> int:
    from farechain.errors import EXIT_CHECK_FAILED
    from farechain.load.run import write

    out.mkdir(parents=True, exist_ok=True)
    write(measured, out)
    facts = measured.facts
    lines = [
        f"{'kept  ' if one['kept'] else 'MISSED'} {one['name']}: {one['found']}" for one in facts["promises"]
    ]
    lines += [f"{name}: {_figures(figures)}" for name, figures in facts["latency_ms"].items()]
    told = {name: facts[name] for name in ("promises", "latency_ms", "slip_ms", "events", "faults")}
    show(
        args,
        {**told, "ok": measured.ok, "report": str(out)},
        "\n".join([*lines, f"report: {out}/report.html"]),
    )
    return 0 if measured.ok else EXIT_CHECK_FAILED


def _figures(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:,g}" for name, value in figures.items()) + " (ms)"


def _progress(doing: str) -> None:
    print(f"load: {doing}", file=sys.stderr, flush=True)
