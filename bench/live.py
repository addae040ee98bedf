"""The demonstration as a benchmark: event to signed checkpoint, memory of the service, disk an invoice."""

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.figures import Figure


def measure(place: Path, invoices: int) -> list[Figure]:
    """Runs ``farechain demo`` in a process of its own, three witnesses and receipts included."""
    words = ["demo", "--json", "--no-serve", "--dir", str(place / "demo"), "--invoices", str(invoices)]
    ran = subprocess.run(
        [sys.executable, "-m", "farechain", *words, "--port", "8899"],
        stdout=subprocess.PIPE,
        check=True,
        env=os.environ,
    )
    told = json.loads(ran.stdout)
    latency, seconds = told["latency_ms"], told["seconds"]
    return [
        Figure("event to signed checkpoint at 500 events/s, median", latency["p50"], "ms", 200),
        Figure("event to signed checkpoint at 500 events/s, 99 of 100", latency["p99"], "ms", 1000),
        Figure("the day with cold keys, receipts and witnesses", seconds["ingest"], "s"),
        Figure("most resident memory of the service", told["rss_mb"], "MB", 400),
        Figure("disk, all included", told["bytes_per_invoice"], "bytes an invoice"),
        Figure("signing and writing the day", seconds["generate"], "s"),
        Figure("producing the day", seconds["produce"], "s"),
    ]
