"""``farechain status``: what a ledger directory holds, read beside its owner."""

import argparse
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from farechain.cli.arguments import config_argument, settings_of, show

if TYPE_CHECKING:
    from farechain.config import Settings

HELP = "Show what the ledger holds: counts, positions, the published checkpoint; or watch the service."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    parser.add_argument(
        "--watch", action="store_true", help="a page for who is on call, renewed until Ctrl-C; once if piped"
    )
    parser.add_argument("--url", help="with --watch: the service (default: as [api] says)")
    parser.add_argument(
        "--every-s", type=float, default=2.0, metavar="N", help="with --watch: seconds between two looks"
    )
    config_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    from farechain.service import opening

    if args.watch:
        return _watch(args, settings_of(args))
    from farechain.witness.client import cosigners

    settings = settings_of(args)
    ledger = opening.open_ledger(settings, readonly=True)
    result: dict[str, Any] = {
        "network": ledger.network,
        "chain": ledger.chain,
        "height": ledger.height,
        "head": ledger.head.hex(),
        **{name: value for name, value in ledger.status().items() if name not in {"curve", "height"}},
        "positions": {f"{topic}/{number}": offset for topic, _, number, offset, _ in ledger.positions()},
    }
    note, size = opening.published_checkpoint(settings)
    vkeys = [member.vkey for member in settings.witnesses.members]
    result["checkpoint"] = {"size": size, "cosigners": cosigners(note, vkeys) if note else []}
    ledger.close()
    show(args, result)
    return 0


def _watch(args: argparse.Namespace, settings: "Settings") -> int:
    """Looks again and again where somebody sees it, once where nobody does or for ``--json``."""
    from rich.console import Console
    from rich.live import Live

    from farechain.cli.status_page import page
    from farechain.service import opening
    from farechain.service.glance import Looking

    looking = Looking(settings, args.url or opening.own_url(settings))
    try:
        if args.json:
            show(args, asdict(looking.look()))
        elif not sys.stdout.isatty():
            Console(width=110).print(page(looking.look()))
        else:
            with Live(page(looking.look()), screen=True, auto_refresh=False) as live:
                while True:
                    time.sleep(max(0.2, args.every_s))
                    live.update(page(looking.look()), refresh=True)
    finally:
        looking.close()
    return 0
