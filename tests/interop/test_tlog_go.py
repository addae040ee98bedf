"""The public directory as a stranger reads it: Go verifies what we sign, publish and cosign."""

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from farechain._core import (
    Ledger,
    PublicLog,
    cosign,
    public_key,
    vkey_cosignature,
)

CHAIN = "shenzhen/0"
TIME_MS = 1_767_570_000_000
LOG_SEED = bytes([7]) * 32
WITNESSES = {"witness.example/one": bytes([8]) * 32, "witness.example/two": bytes([9]) * 32}
COSIGN_TIME_S = 1_767_570_001

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def interop(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The Go program, built from the pinned modules; a machine without Go fails here, it does not pass."""
    binary = tmp_path_factory.mktemp("interop") / "interop"
    go = shutil.which("go")
    assert go is not None, "Go is needed: it verifies the public log independently"
    build = [go, "build", "-mod=readonly", "-buildvcs=false", "-o", str(binary), "."]
    subprocess.run(build, cwd=Path(__file__).parent, check=True, timeout=300)

    def run(public: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(binary), "-public", str(public), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return run


class Published:
    """A ledger of small blocks and its public directory."""

    def __init__(self, path: Path) -> None:
        self.public = path / "public"
        Ledger.create(
            str(path / "ledger"),
            network="shenzhen",
            chain=CHAIN,
            bureau=public_key(bytes(32)),
            sources=[("payments.metro", bytes(16), 0)],
            regions=["4403"],
            time_ms=TIME_MS,
        )
        self.ledger = Ledger.open(str(path / "ledger"), threads=1)
        self.log = PublicLog.open(str(self.public), str(path / "state"), CHAIN, LOG_SEED)

    def grow(self, blocks: int, witnesses: Sequence[str] = ()) -> None:
        """Commits blocks of one rejected input each until there are so many, and publishes a checkpoint."""
        intake = self.ledger.intake()
        for height in range(self.ledger.height + 1, blocks):
            intake.push_records(1, [(height, TIME_MS + height, None, b"{}", [])], None)
            self.ledger.commit(self.ledger.prepare(intake.seal(1)), TIME_MS + height)
        while self.log.size < blocks:
            self.log.catch_up(self.ledger)
        note = self.log.sign()
        lines = [cosign(name, WITNESSES[name], note, COSIGN_TIME_S) for name in witnesses]
        self.log.publish(note + "".join(lines))


def found(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert result.returncode == 0, result.stderr
    value: dict[str, Any] = json.loads(result.stdout)
    return value


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """700 blocks: two full tiles, a partial one; an older checkpoint aside, the last one cosigned twice."""
    path = tmp_path_factory.mktemp("published")
    log = Published(path)
    log.grow(300)
    shutil.copy(log.public / "checkpoint", path / "older")
    log.grow(700, list(WITNESSES))
    return log


def witness_keys() -> str:
    return ",".join(vkey_cosignature(name, public_key(seed)) for name, seed in WITNESSES.items())


def test_go_verifies_checkpoint_root_tiles_and_cosignatures(interop: Run, published: Published) -> None:
    older = published.public.parent / "older"
    keys = ["-vkey", published.log.vkey, "-witnesses", witness_keys(), "-old", str(older)]
    result = found(interop(published.public, *keys))
    assert result["origin"] == CHAIN
    assert (result["size"], result["entries"], result["extends"]) == (700, 700, 300)
    assert result["inclusions"] >= 150
    assert result["cosigners"] == list(WITNESSES)
    assert result["cosign_times"] == [COSIGN_TIME_S] * 2
    assert result["root"] == (published.public / "checkpoint").read_text().splitlines()[2]


@pytest.mark.parametrize("blocks", [1, 2, 255, 256, 257])
def test_go_verifies_sizes_around_a_full_tile(interop: Run, tmp_path: Path, blocks: int) -> None:
    log = Published(tmp_path)
    log.grow(blocks)
    assert found(interop(log.public, "-vkey", log.log.vkey))["size"] == blocks


@pytest.mark.parametrize("file", ["tile/0/001", "tile/1/000.p/2", "tile/entries/002.p/188", "checkpoint"])
def test_go_refuses_what_is_altered(interop: Run, published: Published, tmp_path: Path, file: str) -> None:
    public = tmp_path / "public"
    shutil.copytree(published.public, public)
    altered = bytearray((public / file).read_bytes())
    altered[-5] ^= 1
    (public / file).write_bytes(altered)
    result = interop(public, "-vkey", published.log.vkey, "-witnesses", witness_keys())
    assert result.returncode == 1
    assert result.stderr.startswith("interop:")
