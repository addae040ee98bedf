"""kill -9 at random moments of a day, again and again: the ledger equals the manifest and the audit is clean.

The moments come from a seed that is printed; set ``FARECHAIN_KILL_SEED`` to run the same again,
``FARECHAIN_KILLS`` for more of them.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from farechain import _core
from farechain.config import (
    BlockSettings,
    LedgerSettings,
    OutputSettings,
    PublicLogSettings,
    Settings,
    SourceSettings,
)
from farechain.config_file import to_toml
from farechain.day.generate import generate
from farechain.day.reconcile import reconcile

KILLS = int(os.environ.get("FARECHAIN_KILLS", "60"))
SEED = int(os.environ.get("FARECHAIN_KILL_SEED", str(time.time_ns() % 1_000_000)))
INVOICES = 6_000


def verb(config: Path, *words: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "farechain", *words, "--config", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def settings_in(place: Path) -> Settings:
    """Small blocks over a spool, so that there are many moments to be killed at."""
    return Settings(
        ledger=LedgerSettings(path=place / "ledger", bureau_key_file=place / "keys" / "bureau.pub"),
        source=SourceSettings(kind="spool", directory=place / "day" / "spool"),
        blocks=BlockSettings(max_inputs=24, max_age_ms=20),
        public_log=PublicLogSettings(key_file=place / "keys" / "log.key"),
        outputs=OutputSettings(enabled=False),
    )


def killed_day(place: Path, seed: int, rng: random.Random, kills_wanted: int) -> int:
    """Ingests a day under kills until it is whole, and checks it. Returns how often it was killed."""
    manifest = generate(place / "day", place / "keys", seed=seed, invoices=INVOICES)
    settings = settings_in(place)
    config = place / "farechain.toml"
    config.write_text(to_toml(settings))
    init = verb(config, "init")
    assert init.wait() == 0, init.stderr and init.stderr.read()
    kills = signed = 0
    while kills < kills_wanted:
        ingest = verb(config, "ingest", "--until-end")
        ends = time.monotonic() + rng.uniform(0.25, 1.2)
        while ingest.poll() is None and time.monotonic() < ends:
            time.sleep(0.001)
        if ingest.poll() is not None:
            break
        ingest.kill()
        ingest.wait()
        kills += 1
        checkpoint = settings.public_dir / "checkpoint"
        size = _core.parse_checkpoint(checkpoint.read_text("utf-8"))[1] if checkpoint.exists() else 0
        assert size >= signed, "a published checkpoint went back"
        signed = size
    ingest = verb(config, "ingest", "--until-end")
    _output, told = ingest.communicate()
    assert ingest.returncode == 0, told
    check(settings, manifest.path)
    return kills


def check(settings: Settings, manifest: Path) -> None:
    """The ledger equals the manifest, and the audit is clean."""
    ledger = _core.Ledger.open(str(settings.ledger.path), readonly=True)
    found = reconcile(ledger, manifest)
    assert found.ok, found.as_json()
    assert ledger.status()["invoices"] == INVOICES
    ledger.close()
    vkey = (settings.public_dir / "vkey").read_text("utf-8").strip()
    audit = _core.audit(str(settings.ledger.path), public=str(settings.public_dir), vkey=vkey)
    assert audit["ok"], audit


def test_nothing_is_lost_however_often_the_process_is_killed(tmp_path: Path) -> None:
    print(f"FARECHAIN_KILL_SEED={SEED}")
    rng = random.Random(SEED)
    kills = days = 0
    while kills < KILLS:
        # A fast machine is through a day before it was killed often enough: then it gets another one.
        days += 1
        kills += killed_day(tmp_path / str(days), SEED + days, rng, KILLS - kills)
        assert days <= KILLS, f"only {kills} kills in {days} days"
