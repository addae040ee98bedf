"""``farechain reconcile``: compares a ledger with a generated day's manifest, event by event."""

import argparse
import json
from pathlib import Path

from farechain.cli.arguments import config_argument, settings_of, show
from farechain.errors import EXIT_CHECK_FAILED

HELP = "Compare the ledger with a day's manifest, event by event; 1 if anything differs."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    parser.add_argument("manifest", type=Path, help="manifest.jsonl of `farechain generate`")
    config_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    from farechain.day import reconcile
    from farechain.service import opening

    ledger = opening.open_ledger(settings_of(args), readonly=True)
    try:
        result = reconcile(ledger, args.manifest)
    finally:
        ledger.close()
    lines = [
        f"{result.inputs} inputs, {result.matched} as they should be, {result.different} different, "
        f"{result.missing} missing, {result.repeated} repeated, {result.beyond} beyond the manifest"
    ]
    for one in result.differences:
        place = f"{one.topic}/{one.partition}/{one.offset}"
        lines.append(f"{place} ({one.case}): expected {_plain(one.expected)}, found {_plain(one.found)}")
    show(args, result.as_json(), "\n".join(lines))
    return 0 if result.ok else EXIT_CHECK_FAILED


def _plain(fields: dict[str, object]) -> str:
    return json.dumps(fields, ensure_ascii=False) if fields else "nothing"
