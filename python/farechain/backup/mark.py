"""Two small files in the ledger's ``state``: when it was backed up last, and that it was restored.

The second one stands until it is known that nothing was signed behind the restored end: while it is there, no
block is sealed and nothing is signed.
"""

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from farechain.backup.target import sync_directory
from farechain.errors import FarechainError

BACKED_UP, RESTORED = "backup.json", "restored.json"


@dataclass(frozen=True, slots=True)
class Restored:
    """A ledger that came from a backup and was not confirmed yet.

    Attributes:
        backup: its number.
        restored_ms: when, milliseconds since 1970.
        blocks: how many there were then.
        checkpoint: the published note in the backup, with which witnesses are asked; empty where there was
            none.
        known: a note that the operator says is the highest one outside; empty where none was given.
        none_beyond: the operator's statement that no later checkpoint is known to anybody.
    """

    backup: int
    restored_ms: int
    blocks: int
    checkpoint: str
    known: str = ""
    none_beyond: bool = False


def read_restored(state: Path) -> Restored | None:
    """The mark of a restored ledger; None where there is none.

    Raises:
        FarechainError: ``E_RESTORED``: it cannot be read; nothing is sealed.
    """
    path = state / RESTORED
    try:
        return Restored(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        message = f"{path} is damaged: restore again into another directory; nothing is sealed until then"
        raise FarechainError("E_RESTORED", message) from error


def write_restored(state: Path, mark: Restored) -> None:
    """Writes the mark; durable on return."""
    _write(state / RESTORED, asdict(mark))


def remove_restored(state: Path) -> None:
    """The restored ledger is confirmed; durable on return."""
    (state / RESTORED).unlink(missing_ok=True)
    sync_directory(state)


def write_backed_up(state: Path, number: int, at_ms: int, blocks: int) -> None:
    """Says that a backup was completed, with the time at which it began."""
    _write(state / BACKED_UP, {"number": number, "at_ms": at_ms, "blocks": blocks})


def backed_up_s(state: Path) -> float:
    """Unix time of the last backup; 0 where there was none."""
    try:
        return float(json.loads((state / BACKED_UP).read_bytes())["at_ms"]) / 1000
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _write(path: Path, fields: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    with draft.open("w") as file:
        json.dump(fields, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_directory(path.parent)
