"""A directory of files as a source: the same records as JSON lines, one file a partition, no broker needed.

``TOPIC-PARTITION.jsonl``, each line an object with ``topic``, ``partition``, ``offset``, ``timestamp`` (ms),
``key``, ``headers`` (pairs) and ``value``; bytes are base64 or null. Files may grow; only complete lines are
read. Offsets rise and may have holes.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from farechain._core import SourceRecord, input_digest
from farechain.errors import EXIT_USAGE, FarechainError
from farechain.sources import NO_DIGEST, Chunk, Partition
from farechain.spool_lines import spool_record

READ_BYTES = 512 << 10
"""Of one file in one read: bounds memory and how long the event loop is held up."""
POLL_S = 0.02
TAIL_BYTES = 16 << 10
"""Read first from a file's end to find its last record."""


@dataclass(slots=True)
class _File:
    """One partition's file, opened once it exists, and how far it was read."""

    path: Path
    partition: Partition
    position: int = 0
    paused: bool = False
    _file: BinaryIO | None = None
    _line: int = 0
    _cut: bytes = b""
    _end: tuple[int, int] = (-1, 0)

    def records(self) -> list[SourceRecord]:
        """The next records, possibly none yet.

        Raises:
            FarechainError: ``E_SPOOL`` for a line that is damaged or out of order; ``E_TOPIC_TRUNCATED`` or
                ``E_TOPIC_RECREATED`` if the file is not the one that was opened.
        """
        records = []
        for line in self._lines():
            self._line += 1
            record = self._decode(line)
            if record[0] < self.position:
                raise self._damaged(f"offset {record[0]} after {self.position - 1}")
            self.position = record[0] + 1
            records.append(record)
        return records

    def end(self) -> int:
        """The offset after the last complete line."""
        size = self.path.stat().st_size if self.path.exists() else 0
        if size != self._end[0]:
            self._end = (size, self._end_of(size))
        return max(self._end[1], self.position)

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()

    def _lines(self) -> list[bytes]:
        if self._file is None:
            if not self.path.exists():
                return []
            self._file = self.path.open("rb")
        read = self._file.read(READ_BYTES)
        if not read:
            self._refuse_another_file(self._file)
            return []
        whole, newline, self._cut = (self._cut + read).rpartition(b"\n")
        return whole.split(b"\n") if newline else []

    def _refuse_another_file(self, file: BinaryIO) -> None:
        opened, now = os.fstat(file.fileno()), self.path.stat() if self.path.exists() else None
        if now is None or (now.st_dev, now.st_ino) != (opened.st_dev, opened.st_ino):
            raise self.recreated("it was replaced while it was read")
        if now.st_size < file.tell():
            raise self.truncated(f"it has {now.st_size} bytes, {file.tell()} were read")

    def _decode(self, line: bytes) -> SourceRecord:
        try:
            topic, partition, record = spool_record(line)
        except ValueError as error:
            raise self._damaged(str(error)) from error
        if (topic, partition) != (self.partition.topic, self.partition.partition):
            raise self._damaged("a record of another partition")
        return record

    def _end_of(self, size: int) -> int:
        tail = b""
        while b"\n" not in tail[:-1] and len(tail) < size:
            length = min(size, max(TAIL_BYTES, 2 * len(tail)))
            with self.path.open("rb") as file:
                file.seek(size - length)
                tail = file.read(length)
            tail = tail[: tail.rfind(b"\n") + 1] or tail
            if length == size:
                break
        lines = tail[: tail.rfind(b"\n") + 1].splitlines()
        return self._decode(lines[-1])[0] + 1 if lines else 0

    def _damaged(self, what: str) -> FarechainError:
        return FarechainError("E_SPOOL", f"{self.path.name}, line {self._line}: {what}; repair the file")

    def truncated(self, why: str) -> FarechainError:
        """The error for a file that lacks what was read from it."""
        return FarechainError(
            "E_TOPIC_TRUNCATED", f"{self.path.name} was truncated ({why}): restore the file"
        )

    def recreated(self, why: str) -> FarechainError:
        """The error for a file that holds other records than were read from it."""
        message = f"{self.path.name} was recreated ({why}): restore the file, or start a new chain"
        return FarechainError("E_TOPIC_RECREATED", message)


class SpoolSource:
    """Reads partitions from files of a directory (see ``Source``).

    Args:
        directory: where the files are; a file may appear later if nothing was read from it yet.
        partitions: what to read and from where; topic ids are not looked at.
    """

    def __init__(self, directory: Path, partitions: Sequence[Partition]) -> None:
        self._directory = directory
        self._files = [
            _File(directory / f"{partition.topic}-{partition.partition}.jsonl", partition)
            for partition in partitions
        ]
        self._held: dict[int, list[SourceRecord]] = {}

    async def start(self) -> None:
        """See ``Source``. Also ``E_SPOOL`` (exit code 2) where there is no such directory."""
        if not await asyncio.to_thread(self._directory.is_dir):
            message = f"there is no directory {self._directory}: create it, or correct the configuration"
            raise FarechainError("E_SPOOL", message, EXIT_USAGE)
        for index, file in enumerate(self._files):
            above = await asyncio.to_thread(_skip_to_position, file)
            if above:
                self._held[index] = above

    async def read(self, timeout_ms: int) -> list[Chunk]:
        """See ``Source``."""
        deadline = time.monotonic() + timeout_ms / 1000
        while True:
            chunks = [
                Chunk(index, records, None)
                for index, file in enumerate(self._files)
                if not file.paused and (records := self._held.pop(index, None) or file.records())
            ]
            left = deadline - time.monotonic()
            if chunks or left <= 0:
                return chunks
            await asyncio.sleep(min(POLL_S, left))

    def urgent(self) -> Sequence[Chunk]:
        """See ``Source``: nobody waits for what is here already."""
        return ()

    async def lag(self) -> dict[int, int]:
        """See ``Source``."""
        behind = {index: file.end() - file.position for index, file in enumerate(self._files)}
        for index, records in self._held.items():
            behind[index] = self._files[index].end() - records[0][0]
        return behind

    def pause(self, partitions: Sequence[int]) -> None:
        """See ``Source``."""
        for index in partitions:
            self._files[index].paused = True

    def resume(self, partitions: Sequence[int]) -> None:
        """See ``Source``."""
        for index in partitions:
            self._files[index].paused = False

    async def commit(self, positions: Sequence[int]) -> None:
        """See ``Source``: a spool has nobody to tell."""

    async def close(self) -> None:
        """See ``Source``."""
        for file in self._files:
            file.close()


def _skip_to_position(file: _File) -> list[SourceRecord]:
    """Reads to the partition's position, compares the last record below it, returns what was read above."""
    position = file.partition.position
    if position == 0:
        return []
    below: SourceRecord | None = None
    above: list[SourceRecord] = []
    while not above and (records := file.records()):
        above = [record for record in records if record[0] >= position]
        below = next((record for record in reversed(records) if record[0] < position), below)
    if not above and file.position < position:
        raise file.truncated(f"it ends at offset {file.position}, the ledger is at {position}")
    digest = input_digest(below) if below is not None else NO_DIGEST
    if file.partition.last_digest not in {digest, NO_DIGEST}:
        raise file.recreated(f"the last record below offset {position} is another one than was read")
    return above
