"""The file with the key-encryption key, and its replacement by another one.

A rotation may be cut short anywhere. The new key is durable under ``<name>.next`` before the store is wrapped
under it, and takes the old one's place after: at each instant one of the two files opens the store, and
``open_store`` finds which.
"""

import os
from pathlib import Path

from farechain import keys
from farechain.errors import EXIT_USAGE, FarechainError
from farechain.private.store import Store


def next_of(key_file: Path) -> Path:
    """Where the new key is until it has taken the old one's place."""
    return key_file.with_name(f"{key_file.name}.next")


def old_of(key_file: Path) -> Path:
    """Where the old key stays, for backups from before."""
    return key_file.with_name(f"{key_file.name}.old")


def open_store(path: Path, key_file: Path) -> Store:
    """Opens a store by its key file, or by that of a rotation that was cut short. Blocks.

    Raises:
        FarechainError: ``E_KEY_FILE``, or as ``Store.open``.
    """
    try:
        return Store.open(path, keys.read_key(key_file))
    except FarechainError as error:
        if error.code != "E_PRIVATE_KEY" or not next_of(key_file).exists():
            raise
        return Store.open(path, keys.read_key(next_of(key_file)))


def rotate(path: Path, key_file: Path) -> int:
    """Wraps every person's key under a new key; returns how many there are. Blocks.

    Again, after it was cut short, it goes on where it was. Whoever has the store open must open it again.

    Raises:
        FarechainError: ``E_KEY_FILE``: an older key is still beside this one; or as ``Store.open``.
    """
    fresh, old = next_of(key_file), old_of(key_file)
    if old.exists() and keys.read_key(old) != keys.read_key(key_file):
        message = f"{old}: the key before is still there; move it away, backups of its time need it"
        raise FarechainError("E_KEY_FILE", message, EXIT_USAGE)
    kek = keys.read_key(fresh) if fresh.exists() else keys.new_key(fresh)
    _sync(fresh.parent)
    with open_store(path, key_file) as store:
        count = store.rewrap(kek)
    if not old.exists():
        os.link(key_file, old)
    fresh.replace(key_file)
    _sync(key_file.parent)
    return count


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
