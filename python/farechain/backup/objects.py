"""Objects of a target: stored once, several at a time, and removed when no backup names them."""

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from farechain.backup import manifest
from farechain.backup.manifest import OBJECTS, Part
from farechain.backup.target import Target


@dataclass
class Copies:
    """Stores pieces that the target does not have, several at a time."""

    target: Target
    present: dict[str, int]
    pool: ThreadPoolExecutor
    new: list[Part] = field(default_factory=list)

    def add(self, content: memoryview | bytes) -> "Future[Part]":
        """Hashes and stores bytes that must not change meanwhile."""
        return self.pool.submit(self._store, content)

    def _store(self, content: memoryview | bytes) -> Part:
        part = Part(hashlib.sha256(content).hexdigest(), len(content))
        if self.present.get(part.name) != part.bytes:
            self.target.put(part.name, content)
            self.new.append(part)
        return part


def prune(target: Target, keep: int) -> int:
    """Removes all but the latest ``keep`` backups, then objects that no backup names; returns how many."""
    listed = manifest.names(target)
    target.remove(listed[:-keep])
    named = {name for kept in listed[-keep:] for name in manifest.read(target, kept).objects()}
    unnamed = [name for name in target.sizes(OBJECTS) if name not in named]
    target.remove(unnamed)
    return len(unnamed)
