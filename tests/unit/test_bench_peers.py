"""The parts of ``make bench-peers``: the peers' input, the pipeline in Python, a bounded run, the ratios."""

import json
import os
import re
import time
from pathlib import Path

import pytest
from bench.peers import events, table
from bench.peers.cpu import tree_cpu_seconds
from bench.peers.lines import FROM_KAFKA, GO_PROGRAMS, LINES, OWN, Setting
from bench.peers.pipeline import merkle
from bench.peers.pipeline.block import Ledger
from bench.peers.pipeline.sqlite import SQLite
from bench.peers.pipeline.verifying import Input, Invoice, judge, know_keys
from bench.peers.running import RunError, Told, output, run

from farechain import _core
from farechain.day import generate

PEERS = Path(events.__file__).parent
SEED = 7


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small day."""
    out = tmp_path_factory.mktemp("day")
    generate(out, out / "keys", seed=SEED, invoices=1_000)
    return out


def _read(path: Path) -> list[tuple[bytes, bytes]]:
    content, at, found = path.read_bytes(), 0, []
    while at < len(content):
        size = int.from_bytes(content[at + 32 : at + 36], "little")
        found.append((content[at : at + 32], content[at + 36 : at + 36 + size]))
        at += 36 + size
    return found


def _inputs(day: Path) -> list[Input]:
    return [
        (dict(headers).get("fc-kid"), dict(headers).get("fc-sig"), value)
        for _topic, _partition, records in events.payments(day)
        for _offset, _timestamp, _key, value, headers in records
    ]


def test_peers_are_given_events_that_verify_but_for_the_forged(day: Path) -> None:
    given = events.write(day)
    found = _read(given.path)
    total = sum(len(records) for _topic, _partition, records in events.payments(day))
    assert given.count == len(found) == total - given.left_out
    entries = [entry for _identity, entry in found]
    verdicts = _core.verify_batch(
        [entry[:32] for entry in entries],
        [entry[96:] for entry in entries],
        [entry[32:96] for entry in entries],
    )
    assert 0 < verdicts.count(False) < total / 100
    assert len({identity for identity, _entry in found}) < len(found), "duplicates are among them"


async def test_the_pipeline_refuses_forged_and_repeated_inputs_and_numbers_without_gaps(
    day: Path, tmp_path: Path
) -> None:
    know_keys("cryptography", events.registry(day))
    inputs = _inputs(day)
    ledger = Ledger(SQLite(tmp_path / "invoices.db"))
    for start in range(0, len(inputs), 256):
        some = inputs[start : start + 256]
        await ledger.append(some, judge(some), {("payments.metro", 0): start + len(some)})
    accepted, proved = await ledger.check(8)
    good = {invoice.identity for invoice in judge(inputs) if isinstance(invoice, Invoice)}
    assert (accepted, proved) == (len(good), 8)
    await ledger.append(inputs[:256], judge(inputs[:256]), {})
    assert await ledger.check(0) == (accepted, 0)


def test_the_pipeline_refuses_a_flipped_bit(day: Path) -> None:
    know_keys("cryptography", events.registry(day))
    kid, signature, value = next(each for each in _inputs(day) if judge([each])[0] is not None)
    assert value is not None
    assert judge([(kid, signature, value.replace(b"PAID", b"PAIE")), (kid, None, value)]) == [None, None]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 100])
def test_the_pipelines_tree_is_that_of_rfc_6962(count: int) -> None:
    contents = [b"%d" % number for number in range(count)]
    leaves = [merkle.leaf_hash(content) for content in contents]
    assert merkle.root(leaves) == _core.rfc6962_root(contents)
    for index in range(count):
        assert merkle.climbed(leaves[index], merkle.path(leaves, index)) == merkle.root(leaves)


def test_a_run_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(RunError, match="longer than 1 s"):
        output(["sh", "-c", "sleep 60 & wait"], timeout_s=1)
    assert time.monotonic() - started < 30


def test_a_run_tells_its_figures_and_what_it_left_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "run"
    script = f'printf %08192d 0 > {path}/data; echo \'{{"events":2,"accepted":1,"wall_s":1,"cpu_s":2}}\''
    told = run(["sh", "-c", script], path, path, timeout_s=10)
    assert (told.events, told.accepted) == (2, 1)
    assert told.disk_bytes >= 8192
    assert not path.exists()


def test_a_failed_run_says_why(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no space"):
        run(["sh", "-c", "echo no space >&2; exit 3"], tmp_path / "run", tmp_path, timeout_s=10)
    with pytest.raises(RunError, match="no-such-program"):
        output(["no-such-program"], timeout_s=1)


def test_cpu_counts_children_that_were_waited_for() -> None:
    before = tree_cpu_seconds(os.getpid())
    output(["sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"], timeout_s=60)
    assert tree_cpu_seconds(os.getpid()) > before


def _results(wall_s: float) -> list[table.Result]:
    results = table.empty()
    for each in results:
        own = each.line.group == OWN
        each.rounds = [Told(1000, 900, 0.1 if own else wall_s, 0.01 if own else 0.05, 1000)]
    return results


def test_ratios_are_to_farechain_on_the_same_input_and_goals_are_checked() -> None:
    results = _results(2.0)
    compared = table.ratio(results[-1], results)
    assert compared is not None
    assert compared.wall == pytest.approx(20)
    assert compared.cpu == pytest.approx(5)
    assert [goal.verdict for goal in table.goals(results)] == ["met"] * 4
    assert [goal.verdict for goal in table.goals(_results(1.0))] == ["not met", "not met", "met", "met"]
    assert {goal.verdict for goal in table.goals(table.empty())} == {"not measured"}


def test_what_cannot_be_built_says_why_and_the_rest_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = _results(2.0)
    results[-1].rounds, results[-1].failure = [], "Go is not installed"
    table.show(results)
    assert "Go is not installed" in capsys.readouterr().out
    table.keep(tmp_path / "peers.json", results, 5)
    kept = json.loads((tmp_path / "peers.json").read_text())
    assert kept["lines"][-1]["failure"] == "Go is not installed"
    assert len(kept["lines"]) == len(LINES)


def test_every_line_says_what_it_runs_or_why_it_cannot(tmp_path: Path) -> None:
    there = Setting(tmp_path, tmp_path, tmp_path, dict.fromkeys(GO_PROGRAMS, tmp_path), (1, tmp_path))
    assert all(line.command(there, tmp_path) for line in LINES)
    gone = Setting(
        tmp_path, tmp_path, tmp_path, dict.fromkeys(GO_PROGRAMS, RunError("no Go")), RunError("no server")
    )
    for line in LINES:
        if line.on_server or (line.source != FROM_KAFKA and line.group != OWN):
            with pytest.raises(RunError):
                line.command(gone, tmp_path)


def test_modules_and_packages_are_pinned() -> None:
    for name in GO_PROGRAMS:
        assert (PEERS / name / "go.sum").read_text()
        replaced = re.findall(r"replace (\S+)", (PEERS / name / "go.mod").read_text())
        assert replaced == ["farechain.example/day"]
    lock = (PEERS / "requirements.lock").read_text()
    wanted = (PEERS / "requirements.in").read_text().split()
    assert all(f"{each} \\\n    --hash=sha256:" in lock for each in wanted)
