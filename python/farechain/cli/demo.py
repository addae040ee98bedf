"""``farechain demo``: a signed day from Kafka to provable invoices, in one command."""

import argparse
import os
import time
from pathlib import Path

from farechain.cli.arguments import show

HELP = "Take a signed day through a real broker into a witnessed ledger, check it, and show it on a page."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    parser.add_argument("--dir", type=Path, default=Path("var/demo"), help="made afresh (default: var/demo)")
    parser.add_argument("--invoices", type=int, default=170_000, help="invoices at least (default: 170000)")
    parser.add_argument("--port", type=int, default=8800, help="port of the page (default: 8800)")
    parser.add_argument("--seed", type=int, default=None, help="another day")
    parser.add_argument(
        "--fallback", action="store_true", help="use the fallback broker even if Java is here"
    )
    parser.add_argument(
        "--no-serve",
        action="store_true",
        default=os.environ.get("SERVE") == "0",
        help="end after the summary",
    )


def run(args: argparse.Namespace) -> int:
    """Runs the verb; exit code 1 where what was found is not what it must be."""
    from farechain.demo import shown
    from farechain.demo.run import SEED, Demonstration, Options

    options = Options(
        root=args.dir,
        invoices=args.invoices,
        seed=SEED if args.seed is None else args.seed,
        fallback=True if args.fallback else None,
        port=args.port,
    )
    with Demonstration(options, shown.progress()) as demonstration:
        service = demonstration.run()
        if args.json:
            show(args, demonstration.summary)
        else:
            shown.summary(demonstration.summary, args.dir)
        if not args.no_serve:
            shown.serving(demonstration.summary)
            try:
                while service.running:
                    time.sleep(0.5)
            except KeyboardInterrupt:
                pass
    return 0
