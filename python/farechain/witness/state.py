"""What a witness must never forget: per log, the size and root that it cosigned last.

Replaced by writing a new file, syncing it, renaming it and syncing the directory; one process owns the
directory. A log's file is created once, when the log is added: a lost file is noticed, never read as size 0.
"""

import base64
import fcntl
import hashlib
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from farechain.errors import EXIT_REFUSED, EXIT_UNAVAILABLE, FarechainError

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""RFC 6962: the root of the empty tree."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The last checkpoint that was cosigned: size 0 and the empty root before the first."""

    size: int
    root: bytes


class StaleError(Exception):
    """The state moved since it was read; ``seen`` is what it is now."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(f"size {seen.size} was cosigned meanwhile")
        self.seen = seen


class WitnessState:
    """The durable memory of one witness process. Methods block; call them in a thread.

    Raises:
        FarechainError: ``E_LOCKED`` when another process owns the directory, ``E_WITNESS_STATE`` when it
            cannot be used.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._swap = threading.Lock()
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            message = (
                f"cannot write to {directory}: {error.strerror}; give the witness a directory of its own"
            )
            raise FarechainError("E_WITNESS_STATE", message, EXIT_UNAVAILABLE) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            message = f"another process is the witness of {directory}: stop it first"
            raise FarechainError("E_LOCKED", message, EXIT_UNAVAILABLE) from error

    def close(self) -> None:
        """Gives the directory back."""
        os.close(self._lock)

    def add(self, origin: str) -> None:
        """Starts to watch a log at size zero. What is known of it already stays."""
        if not self._path(origin).exists():
            self._write(origin, Seen(0, EMPTY_ROOT))

    def seen(self, origin: str) -> Seen:
        """The last cosigned checkpoint of a log.

        Raises:
            FarechainError: ``E_WITNESS_STATE`` when it is missing or damaged: this witness must not cosign
                that log again unless the file is restored; begin anew under another name and key.
        """
        path = self._path(origin)
        try:
            fields = json.loads(path.read_bytes())
            root = base64.b64decode(fields["root"], validate=True)
            size = fields["size"]
            sound = (
                fields["origin"] == origin
                and type(size) is int
                and size >= 0
                and len(root) == len(EMPTY_ROOT)
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _damaged(path, origin) from error
        if not sound:
            raise _damaged(path, origin)
        return Seen(size, root)

    def advance(self, origin: str, expected: Seen, new: Seen) -> None:
        """Compare-and-swap: remembers ``new`` for ever, if ``expected`` is still what was cosigned last.

        Raises:
            StaleError: another request was faster.
            OSError: the file could not be written; nothing may be cosigned.
        """
        with self._swap:
            present = self.seen(origin)
            if present != expected:
                raise StaleError(present)
            if new != present:
                self._write(origin, new)

    def _path(self, origin: str) -> Path:
        return self._directory / f"log-{hashlib.sha256(origin.encode()).hexdigest()[:32]}.json"

    def _write(self, origin: str, seen: Seen) -> None:
        path = self._path(origin)
        draft = path.with_suffix(".new")
        fields = {"origin": origin, "root": base64.b64encode(seen.root).decode(), "size": seen.size}
        with draft.open("w") as file:
            json.dump(fields, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        handle = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _damaged(path: Path, origin: str) -> FarechainError:
    message = (
        f"what was cosigned of {origin} is lost or damaged ({path}): restore the file or retire this witness"
    )
    return FarechainError("E_WITNESS_STATE", message, EXIT_REFUSED)
