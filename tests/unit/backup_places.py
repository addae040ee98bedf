"""Chains that are backed up and restored in tests."""

from pathlib import Path

from service_chain import Chain

from farechain import _core
from farechain.backup.making import Made, back_up
from farechain.backup.manifest import find
from farechain.backup.restoring import Put, restore
from farechain.backup.target import DirectoryTarget


def backed_up(chain: Chain, place: Path, keep: int | None = None) -> Made:
    """A backup of a chain in a directory."""
    return back_up(chain.settings.ledger.path, DirectoryTarget(place), "shenzhen/0", {}, keep=keep)


def restored(place: Path, into: Path, number: int | None = None, replica: Path | None = None) -> Put:
    """A backup put back, without its private store."""
    target = DirectoryTarget(place)
    return restore(target, find(target, number), into, None, replica=replica)


def moved(chain: Chain, ledger: Path) -> Chain:
    """The chain's settings name this ledger from now on."""
    settings = chain.settings.ledger.model_copy(update={"path": ledger})
    chain.settings = chain.settings.model_copy(update={"ledger": settings})
    chain._write()
    return chain


def headers(ledger: Path) -> list[bytes]:
    """All headers of a ledger, read beside its owner."""
    opened = _core.Ledger.open(str(ledger), readonly=True)
    try:
        return opened.headers(0, opened.height + 1)
    finally:
        opened.close()


def is_clean(ledger: Path) -> bool:
    """Whether a ledger audits, its public log too where it has one."""
    vkey = ledger / "public" / "vkey"
    if not vkey.exists():
        return bool(_core.audit(str(ledger), signatures=False)["ok"])
    public, key = str(ledger / "public"), vkey.read_text().strip()
    return bool(_core.audit(str(ledger), signatures=False, public=public, vkey=key)["ok"])
