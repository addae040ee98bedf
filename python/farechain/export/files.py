"""Files that are there whole or not at all, and outlive a lost power supply once they are synced."""

import os
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Puts a file in place by rename, its bytes durable before; ``sync_directory`` makes its name durable."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fdatasync(file.fileno())
    part.replace(path)


def sync_directory(path: Path) -> None:
    """Makes the renames in a directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
