"""What a person sees of the demonstration: progress on standard error, the summary on standard output."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_STAGES = (
    "decode",
    "verify",
    "decide",
    "hash",
    "append",
    "index",
    "sync",
    "publish",
    "process_cpu",
    "broker_cpu",
)


def progress() -> Callable[[str], None]:
    """Says what is being done, a line each."""
    console = Console(stderr=True)
    return lambda doing: console.print(f"· {doing}", highlight=False)


def serving(result: Mapping[str, Any]) -> None:
    """Says where the pages are, and as whom to log in."""
    page, logins = result["page"], result["logins"]["file"]
    console = Console(stderr=True, highlight=False)
    console.print(f"\nThe page is at [bold]{page}[/bold]. Ctrl-C ends the demonstration.")
    console.print(
        f"Passengers, clerks, an issuer, the bureau and an auditor log in at {page}login; tokens: {logins}"
    )


def summary(result: Mapping[str, Any], place: Path) -> None:
    """Prints the summary as tables."""
    console = Console(file=sys.stdout)
    console.print(_found(result))
    console.print(_figures(result))
    console.print(f"All of it: {place / 'summary.json'}", highlight=False)


def _found(result: Mapping[str, Any]) -> Table:
    table = Table(title="What was found", show_header=False, title_justify="left")
    outcomes = result["outcomes"]
    rejected = ", ".join(f"{code} {count}" for code, count in outcomes["rejected"].items())
    audit, fork = result["audit"], result["fork"]
    for name, value in (
        ("inputs, each with one outcome", f"{result['inputs']:,}"),
        ("blue invoices", f"{result['invoices']:,}"),
        ("red-letter invoices", f"{outcomes['reversed']:,}"),
        ("recorded, not invoiced", f"{outcomes['recorded']:,}"),
        ("after the day", _life(result["life"])),
        ("duplicates", f"{outcomes['duplicates']:,}"),
        ("commands applied", f"{outcomes['applied']:,}"),
        ("rejected", rejected),
        ("differences to the manifest", str(result["differences"])),
        (
            "audit",
            f"clean: {audit['signatures_verified']:,} signatures verified again",
        ),
        ("a forged history", f"refused by {len(fork['refused'])} of 3 witnesses"),
        (
            "proofs verified offline",
            f"{result['proofs']['verified']}, largest {result['proofs']['largest_bytes']} bytes",
        ),
    ):
        table.add_row(name, value)
    return table


def _life(life: Mapping[str, Mapping[str, int]]) -> str:
    """What became of trips and invoices when the day was over."""

    def did(kind: str, outcome: str = "APPLIED") -> int:
        return life.get(kind, {}).get(outcome, 0)

    refused = sum(
        count for told in life.values() for outcome, count in told.items() if outcome.startswith("E_")
    )
    return (
        f"{did('CLAIM', 'ISSUED'):,} claims, {did('RETITLE', 'ISSUED'):,} retitled, {did('LOCK'):,} locked, "
        f"{did('REIMBURSE'):,} reimbursed, {did('POST'):,} posted, "
        f"{did('REFUND', 'RED_REQUESTED'):,} reversals owed, {did('DECLARE'):,} months declared; "
        f"{refused:,} commands refused"
    )


def _figures(result: Mapping[str, Any]) -> Table:
    table = Table(title="What it took", show_header=False, title_justify="left")
    seconds, stages, latency = result["seconds"], result["us_per_event"], result["latency_ms"]
    table.add_row(
        "the day, Kafka to checkpoint", f"{seconds['ingest']:.2f} s, {result['events_per_s']:,} events/s"
    )
    for stage in _STAGES:
        if stage in stages:
            table.add_row(f"  {stage.replace('_', ' ')}", f"{stages[stage]:.2f} us an event")
    live = f"p50 {latency['p50']:.0f} ms, p99 {latency['p99']:.0f} ms at {latency['rate_per_s']} events/s"
    table.add_row("event to signed checkpoint", live)
    table.add_row("memory of the service", f"{result['rss_mb']:.0f} MB")
    table.add_row("disk", f"{result['bytes_per_invoice']:,} bytes an invoice, all included")
    table.add_row("broker", f"{result['broker']['kind']} {result['broker']['version']}")
    table.add_row("signing the day", f"{seconds['generate']:.1f} s")
    table.add_row("claims and the rest, four turns", f"{seconds['life']:.1f} s")
    table.add_row("audit, every signature", f"{seconds['audit']:.1f} s")
    return table
