"""The life of a day's invoices: as the manifest says however it is cut, the same from the same ledger."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from life_fixture import HOUR_MS, Lived, records_of

from farechain import _core
from farechain.day import reconcile
from farechain.day.life import TURNS
from farechain.keys import read_key
from farechain.private.openings import Kind, commitment_of
from farechain.private.titles import check_title

_PLACE = TemporaryDirectory(prefix="farechain-life-")
REFUSED = {
    "E_KEY_UNKNOWN",
    "E_LOCKED_BY_OTHER",
    "E_OVER_INVOICED",
    "E_PAYMENT_REFUNDED",
    "E_PAYMENT_SPENT",
    "E_PAYMENT_UNKNOWN",
    "E_RATE_NOT_ALLOWED",
    "E_RED_EXCEEDS",
    "E_RED_NEEDS_CONFIRM",
    "E_ROLE",
    "E_SELLER_MIXED",
    "E_SIGNATURE",
    "E_STATE",
    "E_SUM_LINES",
    "E_TITLE_REQUIRED",
}


@cache
def lived() -> Lived:
    """A life that all tests share; it is over, nobody adds to it."""
    made = Lived(Path(_PLACE.name))
    for _ in made.turns():
        pass
    return made


def told(made: Lived) -> list[dict[str, Any]]:
    """The manifest's lines about the life."""
    lines = [json.loads(line) for line in made.manifest.path.read_text().splitlines()]
    return [line for line in lines if "life: " in line["case"]]


def orders(made: Lived) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Commands of the life with what they must become."""
    by_offset = {line["offset"]: line for line in told(made) if line["topic"] == "farechain.commands"}
    values = [
        (record[0], json.loads(record[3] or b"")["data"])
        for turn in range(1, TURNS + 1)
        for (topic, _), records in records_of(made.out / f"life-{turn}").items()
        if topic == "farechain.commands"
        for record in records
    ]
    return [(data, by_offset[offset]) for offset, data in values]


@pytest.mark.parametrize(("weave", "block", "seed"), [(1, 17, 7), (2, 64, 8), (3, 8192, 9)])
def test_the_ledger_equals_the_manifest_after_every_turn(
    tmp_path: Path, weave: int, block: int, seed: int
) -> None:
    made = Lived(tmp_path, weave=weave, block=block, seed=seed)
    for wave in made.turns():
        found = reconcile(made.ledger, made.manifest.path)
        assert found.differences == []
        assert found.ok
        assert found.matched == made.manifest.inputs
        ends = {(topic, n): end for topic, _, n, end, _ in made.ledger.positions()}
        assert {place: ends[place] for place in wave.ends} == wave.ends


def test_the_same_ledger_gives_the_same_bytes(tmp_path: Path) -> None:
    one, other = lived(), Lived(tmp_path)
    waves = list(other.turns())
    assert len(waves) == TURNS
    for wave in waves:
        names = sorted(path.name for path in wave.spool.iterdir())
        assert names == sorted(path.name for path in (one.out / wave.spool.name).iterdir())
        for name in names:
            assert (wave.spool / name).read_bytes() == (one.out / wave.spool.name / name).read_bytes()
    for name in ("manifest.jsonl", "manifest-summary.json"):
        assert (other.out / name).read_bytes() == (one.out / name).read_bytes()


def test_every_command_of_an_invoice_s_life_is_given_and_obeyed() -> None:
    rules = {rule["name"] for rule in _core.lifecycle_rules()}
    beside = {
        *("CLAIM", "BATCH", "DECLARE", "ACKNOWLEDGE", "APPLY_NUMBERS", "REFUSE_NUMBERS"),
        *("GRANT_NUMBERS", "REFUND"),
    }
    counts = lived().life.counts
    assert set(counts) == rules | beside
    for kind, outcomes in counts.items():
        lapses = kind == "RED_EXPIRE"  # after 72 hours, which no day has
        assert lapses or {"APPLIED", "ISSUED", "REVERSED"} & set(outcomes), kind
    assert {"RED_REQUESTED", "RED_QUEUED", "REDUCED", "REVERSED"} <= set(counts["REFUND"])


def test_every_reason_to_refuse_is_met() -> None:
    codes = {line["code"] for line in told(lived()) if "code" in line}
    assert codes == REFUSED


def test_counts_are_those_of_the_manifest() -> None:
    made = lived()
    counted: Counter[tuple[str, str]] = Counter()
    for line in told(made):
        kind = line["case"].split("life: ")[1].split()[0]
        counted[kind, line.get("code") or line.get("state") or line["verdict"]] += 1
    flat = {
        (kind, outcome): n for kind, outcomes in made.life.counts.items() for outcome, n in outcomes.items()
    }
    assert counted == flat
    summary = json.loads((made.out / "manifest-summary.json").read_bytes())
    lines = made.manifest.path.read_text().splitlines()
    assert made.manifest.inputs == len(lines) == summary["inputs"]
    assert sum(summary["by_partition"].values()) == summary["inputs"]


def test_most_trips_are_claimed_and_some_go_on_waiting() -> None:
    claims = [data for data, line in orders(lived()) if line["case"] == "life: CLAIM"]
    sizes = [len(data["payments"]) for data in claims]
    assert 1 in sizes
    assert max(sizes) > 6
    trips = {one["payment"] for data in claims for one in data["payments"]}
    assert 250 < len(trips) < 350
    books = {issuer["tax_id"]: issuer["months"] for issuer in lived().ledger.registry()["issuers"]}
    assert books["91440300MA9FC012XE"]["2026-03"]["uninvoiced_fen"] > 0


def test_titles_are_commitments_that_their_openings_open() -> None:
    made = lived()
    commitments = set()
    for opening in made.life.openings:
        check_title(opening.text)
        commitments.add(commitment_of(Kind.TITLE, opening.salt, opening.text).hex())
        for file in made.out.glob("life-*/*.jsonl"):
            assert opening.text.encode() not in file.read_bytes()
    assert len(commitments) == len(made.life.openings), "each has a salt of its own"
    named = {data["title"] for data, _ in orders(made) if data.get("title")}
    assert named <= commitments
    assert len(named) > 40


def test_a_request_an_application_and_an_owed_reversal_stay_open() -> None:
    registry = lived().ledger.registry()
    assert registry["requests"]
    assert registry["owed"]
    assert [issuer["applied_for"] for issuer in registry["issuers"]].count(500_000) == 1


def test_a_month_that_is_over_is_declared_with_the_ledger_s_totals(tmp_path: Path) -> None:
    made = Lived(tmp_path)
    made.ingest(made.life.next_turn(made.ledger))
    made.time_ms += 24 * 31 * HOUR_MS
    for _ in range(TURNS - 1):
        made.ingest(made.life.next_turn(made.ledger))
    declared = [data for data, line in orders(made) if line["case"] == "life: DECLARE"]
    assert {data["period"] for data in declared} == {"2026-03"}
    assert all(data["invoiced_fen"] > 0 for data in declared)
    assert any(data["uninvoiced_fen"] > 0 for data in declared)
    months = [issuer["months"].get("2026-03") for issuer in made.ledger.registry()["issuers"]]
    known = [month for month in months if month is not None and month["declared"] is not None]
    assert sorted(month["acknowledged"] for month in known) == [False, True, True]
    assert reconcile(made.ledger, made.manifest.path).ok


def test_everybody_s_key_is_among_the_development_keys() -> None:
    made = lived()
    keys = made.out / "keys"
    names = {path.relative_to(keys.resolve()).parts[0] for path in keys.resolve().rglob("*.key")}
    assert names == {"bureau.key", "issuers", "agents", "holders", "reimbursers", "auditors"}
    kids = {_core.kid(_core.public_key(read_key(path))) for path in keys.resolve().rglob("*.key")}
    signed = {
        (dict(record[4])["fc-kid"] or b"").decode()
        for turn in range(1, TURNS + 1)
        for (topic, _), records in records_of(made.out / f"life-{turn}").items()
        if topic == "farechain.commands"
        for record in records
    }
    assert signed <= kids
