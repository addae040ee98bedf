"""The private store's file as of one moment, while others write to it.

Pages stay where they are, so that the pieces that did not change are the same from one backup to the next.
The copy has wrapped keys in it: it is written over before it is removed.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from farechain.errors import FarechainError

BUSY_TIMEOUT_S = 30.0
_NAME = ".backup-copy.sqlite"
_CHUNK = 1 << 20


@contextmanager
def copied(store: Path) -> Iterator[Path]:
    """A copy beside the store, gone after the block.

    Raises:
        FarechainError: ``E_PRIVATE_STORE`` where SQLite cannot read it.
    """
    copy = store.with_name(_NAME)
    _wipe(copy)
    os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        try:
            with (
                closing(sqlite3.connect(store, timeout=BUSY_TIMEOUT_S)) as source,
                closing(sqlite3.connect(copy)) as target,
            ):
                source.execute("PRAGMA query_only=ON")
                source.backup(target)
        except sqlite3.Error as error:
            raise FarechainError("E_PRIVATE_STORE", f"{store}: {error}") from error
        yield copy
    finally:
        _wipe(copy)


def _wipe(path: Path) -> None:
    try:
        with path.open("r+b", buffering=0) as file:
            for at in range(0, os.fstat(file.fileno()).st_size, _CHUNK):
                os.pwrite(file.fileno(), bytes(_CHUNK), at)
            os.fsync(file.fileno())
    except FileNotFoundError:
        return
    path.unlink()
