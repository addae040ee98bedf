"""``farechain audit``: re-derives everything from the log alone and names the first byte that is wrong."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from farechain.cli.arguments import config_argument, settings_of, show

HELP = (
    "Derive everything again from the block log: signatures, decisions, numbers, tax, roots, offsets, tiles."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    config_argument(parser)
    parser.add_argument(
        "--ledger", type=Path, metavar="DIR", help="this ledger instead of the configuration's"
    )
    parser.add_argument("--no-signatures", action="store_true", help="hashes, state and completeness only")


def run(args: argparse.Namespace) -> int:
    """Runs the verb; exit code 1 where anything is wrong."""
    from farechain import _core
    from farechain.errors import EXIT_CHECK_FAILED, FarechainError

    settings = None if args.ledger else settings_of(args)
    ledger = settings.ledger.path if settings else args.ledger
    public, vkey = ledger / "public", ledger / "public" / "vkey"
    published = vkey.is_file()
    found = _core.audit(
        str(ledger),
        signatures=not args.no_signatures,
        public=str(public) if published else None,
        vkey=vkey.read_text("utf-8").strip() if published else None,
    )
    if settings is not None:
        _keep(settings.audit_file, found)
    if not found["ok"]:
        message = f"{found['file']} at byte {found['byte']}: {found['what']}"
        raise FarechainError("E_AUDIT", message, EXIT_CHECK_FAILED)
    counts = {name: value for name, value in found.items() if name not in {"ok", "file", "byte", "what"}}
    show(args, counts)
    return 0


def _keep(file: Path, found: dict[str, Any]) -> None:
    """For the auditor's pages. A ledger that may not be written to was audited all the same."""
    kept = {name: found[name] for name in ("ok", "what", "blocks", "signatures_verified", "head")}
    part = file.with_name(f".{file.name}.part")
    try:
        part.write_text(json.dumps(kept | {"at_ms": time.time_ns() // 1_000_000}, default=_hex), "utf-8")
        part.replace(file)
    except OSError:
        return


def _hex(value: bytes) -> str:
    return value.hex()
