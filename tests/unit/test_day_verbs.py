"""The verbs generate, adapt and reconcile from end to end, and rides that happen now."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from day_fixture import DATE, INVOICES, records, small_day
from test_day_adapt import CAR_PARK, HEADER, PAID, spooled
from test_day_keys import SEED
from test_day_reconcile import NOW_MS, ledger_of

from farechain import _core
from farechain._core import SourceRecord
from farechain.cli import main
from farechain.day import LIVE_TOPIC, live_rides
from farechain.errors import FarechainError
from farechain.keys import write_key
from farechain.partition import partition_of


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object]]:
    capsys.readouterr()
    code = main([*words, "--json"])
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return code, answer


def test_generate_makes_the_day_and_its_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("generate", str(tmp_path), "--seed", "7", "--invoices", str(INVOICES), "--date", DATE)
    code, answer = told(capsys, *words)
    assert code == 0
    assert answer["inputs"] == small_day()[1].inputs
    assert (tmp_path / "manifest.jsonl").read_bytes() == (small_day()[0] / "manifest.jsonl").read_bytes()
    assert main(words) == 0
    assert f"{INVOICES} of them invoices" in capsys.readouterr().out


def test_generate_without_a_date_takes_yesterday(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = datetime.now(timezone(timedelta(hours=8)))
    _, answer = told(capsys, "generate", str(tmp_path), "--invoices", "1000", "--keys", str(tmp_path / "k"))
    after = datetime.now(timezone(timedelta(hours=8)))
    assert answer["date"] in {(day - timedelta(days=1)).date().isoformat() for day in (before, after)}
    assert (tmp_path / "k/devices.jsonl").exists()


def test_reconcile_answers_0_or_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out, manifest = small_day()
    ledger_of(out, tmp_path / "ledger", weave=5, block=400).close()
    (tmp_path / "farechain.toml").write_text('[ledger]\npath = "ledger"\n')
    code, answer = told(capsys, "reconcile", str(out / "manifest.jsonl"))
    assert (code, answer["ok"], answer["matched"]) == (0, True, manifest.inputs)
    changed = (out / "manifest.jsonl").read_text().replace('"verdict":"REVERSED"', '"verdict":"ISSUED"', 1)
    (tmp_path / "changed").write_text(changed)
    code, answer = told(capsys, "reconcile", "changed")
    assert (code, answer["ok"], answer["different"]) == (1, False, 1)
    assert main(["reconcile", "changed"]) == 1
    assert 'expected {"verdict": "ISSUED"' in capsys.readouterr().out


def test_adapt_answers_1_where_rows_were_rejected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_key(tmp_path / "lot.key", SEED)
    Path("mapping.toml").write_text(CAR_PARK, encoding="utf-8")
    Path("good.csv").write_text(HEADER + PAID, encoding="utf-8")
    Path("bad.csv").write_text(HEADER + PAID + "支付\n", encoding="utf-8")
    options = (
        "--mapping", "mapping.toml", "--key", "lot.key", "--source", "lot-1", "--rejects", "rejects.jsonl",
        "--out", "spool",
    )  # fmt: skip
    code, answer = told(capsys, "adapt", "good.csv", *options)
    assert (code, answer) == (0, {"ok": True, "rows": 1, "events": 1, "rejects": 0})
    code, answer = told(capsys, "adapt", "good.csv", "bad.csv", *options)
    assert (code, answer["events"], answer["rejects"]) == (1, 2, 1)
    assert len(spooled(tmp_path / "spool")) == 3
    (tmp_path / "lot.key").chmod(0o644)
    assert main(["adapt", "good.csv", *options]) == 2
    assert capsys.readouterr().err.startswith("farechain: E_KEY_FILE: ")


def test_live_rides_are_issued_after_the_day(tmp_path: Path) -> None:
    out, _ = small_day()
    at = datetime.fromtimestamp(NOW_MS / 1000, timezone(timedelta(hours=8)))
    rides = live_rides(out / "keys", count=50, at=at)
    assert len({ride.key for ride in rides}) == 50
    assert rides == live_rides(out / "keys", count=50, at=at)
    ledger = ledger_of(out, tmp_path / "ledger", weave=6, block=1000)
    intake = ledger.intake()
    ends = {n: len(records(out, LIVE_TOPIC, n)) for n in range(4)}
    for ride in rides:
        partition = partition_of(ride.key, 4)
        record: SourceRecord = (ends[partition], NOW_MS, ride.key, ride.value, [*ride.headers])
        intake.push_records(2 + partition, [record], None)
        ends[partition] += 1
    assert ledger.commit(ledger.prepare(intake.seal(100)), NOW_MS + 10_000_000).invoices == 50


def test_live_rides_need_the_keys_of_a_day(tmp_path: Path) -> None:
    at = datetime.now(timezone(timedelta(hours=8)))
    with pytest.raises(FarechainError, match="is not there"):
        live_rides(tmp_path, count=1, at=at)
    assert _core.decode_event(live_rides(small_day()[0] / "keys", count=1, at=at)[0].value)["kind"]
