"""The blocks in SQLite: write-ahead log, synced at each commit."""

import asyncio
import sqlite3
from pathlib import Path

import orjson

from bench.peers.pipeline.block import Block

SCHEMA = """
PRAGMA page_size = 8192;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 8000;
PRAGMA cache_size = -131072;
CREATE TABLE invoices (
  number INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, seller TEXT NOT NULL,
  total_fen INTEGER NOT NULL, tax_fen INTEGER NOT NULL, height INTEGER NOT NULL, leaf BLOB NOT NULL,
  kid BLOB NOT NULL, signature BLOB NOT NULL, value BLOB NOT NULL
);
CREATE TABLE blocks (
  height INTEGER PRIMARY KEY, previous BLOB NOT NULL, root BLOB NOT NULL, first INTEGER, rows INTEGER NOT NULL
);
CREATE TABLE offsets (topic TEXT, partition INTEGER, next INTEGER NOT NULL, PRIMARY KEY (topic, partition));
"""


class SQLite:
    """A store in one file; its work is done in a thread."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.executescript(SCHEMA)

    async def known(self, identities: list[str]) -> set[str]:
        """Which of the identities it has."""
        return await asyncio.to_thread(self._known, identities)

    def _known(self, identities: list[str]) -> set[str]:
        rows = self._database.execute(
            "SELECT identity FROM invoices WHERE identity IN (SELECT value FROM json_each(?))",
            (orjson.dumps(identities).decode(),),
        )
        return {identity for (identity,) in rows}

    async def commit(self, block: Block) -> None:
        """Keeps rows, header and offsets in one transaction."""
        await asyncio.to_thread(self._commit, block)

    def _commit(self, block: Block) -> None:
        database = self._database
        first = block.rows[0][0] if block.rows else None
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO invoices VALUES (?,?,?,?,?,?,?,?,?,?,?)", block.rows)
        header = (block.height, block.previous, block.root, first, len(block.rows))
        database.execute("INSERT INTO blocks VALUES (?,?,?,?,?)", header)
        database.executemany(
            "INSERT OR REPLACE INTO offsets VALUES (?,?,?)",
            [(*place, offset) for place, offset in block.offsets.items()],
        )
        database.execute("COMMIT")

    async def leaves(self, height: int) -> tuple[bytes, list[bytes]]:
        """A block's root and the hashes of its leaves in order."""
        header = "SELECT root, first, rows FROM blocks WHERE height = ?"
        root, first, rows = self._database.execute(header, (height,)).fetchone()
        leaves = "SELECT leaf FROM invoices WHERE number >= ? AND number < ? ORDER BY number"
        return root, [leaf for (leaf,) in self._database.execute(leaves, (first, first + rows))]

    async def count(self) -> tuple[int, int]:
        """(rows, the highest number)."""
        rows, highest = self._database.execute("SELECT count(*), max(number) FROM invoices").fetchone()
        return rows, highest

    async def close(self) -> None:
        """Gives the database back."""
        self._database.close()
