"""The reference as oracle of a generated day and its life: every kind of bad input, odd cuts, equal bytes."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from farechain import _core, schemas
from farechain.day import PARTITIONS, generate, reconcile
from farechain.day.life import TURNS, Life
from farechain.spool_lines import spool_record

from .telling import START_MS, VERDICTS
from .twin import Twin

SEED = 11
INVOICES = 1000
ON_CLAIM = 400
DATE = "2026-03-01"
CUTS = [1, 2, 7, 64, 300]
LIFE = [
    "BIND",
    "TRANSFER",
    "LOCK",
    "UNLOCK",
    "REIMBURSE",
    "CONFIRM_USE",
    "POST",
    "UNPOST",
    "RED_REQUEST",
    "RED_REFUSE",
    "RED_WITHDRAW",
    "FREEZE",
    "UNFREEZE",
    "DECLARE",
    "ACKNOWLEDGE",
]
"""Records of commands that move invoices, but those that make one."""


class Day(Twin):
    """A day's spool, sealed into both chains in odd batches, its partitions interleaved by chance."""

    def __init__(self, base: Path) -> None:
        self.out, keys = base / "day", base / "keys"
        made = generate(self.out, keys, seed=SEED, invoices=INVOICES, date=DATE, on_claim=ON_CLAIM)
        self.life = Life(made, keys, seed=SEED, invoices=INVOICES, on_claim=ON_CLAIM)
        self.names = [(topic, partition) for topic, count in PARTITIONS.items() for partition in range(count)]
        sources = [(topic, bytes(16), partition) for topic, partition in self.names]
        super().__init__(base / "ledger", sources, bureau_key(keys))
        self.records = [self.spool(*name) for name in self.names]

    def lines(self, topic: str, partition: int, directory: str = "spool") -> list[bytes]:
        file = self.out / directory / f"{topic}-{partition}.jsonl"
        return file.read_bytes().splitlines() if file.exists() else []

    def spool(self, topic: str, partition: int, directory: str = "spool") -> list[_core.SourceRecord]:
        return [spool_record(line)[2] for line in self.lines(topic, partition, directory)]

    def run(self) -> None:
        rng = random.Random(5)
        self.push(1, self.records[0])
        self.seal_all(rng)
        waiting = {source: list(records) for source, records in enumerate(self.records[1:], start=2)}
        while any(waiting.values()):
            source = rng.choice([source for source, records in waiting.items() if records])
            count = rng.randint(1, 150)
            self.push(source, waiting[source][:count])
            del waiting[source][:count]
            if rng.random() < 0.5:
                self.seal_all(rng)
        self.seal_all(rng)
        for _ in range(TURNS):
            self.take_turn(rng)
        assert self.seal(1, self.time(rng)) is None
        next_month = self.time(rng) + 31 * 24 * 3_600_000
        assert self.seal(1, next_month) is not None, "what waited for credit is issued"

    def take_turn(self, rng: random.Random) -> None:
        """What becomes of trips and invoices when the day is over."""
        wave = self.life.next_turn(self.ledger)
        for source, name in enumerate(self.names, start=1):
            records = self.spool(*name, wave.spool.name)
            self.push(source, records)
            self.records[source - 1] += records
        self.seal_all(rng)

    def seal_all(self, rng: random.Random) -> None:
        while self.pending:
            assert self.seal(rng.choice(CUTS), self.time(rng)) is not None

    def ledger_records(self) -> Iterator[dict[str, Any]]:
        for sealed in self.replay.blocks:
            yield from map(_core.decode_record, sealed.records)

    def time(self, rng: random.Random) -> int:
        return max(self.replay.time_ms, START_MS + 24 * 3_600_000) + rng.randint(0, 3000)


def bureau_key(keys: Path) -> bytes:
    return bytes.fromhex((keys / "bureau.pub").read_text().split()[-1])


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    """A day that has run; every block of it was compared on the way."""
    made = Day(tmp_path_factory.mktemp("day"))
    made.run()
    return made


def outcomes(day: Day) -> Iterator[bytes]:
    for sealed in day.replay.blocks:
        yield from sealed.outcomes


def test_every_record_outcome_and_header_of_a_day_is_the_reference_s(day: Day) -> None:
    verdicts = Counter(VERDICTS[outcome[0] - 1] for outcome in outcomes(day))
    assert day.ledger.height == len(day.replay.blocks) - 1
    assert day.ledger.head == day.replay.blocks[-1].hash
    assert sum(verdicts.values()) - verdicts["DRAINED"] == sum(map(len, day.records))
    assert set(verdicts) == set(VERDICTS)
    assert verdicts["REJECTED"] > 50
    codes = {outcome[1] for outcome in outcomes(day)}
    assert len(codes) > 30, "bad input of every kind"
    kinds = {record["kind"] for record in day.ledger_records()}
    assert {"CLAIMED", "RED_OF_LINES", "OWED", *LIFE} <= kinds


def test_the_manifest_agrees_with_both(day: Day) -> None:
    assert reconcile(day.ledger, day.out / "manifest.jsonl").ok


def test_the_ledger_s_own_frames_are_the_spool_s_inputs(day: Day) -> None:
    """What the ledger keeps as evidence of accepted inputs is what was read, byte for byte."""
    frames = Counter(
        frame for height in range(1, day.ledger.height + 1) for frame in day.ledger.input_frames(height)
    )
    inputs: Counter[tuple[int, int, bytes]] = Counter()
    for source, records in enumerate(day.records, start=1):
        inputs.update((source, record[1], _core.input_bytes(record)) for record in records)
    assert frames <= inputs
    accepted = sum(
        VERDICTS[outcome[0] - 1] in ("ISSUED", "RECORDED", "REVERSED", "APPLIED") for outcome in outcomes(day)
    )
    assert frames.total() >= accepted


def test_receipts_and_dead_letters_are_as_their_schemas_say(day: Day) -> None:
    receipt = Draft202012Validator(schemas.schema(schemas.RECEIPT))
    letter = Draft202012Validator(schemas.schema(schemas.DEAD_LETTER_HEADERS))
    height = ids = letters = 0
    seen = set()
    while height <= day.ledger.height:
        _, receipts = day.ledger.receipts(height, 50)
        for _, value in receipts:
            event = json.loads(value)
            receipt.validate(event)
            seen.add(event["id"])
            ids += 1
        height, dead = day.ledger.dead_letters(height, 50)
        for _, _, headers in dead:
            reasons = {name: (value or b"").decode() for name, value in headers if name.startswith("fc-dlq-")}
            letter.validate(reasons)
            letters += 1
    verdicts = Counter(VERDICTS[outcome[0] - 1] for outcome in outcomes(day))
    assert ids == len(seen) == verdicts.total() - verdicts["DRAINED"]
    assert letters == verdicts["REJECTED"]


def test_every_event_that_the_day_accepts_is_valid_by_its_schema(day: Day) -> None:
    line = Draft202012Validator(schemas.schema(schemas.SPOOL_LINE))
    by_type = {
        "farechain.payment.v1": Draft202012Validator(schemas.schema(schemas.PAYMENT)),
        "farechain.command.v1": Draft202012Validator(schemas.schema(schemas.COMMAND)),
    }
    refused = invalid = 0
    fates = dict(zip(positions(day), outcomes_of_inputs(day), strict=True))
    for source, (topic, partition) in enumerate(day.names, start=1):
        directories = ["spool", *(f"life-{turn + 1}" for turn in range(TURNS))]
        for text in [line for each in directories for line in day.lines(topic, partition, each)]:
            written = json.loads(text)
            line.validate(written)
            value = spool_record(text)[2][3]
            if VERDICTS[fates[source, written["offset"]][0] - 1] != "REJECTED":
                event = json.loads(value or b"")
                by_type[event["type"]].validate(event)
                continue
            refused += 1
            invalid += not is_valid(value, by_type)
    assert 20 < invalid < refused


def is_valid(value: bytes | None, by_type: dict[str, Draft202012Validator]) -> bool:
    try:
        event = json.loads(value or b"")
    except (ValueError, RecursionError):
        return False
    kind = event.get("type") if isinstance(event, dict) else None
    return kind in by_type and bool(by_type[kind].is_valid(event))


def positions(day: Day) -> list[tuple[int, int]]:
    return [
        (outcome_source(outcome), int.from_bytes(outcome[4:12], "big")) for outcome in outcomes_of_inputs(day)
    ]


def outcomes_of_inputs(day: Day) -> list[bytes]:
    return [outcome for outcome in outcomes(day) if outcome_source(outcome) != 0]


def outcome_source(outcome: bytes) -> int:
    return int.from_bytes(outcome[2:4], "big")
