"""``farechain reconcile``: a settlement file, or a generated day's manifest, against the ledger."""

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

from farechain._core import Ledger
from farechain.cli.arguments import config_argument, settings_of, show
from farechain.cli.times import day_number
from farechain.errors import EXIT_CHECK_FAILED, EXIT_UNAVAILABLE, EXIT_USAGE, FarechainError

if TYPE_CHECKING:
    from farechain.settlement import Difference, Reconciled
    from farechain.settlement.compare import Progress

HELP = "Compare a settlement file, or a day's manifest, with the ledger; 1 if anything differs."
LISTED = 20
"""Differences that are printed; all are counted, and all are in the file of --csv."""
LISTED_IN_JSON = 1_000
PLAIN_HEAD = b"txn_id,channel,paid_at,amount_fen,seller"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    parser.add_argument(
        "file", type=Path, help="a settlement file, or the manifest.jsonl of `farechain generate`"
    )
    parser.add_argument(
        "--mapping", metavar="NAME", help="its columns: plain, wechat, alipay, or a mapping file (TOML)"
    )
    parser.add_argument("--manifest", action="store_true", help="it is a manifest, whatever it looks like")
    parser.add_argument(
        "--day",
        action="append",
        default=[],
        metavar="YYYY-MM-DD",
        help="what it speaks for (default: its days)",
    )
    parser.add_argument(
        "--seller",
        action="append",
        default=[],
        metavar="TAXID",
        help="issuers that it speaks for (default: its own)",
    )
    parser.add_argument(
        "--channel",
        action="append",
        default=[],
        metavar="NAME",
        help="channels that it speaks for (default: its own)",
    )
    parser.add_argument(
        "--leeway-s",
        type=int,
        default=300,
        metavar="N",
        help="how far clocks may be apart around midnight, seconds (default: 300)",
    )
    parser.add_argument("--csv", type=Path, metavar="OUT", help="write every difference to this file")
    config_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    from farechain.service import opening

    ledger = opening.open_ledger(settings_of(args), readonly=True)
    try:
        if args.manifest or (args.mapping is None and _is_manifest(args.file)):
            return _manifest(args, ledger)
        return _settlement(args, ledger, opening.utc_offset_min_of(ledger))
    finally:
        ledger.close()


def _is_manifest(file: Path) -> bool:
    """A manifest is JSON lines; a settlement file of the plain columns needs no mapping; others do."""
    try:
        with file.open("rb") as opened:
            head = opened.readline(4096).removeprefix(b"\xef\xbb\xbf").strip()
    except OSError as error:
        raise FarechainError("E_INPUT", f"{file}: {error.strerror}", EXIT_USAGE) from error
    if head.startswith(b"{"):
        return True
    if head != PLAIN_HEAD:
        message = f"{file} is no manifest, and its columns are not {PLAIN_HEAD.decode()}: name a --mapping"
        raise FarechainError("E_USAGE", message, EXIT_USAGE)
    return False


def _settlement(args: argparse.Namespace, ledger: Ledger, utc_offset_min: int) -> int:
    from farechain.settlement import Scope, read_settlement_rules, reconcile_settlement
    from farechain.settlement.payments import CHANNELS

    rules = read_settlement_rules(args.mapping or "plain", utc_offset_min)
    unknown = sorted(set(args.channel) - set(CHANNELS[1:]))
    if unknown:
        raise FarechainError("E_USAGE", f"{unknown[0]} is none of {', '.join(CHANNELS[1:])}", EXIT_USAGE)
    scope = Scope(
        channels=frozenset(CHANNELS.index(name) for name in args.channel),
        sellers=frozenset(args.seller),
        days=frozenset(day_number(day) for day in args.day),
    )
    listed: list[Difference] = []
    with ExitStack() as stack:
        table = stack.enter_context(_differences_file(args.csv)) if args.csv else None

        def note(difference: "Difference") -> None:
            if len(listed) < LISTED_IN_JSON:
                listed.append(difference)
            if table is not None:
                table.writerow(asdict(difference))

        result = reconcile_settlement(
            ledger,
            args.file,
            rules,
            utc_offset_min=utc_offset_min,
            scope=scope,
            leeway_s=args.leeway_s,
            on_difference=note,
            progress=stack.enter_context(_progress()),
        )
    if not args.json:
        for one in (each for each in listed[:LISTED] if each.what == "ROW"):
            print(f"farechain: {args.file}, line {one.line}: {one.why}", file=sys.stderr)
    told = {**result.as_json(), "listed": [asdict(one) for one in listed]}
    show(args, told, _text(result, listed))
    return 0 if result.ok else EXIT_CHECK_FAILED


@contextmanager
def _differences_file(path: Path) -> "Iterator[csv.DictWriter[str]]":
    from farechain.settlement import Difference

    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, [each.name for each in fields(Difference)])
            table.writeheader()
            yield table
    except OSError as error:
        raise FarechainError("E_OUTPUT", f"{path}: {error.strerror}", EXIT_UNAVAILABLE) from error


@contextmanager
def _progress() -> "Iterator[Progress]":
    """Shows how far it is where somebody looks."""
    if not sys.stderr.isatty():
        yield lambda _what, _done, _all: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as shown:
        tasks: dict[str, int] = {}

        def tell(what: str, done: int, everything: int) -> None:
            if what not in tasks:
                tasks[what] = int(shown.add_task(what, total=everything or None))
            shown.update(tasks[what], completed=done)  # type: ignore[arg-type]

        yield tell


def _text(result: "Reconciled", listed: "list[Difference]") -> str:
    lines = _table(result)
    states = ", ".join(f"{count} {name}" for name, count in sorted(result.states.items())) or "none"
    lines.append("")
    lines.append(
        f"{result.rows} rows, {result.left_out} in which no money moved, "
        f"{result.outside} outside of what was asked"
    )
    lines.append(f"{result.matched} as the ledger has them: {states}")
    counted = ", ".join(f"{count} {what}" for what, count in sorted(result.differences.items()))
    lines.append(f"differences: {counted or 'none'}")
    for one in listed[:LISTED]:
        if one.what == "ROW":
            lines.append(f"ROW line {one.line}: {one.why}")
            continue
        amounts = f"file {_yuan(one.file_fen)}, ledger {_yuan(one.ledger_fen)}"
        lines.append(
            f"{one.what} {one.day} {one.seller} {one.channel} {one.kind} {one.own_id}: {amounts}; {one.why}"
        )
    if len(listed) > LISTED:
        lines.append(f"and {result.differences.total() - LISTED} more; --csv OUT has all of them")
    return "\n".join(lines)


def _table(result: "Reconciled") -> list[str]:
    """A line for each issuer and day, in columns."""
    head = (
        "issuer",
        "day",
        "file rows",
        "yuan",
        "ledger",
        "yuan",
        "missing",
        "extra",
        "amount",
        "other",
        "edge",
    )
    rows = [head]
    for _, tally in sorted(result.tallies.items()):
        counts = (tally.missing, tally.extra, tally.amount, tally.other, tally.edge)
        file, ledger = (
            (str(tally.file_rows), _yuan(tally.file_fen)),
            (str(tally.ledger_rows), _yuan(tally.ledger_fen)),
        )
        rows.append((tally.seller, tally.day, *file, *ledger, *map(str, counts)))  # type: ignore[arg-type]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


def _yuan(fen: int | None) -> str:
    if fen is None:
        return "-"
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _manifest(args: argparse.Namespace, ledger: Ledger) -> int:
    from farechain.day import reconcile

    result = reconcile(ledger, args.file)
    lines = [
        f"{result.inputs} inputs, {result.matched} as they should be, {result.different} different, "
        f"{result.missing} missing, {result.repeated} repeated, {result.beyond} beyond the manifest"
    ]
    for one in result.differences:
        place = f"{one.topic}/{one.partition}/{one.offset}"
        lines.append(f"{place} ({one.case}): expected {_plain(one.expected)}, found {_plain(one.found)}")
    show(args, result.as_json(), "\n".join(lines))
    return 0 if result.ok else EXIT_CHECK_FAILED


def _plain(found: dict[str, object]) -> str:
    return json.dumps(found, ensure_ascii=False) if found else "nothing"
