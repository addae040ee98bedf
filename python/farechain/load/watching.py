"""Watches a cluster from outside while it is loaded: published checkpoints, and the memory of processes."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx

from farechain import _core

FILE_POLL_S = 0.004
URL_POLL_S = 0.025
"""How often is looked; a checkpoint is that much younger than it seems, at most."""
MEMORY_S = 1.0
PAGE_KIB = 4


class Checkpoints(Protocol):
    """Where a note can be read as it stands now."""

    poll_s: float

    def read(self) -> str:
        """The note if it may have changed since it was read last, else nothing."""


class CheckpointFile:
    """``public/checkpoint`` of a ledger on this machine; a new one has another inode."""

    poll_s = FILE_POLL_S

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode = 0

    def read(self) -> str:
        """Empty where nothing changed, or there is none yet."""
        try:
            inode = self._path.stat().st_ino
            if inode == self._inode:
                return ""
            self._inode = inode
            return self._path.read_text("utf-8")
        except FileNotFoundError:
            return ""


class CheckpointUrl:
    """``GET /checkpoint`` of a service."""

    poll_s = URL_POLL_S

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(timeout=2.0)
        self._url = f"{url.rstrip('/')}/checkpoint"

    def read(self) -> str:
        """Empty where nobody answers."""
        try:
            answer = self._client.get(self._url)
        except httpx.TransportError:
            return ""
        return answer.text if answer.status_code == httpx.codes.OK else ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A checkpoint when it was first seen: size in blocks, nanoseconds of the monotonic clock."""

    size: int
    at_ns: int


@dataclass(slots=True)
class Watched:
    """What the watch saw. ``went_back``: checkpoints that a later one contradicts, as lines."""

    checkpoints: list[Seen] = field(default_factory=list)
    went_back: list[str] = field(default_factory=list)
    memory: list[tuple[int, dict[str, int]]] = field(default_factory=list)
    """(nanoseconds of the monotonic clock, bytes resident by process)."""


class ClusterWatch:
    """Two threads that look until ``close``.

    Args:
        processes: asked each second for the processes to look at, id by name; what they started is counted
            with them.
    """

    def __init__(self, checkpoints: Checkpoints, processes: Callable[[], Mapping[str, int]]) -> None:
        self.watched = Watched()
        self._checkpoints = checkpoints
        self._processes = processes
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._watch_checkpoints, daemon=True),
            threading.Thread(target=self._watch_memory, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def size(self) -> int:
        """Of the last checkpoint that was seen."""
        seen = self.watched.checkpoints
        return seen[-1].size if seen else 0

    def close(self) -> Watched:
        """Ends the threads; returns what they saw."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        return self.watched

    def _watch_checkpoints(self) -> None:
        roots: dict[int, bytes] = {}
        size = 0
        while not self._ended.wait(self._checkpoints.poll_s):
            note = self._checkpoints.read()
            if not note:
                continue
            at_ns = time.monotonic_ns()
            _origin, new, root = _core.parse_checkpoint(note)
            if new < size:
                self.watched.went_back.append(f"size {new} after {size}")
            elif roots.setdefault(new, root) != root:
                self.watched.went_back.append(f"a second root of size {new}")
            elif new > size:
                size = new
                self.watched.checkpoints.append(Seen(new, at_ns))
            roots = {size: roots.get(size, root)}

    def _watch_memory(self) -> None:
        while not self._ended.wait(MEMORY_S):
            sizes = {name: _resident_bytes(pid) for name, pid in self._processes().items()}
            self.watched.memory.append((time.monotonic_ns(), {n: size for n, size in sizes.items() if size}))


def _resident_bytes(pid: int) -> int:
    """Of a process and its children; 0 once it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0
    return pages * PAGE_KIB * 1024 + sum(_resident_bytes(int(child)) for child in children)
