"""What the store knows of the ledger: how far it was read, and which facts of the store are attested there.

A fact is a digest that says nothing to who does not have the store: of each erasure, and the head of the
chain of look-ups. ``ATTEST`` puts it onto the ledger (docs/format.md, section 8). Marks and position are
written together, so that a store from a backup reads the ledger again from where it was.
"""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from farechain.party import Party
from farechain.private.database import Database
from farechain.signed_event import SignedEvent

ERASURE, ACCESS = "ERASURE", "ACCESS"
"""Subjects of attestations."""


class Fact(NamedTuple):
    """``ERASURE`` or ``ACCESS``, and 32 bytes of digest."""

    subject: str
    digest: bytes

    def signed(self, party: Party) -> SignedEvent:
        """Its ``ATTEST``: always the same command, so that sending it again does nothing more."""
        return party.attest(self.subject, self.digest, f"{self.subject}-{self.digest.hex()[:32]}")


class OnLedger:
    """The marks of one store. Methods block, most for a sync; errors are the database's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def next_height(self) -> int:
        """The first block whose references are not marked yet."""
        return self._value("next_height")

    def advance(
        self, next_height: int, titles: Iterable[bytes] = (), attested: Iterable[tuple[str, bytes]] = ()
    ) -> None:
        """Marks what durable blocks below ``next_height`` refer to, and that they were read.

        Args:
            titles: commitments that records name; no orphans.
            attested: (subject, digest) of attestations; what is no fact of this store changes nothing.
        """
        with self._database.writing() as connection:
            connection.executemany(
                "UPDATE entries SET claimed = 1 WHERE commitment = ? AND claimed = 0",
                [(title,) for title in titles],
            )
            _mark(connection, attested)
            _put(connection, "next_height", next_height)

    def mark(self, attested: Iterable[tuple[str, bytes]]) -> None:
        """Marks facts whose attestations are known to be durable."""
        with self._database.writing() as connection:
            _mark(connection, attested)

    def pending(self, limit: int = 1000) -> list[Fact]:
        """Facts that the ledger is not known to have: erasures, oldest first, then the head of look-ups."""
        rows = self._database.read(
            "SELECT digest FROM erasures WHERE attested = 0 ORDER BY number LIMIT ?", limit
        )
        facts = [Fact(ERASURE, digest) for (digest,) in rows]
        head = self._database.read(
            "SELECT hash FROM accesses WHERE number > ? ORDER BY number DESC LIMIT 1",
            self._value("access_number"),
        )
        return facts + [Fact(ACCESS, digest) for (digest,) in head]

    def _value(self, name: str) -> int:
        rows = self._database.read("SELECT value FROM followed WHERE name = ?", name)
        return int(rows[0][0]) if rows else 0


def _mark(connection: sqlite3.Connection, attested: Iterable[tuple[str, bytes]]) -> None:
    for subject, digest in attested:
        if subject == ERASURE:
            connection.execute("UPDATE erasures SET attested = 1 WHERE digest = ?", (digest,))
        elif subject == ACCESS:
            # The later one stays: others' digests and old heads move nothing.
            connection.execute(
                "INSERT INTO followed SELECT 'access_number', number FROM accesses WHERE hash = ?"
                " ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
                (digest,),
            )


def _put(connection: sqlite3.Connection, name: str, value: int) -> None:
    connection.execute(
        "INSERT INTO followed VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )
