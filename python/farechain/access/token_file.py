"""Tokens at rest: JSON lines, mode 0600, a hash of each secret and never the secret.

The file is replaced whole, by rename, so that a reader sees the old one or the new one; a lock beside it
keeps two writers apart.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from farechain.access.roles import Role
from farechain.errors import EXIT_REFUSED, EXIT_USAGE, FarechainError

FORMAT = "farechain-tokens/1"
FILE_BYTES_MAX = 16 * 1024 * 1024
"""Over twice what ``access.tokens_max`` allows, active and ended; a larger file is some other file."""

Version = tuple[int, int, int]
"""Inode, time of change and size: differ when the file was replaced."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token without its secret: ``sha256`` (64 hex digits) is of the secret's characters."""

    id: str
    party: str
    role: Role
    sha256: str
    issued_ms: int
    expires_ms: int
    revoked_ms: int | None = None

    def state(self, now_ms: int) -> str:
        """``ACTIVE``, ``EXPIRED`` or ``REVOKED``."""
        if self.revoked_ms is not None:
            return "REVOKED"
        return "ACTIVE" if now_ms < self.expires_ms else "EXPIRED"


def version_of(path: Path) -> Version | None:
    """What changes when the file does; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def read(path: Path) -> dict[str, TokenRow]:
    """The tokens by id; none where there is no file.

    Raises:
        FarechainError: ``E_TOKENS`` where others may read the file, or it is damaged; nobody is let in.
    """
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_mode & 0o077:
                raise FarechainError("E_TOKENS", f"{path}: others may read it: chmod 600 it", EXIT_USAGE)
            content = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        return {}
    first, *lines = content.splitlines() or [b""]
    if first != _header() or len(content) > FILE_BYTES_MAX or not content.endswith(b"\n"):
        raise _damaged(path, 1)
    rows: dict[str, TokenRow] = {}
    for number, line in enumerate(lines, 2):
        row = _row(path, number, line)
        rows[row.id] = row
    return rows


@contextmanager
def replacing(path: Path) -> Iterator[dict[str, TokenRow]]:
    """The tokens by id, to be changed; durable when the block ends, untouched when it raises."""
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(path.with_name("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        rows = read(path)
        yield rows
        _write(path, rows.values())
    finally:
        os.close(lock)


def _write(path: Path, rows: Iterable[TokenRow]) -> None:
    part = path.with_name(f".{path.name}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(handle, 0o600)
        lines = [_header(), *(json.dumps(asdict(row)).encode() for row in rows)]
        file.write(b"".join(line + b"\n" for line in lines))
        file.flush()
        os.fsync(handle)
    part.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _header() -> bytes:
    return json.dumps({"format": FORMAT}).encode()


def _row(path: Path, number: int, line: bytes) -> TokenRow:
    try:
        fields = json.loads(line)
        row = TokenRow(**{**fields, "role": Role(fields["role"])})
        times = (row.issued_ms, row.expires_ms, 0 if row.revoked_ms is None else row.revoked_ms)
        if not all(type(each) is int for each in times) or len(bytes.fromhex(row.sha256)) != 32:
            raise ValueError("a field of another type")
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged(path, number) from error
    return row


def _damaged(path: Path, number: int) -> FarechainError:
    return FarechainError("E_TOKENS", f"{path}: line {number} is not what was written", EXIT_REFUSED)
