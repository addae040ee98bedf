"""The blocks in PostgreSQL: rows by binary COPY, synced at each commit."""

from typing import Any

import asyncpg

from bench.peers.pipeline.block import Block

SCHEMA = """
CREATE TABLE invoices (
  number bigint PRIMARY KEY, identity text NOT NULL UNIQUE, kind text NOT NULL, seller text NOT NULL,
  total_fen bigint NOT NULL, tax_fen bigint NOT NULL, height bigint NOT NULL, leaf bytea NOT NULL,
  kid bytea NOT NULL, signature bytea NOT NULL, value bytea NOT NULL
);
CREATE TABLE blocks (
  height bigint PRIMARY KEY, previous bytea NOT NULL, root bytea NOT NULL, first bigint, rows integer NOT NULL
);
CREATE TABLE offsets (topic text, part integer, next bigint NOT NULL, PRIMARY KEY (topic, part));
"""


class PostgreSQL:
    """A store in a database of its own. Use ``connect``."""

    def __init__(self, connection: Any) -> None:
        self._database = connection

    @staticmethod
    async def connect(socket: str) -> "PostgreSQL":
        """Connects to the server by the directory of its socket and makes the tables."""
        connection = await asyncpg.connect(host=socket, user="postgres", database="postgres")
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        await connection.execute(f"DROP TABLE IF EXISTS invoices, blocks, offsets; {SCHEMA}")
        return PostgreSQL(connection)

    async def known(self, identities: list[str]) -> set[str]:
        """Which of the identities it has."""
        select = "SELECT identity FROM invoices WHERE identity = ANY($1::text[])"
        return {row[0] for row in await self._database.fetch(select, identities)}

    async def commit(self, block: Block) -> None:
        """Keeps rows, header and offsets in one transaction."""
        first = block.rows[0][0] if block.rows else None
        async with self._database.transaction():
            await self._database.copy_records_to_table("invoices", records=block.rows)
            header = (block.height, block.previous, block.root, first, len(block.rows))
            await self._database.execute("INSERT INTO blocks VALUES ($1,$2,$3,$4,$5)", *header)
            await self._database.executemany(
                "INSERT INTO offsets VALUES ($1,$2,$3) ON CONFLICT (topic, part) DO UPDATE SET next = $3",
                [(*place, offset) for place, offset in block.offsets.items()],
            )

    async def leaves(self, height: int) -> tuple[bytes, list[bytes]]:
        """A block's root and the hashes of its leaves in order."""
        header = "SELECT root, first, rows FROM blocks WHERE height = $1"
        root, first, rows = await self._database.fetchrow(header, height)
        leaves = "SELECT leaf FROM invoices WHERE number >= $1 AND number < $2 ORDER BY number"
        return root, [row[0] for row in await self._database.fetch(leaves, first, first + rows)]

    async def count(self) -> tuple[int, int]:
        """(rows, the highest number)."""
        rows, highest = await self._database.fetchrow("SELECT count(*), max(number) FROM invoices")
        return rows, highest

    async def close(self) -> None:
        """Gives the database back."""
        await self._database.close()
