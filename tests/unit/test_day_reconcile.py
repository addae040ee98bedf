"""The ledger against the manifest: equal however the day is cut and woven, and no difference goes unseen."""

import json
import random
import shutil
from pathlib import Path

import pytest
from day_fixture import INVOICES, records, small_day

from farechain import _core
from farechain.day import PARTITIONS, generate, reconcile
from farechain.errors import FarechainError
from farechain.keys import read_public_key

NOW_MS = 1_773_100_000_000
"""The day after the small day."""


def ledger_of(out: Path, path: Path, *, weave: int, block: int, leave: int = 0) -> _core.Ledger:
    """A ledger of the day: commands, then partitions woven at random, each without its last ``leave``."""
    sources = [(topic, bytes(16), n) for topic, count in PARTITIONS.items() for n in range(count)]
    _core.Ledger.create(
        str(path),
        network="shenzhen",
        chain="shenzhen/0",
        bureau=read_public_key(out / "keys/bureau.pub"),
        sources=sources,
        regions=["4403"],
        time_ms=NOW_MS,
    )
    ledger = _core.Ledger.open(str(path))
    intake = ledger.intake()
    queues = {index: records(out, topic, n) for index, (topic, _, n) in enumerate(sources, 1)}
    time_ms = NOW_MS
    rng = random.Random(weave)
    intake.push_records(1, queues.pop(1), None)
    while not intake.is_empty:
        ledger.commit(ledger.prepare(intake.seal(block)), time_ms)
    if leave:
        queues = {index: queue[:-leave] for index, queue in queues.items()}
    while any(queues.values()) or not intake.is_empty:
        index = rng.choice([index for index, queue in queues.items() if queue] or [0])
        if index:
            count = rng.randint(1, block)
            intake.push_records(index, queues[index][:count], None)
            del queues[index][:count]
        if intake.pending >= block or not any(queues.values()):
            time_ms += 200
            ledger.commit(ledger.prepare(intake.seal(block)), time_ms)
    return ledger


@pytest.mark.parametrize(("weave", "block"), [(1, 17), (2, 64), (3, 8192)])
def test_the_ledger_equals_the_manifest_however_it_is_cut(tmp_path: Path, weave: int, block: int) -> None:
    out, manifest = small_day()
    ledger = ledger_of(out, tmp_path / "ledger", weave=weave, block=block)
    result = reconcile(ledger, out / "manifest.jsonl")
    assert result.differences == []
    assert result.ok
    assert result.matched == manifest.inputs
    assert dict(result.by_verdict) == manifest.by_verdict
    assert ledger.status()["invoices"] == INVOICES


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> _core.Ledger:
    return ledger_of(small_day()[0], tmp_path_factory.mktemp("day") / "ledger", weave=4, block=300)


CHANGES = [
    ("ISSUED", "total", 1),
    ("ISSUED", "tax", 1),
    ("REVERSED", "net", 1),
    ("RECORDED", "state", "CLAIMED"),
    ("REJECTED", "code", "E_SHARD"),
    ("DUPLICATE", "first", ["payments.metro", 0, 0]),
    ("APPLIED", "verdict", "ISSUED"),
]


@pytest.mark.parametrize(("verdict", "field", "value"), CHANGES)
def test_each_field_is_compared(
    ledger: _core.Ledger, tmp_path: Path, verdict: str, field: str, value: object
) -> None:
    lines = (small_day()[0] / "manifest.jsonl").read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if json.loads(line)["verdict"] == verdict)
    told = json.loads(lines[at])
    lines[at] = json.dumps({**told, field: told[field] + 1 if isinstance(value, int) else value})
    changed = tmp_path / "manifest.jsonl"
    changed.write_text("\n".join(lines) + "\n")
    result = reconcile(ledger, changed)
    assert not result.ok
    assert (result.different, result.missing, result.repeated) == (1, 0, 0)
    (difference,) = result.differences
    assert (difference.topic, difference.partition, difference.offset) == (
        told["topic"],
        told["partition"],
        told["offset"],
    )
    assert difference.expected[field] != difference.found.get(field)


def test_what_is_missing_and_what_is_beyond_is_told(tmp_path: Path) -> None:
    out, manifest = small_day()
    short = ledger_of(out, tmp_path / "short", weave=1, block=500, leave=3)
    result = reconcile(short, out / "manifest.jsonl")
    assert (result.ok, result.missing, result.different) == (False, 3 * 8, 0)
    assert all(difference.found == {} for difference in result.differences)
    assert len(result.differences) == 20
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    ends = {(told["topic"], told["partition"]): told["offset"] for told in lines}
    kept = [told for told in lines if told["offset"] < ends[told["topic"], told["partition"]] - 2]
    cut = tmp_path / "manifest.jsonl"
    cut.write_text("".join(json.dumps(told) + "\n" for told in kept if told["topic"] != "farechain.commands"))
    result = reconcile(short, cut)
    assert result.ok
    assert result.beyond == sum(told["topic"] == "farechain.commands" for told in lines)
    assert result.inputs + result.beyond + 3 * 8 == manifest.inputs


def test_a_hole_in_the_manifest_is_a_difference(ledger: _core.Ledger, tmp_path: Path) -> None:
    lines = (small_day()[0] / "manifest.jsonl").read_text().splitlines(keepends=True)
    holed = tmp_path / "manifest.jsonl"
    holed.write_text("".join(lines[:5] + lines[6:]))
    result = reconcile(ledger, holed)
    assert (result.ok, result.different) == (False, 1)
    assert result.differences[0].case == "not in the manifest"


@pytest.mark.parametrize("content", [b"{", b'{"topic":"a"}\n', b"[]\n"])
def test_a_manifest_that_cannot_be_read_is_one_line(
    ledger: _core.Ledger, tmp_path: Path, content: bytes
) -> None:
    broken = tmp_path / "manifest.jsonl"
    broken.write_bytes(content)
    with pytest.raises(FarechainError, match="line 1") as refused:
        reconcile(ledger, broken)
    assert (refused.value.code, refused.value.exit_code) == ("E_MANIFEST", 2)
    with pytest.raises(FarechainError, match="No such file"):
        reconcile(ledger, tmp_path / "absent")


def test_an_empty_manifest_agrees_with_nothing(ledger: _core.Ledger, tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_bytes(b"")
    assert not reconcile(ledger, tmp_path / "manifest.jsonl").ok


def test_another_seed_and_the_ledger_still_agree(tmp_path: Path) -> None:
    generate(tmp_path, tmp_path / "keys", seed=99, invoices=1_000, date="2026-03-09")
    ledger = ledger_of(tmp_path, tmp_path / "ledger", weave=9, block=128)
    assert reconcile(ledger, tmp_path / "manifest.jsonl").differences == []
    shutil.rmtree(tmp_path / "spool")
