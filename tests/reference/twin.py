"""A real ledger and its reference side by side: the same inputs into both, every byte compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from farechain import _core

from . import block
from .block import Block
from .inputs import Input
from .replay import Replay
from .telling import (
    BUREAU,
    SOURCES,
    VERDICTS,
    Telling,
    genesis_of,
)


def outcome_bytes(found: Mapping[str, Any]) -> bytes:
    """The 64 bytes of an outcome as ``Ledger.block`` describes it."""
    verdict = VERDICTS.index(found["verdict"]) + 1
    link = found["first_record"]
    if found["first"] is not None:
        link = block.link_to(found["first"])
    where = (found["source"], found["offset"], found["timestamp_ms"])
    return block.outcome(verdict, found["code"], *where, link, found["record_count"], found["digest"])


def compare(ledger: _core.Ledger, expected: Block) -> None:
    """Every record, annex, outcome, range and the header, byte for byte."""
    found = ledger.block(expected.height)
    assert found is not None
    outcomes = [outcome_bytes(outcome) for outcome in found["outcomes"]]
    for place, (theirs, mine) in enumerate(zip(outcomes, expected.outcomes, strict=True)):
        assert theirs == mine, f"outcome {place} of block {expected.height}: {found['outcomes'][place]}"
    for index, (record, annex) in enumerate(zip(expected.records, expected.annexes, strict=True)):
        theirs_at = ledger.record(expected.height, index)
        assert theirs_at == record, f"record {index}: {theirs_at and _core.decode_record(theirs_at)}"
        assert (ledger.annex(expected.height, index) or None) == annex
    assert ledger.record(expected.height, len(expected.records)) is None
    moved = {
        one["source"]: (one["first_offset"], one["next_offset"], one["last_digest"])
        for one in found["ranges"]
    }
    for source, one in enumerate(expected.ranges):
        still = (one.first_offset, one.next_offset, one.last_digest)
        assert moved.get(source, still) == still
    assert found["header"] == expected.header
    assert found["hash"] == expected.hash


class Twin:
    """The two chains, with what is waiting to be sealed into both."""

    def __init__(
        self, path: Path, sources: Sequence[tuple[str, bytes, int]], bureau: bytes, **genesis: Any
    ) -> None:
        genesis = {**genesis_of(bureau, sources), **genesis}
        self.path = path
        _core.Ledger.create(str(path), **genesis)
        self.ledger = _core.Ledger.open(str(path), rejected_days=3650)
        self.replay = Replay(**genesis)
        compare(self.ledger, self.replay.blocks[0])
        self.intake = self.ledger.intake()
        self.pending: list[Input] = []
        self.holes: dict[int, int] = {}

    def push(
        self, source: int, records: Sequence[_core.SourceRecord], next_offset: int | None = None
    ) -> None:
        """Puts records of a source behind what waits."""
        self.intake.push_records(source, records, next_offset)
        self.pending += [Input(source, o, t, k, v, list(h)) for o, t, k, v, h in records]
        if next_offset is not None:
            self.holes[source] = next_offset

    def seal(self, count: int, time_ms: int) -> Block | None:
        """Seals the oldest inputs into both chains and compares the block; None where nothing was sealed."""
        batch = self.intake.seal(count)
        taken, self.pending = self.pending[: len(batch)], self.pending[len(batch) :]
        before = self.ledger.height
        self.ledger.commit(self.ledger.prepare(batch), time_ms)
        if self.ledger.height == before:
            assert not taken
            return None
        found = self.ledger.block(before + 1)
        assert found is not None
        positions = {one["source"]: one["next_offset"] for one in found["ranges"] if one["source"] != 0}
        self.check_positions(taken, positions)
        expected = self.replay.apply(taken, positions, time_ms)
        compare(self.ledger, expected)
        return expected

    def commit_state(self, count: int, time_ms: int) -> Block:
        """Seals the oldest inputs into both chains behind a commitment to what they were before."""
        height = self.ledger.apply_state()
        assert height == self.ledger.height
        batch = self.intake.seal(count)
        taken, self.pending = self.pending[: len(batch)], self.pending[len(batch) :]
        self.ledger.commit(self.ledger.prepare(batch), time_ms, state=True)
        found = self.ledger.block(height + 1)
        assert found is not None
        positions = {one["source"]: one["next_offset"] for one in found["ranges"] if one["source"] != 0}
        expected = self.replay.apply(taken, positions, time_ms, state_height=height)
        compare(self.ledger, expected)
        return expected

    def reopen(self, *, rebuild: bool) -> None:
        """Closes the ledger and opens it again, without its snapshot perhaps; the state is the same."""
        assert not self.pending
        digest = self.ledger.state_digest()
        self.ledger.close()
        if rebuild:
            (self.path / "index" / "snapshot").unlink()
        self.ledger = _core.Ledger.open(str(self.path), rejected_days=3650)
        assert self.ledger.state_digest() == digest
        self.intake = self.ledger.intake()

    def check_positions(self, taken: list[Input], positions: dict[int, int]) -> None:
        """A position is behind the last input taken, or at the end of a hole that the source told of."""
        for source, position in positions.items():
            last = max((item.offset + 1 for item in taken if item.source == source), default=0)
            assert position in (last, self.holes.get(source))


class Story(Twin, Telling):
    """A story told to the ledger and to the reference."""

    def __init__(self, path: Path, **genesis: Any) -> None:
        Telling.__init__(self)
        Twin.__init__(self, path, SOURCES, _core.public_key(BUREAU), **genesis)

    def put_in(self, item: Input) -> None:
        self.push(item.source, [(item.offset, item.timestamp_ms, item.key, item.value, item.headers)])

    def signature(self, seed: bytes, value: bytes) -> bytes:
        return _core.sign(seed, value)
