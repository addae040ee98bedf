"""``farechain status``: what a ledger directory holds, read beside its owner."""

import argparse
from typing import Any

from farechain.cli.arguments import config_argument, settings_of, show

HELP = "Show what the ledger holds: counts, positions, the published checkpoint."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    config_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    from farechain.service import opening
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
