"""Each fault: the alerts that it is to raise, how it is made, how it is repaired."""

import json
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drills.threads import let_go, stop_workers
from farechain import keys
from farechain.cli import main
from farechain.client import Party
from farechain.day.live import live_rides
from farechain.service import opening
from monitoring.watched import Watched

Made = Iterator[None]
DAY_MS = 86_400_000
NUMBER_MAX = 99_999_999


@dataclass(frozen=True)
class Fault:
    """One drill.

    Attributes:
        what: in words, for the report.
        alerts: all that are to fire.
        make: a generator: makes the fault, yields, repairs it; after another yield it clears up.
        rides_per_s: that arrive meanwhile.
        place: faults of one place are made one after the other on one chain.
    """

    what: str
    alerts: tuple[str, ...]
    make: Callable[[Watched], Made]
    rides_per_s: float = 5.0
    place: str = "a chain"


SETTINGS: dict[str, dict[str, Any]] = {
    "state": {"interval_s": 2.0},
    "blocks": {"max_age_ms": 1},
}
"""So that states and blocks come as often as the shorter durations want them."""
RESTARTS, DISK = "a chain that starts again", "a small disk"
ANOTHER = "another chain"
FACTORS = {RESTARTS: 5}
FACTOR = 20


def _killed(chain: Watched) -> Made:
    assert chain.service is not None
    chain.service.kill()
    yield
    chain.start()


def _restarting(chain: Watched) -> Made:
    for _ in range(4):
        assert chain.service is not None
        chain.service.kill()
        chain.start()
        threading.Event().wait(3)  # lives that no scrape sees are no restarts
    yield


def _witness_away(chain: Watched) -> Made:
    for witness in chain.witnesses.values():
        witness.kill()
    yield
    chain.start_witnesses()


def _one_away(chain: Watched) -> Made:
    chain.witnesses["w0"].kill()
    yield
    chain.start_witnesses()


def _late(chain: Watched) -> Made:
    """More than a minute, which the buckets of the histogram do not shorten."""
    for witness in chain.witnesses.values():
        witness.kill()
    threading.Event().wait(75)
    chain.start_witnesses()
    yield


def _stuck(chain: Watched) -> Made:
    assert chain.service is not None
    stopped = stop_workers(chain.service.pid)
    yield
    let_go(stopped)


def _replaced(chain: Watched) -> Made:
    """The witness is away, so that the service drains for as long as it may, and says why."""
    for witness in chain.witnesses.values():
        witness.kill()
    file = chain.live_file
    kept = file.with_suffix(".kept")
    shutil.copy(file, kept)
    chain.ride(3)
    changed = file.with_suffix(".other")
    changed.write_bytes(file.read_bytes())
    changed.replace(file)
    yield
    kept.replace(file)
    chain.start_witnesses()
    assert chain.service is not None
    chain.service.stop()
    chain.start()


def _forged(chain: Watched) -> Made:
    ended = threading.Event()

    def send() -> None:
        while not ended.wait(0.1):
            rides = live_rides(chain.place / "keys", count=5, at=datetime.now(UTC), seed=time.monotonic_ns())
            chain.append([(ride.key, ride.headers, ride.value.replace(b"PAID", b"PA1D")) for ride in rides])

    sender = threading.Thread(target=send)
    sender.start()
    yield
    ended.set()
    sender.join()


def _conflict(chain: Watched) -> Made:
    at = datetime.now(UTC)
    for seed in (1, 2):
        rides = live_rides(chain.place / "keys", count=20, at=at, seed=seed)
        chain.append([(ride.key, ride.headers, ride.value) for ride in rides])
    yield


def _no_numbers(chain: Watched) -> Made:
    """The numbers of the riders' seller were used up within the day; now there are no others either."""
    bureau = Party(tax_id="", seed=keys.read_key(chain.place / "keys" / "bureau.key"), network="shenzhen")
    ledger = opening.open_ledger(chain.settings, readonly=True)
    grants = [grant for grant in ledger.registry()["grants"] if not grant["tax_id"] and not grant["closed"]]
    ledger.close()
    for grant in grants:
        assert chain.command(bureau.close_grant(grant["code"], grant["from"])) == 201
    yield
    assert chain.command(bureau.grant_numbers(grants[0]["code"], grants[0]["to"] + 1, NUMBER_MAX)) == 201


def _no_backup(chain: Watched) -> Made:
    """A new chain has none."""
    yield
    assert main(["backup", str(chain.place / "backups"), "--config", str(chain.config)]) == 0


def _audited(chain: Watched) -> Made:
    segment = chain.settings.ledger.path / "blocks" / "00000000.seg"
    good = segment.read_bytes()[4000:4001]
    words = ["audit", "--config", str(chain.config), "--no-signatures"]
    _write(segment, bytes([good[0] ^ 1]))
    assert main(words) == 1
    yield
    _write(segment, good)
    while main(words) != 0:
        continue  # the checkpoint of a service that runs moves meanwhile


def _write(file: Path, one: bytes) -> None:
    with file.open("r+b") as opened:
        opened.seek(4000)
        opened.write(one)


def _never_audited(chain: Watched) -> Made:
    file = chain.settings.audit_file
    long_ago = {"ok": True, "at_ms": int(time.time() * 1000) - 36 * DAY_MS}
    file.write_text(json.dumps(long_ago))
    yield
    assert main(["audit", "--config", str(chain.config), "--no-signatures"]) == 0


def _locked_books(chain: Watched) -> Made:
    books = sqlite3.connect(chain.settings.state_dir / "books.sqlite", isolation_level=None)
    books.execute("BEGIN EXCLUSIVE")
    yield
    books.execute("ROLLBACK")
    books.close()


def _no_state_map(chain: Watched) -> Made:
    place = chain.settings.ledger.path / "state-map"
    assert chain.service is not None
    chain.service.stop()
    shutil.rmtree(place, ignore_errors=True)
    place.write_text("not a directory")
    chain.start()
    yield
    chain.service.stop()
    place.unlink()
    chain.start()


def _full(chain: Watched) -> Made:
    filler = chain.place / "filler"
    with filler.open("wb") as file:
        while (usage := shutil.disk_usage(chain.place)).free > usage.total // 25:
            file.write(bytes(usage.total // 100))
            file.flush()
            threading.Event().wait(0.5)
    yield
    filler.unlink()


AWAY = (
    "FarechainTooFewCosignatures",
    "FarechainCheckpointBehind",
    "FarechainEventWaiting",
    "FarechainStateBehind",
)
BURNS = ("FarechainMinuteBurnFast", "FarechainMinuteBurnSlow", "FarechainSecondBurn")
NUMBERS = ("FarechainPaymentsWaiting", "FarechainNumbersShort")
FAULTS = [
    Fault("the bureau closes the last grant", NUMBERS, _no_numbers),
    Fault("no backup was ever made", ("FarechainBackupOld",), _no_backup),
    Fault("the service is killed", ("FarechainDown",), _killed),
    Fault("both witnesses are killed", AWAY, _witness_away),
    Fault("half of the events are forged", ("FarechainRejectedRatio",), _forged),
    Fault("twenty payments come again with other fares", ("FarechainPaymentConflict",), _conflict),
    Fault("an audit after a byte of a block was changed", ("FarechainAuditFailed",), _audited),
    Fault("the last audit is 36 days ago", ("FarechainAuditOld",), _never_audited),
    Fault("one of two witnesses is killed", ("FarechainWitnessSilent",), _one_away, place=ANOTHER),
    Fault(
        "the map of current state cannot be written", ("FarechainStateBehind",), _no_state_map, place=ANOTHER
    ),
    Fault(
        "the books' file is locked", ("FarechainBooksBehind",), _locked_books, rides_per_s=60, place=ANOTHER
    ),
    Fault(
        "the threads that write stand still, as with a disk that does not answer",
        ("FarechainNoProgress",),
        _stuck,
        place=ANOTHER,
    ),
    Fault("the witnesses are away for 75 s, then back", BURNS, _late, place=ANOTHER),
    Fault("a file of the source is replaced", ("FarechainSealingStopped",), _replaced, place=ANOTHER),
    Fault("the service is killed again and again", ("FarechainRestarting",), _restarting, place=RESTARTS),
    Fault("the disk fills up", ("FarechainDiskFilling", "FarechainDiskFull"), _full, place=DISK),
]


@contextmanager
def made(fault: Fault, chain: Watched) -> Iterator[Callable[[], None]]:
    """Makes a fault; gives what repairs it, which is done at the end in any case."""
    steps = fault.make(chain)
    next(steps)
    repaired = False

    def repair() -> None:
        nonlocal repaired
        if not repaired:
            repaired = True
            next(steps, None)

    try:
        yield repair
    finally:
        repair()
        next(steps, None)


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of 512 MiB in memory; needs the right to mount."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)
