"""A backup that is killed at any of its syncs leaves the one before as it was, and the next one is whole."""

import asyncio
import subprocess
import sys
from pathlib import Path

from farechain import _core
from farechain.backup import manifest
from farechain.backup.making import back_up
from farechain.backup.restoring import restore, verify
from farechain.backup.target import DirectoryTarget
from farechain.cli import main
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
from farechain.service.running import Service

KILLED = """
import os, signal, sys
from pathlib import Path
from farechain.backup.making import back_up
from farechain.backup.target import DirectoryTarget
left, sync = [int(sys.argv[3])], os.fsync
def fsync(handle):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    sync(handle)
os.fsync = fsync
back_up(Path(sys.argv[1]), DirectoryTarget(Path(sys.argv[2])), "shenzhen/0", {})
"""


def killed(ledger: Path, target: Path, syncs: int) -> bool:
    """Whether a backup was killed at the sync after so many; the draft is written by then and has no name."""
    words = [sys.executable, "-c", KILLED, str(ledger), str(target), str(syncs)]
    return subprocess.run(words, check=False).returncode == -9


def test_a_killed_backup_leaves_the_one_before(tmp_path: Path) -> None:
    generate(tmp_path / "day", tmp_path / "keys", seed=3, invoices=1000)
    settings = Settings(
        ledger=LedgerSettings(path=tmp_path / "ledger", bureau_key_file=tmp_path / "keys" / "bureau.pub"),
        source=SourceSettings(kind="spool", directory=tmp_path / "day" / "spool"),
        blocks=BlockSettings(max_inputs=400, max_age_ms=20),
        public_log=PublicLogSettings(key_file=tmp_path / "keys" / "log.key"),
        outputs=OutputSettings(enabled=False),
    )
    (tmp_path / "farechain.toml").write_text(to_toml(settings))
    assert main(["init", "--config", str(tmp_path / "farechain.toml")]) == 0
    target, ledger = DirectoryTarget(tmp_path / "t"), settings.ledger.path
    before = back_up(ledger, target, "shenzhen/0", {}).manifest
    asyncio.run(Service(settings, None, until_end=True).run(asyncio.Event()))

    kills = 0
    while killed(ledger, tmp_path / "t", kills * 2):
        kills += 1
        first, *later = manifest.names(target)
        assert manifest.read(target, first) == before
        assert verify(target, before) == []
        if later:  # killed after the manifest was in its place: that one is whole, too
            assert verify(target, manifest.read(target, later[0])) == []
            break
    assert kills >= 4

    last = back_up(ledger, target, "shenzhen/0", {}, keep=1)
    assert not list((tmp_path / "t").glob(".new/*"))
    assert verify(target, last.manifest) == []
    restore(target, last.manifest, tmp_path / "r", None)
    assert _core.audit(str(tmp_path / "r"), signatures=False)["ok"]
