"""What was sent, on disk: a file per generator, 16 bytes an event, so that nobody holds millions of objects.

Batches in the order of their acknowledgement: a head (place, base offset, count), then for each event the
intended moment, the generator's slip, and the fen that must be invoiced. The file begins with the places.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from farechain.load.payments import Place

BATCH = struct.Struct("<HIq")
EVENT = struct.Struct("<qII")
SLIP_US_MAX = 2**32 - 1
NEVER_INTENDED = -1
"""The intended moment of a backlog's event: it waited before the run began and is not timed."""
Event = tuple[int, int, int]
"""Intended moment (nanoseconds of the machine's monotonic clock), slip in microseconds, fen."""
Batch = tuple[Place, int, Sequence[Event]]
"""Place, offset of the first event, the events at consecutive offsets."""


class JournalWriter:
    """Writes one journal. Close it: what is buffered is lost otherwise."""

    def __init__(self, path: Path, places: Sequence[Place]) -> None:
        self._file: BinaryIO = path.open("wb")
        self._numbers = {place: number for number, place in enumerate(places)}
        self._file.write(json.dumps(list(places)).encode() + b"\n")

    def write(self, place: Place, base_offset: int, events: Sequence[Event]) -> None:
        """Appends an acknowledged batch."""
        parts = [BATCH.pack(self._numbers[place], len(events), base_offset)]
        parts += [EVENT.pack(at_ns, min(slip_us, SLIP_US_MAX), fen) for at_ns, slip_us, fen in events]
        self._file.write(b"".join(parts))

    def close(self) -> None:
        """Writes what is buffered."""
        self._file.close()


def read_journal(path: Path) -> Iterator[Batch]:
    """The batches of a journal that was closed, in the order of their acknowledgement."""
    with path.open("rb") as file:
        places = [(topic, partition) for topic, partition in json.loads(file.readline())]
        while head := file.read(BATCH.size):
            number, count, base_offset = BATCH.unpack(head)
            yield places[number], base_offset, list(EVENT.iter_unpack(file.read(count * EVENT.size)))
