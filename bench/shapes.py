"""A ledger that is there already: opening, auditing, proving; in full blocks and in the real-time shape."""

import random
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from bench.day import new_ledger, prepared_day
from bench.figures import Figure
from farechain import _core
from farechain.day.plan import PARTITIONS
from farechain.spool_lines import spool_record

PROOFS = 400


def _inputs(day: Path) -> Iterator[tuple[int, list[_core.SourceRecord]]]:
    """The day by source, the commands first."""
    names = [(topic, number) for topic, count in PARTITIONS.items() for number in range(count)]
    for source, (topic, number) in enumerate(names, start=1):
        with (day / "spool" / f"{topic}-{number}.jsonl").open("rb") as lines:
            yield source, [spool_record(line)[2] for line in lines]


def fill(
    path: Path, day: Path, block: int, begun: Callable[[_core.Ledger], None] = lambda _ledger: None
) -> tuple[_core.Ledger, float]:
    """A ledger of the whole day in blocks of ``block`` inputs; the seconds of preparing and committing.

    ``begun`` is called with the new ledger.
    """
    ledger = new_ledger(path, day, dict.fromkeys(PARTITIONS, bytes(16)))
    begun(ledger)
    intake, spent_s = ledger.intake(), 0.0
    for source, records in _inputs(day):
        for start in range(0, len(records), 65_536):
            intake.push_records(source, records[start : start + 65_536], None)
            started = time.monotonic()
            while not intake.is_empty:
                ledger.commit(ledger.prepare(intake.seal(block)), int(time.time() * 1000))
            spent_s += time.monotonic() - started
    return ledger, spent_s


def _timed(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def measure(place: Path, invoices: int, block: int, limits: dict[str, float]) -> list[Figure]:
    """The figures of one shape. ``limits``: the targets by figure."""
    day = prepared_day(place, invoices)
    path = place / "ledger-shape"
    ledger, spent_s = fill(path, day, block)
    count, size = ledger.status()["invoices"], ledger.status()["bytes"]
    blocks = ledger.height
    del ledger
    killed_s = _timed(lambda: _core.Ledger.open(str(path), readonly=True))
    ledger = _core.Ledger.open(str(path))
    ledger.close()
    clean_s = _timed(lambda: _core.Ledger.open(str(path), readonly=True))
    hashes_s = _timed(lambda: _audited(path, signatures=False))
    signatures_s = _timed(lambda: _audited(path, signatures=True))
    figures = [
        Figure("blocks", blocks, "blocks"),
        Figure("inputs prepared and committed, one after the other", spent_s, "s"),
        Figure("block log", size / count, "bytes an invoice"),
        Figure("open after kill -9 (no snapshot: index rebuilt)", killed_s, "s", limits.get("open")),
        Figure("open after a clean close", clean_s, "s"),
        Figure("audit: hashes, state, completeness", hashes_s, "s", limits.get("hashes")),
        Figure("audit: every signature as well", signatures_s, "s", limits.get("signatures")),
        *_proofs(path, place, blocks),
    ]
    shutil.rmtree(path)
    return figures


def _audited(path: Path, *, signatures: bool) -> None:
    report = _core.audit(str(path), signatures=signatures)
    assert report["ok"], report


def _proofs(path: Path, place: Path, blocks: int) -> list[Figure]:
    ledger = _core.Ledger.open(str(path), readonly=True)
    for each in ("public", "log-state"):
        shutil.rmtree(place / "shape" / each, ignore_errors=True)
    log = _core.PublicLog.open(
        str(place / "shape" / "public"), str(place / "shape" / "log-state"), ledger.chain, bytes(range(32))
    )
    catch_up_s = _timed(lambda: log.catch_up(ledger, blocks + 1))
    log.publish(log.sign())
    rng = random.Random(1)
    drawn = iter(lambda: rng.randrange(1, blocks + 1), 0)
    heights = list(islice((height for height in drawn if ledger.record(height, 0) is not None), PROOFS))
    proofs: list[bytes] = []
    prove_s = _timed(lambda: proofs.extend(ledger.prove(height, 0, log) for height in heights))
    verify_s = _timed(lambda: [_core.verify_proof(proof, log.vkey, [], 0) for proof in proofs])
    return [
        Figure("public log: tiles of all blocks", catch_up_s / blocks * 1e6, "us a block"),
        Figure("prove an invoice, a block at random", prove_s / PROOFS * 1e3, "ms"),
        Figure("verify a proof", verify_s / PROOFS * 1e3, "ms"),
        Figure("largest proof, no cosignatures", max(map(len, proofs)), "bytes", 2048),
    ]
