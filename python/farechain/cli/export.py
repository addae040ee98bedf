"""``farechain export``: invoices as documents, one or a million; a run that was stopped goes on."""

import argparse
import os
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farechain.cli.arguments import config_argument, settings_of, show

if TYPE_CHECKING:
    from farechain._core import Ledger
    from farechain.config import Settings
    from farechain.export.position import Position
    from farechain.export.selection import Selection
    from farechain.private.store import Store

HELP = "Write invoices as documents: PDF, trip sheets, JSON with proof, UBL, XML, postings, tables."
MODULES = {"typst", "noto_cjk_sans_otc", "zxingcpp", "cbor2", "defusedxml", "arro3"}
"""What the extra ``documents`` brings."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    config_argument(parser)
    parser.add_argument("invoice", nargs="*", metavar="NUMBER|HASH", help="as for `farechain prove`")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="where the files go")
    parser.add_argument(
        "--format",
        default="pdf,json",
        metavar="LIST",
        help="of pdf, archive, trips, json, ubl, xml, posting, csv, parquet (default: pdf,json)",
    )
    parser.add_argument("--all", action="store_true", help="every invoice that is published")
    parser.add_argument(
        "--from",
        dest="first",
        metavar="NUMBER|DATE",
        help="from this number, or from this day of issue, YYYY-MM-DD",
    )
    parser.add_argument("--to", dest="last", metavar="NUMBER|DATE", help="up to it, inclusive")
    parser.add_argument("--blocks", metavar="A-B", help="of these blocks, inclusive")
    parser.add_argument(
        "--without-titles", action="store_true", help="open no title, though the private store is at hand"
    )
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count() or 1, help="threads that write (default: all cores)"
    )


def run(args: argparse.Namespace) -> int:
    """Runs the verb. Exit code 2 for a selection that makes no sense, 3 not there, 4 not published yet."""
    from farechain.errors import EXIT_USAGE, FarechainError

    asked = [bool(args.invoice), args.all, bool(args.first or args.last), bool(args.blocks)]
    if sum(asked) != 1:
        message = "say which invoices, in one way: numbers or hashes, --all, --from/--to, or --blocks"
        raise FarechainError("E_USAGE", message, EXIT_USAGE)
    if not 1 <= args.threads <= 256:
        raise FarechainError("E_USAGE", "--threads is 1 to 256", EXIT_USAGE)
    try:
        return _run(args)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in MODULES:
            raise
        message = f"{error.name} is not installed: `pip install 'farechain[documents]'`"
        raise FarechainError("E_EXTRA", message, EXIT_USAGE) from error


def _run(args: argparse.Namespace) -> int:
    from farechain.export import formats
    from farechain.export.reading import Reader, Shown
    from farechain.export.titles import Titles
    from farechain.export.writing import Exporter
    from farechain.service import opening

    wanted = formats.named(args.format)
    settings = settings_of(args)
    ledger = opening.open_ledger(settings, readonly=True)
    titles = Titles(lambda: None if args.without_titles else _private_store(settings))
    shown = Shown(
        public_dir=str(settings.public_dir),
        witnesses=[member.vkey for member in settings.witnesses.members],
        verify_url=settings.api.public_url,
        demonstration=settings.demonstration,
        title_of=titles.text_of,
    )
    args.output.mkdir(parents=True, exist_ok=True)
    reader = Reader(ledger, shown, with_proofs=not formats.PROVEN.isdisjoint(wanted))
    exporter = Exporter(reader, args.output, wanted, args.threads)
    try:
        if args.invoice:
            return _named(args, ledger, exporter)
        return _walked(args, settings, ledger, exporter, wanted)
    finally:
        exporter.close()
        titles.close()
        ledger.close()


def _private_store(settings: "Settings") -> "Store | None":
    """The private store of this configuration; without store or key, titles stay closed, and that is said."""
    from farechain.private.key_files import open_store

    for path in (settings.private_store, settings.private.key_file):
        if not path.exists():
            print(f"farechain: {path} is not here: documents show no titles", file=sys.stderr)
            return None
    return open_store(settings.private_store, settings.private.key_file)


def _named(args: argparse.Namespace, ledger: "Ledger", exporter: Any) -> int:
    from farechain.cli.prove import find
    from farechain.export.selection import Place

    found = [find(ledger, invoice) for invoice in args.invoice]
    written = exporter.named((Place(each["height"], each["index"]), each["record"]) for each in found)
    result = {
        "invoices": len(found),
        "files": [str(path) for path in written],
        "bytes": sum(path.stat().st_size for path in written),
    }
    show(args, result, "\n".join(result["files"]))
    return 0


def _walked(
    args: argparse.Namespace, settings: "Settings", ledger: "Ledger", exporter: Any, wanted: tuple[str, ...]
) -> int:
    from farechain.export import position
    from farechain.service import opening

    _, published = opening.published_checkpoint(settings)
    selection = _selection(args, ledger, min(ledger.height, published - 1))
    asked = f"all={args.all} from={args.first} to={args.last} blocks={args.blocks}"
    asked += " without titles" if args.without_titles else ""
    start = position.resume(args.output, position.Position.begin(ledger.chain, wanted, asked, selection))
    with _Progress(start) as progress:
        end = exporter.walked(ledger, start, progress.part)
    result = {
        "directory": str(args.output),
        "invoices": end.invoices,
        "files": end.files,
        "invoices_now": end.invoices - start.invoices,
        "last_block": end.selection.last_block,
        "declaration": end.declaration.rows(),
    }
    text = f"{end.invoices} invoices, {end.files} files in {args.output}"
    if start.parts:
        text += f"; {start.invoices} were there already"
    show(args, result, text)
    return 0


def _selection(args: argparse.Namespace, ledger: "Ledger", last_block: int) -> "Selection":
    from farechain.errors import EXIT_UNAVAILABLE, FarechainError
    from farechain.export.selection import Selection

    if last_block < 1:
        raise FarechainError("E_NOT_PUBLISHED", "nothing is published yet", EXIT_UNAVAILABLE)
    if args.blocks:
        first, _, last = args.blocks.partition("-")
        if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
            raise _usage("--blocks is A-B, two heights from 1 on")
        return Selection(int(first), min(int(last), last_block))
    if args.all:
        return Selection(1, last_block)
    days = [_day(text) for text in (args.first, args.last) if text]
    if all(days):
        return _by_day(args, ledger, last_block)
    if any(days):
        raise _usage("--from and --to are both numbers or both days")
    return _by_number(args, ledger, last_block)


def _by_day(args: argparse.Namespace, ledger: "Ledger", last_block: int) -> "Selection":
    from farechain.export.reading import utc_offset_min
    from farechain.export.selection import Selection, day_start_ms, first_block_at

    offset = utc_offset_min(ledger)
    first, last = _day(args.first), _day(args.last)
    if first and last and first > last:
        raise _usage("--from is after --to")
    from_ms = day_start_ms(first, offset) if first else None
    to_ms = day_start_ms(last + timedelta(days=1), offset) if last else None
    begin = 1 if from_ms is None else first_block_at(ledger, from_ms, last_block)
    return Selection(begin, last_block, from_ms=from_ms, to_ms=to_ms)


def _by_number(args: argparse.Namespace, ledger: "Ledger", last_block: int) -> "Selection":
    from farechain.export.selection import Selection

    pairs = [_number(text) for text in (args.first, args.last) if text]
    codes = {code for code, _ in pairs if code} or set(ledger.codes())
    if len(codes) != 1:
        raise _usage(f"say which code: one of {', '.join(sorted(codes))}, as CODE-NUMBER")
    from_number = _number(args.first)[1] if args.first else 1
    to_number = _number(args.last)[1] if args.last else 99_999_999
    if from_number > to_number:
        raise _usage("--from is after --to")
    # Several grants of one code may be in use at once, so its numbers are anywhere in the ledger.
    return Selection(1, last_block, code=codes.pop(), from_number=from_number, to_number=to_number)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text and text.count("-") == 2 else None
    except ValueError as error:
        raise _usage(f"{text} is no day: YYYY-MM-DD") from error


def _number(text: str) -> tuple[str, int]:
    from farechain.cli.prove import code_and_number

    code, number = code_and_number(text)
    if not (number.isdecimal() and number.isascii()) or (code and not code.isdecimal()):
        raise _usage(f"{text} is no number: NUMBER or CODE-NUMBER")
    return code, int(number)


def _usage(message: str) -> Exception:
    from farechain.errors import EXIT_USAGE, FarechainError

    return FarechainError("E_USAGE", message, EXIT_USAGE)


class _Progress:
    """A bar on a terminal, a line a part elsewhere; on standard error."""

    def __init__(self, start: "Position") -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=self._console, disable=not sys.stderr.isatty())
        first, last = start.selection.first_block, start.selection.last_block
        self._task = self._bar.add_task("", total=max(1, last - first + 1))
        self._first = first
        self._before = start.invoices

    def __enter__(self) -> "_Progress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def part(self, now: "Position") -> None:
        """A part is in files."""
        said = f"{now.invoices:,} invoices, block {now.next.height} of {now.selection.last_block}"
        self._bar.update(self._task, completed=now.next.height - self._first, description=said)
        if self._bar.disable:
            print(f"farechain: {said}", file=sys.stderr)
