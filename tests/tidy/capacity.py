"""Writes the tables of docs/capacity.md: ``PYTHONPATH=tests:python .venv/bin/python -m tidy.capacity``.

What was measured is read from bench/results; a city's needs follow by the formulas of the page.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from tidy.tracked import ROOT

PAGE = ROOT / "docs" / "capacity.md"
COMMAND = "PYTHONPATH=tests:python .venv/bin/python -m tidy.capacity"
MARK = re.compile(r"(<!-- (costs|cities) -->\n).*?(<!-- end -->)", re.S)
RESULTS = ROOT / "bench" / "results"

CITIES = (170_000, 1_000_000, 5_000_000, 20_000_000)
"""Trips a day."""
PEAK_SHARE = 0.12
"""Of a day's trips, in its busiest hour."""
HOLIDAY = 10
"""A holiday's rush against an ordinary peak."""
USED = 0.5
"""Of the cores, at most, in such a rush: the rest is for pages, proofs and whoever else lives there."""
EVENT_BYTES = 700
"""A signed event with its headers in Kafka: 656 bytes and the batch's share."""
RECEIPT_BYTES = 515
"""A receipt with its key, of a generated day."""
RECEIPT_US = 40.0
"""CPU of sending one (docs/performance.md, What was tried)."""
REPLICAS = 3
"""Copies that Kafka keeps."""
RECORDS_MAX = 2**32
"""Of a chain: its index holds ordinals of four bytes."""
YEARS = 5
"""How long a chain should last."""
GB, GIB, MIB = 1e9, 2**30, 2**20


def measured(file: str, table: str, name: str) -> float:
    """A figure that a run of the bench left. Raises ``LookupError`` where it is not there."""
    tables: dict[str, list[dict[str, Any]]] = json.loads((RESULTS / file).read_text())
    for figure in tables[table]:
        if figure["name"] == name:
            return float(figure["value"])
    raise LookupError(f"{file}: {table} has no {name}")


DAY, CITY = "day-2-cores.json", "city-2-cores.json"
EVENT_US = {
    kind: measured(DAY, f"a day from Kafka, {kind}", "warm keys, CPU of the process")
    for kind in ("avx512", "avx2", "portable")
}
EVENTS_S = {
    kind: measured(DAY, f"a day from Kafka, {kind}", "warm keys, events")
    for kind in ("avx512", "avx2", "portable")
}
DISK_BYTES = measured(DAY, "the demonstration", "disk, all included")
LOG_BYTES = measured(DAY, "a day in full blocks", "block log")
BASE_MB = measured(DAY, "a day from Kafka, avx2", "most resident memory of the process, cold")
CITY_INVOICES = measured(CITY, "a city's ledger", "invoices filled in")
CITY_MB = measured(CITY, "a city's ledger", "most while a day is committed")
INDEX_BYTES = (CITY_MB - BASE_MB) * MIB / CITY_INVOICES
SNAPSHOT_BYTES = measured(CITY, "a city's ledger", "parts of the snapshot") * MIB / CITY_INVOICES


def costs() -> Iterator[str]:
    """What one event takes."""
    yield "| of an event | | measured |"
    yield "|---|---|---:|"
    for kind, name in (("avx512", "AVX-512"), ("avx2", "AVX2"), ("portable", "neither")):
        yield f"| CPU of ingest | {name} | {EVENT_US[kind]:.1f} us |"
    yield f"| CPU of its receipt | | {RECEIPT_US:.0f} us |"
    for kind, name in (("avx512", "AVX-512"), ("avx2", "AVX2"), ("portable", "neither")):
        yield f"| events a second, two cores, catching up | {name} | {EVENTS_S[kind]:,.0f} |"
    yield f"| disk: block log, evidence in it, full blocks | | {LOG_BYTES:,.0f} bytes |"
    yield f"| disk: all of the ledger's directory | | {DISK_BYTES:,.0f} bytes |"
    yield f"| of it snapshot of the index | | {SNAPSHOT_BYTES:.0f} bytes |"
    yield f"| memory: its entries in the index | | {INDEX_BYTES:.0f} bytes |"
    yield f"| memory: the process before the first of them | | {BASE_MB:.0f} MiB |"
    yield f"| Kafka: the event, a copy | | {EVENT_BYTES} bytes |"
    yield f"| Kafka: its receipt, a copy | | {RECEIPT_BYTES} bytes |"


def cities() -> Iterator[str]:
    """What a city needs, by the formulas of the page."""
    yield (
        "| trips a day | peak hour, events/s | rush, events/s | cores | chains | memory of all, after 1 "
        f"/ {YEARS} years, GiB | ledgers, a year, GB | Kafka, a year, GB | a day's backlog, s |"
    )
    yield "|---:" * 9 + "|"
    for trips in CITIES:
        peak = trips * PEAK_SHARE / 3600
        rush = peak * HOLIDAY
        cores = max(1, math.ceil(rush * (EVENT_US["avx2"] + RECEIPT_US) / 1e6 / USED))
        chains = math.ceil(trips * 365 * YEARS / RECORDS_MAX)
        memory = [(chains * BASE_MB * MIB + trips * 365 * years * INDEX_BYTES) / GIB for years in (1, YEARS)]
        disk = trips * 365 * DISK_BYTES / GB
        kafka = trips * 365 * (EVENT_BYTES + RECEIPT_BYTES) * REPLICAS / GB
        backlog = trips / EVENTS_S["avx2"]
        yield (
            f"| {trips:,} | {peak:,.0f} | {rush:,.0f} | {cores} | {chains} "
            f"| {memory[0]:,.1f} / {memory[1]:,.1f} | {disk:,.0f} | {kafka:,.0f} | {backlog:,.0f} |"
        )


def page() -> str:
    """The page as it is, with its tables computed anew."""
    tables = {"costs": costs, "cities": cities}
    return MARK.sub(
        lambda found: found[1] + "\n".join(tables[found[2]]()) + "\n" + found[3], PAGE.read_text()
    )


if __name__ == "__main__":
    PAGE.write_text(page())
