"""``make bench``: measures, prints the tables, writes ``bench/results/latest.json``."""

import argparse
from pathlib import Path

from bench import backup, books, city, day, documents, life, live, proofs, replica, scrape, shapes
from bench.figures import Figure, keep, show

PLACE = Path("var/bench")
PARTS = (
    *("day", "live", "full", "realtime", "life", "documents", "proofs", "books"),
    *("backup", "replica", "scrape"),
)
FULL = {"open": 1.0, "hashes": 3.0, "signatures": 8.0}


def main() -> None:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--invoices", type=int, default=170_000)
    parser.add_argument("--only", choices=(*PARTS, "city"), action="append")
    parser.add_argument("--filled", type=int, default=33_000_000, help="invoices of a city")
    parser.add_argument("--output", type=Path, default=Path("bench/results/latest.json"))
    args = parser.parse_args()
    wanted = args.only or PARTS
    PLACE.mkdir(parents=True, exist_ok=True)
    tables: dict[str, list[Figure]] = {}
    if "day" in wanted:
        tables |= day.measure(PLACE, args.invoices)
    if "live" in wanted:
        tables["the demonstration"] = live.measure(PLACE, args.invoices)
    if "full" in wanted:
        tables["a day in full blocks"] = shapes.measure(PLACE, args.invoices, 8192, FULL)
    if "realtime" in wanted:
        # A block an input: 182,000 blocks, a harder day than the 120,000 of a real one.
        tables["a day in the real-time shape"] = shapes.measure(PLACE, args.invoices, 1, {})
    if "life" in wanted:
        tables["the life of invoices"] = life.cost(PLACE, args.invoices) + life.waiting(PLACE, args.invoices)
    if "documents" in wanted:
        tables["documents, CPU of one core an invoice"] = documents.measure()
    if "proofs" in wanted:
        tables["proofs"] = proofs.measure(PLACE, args.invoices)
    if "replica" in wanted:
        tables["a second copy"] = replica.measure(PLACE, args.invoices)
    if "books" in wanted:
        tables["the books, CPU of one core"] = books.measure(PLACE, args.invoices)
    if "backup" in wanted:
        tables["backup and restore of a day, seconds on the clock"] = backup.measure(PLACE, args.invoices)
    if "scrape" in wanted:
        tables["a scrape of a service with a day"] = scrape.measure(PLACE, args.invoices)
    if "city" in wanted:
        tables |= city.measure(PLACE, args.invoices, args.filled)
    for title, figures in tables.items():
        show(title, figures)
    keep(args.output, tables)


main()
