"""``farechain ingest``: what ``serve`` does, without HTTP; to the end of the topics where asked."""

import argparse

from farechain.cli.arguments import config_argument, settings_of, show

HELP = "Ingest and publish without HTTP; with --until-end, stop when everything is durable and published."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    config_argument(parser)
    parser.add_argument("--until-end", action="store_true", help="end when the source has nothing more")


def run(args: argparse.Namespace) -> int:
    """Runs the verb. Exit code 4 where blocks are durable but not published or sent."""
    from farechain.cli import lines
    from farechain.cli.until_signal import run_until_signal
    from farechain.errors import EXIT_UNAVAILABLE, FarechainError
    from farechain.service.memory import tell_allocator
    from farechain.service.running import Service

    settings = settings_of(args)
    lines.configure(settings.lines)
    tell_allocator()
    summary = run_until_signal(Service(settings, None, until_end=args.until_end).run)
    if summary is None:
        return 0
    behind = summary.unfinished()
    if behind is not None and args.until_end:
        raise FarechainError("E_UNFINISHED", behind, EXIT_UNAVAILABLE)
    text = f"height {summary.height}: {summary.totals.inputs} inputs, {summary.totals.invoices} invoices"
    show(args, summary.printable(), text)
    return 0
