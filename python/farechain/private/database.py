"""The store's SQLite file: 0600, synced on every commit, forgetting a key in every byte.

``secure_delete`` puts zeros over what is deleted, but not over the copies that a B-tree leaves where it moved
a row from one page to another. Ciphertexts may leave such copies; keys may not, so ``keys`` only ever grows
at its end, where nothing moves, and a key is forgotten by writing zeros over it in its place. Write-ahead
logging keeps old pages in a second file: ``scrub`` brings everything into the first one and cuts the second
to nothing.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from farechain.errors import EXIT_REFUSED, EXIT_UNAVAILABLE, EXIT_USAGE, FarechainError

APPLICATION = 0x66637073
"""``fcps``: the file is no other program's."""
VERSION = 2
BUSY_TIMEOUT_S = 5.0
"""Another process reads or writes for milliseconds; five seconds is one that hangs."""
SCHEMA = """
CREATE TABLE store (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE keys (number INTEGER PRIMARY KEY, wrapped BLOB NOT NULL);
CREATE TRIGGER keys_stay BEFORE DELETE ON keys BEGIN SELECT RAISE(ABORT, 'overwrite it'); END;
CREATE TABLE subjects (
    subject BLOB PRIMARY KEY, key INTEGER NOT NULL REFERENCES keys,
    created_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (
    commitment BLOB PRIMARY KEY, subject BLOB NOT NULL REFERENCES subjects, kind TEXT NOT NULL,
    sealed BLOB NOT NULL, created_ms INTEGER NOT NULL, claimed INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX entries_of_subject ON entries (subject);
CREATE INDEX entries_unclaimed ON entries (created_ms) WHERE claimed = 0;
CREATE TABLE documents (
    number INTEGER PRIMARY KEY, subject BLOB NOT NULL REFERENCES subjects, kind TEXT NOT NULL,
    name BLOB NOT NULL, sealed BLOB NOT NULL, UNIQUE (subject, kind, name));
CREATE TABLE erasures (
    number INTEGER PRIMARY KEY, subject BLOB NOT NULL, at_ms INTEGER NOT NULL, entries INTEGER NOT NULL,
    digest BLOB NOT NULL, attested INTEGER NOT NULL DEFAULT 0);
CREATE INDEX erasures_of_subject ON erasures (subject);
CREATE INDEX erasures_by_digest ON erasures (digest);
CREATE INDEX erasures_unattested ON erasures (number) WHERE attested = 0;
CREATE TABLE followed (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE accesses (
    number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, party TEXT NOT NULL, token_id TEXT NOT NULL,
    commitment BLOB NOT NULL, purpose TEXT NOT NULL, hash BLOB NOT NULL UNIQUE);
CREATE TRIGGER accesses_stay BEFORE DELETE ON accesses BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER accesses_are_not_changed BEFORE UPDATE ON accesses
    BEGIN SELECT RAISE(ABORT, 'append only'); END;
"""
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

Rows = list[tuple[Any, ...]]


class Database:
    """One connection, used by one thread at a time. After a failed write every later call fails: open again.

    Raises:
        FarechainError: ``E_PRIVATE_MISSING``; ``E_PRIVATE_BUSY``, try again; ``E_PRIVATE_STORE``, stop.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._failed = False
        if create:
            _make(path)
        elif not path.exists():
            message = (
                f"no private store at {path}: `farechain init` makes it; a lost one comes from its backup"
            )
            raise FarechainError("E_PRIVATE_MISSING", message, EXIT_USAGE)
        if path.stat().st_mode & 0o077:
            message = f"{path}: others may read it: chmod 600 it"
            raise FarechainError("E_PRIVATE_STORE", message, EXIT_USAGE)
        self._connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            with self._told():
                self._prepare()
            self.scrub()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        if self._one("PRAGMA journal_mode=WAL") != "wal" or self._one("PRAGMA secure_delete=ON") != 1:
            raise self.damaged("this SQLite has no write-ahead log or does not overwrite what it deletes")
        for setting in ("synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", "trusted_schema=OFF"):
            self._connection.execute(f"PRAGMA {setting}")
        with self.writing():
            found = self._one("PRAGMA application_id"), self._one("PRAGMA user_version")
            if found == (0, 0) and not self._one("SELECT count(*) FROM sqlite_schema"):
                for statement in _statements(SCHEMA):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA application_id={APPLICATION}")
                self._connection.execute(f"PRAGMA user_version={VERSION}")
            elif found != (APPLICATION, VERSION):
                raise self.damaged("it is no private store of this version")

    def read(self, statement: str, *values: object) -> Rows:
        """All rows of a query, so that no reader keeps an old state alive."""
        with self._lock, self._told():
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: durable when the block ends, undone when it raises."""
        with self._lock, self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def scrub(self) -> None:
        """Removes the bytes of what was forgotten from all files. Raises ``E_PRIVATE_BUSY`` if it cannot."""
        with self._lock, self._told():
            busy, *_pages = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            message = f"{self._path}: deleted, but another process keeps the old bytes in use: do it again"
            raise FarechainError("E_PRIVATE_BUSY", message, EXIT_UNAVAILABLE)

    def damaged(self, what: str) -> FarechainError:
        """The error for content that cannot be what was written."""
        return FarechainError("E_PRIVATE_STORE", f"{self._path}: {what}", EXIT_REFUSED)

    def close(self) -> None:
        """Gives the file back; may be called again."""
        with self._lock:
            self._connection.close()

    def _one(self, statement: str) -> Any:
        return self._connection.execute(statement).fetchone()[0]

    @contextmanager
    def _told(self) -> Iterator[None]:
        """SQLite's errors as the store's; it names tables and files in them, never values."""
        if self._failed:
            raise self.damaged("unusable since an earlier failure; start again")
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY:
                message = f"{self._path}: another process is at work there: try again"
                raise FarechainError("E_PRIVATE_BUSY", message, EXIT_UNAVAILABLE) from error
            self._failed = True
            raise self.damaged(str(error)) from error


def _make(path: Path) -> None:
    """An empty file that only its owner may read, its name durable; leaves one that is there."""
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    for directory in (path.parent, path.parent.parent):
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _statements(script: str) -> Iterator[str]:
    """The statements of a script, which SQLite takes one by one within a transaction."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
