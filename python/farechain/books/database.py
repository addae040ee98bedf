"""The books' SQLite file: made where it is missing, thrown away where it is of another version or damaged.

One connection writes, another one reads meanwhile (write-ahead log), each by one thread at a time. What a
crash of the machine loses is derived again, so a commit does not wait for the disk.
"""

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from farechain.books.schema import APPLICATION, TABLES, VERSION
from farechain.errors import EXIT_UNAVAILABLE, FarechainError

BUSY_TIMEOUT_S = 5.0
"""The two connections never wait for each other; another process has no business here."""
CACHE_KIB = 16 * 1024
"""Of the writer: the indexes of a day stay in it."""
WAL_PAGES = 4096
"""The write-ahead log is brought into the file, with a sync, every 16 MiB and not every four."""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
log = logging.getLogger(__name__)

Rows = list[tuple[Any, ...]]


class Database:
    """The file. Safe to use from any thread.

    Raises:
        FarechainError: ``E_BOOKS``: the file cannot be used now; what is derived waits, nothing else does.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        with self._told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer, self._reader = self._opened()

    def read(self, statement: str, *values: object) -> Rows:
        """All rows of a query, so that no reader keeps an old state alive."""
        with self._reading, self._told(self._path):
            return self._reader.execute(statement, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it when the block ends, nothing when it raises."""
        with self._writing, self._told(self._path):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException as error:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error) and _code(error) in _DAMAGED:
                    self._throw_away()
                raise

    def close(self) -> None:
        """Gives the file back; may be called again."""
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()

    def _throw_away(self) -> None:
        """A damaged file: an empty one in its place. The caller holds the writing lock."""
        log.warning("%s is damaged and is made again", self._path)
        with self._reading:
            self._reader.close()
            self._writer.close()
            self._remove()
            self._writer, self._reader = self._opened()

    def _opened(self) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        try:
            writer = self._prepared()
        except sqlite3.DatabaseError as error:
            if _code(error) not in _DAMAGED:
                raise
            writer = None
        if writer is None:
            log.warning("%s is of another version or damaged and is made again", self._path)
            self._remove()
            writer = self._prepared()
        if writer is None:
            raise RuntimeError("a new file is of this version")
        reader = self._connected()
        reader.execute("PRAGMA query_only=ON")
        return writer, reader

    def _prepared(self) -> sqlite3.Connection | None:
        """A connection that may write; None where the file is of another version."""
        writer = self._connected()
        try:
            writer.execute("PRAGMA journal_mode=WAL")
            writer.execute("PRAGMA synchronous=NORMAL")
            writer.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
            writer.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
            found = [
                writer.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
            ]
            if found == [0, 0] and writer.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
                marks = f"PRAGMA application_id={APPLICATION}; PRAGMA user_version={VERSION};"
                writer.executescript(f"BEGIN; {TABLES} {marks} COMMIT;")
            elif found != [APPLICATION, VERSION]:
                writer.close()
                return None
        except BaseException:
            writer.close()
            raise
        return writer

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA trusted_schema=OFF")
        return connection

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    @staticmethod
    @contextmanager
    def _told(path: Path) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise FarechainError("E_BOOKS", f"{path}: {error}", EXIT_UNAVAILABLE) from error


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
