"""How far a replay is: what was asked for, the ranges that it meant then, and the next offset of each."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from farechain.errors import EXIT_UNAVAILABLE, EXIT_USAGE, FarechainError


@dataclass(slots=True)
class Range:
    """Offsets of a partition: from ``first``, up to ``end`` (not with it); ``next`` is not sent yet."""

    partition: int
    first: int
    end: int
    next: int


@dataclass(slots=True)
class ReplayPosition:
    """Kept in a file that is replaced atomically and synced.

    Attributes:
        asked: what identifies the replay; the same is asked when it goes on.
        sent: records that the broker has acknowledged.
    """

    path: Path
    asked: Mapping[str, Any]
    ranges: list[Range] = field(default_factory=list)
    sent: int = 0

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return all(each.next >= each.end for each in self.ranges)

    def save(self) -> None:
        """Makes it durable. Raises ``FarechainError`` (``E_REPLAY_POSITION``)."""
        told = {"asked": self.asked, "ranges": [asdict(each) for each in self.ranges], "sent": self.sent}
        draft = self.path.with_suffix(self.path.suffix + ".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:
                file.write(orjson.dumps(told))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
        except OSError as error:
            message = f"{self.path}: {error.strerror}; what was sent may be sent again"
            raise FarechainError("E_REPLAY_POSITION", message, EXIT_UNAVAILABLE) from error


def read_position(path: Path, asked: Mapping[str, Any]) -> ReplayPosition | None:
    """The position of a replay that was begun; ``None`` where there is none.

    Raises:
        FarechainError: ``E_REPLAY_POSITION``: the file is damaged, or of another replay.
    """
    try:
        told = orjson.loads(path.read_bytes())
        ranges = [Range(**each) for each in told["ranges"]]
        theirs, sent = told["asked"], int(told["sent"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path} is damaged ({error}): remove it, and the whole range is sent again"
        raise FarechainError("E_REPLAY_POSITION", message) from error
    if theirs != dict(asked):
        message = (
            f"{path} is of another replay: name another file with --position, or begin anew with --again"
        )
        raise FarechainError("E_REPLAY_POSITION", message, EXIT_USAGE)
    return ReplayPosition(path, asked, ranges, sent)
