"""A real ledger and its reference side by side: the same inputs into both, every byte compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from farechain import _core

from . import block, ed25519, events
from .block import Block
from .cbor import decode
from .errors import CODES
from .inputs import ROTATE_TYPE, Headers, Input, kid_of, pae
from .replay import Replay

VERDICTS = ["ISSUED", "RECORDED", "REVERSED", "APPLIED", "DRAINED", "DUPLICATE", "REJECTED"]
START_MS = 1_772_323_200_000
"""2026-03-01T08:00:00+08:00."""


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
        genesis = {
            "network": "shenzhen",
            "chain": "shenzhen/0",
            "bureau": bureau,
            "sources": list(sources),
            "regions": ["4403"],
            "time_ms": START_MS,
            **genesis,
        }
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


BUREAU, ISSUER, DEVICE, OTHER_ISSUER, OTHER_DEVICE, SPARE = (bytes([n]) * 32 for n in range(1, 7))
"""Seeds."""


class Story(Twin):
    """Inputs signed and numbered one after the other: source 1 is commands, 2 and 3 are payments."""

    def __init__(self, path: Path, **genesis: Any) -> None:
        sources = [
            ("farechain.commands", bytes(16), 0),
            ("payments.metro", b"m" * 16, 0),
            ("payments.metro", b"m" * 16, 1),
        ]
        super().__init__(path, sources, _core.public_key(BUREAU), **genesis)
        self.offsets = [0, 0, 0, 0]
        self.time_ms = START_MS
        self.commands = 0

    def say(
        self,
        data: Mapping[str, Any] | bytes,
        seed: bytes = DEVICE,
        *,
        source: int = 2,
        timestamp_ms: int | None = None,
    ) -> None:
        """One signed input."""
        value = data if isinstance(data, bytes) else events.value(data)
        headers: Headers = [
            ("fc-kid", _core.kid(_core.public_key(seed)).encode()),
            ("fc-sig", _core.sign(seed, value)),
        ]
        self.put(value, headers, source=source, timestamp_ms=timestamp_ms)

    def put(
        self,
        value: bytes | None,
        headers: Headers,
        *,
        source: int = 2,
        timestamp_ms: int | None = None,
    ) -> None:
        """One input as it is."""
        offset = self.offsets[source]
        self.offsets[source] += 1
        self.push(
            source, [(offset, self.time_ms if timestamp_ms is None else timestamp_ms, b"key", value, headers)]
        )

    def order(self, command: dict[str, Any], seed: bytes = BUREAU) -> None:
        """One command with an id of its own."""
        self.commands += 1
        self.say({**command, "command_id": f"order-{self.commands}"}, seed, source=1)

    def next_block(self, after_ms: int = 1000) -> list[str]:
        """Seals all that waits; what became of each input, in words: verdict, and state or code."""
        self.time_ms += after_ms
        sealed = self.seal(10_000, self.time_ms)
        return [] if sealed is None else described(sealed)

    def set_up(self, *, limit: int | None = None, numbers: int = 1000, **mandate: Any) -> None:
        """An issuer with keys, tables, a mandate and numbers."""
        self.order(
            events.command("ADMIT_ISSUER", tax_id=events.SELLER, name="深圳地铁", credit_limit_fen=limit)
        )
        self.order(key(ISSUER, "ISSUER"))
        self.order(key(DEVICE, "DEVICE", scenes=["METRO", "BUS"]))
        self.order(events.command("SCENE_TABLE", rows=SCENES))
        self.order(events.command("RATE_TABLE", rows=RATES))
        self.order(events.command("MANDATE", rows=[row("METRO", **mandate), row("BUS", **mandate)]), ISSUER)
        if numbers:
            self.order(events.grant("144032609110", 1, numbers))
        assert set(self.next_block()) == {"APPLIED"}


SCENES = [
    {
        "code": "METRO",
        "name": "地铁",
        "detail": [
            {"name": "gate", "type": "TEXT", "required": False},
            {"name": "line", "type": "INTEGER", "required": False},
        ],
    },
    {"code": "BUS", "name": "公交", "detail": [{"name": "line", "type": "TEXT", "required": True}]},
    {"code": "TAXI", "name": "出租", "detail": []},
]
RATES = [
    {"scene": scene, "tax_code": events.METRO, "rate": rate, "from": "2016-05-01", "to": end}
    for scene in ("METRO", "BUS")
    for rate, end in ((300, None), ("NONTAXABLE", None), ("EXEMPT", "2026-03-01"), (900, None))
]


def row(scene: str, **changes: Any) -> dict[str, Any]:
    """A mandate's row."""
    usual = {"policy": "AUTO", "stored_value": "AT_RIDE", "tax_code": events.METRO, "rate": 300}
    return {"scene": scene, **usual, **changes}


def key(
    seed: bytes, role: str, *, tax_id: str = events.SELLER, scenes: Sequence[str] = (), **heights: Any
) -> dict[str, Any]:
    """A key's registration."""
    public = _core.public_key(seed).hex()
    span = {"from_height": 0, "to_height": None, **heights}
    return events.command(
        "REGISTER_KEY", public_key=public, role=role, tax_id=tax_id, scenes=list(scenes), **span
    )


def rotation(old: bytes, new: bytes) -> dict[str, Any]:
    """The replacement of a key by another that consents."""
    statement = kid_of(_core.public_key(old)) + _core.public_key(new)
    proof = ed25519.sign(new, pae(ROTATE_TYPE, statement))
    return events.command("ROTATE_KEY", public_key=_core.public_key(new).hex(), proof=proof.hex())


def described(sealed: Block) -> list[str]:
    """A block's outcomes in words: ``RECORDED 4``, ``REJECTED E_ROLE``, ``ISSUED``."""
    words = []
    for outcome in sealed.outcomes:
        verdict = VERDICTS[outcome[0] - 1]
        if verdict == "REJECTED":
            verdict += " " + CODES[outcome[1] - 1]
        elif verdict == "RECORDED":
            record = decode(sealed.records[int.from_bytes(outcome[20:28], "big")])
            verdict += f" {record[5] if record[1] == 3 else record[3]}"
        elif verdict == "DRAINED":
            verdict += f" {int.from_bytes(outcome[28:32], 'big')}"
        words.append(verdict)
    return words
