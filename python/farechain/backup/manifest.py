"""What a backup is: a manifest that names, by SHA-256, every piece of every file; written last.

A manifest's name has its number and its own digest, so a changed byte anywhere is found, and a backup that
was cut short leaves none.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, replace
from typing import Any

from farechain.backup.target import Target
from farechain.errors import EXIT_USAGE, FarechainError

FORMAT = "farechain-backup/1"
MANIFESTS, OBJECTS = "manifests", "objects"
_NAME = re.compile(r"manifests/(\d{8})-([0-9a-f]{64})\.json")
_PATH = re.compile(r"[a-z0-9_-]+(/[a-z0-9_-]+)*(\.[a-z]+)?")
"""Names below a ledger: nothing that leads out of a directory."""


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of a file, behind those of the part before: an object, named by its SHA-256 (64 hex digits)."""

    sha256: str
    bytes: int

    @property
    def name(self) -> str:
        """The object's name in the target."""
        return f"{OBJECTS}/{self.sha256}"


@dataclass(frozen=True, slots=True)
class File:
    """A file below the ledger.

    Attributes:
        path: relative, with slashes.
        size: bytes; what the parts do not fill is zeros.
        parts: in order, without holes.
        sealed: it will never change.
        head: of a segment, ``frames.head_of``: its first header has the hash of the block before, and so
            stands for all that came before.
        next_height: of a segment, the first height behind it.
    """

    path: str
    size: int
    parts: tuple[Part, ...]
    sealed: bool = False
    head: str = ""
    next_height: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup.

    Attributes:
        number: one more than that of the backup before.
        made_ms: when it began, milliseconds since 1970.
        chain: the chain's name.
        genesis: SHA-256 of the frame of block 0 (64 hex digits): whose backup it is.
        blocks: how many, from genesis on.
        checkpoint: the published note of then; empty where there was none.
        keys: by name, the public keys and verifier keys that must be at hand with it. No secret is in it.
        files: everything that is restored.
    """

    number: int
    made_ms: int
    chain: str
    genesis: str
    blocks: int
    checkpoint: str
    keys: dict[str, str]
    files: tuple[File, ...]

    def file(self, path: str) -> File | None:
        """A file by its path."""
        return next((one for one in self.files if one.path == path), None)

    def objects(self) -> set[str]:
        """The names of the objects that it needs."""
        return {part.name for file in self.files for part in file.parts}

    @property
    def total_bytes(self) -> int:
        """Bytes of all its objects, as often as they are used."""
        return sum(part.bytes for file in self.files for part in file.parts)

    def encoded(self) -> tuple[str, bytes]:
        """Its name in the target and its bytes."""
        content = json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True).encode()
        return f"{MANIFESTS}/{self.number:08}-{hashlib.sha256(content).hexdigest()}.json", content

    def described(self) -> dict[str, Any]:
        """What ``farechain backup ls`` shows of it."""
        return {
            "number": self.number,
            "made_ms": self.made_ms,
            "chain": self.chain,
            "blocks": self.blocks,
            "bytes": self.total_bytes,
            "files": len(self.files),
            "keys": self.keys,
        }


def names(target: Target) -> list[str]:
    """The names of the manifests, oldest first."""
    return sorted(name for name in target.sizes(MANIFESTS) if _NAME.fullmatch(name))


def read(target: Target, name: str) -> Manifest:
    """A manifest.

    Raises:
        FarechainError: ``E_BACKUP_DAMAGED``: it is not what was written.
    """
    matched, content = _NAME.fullmatch(name), target.get(name)
    if matched is None or hashlib.sha256(content).hexdigest() != matched[2]:
        raise _damaged(name)
    try:
        return _decoded(json.loads(content))
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(name) from error


def find(target: Target, number: int | None) -> Manifest:
    """The backup with a number, or the latest.

    Raises:
        FarechainError: ``E_BACKUP_MISSING``, ``E_BACKUP_DAMAGED``.
    """
    listed = names(target)
    wanted = (
        listed[-1:] if number is None else [n for n in listed if n.startswith(f"{MANIFESTS}/{number:08}-")]
    )
    if not wanted:
        what = "no backup" if number is None else f"no backup {number}"
        message = f"{what} is in the target: `farechain backup ls` shows what is there"
        raise FarechainError("E_BACKUP_MISSING", message, EXIT_USAGE)
    return read(target, wanted[-1])


def _decoded(fields: dict[str, Any]) -> Manifest:
    if fields.pop("format") != FORMAT:
        raise ValueError("another format")
    files = tuple(
        File(**{**file, "parts": tuple(Part(**part) for part in file["parts"])})
        for file in fields.pop("files")
    )
    for file in files:
        if not _PATH.fullmatch(file.path) or sum(part.bytes for part in file.parts) > file.size:
            raise ValueError("a file that cannot be")
        if not all(re.fullmatch("[0-9a-f]{64}", part.sha256) for part in file.parts):
            raise ValueError("a name that is no digest")
    return replace(Manifest(**fields, files=()), files=files)


def _damaged(name: str) -> FarechainError:
    return FarechainError("E_BACKUP_DAMAGED", f"{name} is not what was written: use another backup")
