"""Puts a backup back: into an empty directory, every byte compared, tiles made again, erasures applied again.

Everything is built in a directory inside of the place and moved out at the end, the block log last: a restore
that was cut short is no ledger.
"""

import base64
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from farechain import _core
from farechain.backup import frames, mark
from farechain.backup.making import PRIVATE, THREADS
from farechain.backup.manifest import File, Manifest, Part
from farechain.backup.roots import has_root
from farechain.backup.target import Target, sync_directory
from farechain.errors import EXIT_REFUSED, EXIT_USAGE, FarechainError
from farechain.private.key_files import open_store
from farechain.private.subjects import Erasure

ZEROS_AT_ONCE = 1 << 20
_BUILDING = ".restoring"


@dataclass(frozen=True, slots=True)
class Erasures:
    """How the private store is brought up to date.

    Attributes:
        key_file: its key-encryption key.
        erasures: the list that was kept elsewhere; None: the operator says that nobody was erased since.
    """

    key_file: Path
    erasures: Sequence[Erasure] | None


@dataclass(frozen=True, slots=True)
class Put:
    """What was restored."""

    blocks: int
    bytes: int
    erased: int
    """Texts and documents that were erased again."""


def restore(
    target: Target,
    manifest: Manifest,
    place: Path,
    private: Erasures | None,
    *,
    known: str = "",
    none_beyond: bool = False,
    replica: Path | None = None,
) -> Put:
    """Restores a backup; the ledger is durable, and marked as restored, on return.

    Args:
        place: an empty directory, or one to be made.
        private: None leaves the private store out.
        known: a note that the operator says is the highest one outside; see ``mark.Restored``.
        none_beyond: the operator's statement; see ``mark.Restored``.
        replica: a directory with segments of the same chain that go on where the backup ends.

    Raises:
        FarechainError: ``E_RESTORE_PLACE``; ``E_BACKUP_DAMAGED``: a digest or a root differs, nothing can be
            started there; ``E_ERASURES``: the list is older than the backup; as ``Store.open``.
        LedgerError: the block log cannot be opened.
    """
    building = _empty(place)
    try:
        _write_files(target, manifest, building, with_private=private is not None)
        if replica is not None:
            _extend(manifest, building, replica)
        blocks = _open_once(building, manifest)
        erased = 0 if private is None else _erase_again(building, manifest, private)
        restored = mark.Restored(
            manifest.number, mark.now_ms(), blocks, manifest.checkpoint, known=known, none_beyond=none_beyond
        )
        mark.write_restored(building / "state", restored)
    except BaseException:
        # Texts of people who were erased must not stay behind, and the place is to be empty for the next try.
        shutil.rmtree(building, ignore_errors=True)
        raise
    for name in sorted(os.listdir(building), key=lambda name: name == "blocks"):
        (building / name).rename(place / name)
        sync_directory(place)
    building.rmdir()
    return Put(blocks, manifest.total_bytes, erased)


def verify(target: Target, manifest: Manifest) -> list[str]:
    """Reads every object of a backup; returns the names of those that are missing or not what was written."""
    parts = {part.name: part for file in manifest.files for part in file.parts}

    def is_wrong(part: Part) -> bool:
        try:
            _read(target, part)
        except FarechainError as error:
            if error.code != "E_BACKUP_DAMAGED":
                raise
            return True
        return False

    with ThreadPoolExecutor(THREADS) as pool:
        wrong = pool.map(is_wrong, parts.values())
        return [name for name, bad in zip(parts, wrong, strict=True) if bad]


def _empty(place: Path) -> Path:
    try:
        place.mkdir(mode=0o750, parents=True, exist_ok=True)
        found = [name for name in os.listdir(place) if name != "lost+found"]
    except OSError as error:
        message = f"{place} cannot be used: {error.strerror}"
        raise FarechainError("E_RESTORE_PLACE", message, EXIT_USAGE) from error
    if found:
        message = f"{place} is not empty ({found[0]}): name an empty directory; nothing was changed"
        raise FarechainError("E_RESTORE_PLACE", message, EXIT_USAGE)
    building = place / _BUILDING
    building.mkdir(mode=0o750)
    for name in ("blocks", "index", "public", "rejected", "state"):
        (building / name).mkdir()
    return building


def _read(target: Target, part: Part) -> bytes:
    content = target.get(part.name)
    if len(content) != part.bytes or hashlib.sha256(content).hexdigest() != part.sha256:
        message = f"{part.name} is not what was written: use another backup, or another copy of this one"
        raise FarechainError("E_BACKUP_DAMAGED", message, EXIT_REFUSED)
    return content


def _write_files(target: Target, manifest: Manifest, building: Path, *, with_private: bool) -> None:
    wanted = [file for file in manifest.files if with_private or file.path != PRIVATE]
    with ThreadPoolExecutor(THREADS) as pool:
        for written in pool.map(lambda file: _write(target, file, building), wanted):
            sync_directory(written.parent)
    for directory in (building, building / "state"):
        sync_directory(directory)


def _write(target: Target, file: File, building: Path) -> Path:
    path = building / file.path
    secret = file.path.split("/", 1)[0] in {"private", "access"}
    path.parent.mkdir(mode=0o700 if secret else 0o777, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600 if secret else 0o644)
    with os.fdopen(handle, "wb") as written:
        for part in file.parts:
            written.write(_read(target, part))
        for count in _zeros(file.size - sum(part.bytes for part in file.parts)):
            written.write(bytes(count))
        written.flush()
        os.fsync(handle)
    return path


def _zeros(count: int) -> Iterator[int]:
    """Zeros that are written, not left out: a later sync of the log then writes data alone."""
    for at in range(0, count, ZEROS_AT_ONCE):
        yield min(ZEROS_AT_ONCE, count - at)


def _extend(manifest: Manifest, building: Path, replica: Path) -> None:
    """Takes over what a replica has behind the backup, after it was compared with what the backup has."""
    source = replica / "blocks" if (replica / "blocks").is_dir() else replica
    segments = [file for file in manifest.files if file.path.startswith("blocks/")]
    number = len(segments) - 1
    height = segments[number - 1].next_height if number else 0
    while (found := source / f"{number:08}.seg").exists():
        content = memoryview(found.read_bytes())
        end, height = frames.blocks_end(content, height)
        at = 0
        for part in segments[number].parts if number < len(segments) else ():
            if hashlib.sha256(content[at : at + part.bytes]).hexdigest() != part.sha256:
                message = f"{found} does not go on where the backup ends: it is shorter, or another history"
                raise FarechainError("E_BLOCKS_LOST", message, EXIT_REFUSED)
            at += part.bytes
        _replace(building / "blocks" / found.name, content[:end], len(content))
        number += 1
    sync_directory(building / "blocks")


def _replace(path: Path, content: memoryview, size: int) -> None:
    with path.open("wb") as file:
        file.write(content)
        for count in _zeros(size - len(content)):
            file.write(bytes(count))
        file.flush()
        os.fsync(file.fileno())


def _open_once(building: Path, manifest: Manifest) -> int:
    """Reads the whole log, which leaves the index, and makes the tiles again; how many blocks there are.

    No key is needed for it: what was signed is compared, and nothing is signed.
    """
    ledger = _core.Ledger.open(str(building))
    try:
        blocks = ledger.height + 1
        if blocks < manifest.blocks:
            message = f"the log has {blocks} blocks, the backup {manifest.blocks}: use another backup"
            raise FarechainError("E_BACKUP_DAMAGED", message, EXIT_REFUSED)
        _make_tiles(building, ledger)
    finally:
        ledger.close()
    return blocks


def _make_tiles(building: Path, ledger: _core.Ledger) -> None:
    signed = [
        path for name in ("public/checkpoint", "state/log/signed-head") if (path := building / name).exists()
    ]
    heads = sorted(_size_and_root(path) for path in signed)
    if not heads:
        return
    public, state = building / ".tiles", building / ".tiles-state"
    # With any key at all: its checkpoints are never asked for, and only the tiles stay.
    log = _core.PublicLog.open(str(public), str(state), ledger.chain, os.urandom(32))
    for size, root in heads:
        while log.size < size:
            log.catch_up(ledger, size - log.size)
        if not has_root(ledger, log, size, root):
            message = (
                f"the blocks do not give the root that was signed for {size} of them: use another backup"
            )
            raise FarechainError("E_BACKUP_DAMAGED", message, EXIT_REFUSED)
    (public / "tile").rename(building / "public" / "tile")
    sync_directory(building / "public")
    for directory in (public, state):
        shutil.rmtree(directory)


def _size_and_root(path: Path) -> tuple[int, bytes]:
    # Both begin as a checkpoint does: origin, size, root. The owner verifies whose they are when it opens
    # them.
    _origin, size, root, *_rest = path.read_text("utf-8").split("\n")
    return int(size), base64.b64decode(root)


def _erase_again(building: Path, manifest: Manifest, private: Erasures) -> int:
    if manifest.file(PRIVATE) is None:
        return 0
    with open_store(building / PRIVATE, private.key_file) as store:
        if private.erasures is None:
            return 0
        if missing := set(store.erasures()) - set(private.erasures):
            message = f"the list lacks {len(missing)} erasures that the backup has: it is an older one"
            raise FarechainError("E_ERASURES", message, EXIT_USAGE)
        return store.reapply(private.erasures)
