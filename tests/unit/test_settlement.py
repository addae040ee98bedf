"""A settlement file against the ledger: whatever one has and the other lacks is told, and nothing else."""

import csv
import json
import random
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bindings_little_chain import METRO, SELLER, START_MS, commit, issuing, payment, refund, signed

from farechain import _core
from farechain.cli import main
from farechain.errors import FarechainError
from farechain.settlement import SHIPPED, read_settlement_rules, reconcile_settlement
from farechain.settlement.lines import Lines
from farechain.settlement.payments import Moved, first_block_at, identity_of, recorded

HEAD = "txn_id,channel,paid_at,amount_fen,seller\n"
DAY = "2026-03-01"


def row(number: int, fen: int = 665, at: str = f"{DAY}T08:00:00+08:00", channel: str = "WECHAT") -> str:
    return f"T{number},{channel},{at},{fen},{SELLER}\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger with payments 0 to 9 of one day, and its configuration."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "farechain.toml").write_text('[ledger]\npath = "ledger"\n')
    ledger = issuing(tmp_path / "ledger")
    commit(ledger, METRO, [payment(number) for number in range(10)])
    ledger.close()
    return tmp_path


def write(ledger: Path, records: list[_core.SourceRecord]) -> None:
    opened = _core.Ledger.open(str(ledger))
    commit(opened, METRO, records, START_MS + 2000)
    opened.close()


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Runs ``reconcile`` over a content and returns exit code and answer."""

    def run(content: str | bytes, *words: str) -> tuple[int, dict[str, Any]]:
        Path("bill.csv").write_bytes(content.encode() if isinstance(content, str) else content)
        capsys.readouterr()
        code = main(["reconcile", "bill.csv", *words, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


Told = Callable[..., tuple[int, dict[str, Any]]]


def test_a_file_that_agrees(place: Path, told: Told) -> None:
    code, answer = told(HEAD + "".join(row(number) for number in range(10)))
    assert (code, answer["ok"], answer["matched"], answer["differences"]) == (0, True, 10, {})
    assert answer["states"] == {"INVOICED": 10}
    (tally,) = answer["tallies"]
    assert (tally["seller"], tally["day"]) == (SELLER, DAY)
    assert (tally["file_fen"], tally["ledger_fen"], tally["ledger_rows"]) == (6650, 6650, 10)


def test_each_kind_of_difference_is_told(place: Path, told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row(number) for number in range(1, 8)]
    rows += [
        row(8, 666),
        row(9, at="2026-03-03T08:00:00+08:00"),
        row(7),
        row(77),
        f"T1,WECHAT,yesterday,1,{SELLER}\n",
    ]
    code, answer = told(HEAD + "".join(rows), "--csv", "differences.csv")
    assert code == 1
    found = {(one["what"], one["own_id"]): one for one in answer["listed"]}
    assert set(found) == {
        ("EXTRA", "T0"), ("AMOUNT", "T8"), ("DAY", "T9"), ("REPEATED", "T7"), ("MISSING", "T77"), ("ROW", ""),
    }  # fmt: skip
    assert found["AMOUNT", "T8"]["file_fen"] == 666
    assert found["AMOUNT", "T8"]["ledger_fen"] == 665
    assert "never produced" in found["MISSING", "T77"]["why"]
    assert found["ROW", ""]["line"] == 13
    with Path("differences.csv").open(encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    assert sorted(one["what"] for one in written) == sorted(one["what"] for one in answer["listed"])
    day = next(tally for tally in answer["tallies"] if tally["day"] == DAY)
    assert (day["missing"], day["extra"], day["amount"], day["other"]) == (1, 1, 1, 1)
    assert (day["ledger_rows"], day["ledger_fen"]) == (10, 6650)
    assert main(["reconcile", "bill.csv"]) == 1
    printed = capsys.readouterr()
    assert "EXTRA 2026-03-01 91440300708461136T WECHAT PAID T0: file -, ledger 6.65" in printed.out
    assert "bill.csv, line 13: E_SCHEMA" in printed.err


def test_why_it_is_missing_and_what_waits(place: Path, told: Told) -> None:
    stranger = bytes([9]) * 32
    data = json.loads(payment(10)[3] or b"")["data"]
    unknown_key = signed(stranger, 10, {**data, "txn_id": "T10"}, f"{SELLER}|WECHAT|T10".encode())
    broken = (11, START_MS, f"{SELLER}|WECHAT|T11".encode(), b"{", unknown_key[4])
    topped_up = payment(12, kind="TOPPED_UP")
    write(place / "ledger", [unknown_key, broken, topped_up])
    code, answer = told(HEAD + "".join(row(number) for number in range(13)))
    assert code == 1
    why = {one["own_id"]: one["why"] for one in answer["listed"]}
    assert why["T10"] == "rejected with E_KEY_UNKNOWN, payments.metro/3/10"
    assert why["T11"].startswith("rejected with E_")
    assert set(why) == {"T10", "T11"}
    assert answer["matched"] == 11
    assert answer["states"] == {"INVOICED": 10, "INVOICED_AT_RIDE": 1}


def test_midnight_is_a_matter_of_clocks(place: Path, told: Told) -> None:
    late = [
        payment(10, paid_at="2026-03-01T23:59:30+08:00"),
        payment(11, paid_at="2026-03-01T23:58:00+08:00"),
        payment(12, paid_at="2026-03-02T00:00:10+08:00"),
    ]
    write(place / "ledger", late)
    rows = "".join(row(number) for number in range(10))
    # The channel has T12 two minutes earlier, on the first; T10 and T11 will be in its file of the second.
    code, answer = told(HEAD + rows + row(12, at="2026-03-01T23:58:10+08:00"))
    assert (code, answer["differences"], answer["matched"]) == (0, {"EDGE": 2}, 11)
    code, answer = told(HEAD + rows + row(12, at="2026-03-01T23:58:10+08:00"), "--leeway-s", "60")
    assert (code, answer["differences"]) == (1, {"DAY": 1, "EDGE": 1, "EXTRA": 1})


def test_days_are_those_of_the_ledgers_zone(place: Path, told: Told) -> None:
    write(place / "ledger", [payment(10, paid_at="2026-03-01T16:30:00Z")])
    code, answer = told(HEAD + row(10, at="2026-03-02T00:30:00+08:00"))
    assert (code, answer["matched"]) == (0, 1)
    assert [tally["day"] for tally in answer["tallies"]] == ["2026-03-02"]


def test_what_the_file_speaks_for_can_be_said(place: Path, told: Told) -> None:
    everything = ("--day", DAY, "--seller", SELLER, "--channel", "WECHAT")
    code, answer = told(HEAD, *everything)
    assert (code, answer["differences"]) == (1, {"EXTRA": 10})
    code, answer = told(HEAD)
    assert (code, answer["code"]) == (2, "E_SETTLEMENT")
    rows = "".join(row(number) for number in range(10))
    code, answer = told(HEAD + rows + row(50, at="2026-03-05T08:00:00+08:00"), "--day", DAY)
    assert (code, answer["outside"], answer["matched"]) == (0, 1, 10)
    code, answer = told(HEAD + rows + row(3, channel="CARD"), "--channel", "WECHAT")
    assert (code, answer["outside"], answer["matched"]) == (0, 1, 10)
    assert main(["reconcile", "bill.csv", "--channel", "GOLD"]) == 2


def test_refunds_are_compared_by_their_own_id(place: Path, told: Told) -> None:
    write(place / "ledger", [refund(10, of=1, refund_fen=665), refund(11, of=2, refund_fen=100)])
    head = "交易时间,商户号,微信订单号,交易状态,订单金额,微信退款单号,退款金额\n"
    paid = "".join(f"`{DAY} 08:00:00,`1900000109,`T{n},`SUCCESS,`6.65,`,`0.00\n" for n in range(10))
    back = (
        f"`{DAY} 09:00:00,`1900000109,`T1,`REFUND,`0.00,`R10,`6.65\n"
        f"`{DAY} 09:00:00,`1900000109,`T3,`REFUND,`0.00,`R11,`1.00\n"
        f"`{DAY} 09:00:00,`1900000109,`T3,`REVOKED,`0.00,`,`0.00\n"
    )
    totals = "总交易单数,订单总金额,退款总金额\n`12,`66.50,`7.65\n"
    code, answer = told(head + paid + back + totals, "--mapping", "wechat")
    assert (code, answer["differences"], answer["left_out"]) == (1, {"OTHER_PAYMENT": 1}, 1)
    assert (answer["matched"], answer["states"]["REFUND"]) == (11, 1)
    (tally,) = answer["tallies"]
    assert tally["file_fen"] == tally["ledger_fen"] == 6650 - 765


def test_a_list_of_payments_says_nothing_of_refunds(place: Path, told: Told) -> None:
    write(place / "ledger", [refund(10, of=1, refund_fen=665)])
    code, answer = told(HEAD + "".join(row(number) for number in range(10)))
    assert (code, answer["matched"], answer["differences"]) == (0, 10, {})


def test_a_bill_like_alipays(place: Path, told: Told) -> None:
    write(place / "ledger", [payment(10, channel="ALIPAY"), payment(11, channel="ALIPAY")])
    bill = (
        "#业务明细查询\n支付宝交易号,业务类型,完成时间,商家实收,退款,退款批次号,门店\n"
        f"T10,交易,{DAY} 08:00:00,6.65,,,{SELLER}\nT11,交易,{DAY} 08:00:00,6.655,,,{SELLER}\n"
        f"T11,关闭,{DAY} 08:00:00,,,,{SELLER}\n#合计\n"
    )
    code, answer = told(bill.encode("gb18030"), "--mapping", "alipay")
    assert (code, answer["matched"]) == (1, 1)
    assert answer["differences"] == {"ROW": 1, "EXTRA": 1}
    wrong = next(one for one in answer["listed"] if one["what"] == "ROW")
    assert (wrong["line"], wrong["why"].split(":")[0]) == (4, "E_AMOUNT_FLOAT")


def test_a_payment_dated_days_after_its_block_is_found(place: Path, told: Told) -> None:
    early = payment(10, paid_at="2026-03-02T20:00:00+08:00")
    write(place / "ledger", [early])
    # By the channel it was a day and a half later still: the scan begins after its block.
    code, answer = told(HEAD + row(10, at="2026-03-06T08:00:00+08:00"))
    assert (code, answer["differences"]) == (1, {"DAY": 1})
    assert answer["listed"][0]["why"] == "the ledger has it on 2026-03-02"


def test_a_ride_and_a_top_up_under_one_id_are_two_payments(place: Path, told: Told) -> None:
    write(place / "ledger", [payment(10, txn_id="T3", kind="TOPPED_UP")])
    code, answer = told(HEAD + "".join(row(number) for number in range(10)))
    assert (code, answer["differences"]) == (1, {"EXTRA": 1})
    assert answer["listed"][0]["kind"] == "TOPPED_UP"


@pytest.mark.parametrize(
    ("content", "words", "code"),
    [
        ("a,b\n1,2\n", (), "E_USAGE"),
        (HEAD, ("--mapping", "nosuch"), "E_MAPPING"),
        ("a,b\n1,2\n", ("--mapping", "plain"), "E_MAPPING"),
        (HEAD, ("--day", "March"), "E_USAGE"),
    ],
)
def test_wrong_usage_is_told(
    place: Path, told: Told, content: str, words: tuple[str, ...], code: str
) -> None:
    exit_code, answer = told(content, *words)
    assert (exit_code, answer["code"]) == (2, code)


@pytest.mark.parametrize(
    ("content", "told_of"),
    [
        ("[input]\nformat = 'csv'\n[fields]\nkind = 'k'\n", "nothing says what 'channel' is"),
        ("[input]\nformat = 'csv'\n[constants]\ngold = 'x'\n[fields]\n", "'gold' is not a member"),
        (
            "[input]\nformat = 'csv'\n[constants]\nkind = 'PAID'\n[fields]\nkind = 'k'\n",
            "a constant and a field",
        ),
        ("= 1", "mapping.toml"),
    ],
)
def test_a_wrong_mapping_is_one_line(tmp_path: Path, content: str, told_of: str) -> None:
    (tmp_path / "mapping.toml").write_text(content)
    with pytest.raises(FarechainError, match=told_of) as refused:
        read_settlement_rules(str(tmp_path / "mapping.toml"), 480)
    assert refused.value.code == "E_MAPPING"


def test_shipped_mappings_are_sound_and_local_by_the_ledgers_zone() -> None:
    for name in SHIPPED:
        assert read_settlement_rules(name, 480).fields
    assert read_settlement_rules("wechat", -210).fields["paid_at"].zone == "-03:30"


def test_the_identity_is_the_one_of_the_format(place: Path) -> None:
    ledger = _core.Ledger.open(str(place / "ledger"), readonly=True)
    assert ledger.payment(identity_of(SELLER, 1, 1, "T4")) is not None
    assert ledger.occupant(identity_of(SELLER, 1, 1, "T4")) == (2, 4)
    assert ledger.occupant(identity_of(SELLER, 1, 1, "T44")) is None


def test_every_recorded_payment_is_met_once(place: Path) -> None:
    write(place / "ledger", [refund(10, of=1, refund_fen=665), payment(11, txn_id="T3")])
    ledger = _core.Ledger.open(str(place / "ledger"), readonly=True)
    met = [moved for _, moved in recorded(ledger, 1, ledger.height) if moved is not None]
    assert [moved.own_id for moved in met] == [*(f"T{number}" for number in range(10)), "R10"]
    assert first_block_at(ledger, START_MS + 1001) == 3
    assert first_block_at(ledger, 0) == 1
    assert first_block_at(ledger, START_MS * 2) == 4


def test_a_large_file_is_flat_in_memory(tmp_path: Path) -> None:
    """120,000 lines take a byte each and SQLite's cache, not the hundreds of bytes of each."""
    numbers = list(range(120_000))
    random.Random(5).shuffle(numbers)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = Lines(tmp_path)
    lines.add((n, Moved(1, 1, f"4200{n:024d}", f"4200{n:024d}", SELLER, START_MS, 665)) for n in numbers)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert len(lines) == 120_000
    found = lines.of(Moved(1, 1, f"4200{7:024d}", "", SELLER, 0, 0).key)
    assert found is not None
    lines.find(found.number)
    assert lines.is_found(found.number)
    lines.close()
    assert grown_kib < 40 * 1024


def test_a_reconciliation_of_a_ledger_that_is_only_read_changes_nothing(place: Path) -> None:
    ledger = _core.Ledger.open(str(place / "ledger"), readonly=True)
    before = ledger.state_digest()
    (place / "bill.csv").write_text(HEAD + row(1))
    seen: list[tuple[str, int, int]] = []
    result = reconcile_settlement(
        ledger,
        place / "bill.csv",
        read_settlement_rules("plain", 480),
        utc_offset_min=480,
        progress=lambda *step: seen.append(step),
    )
    assert result.differences["EXTRA"] == 9
    assert ledger.state_digest() == before
    assert seen[-1] == ("blocks compared", 2, 2)
