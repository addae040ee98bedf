"""A small day for the tests of this folder: made once, read as a reader of the spool would."""

import json
from base64 import b64decode
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from farechain._core import SourceRecord
from farechain.day import PARTITIONS, Manifest, generate

INVOICES = 1_200
DATE = "2026-03-09"
_PLACE = TemporaryDirectory(prefix="farechain-day-")


@dataclass(frozen=True)
class Line:
    """A line of the manifest with the record that it speaks of."""

    told: dict[str, Any]
    timestamp: int
    key: bytes
    value: bytes | None
    headers: dict[str, bytes]

    @property
    def place(self) -> tuple[str, int, int]:
        """Topic, partition, offset."""
        return self.told["topic"], self.told["partition"], self.told["offset"]


def records(out: Path, topic: str, partition: int) -> list[SourceRecord]:
    """The records of a spool file."""
    found = []
    for line in (out / "spool" / f"{topic}-{partition}.jsonl").read_bytes().splitlines():
        record = json.loads(line)
        headers = [(name, _bytes(value)) for name, value in record["headers"]]
        assert (record["topic"], record["partition"]) == (topic, partition)
        found.append(
            (record["offset"], record["timestamp"], _bytes(record["key"]), _bytes(record["value"]), headers)
        )
    return found


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text, validate=True)


def lines_of(out: Path) -> list[Line]:
    """The manifest with its records, in its order."""
    by_place = {
        (topic, partition, record[0]): record
        for topic, count in PARTITIONS.items()
        for partition in range(count)
        for record in records(out, topic, partition)
    }
    lines = []
    for text in (out / "manifest.jsonl").read_bytes().splitlines():
        told = json.loads(text)
        _, timestamp, key, value, headers = by_place.pop((told["topic"], told["partition"], told["offset"]))
        named = {name: content or b"" for name, content in headers}
        lines.append(Line(told, timestamp, key or b"", value, named))
    assert not by_place, "records that the manifest does not speak of"
    return lines


@cache
def small_day() -> tuple[Path, Manifest]:
    """A day that all tests share; nobody writes to it."""
    out = Path(_PLACE.name)
    return out, generate(out, out / "keys", seed=7, invoices=INVOICES, date=DATE)


@cache
def small_day_lines() -> tuple[Line, ...]:
    """Its lines."""
    return tuple(lines_of(small_day()[0]))
