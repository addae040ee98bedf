"""Which dead letters were sent again, and as what: a file beside the ledger that is only added to."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson

from farechain.errors import EXIT_UNAVAILABLE, FarechainError


@dataclass(frozen=True, slots=True)
class Mark:
    """A dead letter that was sent again: when, and where the broker put it."""

    time_ms: int
    topic: str
    partition: int
    offset: int


class Marks:
    """The file of marks; a last line that is cut short was not acknowledged, and is written over.

    Raises:
        FarechainError: ``E_REPLAY_POSITION`` where the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._of: dict[str, Mark] = {}
        try:
            content = path.read_bytes() if path.exists() else b""
            self._whole = content.rfind(b"\n") + 1
            for line in content[: self._whole].splitlines():
                told = orjson.loads(line)
                place = told["as"]
                self._of[told["id"]] = Mark(told["time_ms"], place[0], place[1], place[2])
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            message = f"{path} cannot be read ({error}): restore it, or move it away to send all again"
            raise FarechainError("E_REPLAY_POSITION", message) from error

    def of(self, letter_id: str) -> Mark | None:
        """When and as what a dead letter was sent again last."""
        return self._of.get(letter_id)

    def add(self, sent: Iterable[tuple[str, str, int, int]]) -> None:
        """Notes letters whose copies the broker has: (id, topic, partition, offset). Synced on return."""
        now_ms = time.time_ns() // 1_000_000
        made = {letter: Mark(now_ms, topic, number, offset) for letter, topic, number, offset in sent}
        lines = [
            orjson.dumps({"id": letter, "time_ms": now_ms, "as": [mark.topic, mark.partition, mark.offset]})
            for letter, mark in made.items()
        ]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "r+b") as file:
                file.truncate(self._whole)
                file.seek(self._whole)
                file.write(b"".join(line + b"\n" for line in lines))
                file.flush()
                os.fsync(file.fileno())
                self._whole = file.tell()
        except OSError as error:
            message = f"{self._path}: {error.strerror}; what was sent may be sent again"
            raise FarechainError("E_REPLAY_POSITION", message, EXIT_UNAVAILABLE) from error
        self._of |= made
