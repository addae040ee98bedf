"""Compares a ledger with a day's manifest: verdict, code or state, amounts, a duplicate's first."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from farechain import _core
from farechain.day.collector import without_collector
from farechain.errors import EXIT_USAGE, FarechainError

LISTED = 20
"""Differences that are told one by one; all are counted."""
_HEADERS_AT_ONCE = 1024

Position = tuple[str, int, int]
Outcome = tuple[str, str | None, str | None, int | None, int | None, int | None, Position | None]
"""Verdict, code, state, total, net, tax, and the position of a duplicate's first."""
_ACCEPTED = frozenset({"ISSUED", "RECORDED", "REVERSED", "APPLIED"})
_FIELDS = ("verdict", "code", "state", "total", "net", "tax", "first")


@dataclass(frozen=True, slots=True)
class Difference:
    """An input that became something else than it should: field by field, expected and found."""

    topic: str
    partition: int
    offset: int
    case: str
    expected: dict[str, Any]
    found: dict[str, Any]


@dataclass(slots=True)
class Reconciliation:
    """What the comparison gave. ``ok``: every input of the manifest has exactly the outcome that it should.

    ``missing``: inputs of the manifest without an outcome; ``repeated``: with more than one; ``beyond``:
    outcomes of later offsets, which the manifest does not speak of.
    """

    inputs: int = 0
    matched: int = 0
    different: int = 0
    missing: int = 0
    repeated: int = 0
    beyond: int = 0
    by_verdict: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether ledger and manifest agree."""
        return self.inputs > 0 and self.matched == self.inputs and not self.total

    @property
    def total(self) -> int:
        """How many inputs differ, are missing or came out more than once."""
        return self.different + self.missing + self.repeated

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON has them."""
        return {
            "ok": self.ok,
            "inputs": self.inputs,
            "matched": self.matched,
            "different": self.different,
            "missing": self.missing,
            "repeated": self.repeated,
            "beyond": self.beyond,
            "by_verdict": dict(sorted(self.by_verdict.items())),
            "differences": [asdict(one) for one in self.differences],
        }


def reconcile(ledger: _core.Ledger, manifest: Path) -> Reconciliation:
    """Compares every outcome of the ledger with the line of the manifest for its topic, partition and offset.

    Raises:
        FarechainError: ``E_MANIFEST`` where the manifest is missing or a line of it cannot be read.
        LedgerError: the ledger cannot be read.
    """
    with without_collector():
        return _compare(ledger, manifest)


def _compare(ledger: _core.Ledger, manifest: Path) -> Reconciliation:
    expected, cases = _read(manifest)
    ends: dict[tuple[str, int], int] = {}
    for topic, partition, offset in expected:
        ends[topic, partition] = max(ends.get((topic, partition), -1), offset)
    result = Reconciliation(inputs=len(expected))
    seen: set[Position] = set()
    for position, found in _outcomes(ledger):
        told = expected.get(position)
        if told is None and position[2] > ends.get(position[:2], -1):
            result.beyond += 1
            continue
        result.by_verdict[found[0]] += 1
        if position in seen:
            result.repeated += 1
            continue
        seen.add(position)
        if told == found:
            result.matched += 1
        else:
            result.different += 1
            _note(result, position, cases.get(position, "not in the manifest"), told, found)
    for position, told in expected.items():
        if position not in seen:
            result.missing += 1
            _note(result, position, cases[position], told, None)
    return result


def _note(
    result: Reconciliation, position: Position, case: str, told: Outcome | None, found: Outcome | None
) -> None:
    if len(result.differences) < LISTED:
        result.differences.append(Difference(*position, case, _named(told), _named(found)))


def _named(outcome: Outcome | None) -> dict[str, Any]:
    if outcome is None:
        return {}
    return {name: value for name, value in zip(_FIELDS, outcome, strict=True) if value is not None}


def _read(manifest: Path) -> tuple[dict[Position, Outcome], dict[Position, str]]:
    expected: dict[Position, Outcome] = {}
    cases: dict[Position, str] = {}
    try:
        lines = manifest.read_bytes().splitlines()
    except OSError as error:
        raise FarechainError("E_MANIFEST", f"{manifest}: {error.strerror}", EXIT_USAGE) from error
    for number, line in enumerate(lines, 1):
        try:
            told = orjson.loads(line)
            get = told.get
            first = get("first")
            position = (told["topic"], told["partition"], told["offset"])
            expected[position] = (
                told["verdict"],
                get("code"),
                get("state"),
                get("total"),
                get("net"),
                get("tax"),
                None if first is None else (first[0], first[1], first[2]),
            )
            cases[position] = told["case"]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise FarechainError("E_MANIFEST", f"{manifest}, line {number}: {error!r}", EXIT_USAGE) from error
    return expected, cases


def _outcomes(ledger: _core.Ledger) -> Iterator[tuple[Position, Outcome]]:
    """All outcomes in the order of the blocks; duplicates with the position whose record they point to."""
    origins: dict[tuple[int, int], Position] = {}
    for height, record_count in _blocks(ledger):
        _, rows = ledger.outcomes(height, 1)
        indices = _first_records(ledger, height, record_count, sum(1 for row in rows if row[3] in _ACCEPTED))
        for topic, partition, offset, verdict, code, state, total, net, tax, first in rows:
            position = (topic, partition, offset)
            if verdict in _ACCEPTED:
                origins[height, next(indices)] = position
            origin = None if first is None else origins.get(first, ("", -1, -1))
            yield position, (verdict, code, state, total, net, tax, origin)


def _first_records(ledger: _core.Ledger, height: int, records: int, accepted: int) -> Iterator[int]:
    """Where the records of each accepted input begin in a block.

    Usually each makes one; only where there are more is the block asked (a batch, a retitle, a drain).
    """
    if records == accepted:
        return iter(range(records))
    block = ledger.block(height)
    outcomes = [] if block is None else block["outcomes"]
    return iter([one["first_record"] for one in outcomes if one["source"] and one["verdict"] in _ACCEPTED])


def _blocks(ledger: _core.Ledger) -> Iterator[tuple[int, int]]:
    """Height and record count of every durable block after genesis."""
    height = 1
    while headers := ledger.headers(height, _HEADERS_AT_ONCE):
        for header in headers:
            yield height, _core.decode_header(header)["record_count"]
            height += 1
