"""A day's ledger to a directory on the same disk, again with nothing new, verified, and back."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.day import prepared_day
from bench.figures import Figure
from bench.shapes import fill
from farechain import _core
from farechain.backup.making import back_up
from farechain.backup.restoring import restore, verify
from farechain.backup.target import DirectoryTarget

BLOCK = 8192


def measure(place: Path, invoices: int) -> list[Figure]:
    """Seconds on the clock, syncs of the disk among them. Ledgers and copies are removed."""
    place = place / "backup"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    ledger, _ = fill(place / "ledger", prepared_day(place.parent, invoices), BLOCK)
    ledger.close()
    target = DirectoryTarget(place / "copies")
    cpu_s = time.process_time()
    made, first_s = _timed(lambda: back_up(place / "ledger", target, "bench/0", {}))
    cpu_s = time.process_time() - cpu_s
    again, again_s = _timed(lambda: back_up(place / "ledger", target, "bench/0", {}))
    wrong, verified_s = _timed(lambda: verify(target, again.manifest))
    _put, restored_s = _timed(lambda: restore(target, again.manifest, place / "restored", None))
    audited, audited_s = _timed(lambda: _core.audit(str(place / "restored"), signatures=False))
    if again.new_objects or wrong or not audited["ok"]:
        raise RuntimeError("the copy is not what was written")
    shutil.rmtree(place)
    return [
        Figure("backup of a day's ledger", first_s, "s", limit=2.0),
        Figure("the same, CPU", cpu_s, "s"),
        Figure("the same, bytes", made.new_bytes / 1e6, "MB"),
        Figure("backup with nothing new", again_s, "s"),
        Figure("every object read and compared", verified_s, "s"),
        Figure("restored, the log opened, tiles made", restored_s, "s"),
        Figure("then audited, signatures left out", audited_s, "s"),
    ]


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    done = work()
    return done, time.perf_counter() - started
