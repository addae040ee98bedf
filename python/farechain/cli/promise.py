"""``farechain promise``: how long events took to their checkpoint, and whether that is true."""

import argparse
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from farechain.cli.arguments import show, verifier_key

if TYPE_CHECKING:
    from farechain.promise.checking import Report
    from farechain.promise.document import Document
    from farechain.promise.reading import Reading

HELP = "Show and verify, from outside, how long events took to their checkpoint: the one-minute promise."
DAY_MS = 86_400_000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listed = actions.add_parser("ls", help="the latest summaries")
    listed.add_argument("--count", type=int, default=20, help="how many at most (default: 20)")
    shown = actions.add_parser("show", help="a summary")
    shown.add_argument("range", nargs="?", metavar="FIRST-LAST", help="its blocks (default: the latest)")
    verify = actions.add_parser(
        "verify", help="verify summaries against the log, its witnesses and every event; 1 if not"
    )
    verify.add_argument(
        "--vkey", required=True, metavar="FILE|VKEY", help="the log's verifier key, or a file of it"
    )
    verify.add_argument(
        "--witness",
        action="append",
        default=[],
        metavar="FILE|VKEY",
        help="the verifier key of a witness to believe (repeatable); without, times are the operator's word",
    )
    verify.add_argument(
        "--threshold", type=int, help="how many witnesses must have cosigned (default: all given)"
    )
    verify.add_argument("--kid", metavar="KID", help="count attestations of this key alone")
    verify.add_argument("--days", type=float, default=1.0, help="how far back (default: 1; 0 for everything)")
    verify.add_argument(
        "--pending-minutes",
        type=float,
        default=30.0,
        metavar="N",
        help="how old blocks may be without a summary, or a summary without attestation (default: 30)",
    )
    verify.add_argument(
        "--no-events", action="store_true", help="do not fetch every block's events and count them again"
    )
    for name, action, run in (("ls", listed, _ls), ("show", shown, _show), ("verify", verify, _verify)):
        action.set_defaults(run=run, action=name)
        action.add_argument(
            "--url",
            required=True,
            help="the service, as http://127.0.0.1:8800, or a copy of its public files",
        )


def _ls(args: argparse.Namespace) -> int:
    from farechain.promise.reading import Reading

    with Reading(args.url) as reading:
        found: list[Document] = []
        for document in _documents(reading):
            if len(found) == args.count:
                break
            found.append(document)
    text = "\n".join(_line(document) for document in found) or "nothing is summarised"
    show(args, {"summaries": [_numbers(document) for document in found]}, text)
    return 0


def _show(args: argparse.Namespace) -> int:
    from farechain.errors import EXIT_UNAVAILABLE, EXIT_USAGE, FarechainError
    from farechain.promise.document import BOUNDS_MS, decode
    from farechain.promise.reading import Reading

    with Reading(args.url) as reading:
        asked = args.range or reading.latest() or "0-0"
        first, dash, last = asked.partition("-")
        if not (dash and first.isdecimal() and last.isdecimal()):
            raise FarechainError("E_USAGE", "a range is FIRST-LAST, two heights", EXIT_USAGE)
        encoded = reading.document(int(first), int(last))
    if encoded is None:
        message = f"{args.url} has no summary of these blocks; see `farechain promise ls`"
        raise FarechainError("E_NOT_FOUND", message, EXIT_UNAVAILABLE)
    document = decode(encoded)
    lines = [_line(document)]
    for bound, count in zip([*BOUNDS_MS, None], document.counts, strict=True):
        words = f"longer than {BOUNDS_MS[-1] / 1000:g} s" if bound is None else f"up to {bound / 1000:g} s"
        lines.append(f"  {words}: {count}")
    show(args, _numbers(document), "\n".join(lines))
    return 0


def _verify(args: argparse.Namespace) -> int:
    from farechain.errors import EXIT_CHECK_FAILED, FarechainError
    from farechain.promise.checking import Terms, broken, check
    from farechain.promise.reading import Reading

    now_ms = int(time.time() * 1000)
    witnesses = [verifier_key(each) for each in args.witness]
    terms = Terms(
        vkey=verifier_key(args.vkey),
        witnesses=witnesses,
        threshold=len(witnesses) if args.threshold is None else args.threshold,
        kid=args.kid,
        since_ms=int(now_ms - args.days * DAY_MS) if args.days else 0,
        events=not args.no_events,
        pending_s=args.pending_minutes * 60,
    )
    try:
        with Reading(args.url) as reading:
            report = check(reading, terms, now_ms)
    except ValueError as error:
        raise FarechainError("E_PROOF", f"{args.url}: {error}", EXIT_CHECK_FAILED) from error
    if report.kept:
        show(args, asdict(report), _told(report, counted=terms.events))
        return 0
    if not args.json:
        print("\n".join(report.hidden) or _told(report, counted=terms.events))
    if report.hidden:
        raise FarechainError("E_PROMISE_HIDDEN", broken(report), EXIT_CHECK_FAILED, asdict(report))
    raise FarechainError("E_PROMISE_LATE", broken(report), EXIT_CHECK_FAILED, asdict(report))


def _told(report: "Report", *, counted: bool) -> str:
    words = [
        f"blocks {report.ranges[-1][0]} to {report.ranges[0][1]} of {report.chain} are summarised without "
        "a gap, "
        f"{report.attested} of {len(report.ranges)} summaries attested on the ledger",
        f"{report.events} events, {_share(report.events, report.late)} within a minute, "
        f"the slowest took {report.max_ms / 1000:.1f} s (block {report.max_height})",
    ]
    if not counted:
        words.append("their events were not counted again")
    if not report.cosigned:
        words.append("no witness says when checkpoints were there: times are the operator's word")
    return "\n".join(words)


def _share(events: int, late: int) -> str:
    """The share in time, rounded down: 100 % is said only where it is all."""
    if late == 0:
        return "100 %"
    hundredths = (events - late) * 10_000 // events
    return f"{hundredths // 100}.{hundredths % 100:02d} %"


def _documents(reading: "Reading") -> "Iterator[Document]":
    """From the last one back, as far as they are there."""
    from farechain.promise.document import decode

    stem = reading.latest()
    while stem is not None:
        first, _, last = stem.partition("-")
        encoded = reading.document(int(first), int(last))
        if encoded is None:
            return
        document = decode(encoded)
        yield document
        stem = document.previous.stem if document.previous is not None else None


def _line(document: "Document") -> str:
    began, ended = (
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms / 1000))
        for at_ms in (document.from_ms, document.to_ms)
    )
    return (
        f"blocks {document.first}-{document.last} {began} to {ended}: {document.events} events, "
        f"{_share(document.events, document.late)} within a minute, slowest {document.max_ms / 1000:.1f} s"
    )


def _numbers(document: "Document") -> dict[str, object]:
    shown = asdict(document)
    for name in ("notes", "positions", "previous"):
        del shown[name]
    return {**shown, "late": document.late}
