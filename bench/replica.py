"""What a second copy costs: one day with and without it, one after the other, the replica its own process."""

import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from bench.day import prepared_day
from bench.figures import Figure
from bench.shapes import fill
from farechain import _core, keys
from farechain.replica.owner import ReplicaLink, ReplicaTerms

BLOCKS = (1024, 8192)
"""Inputs of a block: what 5,000 a second make in 200 ms, and a full one."""


def measure(place: Path, invoices: int) -> list[Figure]:
    """Inputs a second of preparing and committing in turn, as a ratio; and what a block waits."""
    day = prepared_day(place, invoices)
    return [figure for block in BLOCKS for figure in _compared(place, day, block)]


def _compared(place: Path, day: Path, block: int) -> list[Figure]:
    path, copy = place / "ledger-owner", place / "replica"
    for old in (path, copy):
        shutil.rmtree(old, ignore_errors=True)
    copy.mkdir(parents=True)
    alone, alone_s = fill(path, day, block)
    inputs = alone.status()["inputs"]
    alone.close()
    shutil.rmtree(path)
    secret = keys.new_key(copy / "replica.key")
    environment = {**os.environ, "FARECHAIN_LEDGER_PATH": str(copy.absolute() / "ledger")}
    environment |= {"FARECHAIN_REPLICA_SECRET_FILE": str((copy / "replica.key").absolute())}
    environment |= {"FARECHAIN_REPLICA_LISTEN": "127.0.0.1:0"}
    (copy / "farechain.toml").touch()
    words = [sys.executable, "-m", "farechain", "replica", "follow", "--config", str(copy / "farechain.toml")]
    process = subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True)
    taken: list[float] = []
    links: list[ReplicaLink] = []
    try:
        assert process.stderr is not None
        said = (re.search(r"replica listening on 127\.0\.0\.1:(\d+)", line) for line in process.stderr)
        port = next(found[1] for found in said if found)
        terms = ReplicaTerms("127.0.0.1", int(port), secret)

        def begun(ledger: _core.Ledger) -> None:
            links.append(ReplicaLink(ledger, terms, path / "state", taken.append))
            links[0].catch_up()

        ledger, copied_s = fill(path, day, block, begun)
        links[0].close()
        assert links[0].lag_blocks == 0
        ledger.close()
    finally:
        process.terminate()
        process.wait()
    for old in (path, copy):
        shutil.rmtree(old)
    return [
        Figure(f"blocks of {block}: inputs without a second copy", inputs / alone_s, "inputs/s"),
        Figure(f"blocks of {block}: inputs with one", inputs / copied_s, "inputs/s"),
        Figure(f"blocks of {block}: with to without", alone_s / copied_s, "ratio"),
        Figure(f"blocks of {block}: a block waits for it, median", statistics.median(taken) * 1000, "ms"),
        Figure(f"blocks of {block}: the slowest", max(taken) * 1000, "ms"),
    ]
