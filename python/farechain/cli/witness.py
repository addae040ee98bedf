"""``farechain witness``: an independent process that cosigns checkpoints (C2SP tlog-witness)."""

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from farechain.cli.arguments import show
from farechain.config import LineSettings

if TYPE_CHECKING:
    from farechain.witness.party import Party

HELP = "Run a witness with its own key and state; with --init, make one and print its verifier key."
DEFAULT_PORT = 9101


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    parser.add_argument(
        "--state", type=Path, required=True, metavar="DIR", help="its key and what it cosigned"
    )
    parser.add_argument(
        "--init", action="store_true", help="make a key and an empty state, print the verifier key"
    )
    parser.add_argument("--name", help="with --init: its key name, such as witness.example/w1")
    parser.add_argument(
        "--log",
        action="append",
        default=[],
        metavar="VKEY",
        help="verifier key, or a file of one, of a log to watch",
    )
    parser.add_argument("--host", default="127.0.0.1", help="listen here (default: 127.0.0.1)")
    parser.add_argument(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        help=f"listen here (default: {DEFAULT_PORT}); 0 takes a free one",
    )


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    from farechain.errors import EXIT_USAGE, FarechainError
    from farechain.witness import party

    if args.init:
        if not args.name:
            raise FarechainError("E_USAGE", "--init needs --name, such as witness.example/w1", EXIT_USAGE)
        made = party.create(args.state, args.name)
    else:
        made = party.open_party(args.state)
    try:
        for each in args.log:
            made.trust(party.vkey_of(each))
        if args.init:
            show(args, {"name": made.name, "vkey": made.vkey}, made.vkey)
        else:
            _serve(args, made)
    finally:
        made.state.close()
    return 0


def _serve(args: argparse.Namespace, made: "Party") -> None:
    import logging

    from farechain.cli import lines
    from farechain.cli.until_signal import run_until_signal
    from farechain.listening import address, bind, serve
    from farechain.witness.server import create_app

    lines.configure(LineSettings())
    witness = made.witness()
    with bind(args.host, args.port) as listener:
        log = logging.getLogger("farechain.process")
        log.info("witness %s of %d logs listening on %s", made.name, len(made.logs), address(listener))

        async def serving(stop: asyncio.Event) -> None:
            await serve(create_app(witness), listener, stop)

        run_until_signal(serving)
