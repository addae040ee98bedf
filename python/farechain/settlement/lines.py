"""The lines of a settlement file on disk, found by what they speak of: a day of millions is flat in memory.

Of a line a byte stays in memory: whether the ledger has it.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from farechain.settlement.payments import Moved

CACHE = "cache_size = -32768"
"""KiB of pages that SQLite keeps in memory."""
AT_ONCE = 10_000
_COLUMNS = "number, line, kind, channel, own_id, txn_id, seller, at_ms, fen"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file. ``number``: its place among those that were read, from 0; ``line``: in the file."""

    number: int
    line: int
    moved: Moved


class Lines:
    """What a file says, in a temporary database below ``directory``. Close it."""

    def __init__(self, directory: Path) -> None:
        self._db = sqlite3.connect(directory / "lines.sqlite", isolation_level=None)
        # Nothing here outlives the process, and nobody else reads it: no journal, no sync, one lock.
        for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = OFF", "synchronous = OFF", CACHE):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute(
            "CREATE TABLE lines (number INTEGER PRIMARY KEY, line INTEGER, key BLOB, kind INTEGER, "
            "channel INTEGER, own_id TEXT, txn_id TEXT, seller TEXT, at_ms INTEGER, fen INTEGER)"
        )
        self._found = bytearray()

    def __len__(self) -> int:
        return len(self._found)

    def add(self, lines: Iterable[tuple[int, Moved]]) -> None:
        """Takes all lines of the file, (line, what moved); once."""
        rows = (
            (n, line, m.key, m.kind, m.channel, m.own_id, m.txn_id, m.seller, m.at_ms, m.fen)
            for n, (line, m) in enumerate(lines)
        )
        self._db.execute("BEGIN")
        added = 0
        while chunk := list(islice(rows, AT_ONCE)):
            self._db.executemany("INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", chunk)
            added += len(chunk)
        self._db.execute("COMMIT")
        self._db.execute("CREATE INDEX by_key ON lines (key)")
        self._found = bytearray(added)

    def of(self, key: bytes) -> Line | None:
        """The first line that speaks of this (``Moved.key``)."""
        query = f"SELECT {_COLUMNS} FROM lines WHERE key = ? ORDER BY number LIMIT 1"  # noqa: S608
        row = self._db.execute(query, (key,)).fetchone()
        return None if row is None else _line(row)

    def find(self, number: int) -> None:
        """Notes that the ledger has what this line says."""
        self._found[number] = 1

    def is_found(self, number: int) -> bool:
        """Whether it was noted."""
        return bool(self._found[number])

    def not_found(self) -> Iterator[Line]:
        """Lines that were not noted, in the order of the file, without those that say a thing again."""
        query = (
            f"SELECT {_COLUMNS} FROM lines AS one WHERE number = ?"  # noqa: S608
            " AND number = (SELECT min(number) FROM lines WHERE key = one.key)"
        )
        number = self._found.find(0)
        while number >= 0:
            if row := self._db.execute(query, (number,)).fetchone():
                yield _line(row)
            number = self._found.find(0, number + 1)

    def repeated(self) -> Iterator[Line]:
        """Lines that say again what a line before them said."""
        query = (
            f"SELECT {_COLUMNS} FROM lines AS one WHERE key IN "  # noqa: S608
            "(SELECT key FROM lines GROUP BY key HAVING count(*) > 1)"
            " AND number > (SELECT min(number) FROM lines WHERE key = one.key) ORDER BY number"
        )
        yield from map(_line, self._db.execute(query))

    def close(self) -> None:
        """Closes the database; its directory is the caller's."""
        self._db.close()


def _line(row: tuple[int, int, int, int, str, str, str, int, int]) -> Line:
    return Line(row[0], row[1], Moved(*row[2:]))
