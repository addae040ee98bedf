"""Subjects: a keyed hash for an id, a data key each, wrapped; and what of them was erased.

The ids themselves are in no file. The hash's key is random, wrapped under the key-encryption key too, and
stays the same for the life of a store: an erasure of one day finds its subject in any older copy.
"""

import hmac
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from farechain import _core
from farechain.errors import EXIT_USAGE, FarechainError
from farechain.private.database import Database
from farechain.private.sealing import TamperedError, new_key, seal, unseal

SUBJECT_BYTES_MAX = 256
REWRAPPED_AT_ONCE = 10_000
"""Keys in memory at once while all are wrapped anew."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """That a subject was erased: 32 bytes of keyed hash of its id, when, and how many entries went.

    ``entries`` counts texts and documents.
    """

    subject: bytes
    at_ms: int
    entries: int

    @property
    def digest(self) -> bytes:
        """What is attested of it: ``identity("ERASURE", subject, at_ms, entries)``."""
        numbers = self.at_ms.to_bytes(8, "big", signed=True), self.entries.to_bytes(8, "big")
        return _core.identity([b"ERASURE", self.subject, *numbers])


class Subjects:
    """The subjects of one store. ``connection`` is that of an open transaction; ``owner`` a subject's hash.

    Raises:
        FarechainError: ``E_PRIVATE_KEY`` where the store was made with another key-encryption key.
    """

    def __init__(self, database: Database, kek: bytes) -> None:
        self._database = database
        self._kek = kek
        with database.writing() as connection:
            row = connection.execute("SELECT value FROM store WHERE name = 'index_key'").fetchone()
            if row is None:
                row = (seal(kek, new_key(), b"INDEX"),)
                connection.execute("INSERT INTO store VALUES ('index_key', ?)", row)
        try:
            self._index_key = unseal(kek, row[0], b"INDEX")
        except TamperedError as error:
            message = "the key file is not this private store's: name its own with private.key_file"
            raise FarechainError("E_PRIVATE_KEY", message, EXIT_USAGE) from error
        self._sealed_index_key = row[0]

    def owner_of(self, subject: str) -> bytes:
        """The 32-byte hash of an id. Raises ``ValueError`` where the id has not 1-256 bytes of UTF-8."""
        encoded = subject.encode()
        if not 1 <= len(encoded) <= SUBJECT_BYTES_MAX:
            raise ValueError(f"a subject's id has 1-{SUBJECT_BYTES_MAX} bytes")
        return hmac.digest(self._index_key, encoded, "sha256")

    def key_of(self, owner: bytes) -> bytes | None:
        """Its data key; None where it has none. Raises ``E_PRIVATE_STORE`` where that was altered."""
        rows = self._database.read(
            "SELECT wrapped FROM subjects JOIN keys ON number = key WHERE subject = ?", owner
        )
        if not rows:
            return None
        try:
            return unseal(self._kek, rows[0][0], b"SUBJECT", owner)
        except TamperedError as error:
            self._check_kek()
            raise self._database.damaged("a subject's key is not the one that was written") from error

    def some_key_of(self, connection: sqlite3.Connection, owner: bytes, now_ms: int) -> bytes:
        """Its data key; a new one where it has none. Raises as ``key_of``."""
        return self.key_of(owner) or self.new_key_of(connection, owner, now_ms)

    def new_key_of(self, connection: sqlite3.Connection, owner: bytes, now_ms: int) -> bytes:
        """Gives it a data key, younger than every erasure of it, whatever the clock says."""
        self._check_kek()
        last = connection.execute("SELECT max(at_ms) FROM erasures WHERE subject = ?", (owner,)).fetchone()[0]
        created_ms = now_ms if last is None else max(now_ms, last + 1)
        key = new_key()
        wrapped = seal(self._kek, key, b"SUBJECT", owner)
        number = connection.execute("INSERT INTO keys (wrapped) VALUES (?)", (wrapped,)).lastrowid
        connection.execute("INSERT INTO subjects VALUES (?, ?, ?)", (owner, number, created_ms))
        return key

    def rewrap(self, connection: sqlite3.Connection, kek: bytes) -> int:
        """Wraps everything under another key-encryption key; returns how many subjects' keys.

        Each wrapped key is written where it stood, which leaves no copy under the old one.
        """
        self._check_kek()
        count, last = 0, 0
        wanted = (
            "SELECT number, subject, wrapped FROM keys JOIN subjects ON number = key"
            " WHERE number > ? ORDER BY number LIMIT ?"
        )
        while rows := connection.execute(wanted, (last, REWRAPPED_AT_ONCE)).fetchall():
            try:
                again = [
                    (seal(kek, unseal(self._kek, wrapped, b"SUBJECT", owner), b"SUBJECT", owner), number)
                    for number, owner, wrapped in rows
                ]
            except TamperedError as error:
                raise self._database.damaged("a subject's key is not the one that was written") from error
            connection.executemany("UPDATE keys SET wrapped = ? WHERE number = ?", again)
            count, last = count + len(rows), rows[-1][0]
        sealed = seal(kek, self._index_key, b"INDEX")
        connection.execute("UPDATE store SET value = ? WHERE name = 'index_key'", (sealed,))
        return count

    def _check_kek(self) -> None:
        """Whether the store is still wrapped under the key that it was opened with."""
        rows = self._database.read("SELECT value FROM store WHERE name = 'index_key'")
        if rows != [(self._sealed_index_key,)]:
            message = "the private store's key was replaced meanwhile: start again"
            raise FarechainError("E_PRIVATE_KEY", message, EXIT_USAGE)

    def forget_empty(self, connection: sqlite3.Connection, owners: Iterable[bytes]) -> None:
        """Removes the keys of those of whom nothing is kept any more."""
        kept = "SELECT 1 FROM entries WHERE subject = ?1 UNION ALL SELECT 1 FROM documents WHERE subject = ?1"
        for owner in owners:
            if not connection.execute(kept, (owner,)).fetchone():
                _remove(connection, owner)

    def erase(self, connection: sqlite3.Connection, owner: bytes, now_ms: int) -> int:
        """Removes key and entries and says so in the list of erasures; returns how many entries went.

        The erasure is not older than the key, so that ``erase_again`` finds both in a copy.
        """
        row = connection.execute("SELECT created_ms FROM subjects WHERE subject = ?", (owner,)).fetchone()
        if row is None:
            return 0
        entries = _remove(connection, owner)
        _note(connection, Erasure(owner, max(now_ms, row[0]), entries))
        return entries

    def erase_again(self, connection: sqlite3.Connection, erasure: Erasure) -> int:
        """What ``erase`` did, in a copy from before it. What the subject gave later stays."""
        old = connection.execute(
            "SELECT 1 FROM subjects WHERE subject = ? AND created_ms <= ?", (erasure.subject, erasure.at_ms)
        ).fetchone()
        entries = _remove(connection, erasure.subject) if old is not None else 0
        _note(connection, erasure)
        return entries

    def erasures(self) -> list[Erasure]:
        """All erasures, in their order."""
        rows = self._database.read("SELECT subject, at_ms, entries FROM erasures ORDER BY number")
        return [Erasure(*row) for row in rows]


def _remove(connection: sqlite3.Connection, owner: bytes) -> int:
    entries = connection.execute("DELETE FROM entries WHERE subject = ?", (owner,)).rowcount
    entries += connection.execute("DELETE FROM documents WHERE subject = ?", (owner,)).rowcount
    # Of the same length, so that it is written where the key stood.
    connection.execute(
        "UPDATE keys SET wrapped = zeroblob(length(wrapped))"
        " WHERE number = (SELECT key FROM subjects WHERE subject = ?)",
        (owner,),
    )
    connection.execute("DELETE FROM subjects WHERE subject = ?", (owner,))
    return entries


def _note(connection: sqlite3.Connection, erasure: Erasure) -> None:
    connection.execute(
        "INSERT INTO erasures (subject, at_ms, entries, digest) VALUES (?, ?, ?, ?)",
        (erasure.subject, erasure.at_ms, erasure.entries, erasure.digest),
    )
