"""The owner's machine dies at random moments, its disk with it: the promoted replica has all that was told.

A life of a chain: the owner is killed, its ledger removed, the replica promoted, a new replica begun, and so
on until the day is done. A witness remembers every checkpoint, so a fork would be refused. The moments come
from a seed that is printed; ``FARECHAIN_KILL_SEED`` runs the same again, ``FARECHAIN_DEATHS`` more of them.
"""

import asyncio
import os
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from service_chain import witnesses

from farechain import _core, keys
from farechain.config import (
    BlockSettings,
    LedgerSettings,
    OutputSettings,
    PublicLogSettings,
    ReplicaSettings,
    Settings,
    SourceSettings,
    WitnessesSettings,
    WitnessSettings,
)
from farechain.config_file import to_toml
from farechain.day.generate import generate
from farechain.day.reconcile import reconcile
from farechain.replica.following import promote

DEATHS = int(os.environ.get("FARECHAIN_DEATHS", "3"))
SEED = int(os.environ.get("FARECHAIN_KILL_SEED", str(time.time_ns() % 1_000_000)))
INVOICES = 1_500


def verb(config: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "farechain", *words, "--config", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


class Machine:
    """A place with a ledger directory and its configuration."""

    def __init__(self, place: Path, shared: Path, members: list[WitnessSettings]) -> None:
        self.place = place
        self.settings = Settings(
            ledger=LedgerSettings(path=place / "ledger", bureau_key_file=shared / "keys" / "bureau.pub"),
            replica=ReplicaSettings(listen="127.0.0.1:0", secret_file=shared / "keys" / "replica.key"),
            source=SourceSettings(kind="spool", directory=shared / "day" / "spool"),
            blocks=BlockSettings(max_inputs=24, max_age_ms=20),
            witnesses=WitnessesSettings(threshold=1, members=tuple(members)),
            public_log=PublicLogSettings(key_file=shared / "keys" / "log.key"),
            outputs=OutputSettings(enabled=False),
        )
        self.config = place / "farechain.toml"
        self.write(self.settings)

    def write(self, settings: Settings) -> None:
        self.place.mkdir(exist_ok=True)
        self.settings = settings
        self.config.write_text(to_toml(settings))

    def replicated_to(self, address: str) -> None:
        """From now on nothing is acknowledged before the replica there has it."""
        ledger = self.settings.ledger.model_copy(update={"durability": "replicated"})
        replica = self.settings.replica.model_copy(update={"address": address})
        self.write(self.settings.model_copy(update={"ledger": ledger, "replica": replica}))

    def told(self) -> bytes:
        """The published checkpoint, which anybody may have read."""
        path = self.settings.public_dir / "checkpoint"
        return path.read_bytes() if path.exists() else b""


def follow(machine: Machine) -> tuple["subprocess.Popen[str]", str]:
    """Starts the replica there; the process and where it listens."""
    process = verb(machine.config, "replica", "follow")
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"replica listening on (127\.0\.0\.1:\d+)", line):
            return process, found[1]
    raise AssertionError(f"no replica: {process.wait()}")


def owner_dies(owner: Machine, rng: random.Random) -> bool:
    """Runs the owner and kills it; False where it was through before."""
    ingest = verb(owner.config, "ingest", "--until-end")
    before, blocks = owner.told(), rng.randrange(1, 40)
    size = _core.parse_checkpoint(before.decode())[1] if before else 0
    while ingest.poll() is None:
        note = owner.told()
        if note and _core.parse_checkpoint(note.decode())[1] >= size + blocks:
            ingest.kill()
            break
    assert ingest.wait() in (0, -9), ingest.stderr and ingest.stderr.read()
    return ingest.returncode != 0


def lives(place: Path, members: list[WitnessSettings], rng: random.Random) -> int:
    """Returns how often the owner died."""
    manifest = generate(place / "day", place / "keys", seed=SEED, invoices=INVOICES)
    keys.new_key(place / "keys" / "replica.key")
    owner, deaths, again = Machine(place / "m0", place, members), 0, True
    init = verb(owner.config, "init")
    assert init.wait() == 0, init.stderr and init.stderr.read()
    while again:
        second = Machine(place / f"m{deaths + 1}", place, members)
        if deaths < DEATHS:
            process, address = follow(second)
            owner.replicated_to(address)
            again = owner_dies(owner, rng)
            told = owner.told()
            process.terminate()
            assert process.wait() == 0, process.stderr and process.stderr.read()
        else:
            again = False
            local = owner.settings.ledger.model_copy(update={"durability": "local"})
            owner.write(owner.settings.model_copy(update={"ledger": local}))
            ingest = verb(owner.config, "ingest", "--until-end")
            _output, said = ingest.communicate()
            assert ingest.returncode == 0, said
        if not again:
            check(owner, manifest.path)
            return deaths
        deaths += 1
        shutil.rmtree(owner.settings.ledger.path)
        height = promote(second.settings.ledger.path)
        _origin, size, root = _core.parse_checkpoint(told.decode())
        assert size <= height + 1, "a checkpoint was published beyond the replica"
        ledger = _core.Ledger.open(str(second.settings.ledger.path), readonly=True)
        assert _core.rfc6962_root(ledger.headers(0, size)) == root, "the replica has another history"
        ledger.close()
        owner = second
    raise AssertionError


def check(owner: Machine, manifest: Path) -> None:
    """The ledger equals the manifest, and the audit is clean."""
    path = owner.settings.ledger.path
    ledger = _core.Ledger.open(str(path), readonly=True)
    found = reconcile(ledger, manifest)
    assert found.ok, found.as_json()
    assert ledger.status()["invoices"] == INVOICES
    ledger.close()
    vkey = (owner.settings.public_dir / "vkey").read_text("utf-8").strip()
    audit = _core.audit(str(path), public=str(owner.settings.public_dir), vkey=vkey)
    assert audit["ok"], audit


async def test_nothing_that_was_told_is_lost_with_the_owners_disk(tmp_path: Path) -> None:
    print(f"FARECHAIN_KILL_SEED={SEED}")
    seed = keys.new_key(tmp_path / "keys" / "log.key")
    vkey = _core.vkey_ed25519("shenzhen/0", _core.public_key(seed))
    async with witnesses(tmp_path, vkey, 1) as members:
        deaths = await asyncio.to_thread(lives, tmp_path, members, random.Random(SEED))
    assert deaths >= 1
