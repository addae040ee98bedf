"""``farechain export``: one invoice and many, stopped and gone on with, and its refusals."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from bindings_little_chain import CODE, SELLER, commit, payment
from export_documents import ledger_of

from farechain import _core
from farechain.cli import main
from farechain.export import einvoice_xml, position, writing

PAYMENTS, REFUNDS = 40, 4
INVOICES = PAYMENTS + REFUNDS
MANY = 700
PATIENCE_S = 120.0


def configured(place: Path) -> Path:
    config = place / "farechain.toml"
    config.write_text(
        f'[ledger]\npath = "{place / "ledger"}"\n[api]\npublic_url = "https://invoices.example/"\n'
    )
    return config


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("exported")
    (place / "ledger").mkdir()
    ledger_of(place / "ledger", PAYMENTS, REFUNDS).close()
    return configured(place)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("many")
    (place / "ledger").mkdir()
    ledger_of(place / "ledger", MANY).close()
    return configured(place)


def export(config: Path, out: Path, *words: str) -> int:
    return main(["export", "--threads", "2", *words, "--config", str(config), "-o", str(out)])


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def contents(directory: Path) -> dict[str, bytes]:
    """Every file but the position, by its path."""
    paths = (path for path in directory.rglob("*") if path.is_file() and path.name != position.FILE)
    return {str(path.relative_to(directory)): path.read_bytes() for path in paths}


def test_one_invoice_in_every_format(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    every = "pdf,archive,trips,json,ubl,xml,posting,csv,parquet"
    assert export(config, tmp_path, "7", "--format", every, "--json") == 0
    result = told(capsys)
    assert result["invoices"] == 1
    made = contents(tmp_path)
    assert len(made) == 7 + 6 == len(result["files"])
    stem = f"{CODE}-00000007"
    fields = orjson.loads(made[f"{stem}.json"])
    assert (fields["seller"], fields["number"]) == ({"name": "metro", "tax_id": SELLER}, "00000007")
    assert (fields["trips"][0]["from"], fields["trips"][0]["to"]) == ("石厦", "益田")
    proof = orjson.dumps(fields["proof"])
    vkey = (config.parent / "ledger" / "public" / "vkey").read_text().strip()
    assert _core.verify_proof(proof, vkey, [], 0)["hash"].hex() == fields["hash"]
    read = einvoice_xml.read(made[f"{stem}.xml"])
    assert read.hash.hex() == fields["hash"]
    assert read.evidence is not None
    assert _core.proof_to_json(read.evidence.proof) == proof


def test_what_was_exported_is_consistent_with_its_proof(config: Path, tmp_path: Path) -> None:
    import dataclasses

    from farechain.export.consistency import differences

    vkey = (config.parent / "ledger" / "public" / "vkey").read_text().strip()
    numbers = ["7", f"{INVOICES}"]
    assert export(config, tmp_path, *numbers, "--format", "xml") == 0
    for data in contents(tmp_path).values():
        document = einvoice_xml.read(data)
        assert differences(document) == []
        assert differences(document, vkey) == []
        forged = dataclasses.replace(document, issued_at_ms=document.issued_at_ms + 86_400_000)
        assert differences(forged) == ["the proven record has another issued_at_ms"]


def test_a_red_letter_names_what_it_reverses(config: Path, tmp_path: Path) -> None:
    assert export(config, tmp_path, f"{CODE}-{INVOICES}", "--format", "json") == 0
    fields = orjson.loads((tmp_path / f"{CODE}-{INVOICES:08d}.json").read_bytes())
    assert fields["kind"] == "RED"
    assert fields["total_fen"] == -150
    assert fields["original"]["number"] == f"{REFUNDS:08d}"
    assert fields["trips"][0]["service"] == "3号线"
    assert fields["trips"][0]["fare_fen"] == -150


def test_all_of_them(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(config, tmp_path, "--all", "--format", "json,csv", "--json") == 0
    result = told(capsys)
    assert result["invoices"] == INVOICES
    made = contents(tmp_path)
    kinds = Counter(Path(name).suffix for name in made)
    assert kinds == {".json": INVOICES, ".csv": 3}
    assert f"{CODE}/00000/{CODE}-{INVOICES:08d}.json" in made
    assert made["trips-000001.csv"].count(b"\r\n") == INVOICES + 1
    blue, red = result["declaration"]
    assert (blue["invoices"], red["invoices"]) == (PAYMENTS, REFUNDS)
    totals = Counter[str]()
    for name, data in made.items():
        if name.endswith(".json"):
            fields = orjson.loads(data)
            totals[fields["kind"]] += fields["total_fen"]
    assert totals == {"BLUE": blue["total_fen"], "RED": red["total_fen"]}
    assert export(config, tmp_path, "--all", "--format", "json,csv", "--json") == 0
    again = told(capsys)
    assert (again["invoices_now"], again["invoices"]) == (0, INVOICES)
    assert contents(tmp_path) == made


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["--from", "5", "--to", "9"], 5),
        (["--from", f"{CODE}-00000040"], INVOICES - 39),
        (["--to", "3"], 3),
        (["--blocks", "2-2"], PAYMENTS),
        (["--blocks", "3-99"], REFUNDS),
        (["--from", "2026-03-01", "--to", "2026-03-01"], INVOICES),
        (["--from", "2026-03-02"], 0),
        (["--to", "2026-02-28"], 0),
    ],
)
def test_a_part_of_them(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], count: int
) -> None:
    assert export(config, tmp_path, *words, "--format", "json", "--json") == 0
    assert told(capsys)["invoices"] == count
    assert len(contents(tmp_path)) == count


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        ([], "E_USAGE", 2),
        (["7", "--all"], "E_USAGE", 2),
        (["--all", "--format", "docx"], "E_USAGE", 2),
        (["--all", "--format", ""], "E_USAGE", 2),
        (["--blocks", "2"], "E_USAGE", 2),
        (["--blocks", "3-2"], "E_USAGE", 2),
        (["--blocks", "0-2"], "E_USAGE", 2),
        (["--from", "9", "--to", "5"], "E_USAGE", 2),
        (["--from", "2026-13-01"], "E_USAGE", 2),
        (["--from", "2026-03-02", "--to", "2026-03-01"], "E_USAGE", 2),
        (["--from", "2026-03-02", "--to", "5"], "E_USAGE", 2),
        (["--from", "x"], "E_USAGE", 2),
        (["99999999999"], "E_USAGE", 2),
        ([f"{CODE}-123456789"], "E_USAGE", 2),
        (["１２"], "E_USAGE", 2),
        (["--all", "--threads", "0"], "E_USAGE", 2),
        (["9999"], "E_NOT_FOUND", 3),
        (["ab" * 32], "E_NOT_FOUND", 3),
    ],
)
def test_what_makes_no_sense_is_one_line_and_a_code(
    config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: str,
    exit_code: int,
) -> None:
    assert export(config, tmp_path, *words) == exit_code
    assert capsys.readouterr().err.startswith(f"farechain: {code}: ")
    assert contents(tmp_path) == {}


def test_a_directory_of_another_export_is_left_alone(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(config, tmp_path, "--all", "--format", "json") == 0
    made = contents(tmp_path)
    assert export(config, tmp_path, "--blocks", "1-2", "--format", "json") == 3
    assert export(config, tmp_path, "--all", "--format", "xml") == 3
    assert "holds another export" in capsys.readouterr().err
    assert contents(tmp_path) == made
    (tmp_path / position.FILE).write_text("{}")
    assert export(config, tmp_path, "--all", "--format", "json") == 3


def test_what_is_not_published_yet_waits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ledger").mkdir()
    ledger = ledger_of(tmp_path / "ledger", 3)
    commit(ledger, 2, [payment(10)])
    ledger.close()
    config = configured(tmp_path)
    assert export(config, tmp_path / "out", "4") == 4
    assert "E_NOT_PUBLISHED" in capsys.readouterr().err
    assert export(config, tmp_path / "unproven", "4", "--format", "trips,ubl,posting,csv") == 0
    capsys.readouterr()
    assert export(config, tmp_path / "all", "--all", "--format", "json", "--json") == 0
    assert told(capsys)["invoices"] == 3


def test_an_export_goes_on_behind_its_last_part(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(writing, "PART", 100)
    assert export(many, tmp_path / "whole", "--all", "--format", "json,csv") == 0
    keep, kept = position.keep, 0

    def fail_at_the_third(directory: Path, now: position.Position) -> None:
        nonlocal kept
        kept += 1
        if kept == 3:
            raise OSError(28, "No space left on device")
        keep(directory, now)

    monkeypatch.setattr(position, "keep", fail_at_the_third)
    assert export(many, tmp_path / "cut", "--all", "--format", "json,csv") == 4
    monkeypatch.setattr(position, "keep", keep)
    capsys.readouterr()
    assert export(many, tmp_path / "cut", "--all", "--format", "json,csv", "--json") == 0
    assert told(capsys)["invoices_now"] == MANY - 200
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_a_killed_export_goes_on_and_leaves_no_half_file(many: Path, tmp_path: Path) -> None:
    words = ["export", "--all", "--format", "json,xml,ubl,csv", "--threads", "1", "--config", str(many)]
    program = [sys.executable, "-c", f"import {writing.__name__} as w; w.PART = 20\n"]
    program[-1] += "import sys; from farechain.cli import main; sys.exit(main(sys.argv[1:]))"
    cut, whole = tmp_path / "cut", tmp_path / "whole"
    with subprocess.Popen([*program, *words, "-o", str(cut)], stderr=subprocess.DEVNULL) as killed:
        deadline = time.monotonic() + PATIENCE_S
        while not (cut / position.FILE).exists() and killed.poll() is None:
            assert time.monotonic() < deadline
            os.sched_yield()
        killed.send_signal(signal.SIGKILL)
    known = orjson.loads((cut / position.FILE).read_bytes())
    assert not known["done"]
    assert 0 < known["invoices"] < MANY
    for run in (cut, whole):
        subprocess.run([*program, *words, "-o", str(run)], check=True, capture_output=True)
    assert contents(cut) == contents(whole)
    assert not list(cut.rglob(".*"))
    assert len(contents(cut)) == MANY * 3 + 2 * (MANY // 20) + 1
