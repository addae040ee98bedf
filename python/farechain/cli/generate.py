"""``farechain generate``: a signed day as a spool directory, with the manifest of what must become of it."""

import argparse
import time
from pathlib import Path

from farechain.cli.arguments import show

HELP = "Generate a signed day of payments, and a manifest of what each must become."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    parser.add_argument("out", type=Path, help="directory for spool/, manifest.jsonl, manifest-summary.json")
    parser.add_argument(
        "--keys", type=Path, help="directory of the day's keys, development keys only (default: OUT/keys)"
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same day (default: 1)")
    parser.add_argument(
        "--invoices", type=int, default=170_000, help="invoices that the day gives (default: 170000)"
    )
    parser.add_argument(
        "--on-claim", type=int, default=0, help="metro trips beside them that wait for a claim (default: 0)"
    )
    parser.add_argument("--date", default="", metavar="YYYY-MM-DD", help="the day (default: yesterday)")


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    from farechain.day import generate

    began = time.monotonic()
    manifest = generate(
        args.out,
        args.keys or args.out / "keys",
        seed=args.seed,
        invoices=args.invoices,
        date=args.date,
        on_claim=args.on_claim,
    )
    seconds = round(time.monotonic() - began, 2)
    per_input = manifest.record_bytes / manifest.inputs
    text = (
        f"{manifest.date}: {manifest.inputs} inputs of {manifest.devices} devices, {per_input:.0f} bytes "
        f"each; {manifest.by_verdict.get('ISSUED', 0)} of them invoices; {seconds} s"
    )
    show(args, {**manifest.summary(), "seconds": seconds}, text)
    return 0
