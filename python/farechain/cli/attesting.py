"""Gives the ledger what the private store has to attest, for the verbs that do it by hand."""

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from farechain.config import Settings
    from farechain.private.store import Store


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds ``--key`` and ``--url``."""
    parser.add_argument(
        "--key",
        type=Path,
        metavar="SEED",
        help="file with a registered key of the BUREAU, an ISSUER, AGENT or REIMBURSER, which attests",
    )
    parser.add_argument(
        "--url", help="the service, as http://127.0.0.1:8800 (default: at api.host and api.port)"
    )


def send_pending(store: "Store", settings: "Settings", key_file: Path, url: str | None) -> int:
    """Attests every fact that the ledger is not known to have; returns how many.

    Raises:
        FarechainError: refused, or ``E_UNAVAILABLE``: what was not sent stays to be sent.
    """
    from farechain.http_client import HttpClient
    from farechain.keys import read_key
    from farechain.party import Party

    signer = Party(
        tax_id="", seed=read_key(key_file), network=settings.ledger.network, source="farechain private"
    )

    async def sent() -> int:
        count = 0
        async with HttpClient(url or f"http://{settings.api.host}:{settings.api.port}") as client:
            while facts := store.on_ledger.pending():
                for fact in facts:
                    await client.send(fact.signed(signer))
                    store.on_ledger.mark([fact])
                    count += 1
        return count

    return asyncio.run(sent())


def later(args: Any) -> str:
    """The command that attests what waits."""
    return f"farechain private attest --config {args.config} --key SEED"
