"""When checkpoints were published that no summary has yet: survives a crash of the process.

A row that a failing machine loses only makes a summary worse: its blocks count from the next checkpoint that
is known.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from farechain.promise.blocks import Position
from farechain.promise.measuring import Covering

ROWS_MAX = 65_536
"""Rows in memory and on disk at most. Of more the last one is replaced, so that no block looks early."""


class Journal:
    """The rows of one chain, and where the next summary begins. Methods block.

    Args:
        file: made where it is missing.
        first: the first block of the next summary, where there is no file yet.
        positions: of all sources before it.

    Raises:
        OSError: it cannot be read or written.
        ValueError: its head is damaged.
    """

    def __init__(self, file: Path, first: int, positions: Sequence[Position]) -> None:
        self._file = file
        self.first = first
        self.positions = list(positions)
        self.rows: list[Covering] = []
        if file.exists():
            self._read()
        else:
            self._rewrite()

    def append(self, row: Covering) -> None:
        """Adds a checkpoint; one that is no larger than the last is known already."""
        if self.rows and row.size <= self.rows[-1].size:
            return
        if len(self.rows) >= ROWS_MAX:
            self.rows.pop()
        self.rows.append(row)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(_line(row))

    def summarised(self, last: int, positions: Sequence[Position]) -> None:
        """Drops what only concerns blocks up to ``last``: they are in a document.

        Args:
            positions: of all sources after block ``last``.
        """
        self.first, self.positions = last + 1, list(positions)
        self.rows = [row for row in self.rows if row.size > self.first]
        self._rewrite()

    def _read(self) -> None:
        head, *lines = self._file.read_text("utf-8").splitlines()
        first, positions = json.loads(head)
        self.first = int(first)
        self.positions = [(int(offset), bytes.fromhex(digest)) for offset, digest in positions]
        for line in lines:
            try:
                self.rows.append(Covering(*json.loads(line)))
            except ValueError:
                break  # a crash of the machine cut it off
        self._rewrite()

    def _rewrite(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_name(f"{self._file.name}.new")
        positions = [(offset, digest.hex()) for offset, digest in self.positions]
        with temporary.open("w", encoding="utf-8") as file:
            file.write(json.dumps((self.first, positions)) + "\n")
            file.writelines(_line(row) for row in self.rows)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._file)


def _line(row: Covering) -> str:
    return json.dumps(row) + "\n"
