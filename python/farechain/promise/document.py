"""A summary of a range of blocks: its one spelling, its digest, and the command that attests it.

The form is docs/format.md, section 11.
"""

import json
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from farechain import _core
from farechain.cbor import array, octets, text, whole
from farechain.promise.blocks import Position

FORMAT = "farechain-promise/1"
BOUNDS_MS = (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000)
"""Upper ends of the buckets, each included; one more bucket is for what took longer."""
PROMISE_MS = BOUNDS_MS[-1]
"""An event is under a published checkpoint within a minute."""
BYTES_MAX = 16 * 1024 * 1024
"""A document is no larger: 8,192 checkpoints and their notes have less."""
ATTEST_KIND = 33
STEM = re.compile(r"[0-9]{12}-[0-9]{12}", re.ASCII)
_COUNTS = ("first", "last", "from_ms", "to_ms", "events", "sum_ms", "max_ms", "max_height")


@dataclass(frozen=True, slots=True)
class Before:
    """The range before a range, and the digest of its document."""

    first: int
    last: int
    digest: bytes

    @property
    def stem(self) -> str:
        """Its name without an ending."""
        return stem_of(self.first, self.last)


@dataclass(frozen=True, slots=True)
class Document:
    """How long the events of blocks ``first`` to ``last`` took, from the broker's append to the checkpoint.

    Attributes:
        previous: the range before; None for the first of all.
        positions: of all sources before its first block: who asks for the blocks can verify them with these.
        from_ms: time of the first block; ``to_ms`` of the last one.
        events: inputs of all kinds, but the engine's own.
        counts: events by bucket: one for each of ``BOUNDS_MS`` and one for what took longer.
        max_height: the block with the slowest event; ``first`` where there is none.
        checkpoints: (size, published_ms) of those that were the first to cover a block of the range.
        notes: cosigned checkpoints among them, as they were published: each is at most five seconds younger
            than any that it stands for.
    """

    chain: str
    first: int
    last: int
    previous: Before | None
    positions: tuple[Position, ...]
    from_ms: int
    to_ms: int
    events: int
    counts: tuple[int, ...]
    sum_ms: int
    max_ms: int
    max_height: int
    checkpoints: tuple[tuple[int, int], ...]
    notes: tuple[str, ...]

    @property
    def stem(self) -> str:
        """Its file's name without an ending."""
        return stem_of(self.first, self.last)

    @property
    def late(self) -> int:
        """Events that took longer than the promise."""
        return self.counts[-1]

    @property
    def subject(self) -> str:
        """Subject and id of the command that attests it: so the ledger takes one document of a range."""
        return f"PROMISE_{self.first}_{self.last}"

    def encoded(self) -> bytes:
        """Its bytes: JSON in one spelling."""
        before = self.previous
        members = {
            "format": FORMAT,
            "chain": self.chain,
            "first": self.first,
            "last": self.last,
            "previous": None
            if before is None
            else {"first": before.first, "last": before.last, "digest": before.digest.hex()},
            "positions": [[offset, digest.hex()] for offset, digest in self.positions],
            "from_ms": self.from_ms,
            "to_ms": self.to_ms,
            "events": self.events,
            "bounds_ms": BOUNDS_MS,
            "counts": self.counts,
            "sum_ms": self.sum_ms,
            "max_ms": self.max_ms,
            "max_height": self.max_height,
            "checkpoints": self.checkpoints,
            "notes": self.notes,
        }
        return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def stem_of(first: int, last: int) -> str:
    """The name of a range's files, without an ending; in the order of names ranges follow one another."""
    return f"{first:012d}-{last:012d}"


def digest_of(encoded: bytes) -> bytes:
    """What is attested of a document: 32 bytes."""
    return _core.identity([b"PROMISE", encoded])


def attested_root(document: Document, digest: bytes) -> bytes:
    """The ``data_root`` of the record that attests it."""
    canonical = (
        whole(1),
        whole(ATTEST_KIND),
        text(document.subject),
        text(document.subject),
        octets(digest),
    )
    return _core.leaf_hash(array(canonical))


def decode(encoded: bytes) -> Document:
    """Reads a document. Raises ``ValueError`` that says what is wrong with it."""
    if len(encoded) > BYTES_MAX:
        raise ValueError(f"it has more than {BYTES_MAX} bytes")
    try:
        found = json.loads(encoded)
        document = _document(found)
    except (KeyError, TypeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"it is not of the form {FORMAT}") from error
    if document.encoded() != encoded:
        raise ValueError("it is not written in the one way that the format has")
    _sound(document)
    return document


def _document(found: dict[str, Any]) -> Document:
    if found["format"] != FORMAT or tuple(found["bounds_ms"]) != BOUNDS_MS:
        raise ValueError(f"it is not of the form {FORMAT}")
    previous = found["previous"]
    before = None
    if previous is not None:
        digest = bytes.fromhex(previous["digest"])
        before = Before(_whole(previous["first"]), _whole(previous["last"]), digest)
    return Document(
        chain=str(found["chain"]),
        previous=before,
        positions=tuple((_whole(offset), bytes.fromhex(digest)) for offset, digest in found["positions"]),
        counts=tuple(_whole(count) for count in found["counts"]),
        checkpoints=tuple((_whole(size), _whole(at_ms)) for size, at_ms in found["checkpoints"]),
        notes=tuple(str(note) for note in found["notes"]),
        **{name: _whole(found[name]) for name in _COUNTS},
    )


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError(f"{str(value)[:20]} is not a whole number")
    return value


def _sound(document: Document) -> None:
    """What must hold of the numbers by themselves."""
    sizes = [size for size, _at_ms in document.checkpoints]
    before = document.previous
    for holds, what in (
        (0 < document.first <= document.last, "its range ends before it begins"),
        (len(document.counts) == len(BOUNDS_MS) + 1, "it has another number of buckets"),
        (sum(document.counts) == document.events, "its buckets do not add up to its events"),
        (document.max_ms <= document.sum_ms, "its slowest event took longer than all together"),
        (
            (document.max_ms > PROMISE_MS) == (document.late > 0),
            "its slowest event and its late events contradict each other",
        ),
        (document.first <= document.max_height <= document.last, "its slowest event is in no block of it"),
        (
            bool(sizes) and sizes[0] > document.first and sizes[-1] > document.last,
            "its checkpoints do not cover it",
        ),
        (
            all(one < other for one, other in pairwise(sizes)),
            "its checkpoints do not grow",
        ),
        (before is None or before.last < document.first, "the range before it is not before it"),
    ):
        if not holds:
            raise ValueError(what)
