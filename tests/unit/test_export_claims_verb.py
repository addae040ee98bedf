"""``farechain export`` over a ledger with every kind of record, its private store at hand or not."""

import csv
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from bindings_little_chain import CODE
from export_claims import (
    BUYER,
    CLAIMED,
    COMPANY_TITLE,
    DIGITAL,
    DIGITAL_CODE,
    DIGITAL_RED,
    FORMULA_TITLE,
    INVOICES,
    KEK,
    PARTLY_RED,
    PERSON_TITLE,
    RETITLED,
    RETITLED_RED,
    claims_of,
)

from farechain.cli import main
from farechain.export import position, writing

CLAIMED_STEM, DIGITAL_STEM = f"{CODE}-{CLAIMED:08d}", f"{DIGITAL_CODE}{DIGITAL:08d}"
EVERY = "pdf,archive,trips,json,ubl,xml,posting,csv,parquet"
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    ledger = tmp_path / "ledger"
    ledger.mkdir()
    claims_of(ledger).ledger.close()
    key = tmp_path / "private.key"
    key.write_text(KEK.hex() + "\n")
    key.chmod(0o600)
    config = tmp_path / "farechain.toml"
    config.write_text(
        f'[ledger]\npath = "{ledger}"\n[private]\nkey_file = "{key}"\n'
        '[api]\npublic_url = "https://invoices.example/"\n'
    )
    return config


def export(config: Path, out: Path, *words: str) -> int:
    return main(["export", "--threads", "2", *words, "--config", str(config), "-o", str(out)])


def told(capsys: Captured) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def contents(directory: Path) -> dict[str, bytes]:
    """Every file but the position, by its name."""
    paths = [path for path in directory.rglob("*") if path.is_file() and path.name != position.FILE]
    return {path.name: path.read_bytes() for path in paths}


def test_all_of_them_in_every_format(config: Path, tmp_path: Path, capsys: Captured) -> None:
    assert export(config, tmp_path / "out", "--all", "--format", EVERY, "--json") == 0
    assert told(capsys)["invoices"] == INVOICES
    made = contents(tmp_path / "out")
    kinds = Counter("".join(Path(name).suffixes) for name in made)
    each = (".pdf", ".archive.pdf", ".trips.pdf", ".json", ".ubl.xml", ".xml", ".posting.json")
    assert kinds == {**dict.fromkeys(each, INVOICES), ".csv": 3, ".parquet": 3}
    assert f"{DIGITAL_STEM}.json" in made
    lines = list(csv.DictReader(io.StringIO(made["lines-000001.csv"].decode("utf-8-sig"))))
    trips = list(csv.DictReader(io.StringIO(made["trips-000001.csv"].decode("utf-8-sig"))))
    fields = [orjson.loads(data) for name, data in made.items() if name.count(".") == 1 and ".json" in name]
    assert len(lines) == sum(len(each["lines"]) for each in fields)
    assert len(trips) == sum(len(each["trips"]) for each in fields)
    for rows, column in ((lines, "total_fen"), (trips, "fare_fen")):
        assert sum(int(row[column]) for row in rows) == sum(each["total_fen"] for each in fields)
    assert {row["buyer_name"] for row in lines} == {"", COMPANY_TITLE, PERSON_TITLE, f"'{FORMULA_TITLE}"}


def test_a_run_over_all_kinds_goes_on(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr(writing, "PART", 2)
    words = ("--all", "--format", "json,csv", "--json")
    assert export(config, tmp_path / "whole", *words) == 0
    keep, kept = position.keep, 0

    def fail_at_the_third(directory: Path, now: position.Position) -> None:
        nonlocal kept
        kept += 1
        if kept == 3:
            raise OSError(28, "No space left on device")
        keep(directory, now)

    monkeypatch.setattr(position, "keep", fail_at_the_third)
    assert export(config, tmp_path / "cut", *words) == 4
    monkeypatch.setattr(position, "keep", keep)
    capsys.readouterr()
    assert export(config, tmp_path / "cut", *words) == 0
    assert told(capsys)["invoices_now"] == INVOICES - 4
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ([f"{CODE}-{CLAIMED}"], [CLAIMED]),
        ([f"{DIGITAL_CODE}-{DIGITAL}"], [DIGITAL]),
        ([DIGITAL_STEM], [DIGITAL]),
        (
            ["--from", f"{CODE}-{PARTLY_RED}", "--to", f"{CODE}-{RETITLED}"],
            [PARTLY_RED, RETITLED_RED, RETITLED],
        ),
        (["--from", DIGITAL_STEM], [*range(DIGITAL, DIGITAL_RED + 1)]),
    ],
)
def test_they_are_named_by_number(config: Path, tmp_path: Path, words: list[str], numbers: list[int]) -> None:
    assert export(config, tmp_path / "out", *words, "--format", "json") == 0
    found = [int(orjson.loads(data)["number"]) for data in contents(tmp_path / "out").values()]
    assert sorted(found) == numbers


def test_they_are_named_by_hash(config: Path, tmp_path: Path) -> None:
    assert export(config, tmp_path / "a", f"{CODE}-{PARTLY_RED}", "--format", "json") == 0
    (made,) = contents(tmp_path / "a").values()
    assert export(config, tmp_path / "b", orjson.loads(made)["hash"], "--format", "json") == 0
    assert list(contents(tmp_path / "b").values()) == [made]


def test_a_proof_is_made_by_the_twenty_digits(
    config: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["prove", DIGITAL_STEM, "--config", str(config)]) == 0
    assert orjson.loads(capsysbinary.readouterr().out)["format"] == "farechain-proof/1"


def buyer_of(config: Path, out: Path, *words: str) -> dict[str, Any]:
    assert export(config, out, f"{CODE}-{CLAIMED}", "--format", "json", *words) == 0
    buyer: dict[str, Any] = orjson.loads((out / f"{CLAIMED_STEM}.json").read_bytes())["buyer"]
    return buyer


def test_titles_come_from_the_store_of_the_configuration(config: Path, tmp_path: Path) -> None:
    buyer = buyer_of(config, tmp_path / "out")
    assert (buyer["name"], buyer["tax_id"]) == (COMPANY_TITLE, BUYER)
    closed = buyer_of(config, tmp_path / "closed", "--without-titles")
    assert closed == {**buyer, "name": None}


@pytest.mark.parametrize("missing", ["private.key", "ledger/private/store.sqlite"])
def test_without_store_or_key_titles_are_not_at_hand_and_that_is_said(
    config: Path, tmp_path: Path, capsys: Captured, missing: str
) -> None:
    (tmp_path / missing).unlink()
    assert buyer_of(config, tmp_path / "out")["name"] is None
    assert (
        capsys.readouterr().err == f"farechain: {tmp_path / missing} is not here: documents show no titles\n"
    )


def test_another_key_is_refused_where_a_title_is_to_be_shown(
    config: Path, tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "private.key").write_text("ab" * 32)
    words = (f"{CODE}-{CLAIMED}", "--format", "json")
    assert export(config, tmp_path / "out", *words) == 2
    assert capsys.readouterr().err.startswith("farechain: E_PRIVATE_KEY: ")
    assert contents(tmp_path / "out") == {}
    assert export(config, tmp_path / "out", *words, "--without-titles") == 0
    assert export(config, tmp_path / "out", f"{CODE}-{RETITLED}", "--format", "json") == 0
