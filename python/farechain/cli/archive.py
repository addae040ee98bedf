"""``farechain archive``: moves old segments to a cheaper place, where they are still read."""

import argparse
from pathlib import Path

from farechain.cli.arguments import config_argument, settings_of, show

HELP = "Move old segments to another directory; proofs of what is in them are still served."
KEEP = 16


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    config_argument(parser)
    parser.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="where to: a directory of this ledger alone"
    )
    parser.add_argument(
        "--keep", type=int, default=KEEP, metavar="N", help=f"newest segments that stay (default: {KEEP})"
    )


def run(args: argparse.Namespace) -> int:
    """Runs the verb; it may run beside the owner of the ledger."""
    from farechain import _core
    from farechain.errors import EXIT_USAGE, FarechainError

    if not 1 <= args.keep < 2**32:
        raise FarechainError("E_USAGE", "--keep is at least 1: the newest segment is written to", EXIT_USAGE)
    done = _core.archive(str(settings_of(args).ledger.path), str(args.to.absolute()), keep=args.keep)
    text = (
        f"moved {done['segments']} segments ({done['bytes']} bytes); {done['listed']} are archived, "
        f"{done['kept']} are here"
    )
    show(args, done, text)
    return 0
