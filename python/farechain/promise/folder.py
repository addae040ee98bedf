"""Where summaries lie for outsiders: ``promise/`` of the public directory, files that never change.

``FIRST-LAST.json`` is a document, ``FIRST-LAST.proof.json`` the proof that the ledger attests it, ``latest``
the name of the last document.
"""

import json
import os
import time
from base64 import b64decode
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

from farechain import _core
from farechain.promise.document import STEM, Document, decode

KEPT_MAX = 2048
"""Summaries that are kept in memory: two weeks of ten minutes, without their checkpoints and notes."""
DAY_MS = 86_400_000
SETTLED_NS = 1_000_000_000
"""A directory that changed a moment ago may change again without another time."""


class Summarised(NamedTuple):
    """What a document says, without its checkpoints and notes, and where it is attested."""

    stem: str
    first: int
    last: int
    from_ms: int
    to_ms: int
    events: int
    late: int
    counts: tuple[int, ...]
    sum_ms: int
    max_ms: int
    max_height: int
    attested: int | None
    """The block with the record that attests it; None while there is no proof."""


class Day(NamedTuple):
    """The promise of the last day: sums over the ranges that end in it."""

    events: int
    late: int
    max_ms: int
    max_height: int
    through: int
    """The last block that is in it."""

    @property
    def share(self) -> float:
        """Percent within a minute, two digits, rounded down: 100 is said only where it is all."""
        return (self.events - self.late) * 10_000 // self.events / 100 if self.events else 100.0


class Folder:
    """Reads and writes the files. Methods block."""

    def __init__(self, public: Path) -> None:
        self._place = public / "promise"
        self._seen: object = None
        self._stems: list[str] = []
        self._proven: set[str] = set()
        self._kept: OrderedDict[str, Summarised] = OrderedDict()

    def stems(self) -> list[str]:
        """The names of all documents, in the order of their ranges."""
        try:
            stamp = self._place.stat().st_mtime_ns
        except FileNotFoundError:
            return []
        if stamp != self._seen or time.time_ns() - stamp < SETTLED_NS:
            names = (entry.name.removesuffix(".json") for entry in os.scandir(self._place))
            self._stems = sorted(name for name in names if STEM.fullmatch(name))
            self._seen = stamp
        return self._stems

    def unproven(self) -> list[str]:
        """The names of documents without a proof, the oldest first."""
        asked = [stem for stem in self.stems() if stem not in self._proven]
        self._proven.update(stem for stem in asked if self._path(stem, ".proof.json").exists())
        return [stem for stem in asked if stem not in self._proven]

    def read(self, stem: str) -> bytes:
        """A document's bytes. Raises ``OSError``."""
        return self._path(stem, ".json").read_bytes()

    def put(self, document: Document) -> None:
        """Publishes a document, durable before it is named as the latest. Raises ``OSError``."""
        self._place.mkdir(exist_ok=True)
        self._write(f"{document.stem}.json", document.encoded())
        self._write("latest", f"{document.stem}\n".encode())

    def put_proof(self, stem: str, proof: bytes) -> None:
        """Publishes the proof that a document is attested, as JSON. Raises ``OSError``."""
        self._write(f"{stem}.proof.json", proof)

    def summary(self, stem: str) -> Summarised:
        """What a document says. Raises ``OSError``, or ``ValueError`` for a document that is none."""
        kept = self._kept.get(stem)
        if kept is None or kept.attested is None:
            kept = self._summary(stem, kept)
            self._kept[stem] = kept
            if len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return kept

    def last_day(self, now_ms: int) -> Day | None:
        """The sums of the last day; None where no range ended in it, or what is there cannot be read."""
        events = late = max_ms = max_height = through = 0
        for stem in reversed(self.stems()):
            try:
                one = self.summary(stem)
            except (OSError, ValueError):
                return None
            if one.to_ms < now_ms - DAY_MS:
                break
            events += one.events
            late += one.late
            through = max(through, one.last)
            if one.max_ms >= max_ms:
                max_ms, max_height = one.max_ms, one.max_height
        return Day(events, late, max_ms, max_height, through) if through else None

    def _summary(self, stem: str, before: Summarised | None) -> Summarised:
        try:
            proof = self._path(stem, ".proof.json").read_bytes()
            header = b64decode(json.loads(proof)["header"])
            attested = int(_core.decode_header(header)["height"])
        except FileNotFoundError:
            attested = None
        if before is not None:
            return before._replace(attested=attested)
        document = decode(self.read(stem))
        return Summarised(
            stem,
            document.first,
            document.last,
            document.from_ms,
            document.to_ms,
            document.events,
            document.late,
            document.counts,
            document.sum_ms,
            document.max_ms,
            document.max_height,
            attested,
        )

    def _path(self, stem: str, ending: str) -> Path:
        return self._place / f"{stem}{ending}"

    def _write(self, name: str, data: bytes) -> None:
        temporary = self._place / f".{name}.new"
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._place / name)
        handle = os.open(self._place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
