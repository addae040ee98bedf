"""The adapter: rows become exactly the events that they say; others go to the rejects file by their line."""

import base64
import json
import stat
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_day_keys import SEED

from farechain import _core
from farechain.adapt import Adapted, SpoolSink, adapt, read_rules
from farechain.adapt.convert import Rejected, amount_fen
from farechain.adapt.mapping import Conversion
from farechain.client import sign_payment
from farechain.errors import FarechainError

EXAMPLES = resources.files("farechain.adapt") / "examples"
CAR_PARK = (EXAMPLES / "car-park.toml").read_text(encoding="utf-8")
HEADER = "类型,交易号,退款号,退款,应收,实收,时间,车场,流水,入场\n"
PAID = "`支付,`42001,,,15.00,14.50,2026-03-09 10:00:00,P1,s1,08:00\n"
REFUNDED = "退款,42001,R1,-4.5,,,2026-03-09 11:00:00,,,\n"
NOTIFICATION = (EXAMPLES / "wechat-notification.toml").read_text(encoding="utf-8")
TRANSACTION: dict[str, Any] = {
    "event_type": "TRANSACTION.SUCCESS",
    "transaction_id": "1217752501201407033233368018",
    "out_trade_no": "1217752501201407",
    "amount": {"payer_total": 665, "total": 700, "currency": "CNY"},
    "success_time": "2026-03-09T10:34:56+08:00",
    "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
    "attach": '{"exit":"罗湖","gate":"A7"}',
}
REFUND: dict[str, Any] = {
    "event_type": "REFUND.SUCCESS",
    "transaction_id": "1217752501201407033233368018",
    "refund_id": "50200207182018070300011301001",
    "amount": {"total": 700, "refund": 665, "payer_total": 665, "payer_refund": 665},
    "success_time": "2026-03-09T11:00:00+08:00",
}


def rules_of(place: Path, text: str) -> Any:
    (place / "mapping.toml").write_text(text, encoding="utf-8")
    return read_rules(place / "mapping.toml")


async def run(place: Path, mapping: str, *contents: bytes) -> tuple[Adapted, list[Any], list[Any]]:
    """The counts, the values in the spool by partition and offset, the lines of the rejects file."""
    rules = rules_of(place, mapping)
    inputs = []
    for number, content in enumerate(contents):
        inputs.append(place / f"input-{number}")
        inputs[-1].write_bytes(content)
    sink = SpoolSink(place / "spool", rules.topic, rules.partitions)
    done = await adapt(inputs, rules, seed=SEED, source="lot-1", sink=sink, rejects=place / "rejects.jsonl")
    rejects = [
        json.loads(line) for line in (place / "rejects.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert done.rows == done.events + done.rejects
    return done, spooled(place / "spool"), rejects


def spooled(directory: Path) -> list[Any]:
    found = []
    for path in sorted(directory.glob("*.jsonl")):
        for offset, line in enumerate(path.read_bytes().splitlines()):
            record = json.loads(line)
            assert path.name == f"{record['topic']}-{record['partition']}.jsonl"
            assert record["offset"] == offset
            value = base64.b64decode(record["value"])
            headers = {name: base64.b64decode(content) for name, content in record["headers"]}
            assert _core.verify_batch([_core.public_key(SEED)], [value], [headers["fc-sig"]]) == [True]
            found.append(json.loads(value))
    return found


async def test_a_car_parks_csv_becomes_its_payments_and_refunds(tmp_path: Path) -> None:
    done, events, rejects = await run(tmp_path, CAR_PARK, (HEADER + PAID + REFUNDED).encode())
    assert (done.events, rejects) == (2, [])
    common = {
        "network": "shenzhen",
        "channel": "WECHAT",
        "scene": "PARKING",
        "seller_tax_id": "91440300MA9FC008XY",
        "txn_id": "42001",
    }
    assert events[0]["data"] == {
        **common,
        "kind": "PAID",
        "gross_fen": 1500,
        "paid_fen": 1450,
        "paid_at": "2026-03-09T10:00:00+08:00",
        "detail": {"lot": "P1", "stay_id": "s1", "entered": "08:00"},
    }
    assert events[1]["data"] == {
        **common,
        "kind": "REFUNDED",
        "refund_id": "R1",
        "refund_fen": 450,
        "paid_at": "2026-03-09T11:00:00+08:00",
    }
    assert events[0]["source"] == "lot-1"


async def test_payment_notifications_become_events_without_the_payers_account(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in (TRANSACTION, REFUND))
    done, events, rejects = await run(tmp_path, NOTIFICATION, lines.encode())
    assert (done.events, rejects) == (2, [])
    assert events[0]["data"]["detail"] == {"exit": "罗湖", "gate": "A7"}
    assert (events[0]["data"]["gross_fen"], events[0]["data"]["paid_fen"]) == (700, 665)
    assert events[1]["data"]["refund_fen"] == 665
    assert not {"gross_fen", "payer", "detail"} & events[1]["data"].keys()
    assert b"oUpF8" not in (tmp_path / "spool/payments.metro-0.jsonl").read_bytes()


@pytest.mark.parametrize("document", [[TRANSACTION, REFUND], TRANSACTION])
async def test_a_whole_document_is_an_object_or_an_array(tmp_path: Path, document: Any) -> None:
    mapping = NOTIFICATION.replace('"jsonl"', '"json"')
    done, events, _ = await run(tmp_path, mapping, json.dumps(document, indent=2).encode())
    assert done.events == len(events) == (2 if isinstance(document, list) else 1)


@pytest.mark.parametrize(
    ("line", "code", "reason"),
    [
        ("支付,1,,,15.00,14.505,2026-03-09 10:00:00,P,s,8\n", "E_AMOUNT_FLOAT", "14.505 yuan"),
        ("支付,1,,,15.00,-1,2026-03-09 10:00:00,P,s,8\n", "E_AMOUNT_NEGATIVE", "sign"),
        ("支付,1,,,fifteen,14,2026-03-09 10:00:00,P,s,8\n", "E_SCHEMA", "not an amount"),
        ("支付,1,,,1e3,14,2026-03-09 10:00:00,P,s,8\n", "E_SCHEMA", "not an amount"),
        ("支付,1,,,15,16,2026-03-09 10:00:00,P,s,8\n", "E_SCHEMA", "would refuse"),
        ("支付,1,,,99999999999999,1,2026-03-09 10:00:00,P,s,8\n", "E_AMOUNT_OVERFLOW", "would refuse"),
        ("支付,1,,,99999999999999999999999,1,2026-03-09 10:00:00,P,s,8\n", "E_SCHEMA", "JSON"),
        ("支付,,,,15,14,2026-03-09 10:00:00,P,s,8\n", "E_SCHEMA", "no value for txn_id"),
        ("支付,1,,,15,14,09/03/2026,P,s,8\n", "E_SCHEMA", "not of the format"),
        ("支付,1,,,15,14,2026-02-30 10:00:00,P,s,8\n", "E_SCHEMA", "not of the format"),
        ("赠送,1,,,15,14,2026-03-09 10:00:00,P,s,8\n", "E_SCHEMA", "not among the values"),
        ("退款,1,R,4.5,,,2026-03-09 10:00:00,,,\n", "E_AMOUNT_NEGATIVE", "unexpected sign"),
        ("退款,1,,-4.5,,,2026-03-09 10:00:00,,,\n", "E_SCHEMA", "no value for refund_id"),
        ("支付,1,,,15\n", "E_SCHEMA", "5 cells under 10 columns"),
        ('支付,1,"a"b,,15,14,2026-03-09 10:00:00,P,s,8\n', "E_SCHEMA", "not CSV"),
        ("支付,\udcff,,,15,14,2026-03-09 10:00:00,P,s,8\n", "E_SCHEMA", "not of the encoding"),
    ],
)
async def test_a_bad_row_is_rejected_with_its_line_and_the_others_go_on(
    tmp_path: Path, line: str, code: str, reason: str
) -> None:
    text = HEADER + PAID + line + REFUNDED
    done, events, rejects = await run(tmp_path, CAR_PARK, text.encode(errors="surrogateescape"))
    assert (done.rows, len(events)) == (3, 2)
    (reject,) = rejects
    assert (reject["input"], reject["line"], reject["code"]) == ("input-0", 3, code)
    assert reason in reject["reason"]
    assert stat.S_IMODE((tmp_path / "rejects.jsonl").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"transaction_id":"1","transaction_id":"2"}', "twice"),
        (b'{"amount":NaN}', "NaN"),
        (b'{"event_type":true}', "bool where a text"),
        (b"[" * 100_000, "not JSON"),
        (b"{}", "no value for kind"),
    ],
)
async def test_a_bad_notification_is_rejected(tmp_path: Path, line: bytes, reason: str) -> None:
    done, _, rejects = await run(tmp_path, NOTIFICATION, line + b"\n\n" + json.dumps(REFUND).encode())
    assert (done.rows, done.events, rejects[0]["line"]) == (2, 1, 1)
    assert reason in rejects[0]["reason"]


async def test_running_a_file_again_makes_duplicates_at_the_next_offsets(tmp_path: Path) -> None:
    content = (HEADER + PAID + REFUNDED).encode()
    _, once, _ = await run(tmp_path, CAR_PARK, content)
    _, twice, _ = await run(tmp_path, CAR_PARK, content)
    assert sorted(map(json.dumps, once * 2)) == sorted(map(json.dumps, twice))


async def test_an_incomplete_last_line_of_the_spool_is_replaced(tmp_path: Path) -> None:
    content = (HEADER + PAID).encode()
    await run(tmp_path, CAR_PARK, content)
    (path,) = [path for path in (tmp_path / "spool").iterdir() if path.stat().st_size]
    with path.open("ab") as file:
        file.write(b'{"topic":"payments.par')
    _, events, _ = await run(tmp_path, CAR_PARK, content)
    assert len(events) == 2


async def test_rejects_are_added_to_never_replaced(tmp_path: Path) -> None:
    bad = (HEADER + "支付,1,,,15\n").encode()
    await run(tmp_path, CAR_PARK, bad)
    _, _, rejects = await run(tmp_path, CAR_PARK, bad, bad)
    assert [reject["input"] for reject in rejects] == ["input-0", "input-0", "input-1"]


async def test_a_csv_without_a_mapped_column_stops_before_any_row(tmp_path: Path) -> None:
    with pytest.raises(FarechainError, match="no column '交易号'") as refused:
        await run(tmp_path, CAR_PARK, (HEADER + PAID).replace("交易号", "编号").encode())
    assert (refused.value.code, refused.value.exit_code) == ("E_MAPPING", 2)
    assert spooled(tmp_path / "spool") == []


async def test_a_missing_input_and_a_damaged_spool_are_one_line(tmp_path: Path) -> None:
    rules = rules_of(tmp_path, CAR_PARK)
    sink = SpoolSink(tmp_path / "spool", rules.topic, rules.partitions)
    rejects = tmp_path / "rejects"
    with pytest.raises(FarechainError, match="No such file") as refused:
        await adapt([tmp_path / "absent"], rules, seed=SEED, source="x", sink=sink, rejects=rejects)
    assert refused.value.code == "E_INPUT"
    (tmp_path / "spool/payments.parking-1.jsonl").write_bytes(b"not a line\n")
    with pytest.raises(FarechainError) as refused:
        await adapt([], rules, seed=SEED, source="x", sink=sink, rejects=rejects)
    assert refused.value.code == "E_SPOOL"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"+08:00"', '"+8"', "neither an offset"),
        (', zone = "+08:00"', "", "has no offset"),
        ("partitions = 2", "partitions = 0", "partitions"),
        ("txn_id =", "tip_fen =", "not a member"),
        ('txn_id = "交易号"\n', "", "nothing says what 'txn_id' is"),
        ('channel = "WECHAT"', 'channel = "WECHAT"\ntxn_id = "1"', "a constant and a field"),
        ('unit = "yuan"', 'unit = "dollar"', "unit"),
        ('format = "csv"', 'format = "xml"', "input.format"),
        ("[detail]", "[details]", "details"),
        ("[fields]", "[fields", "mapping.toml"),
    ],
)
def test_a_wrong_mapping_says_where(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in CAR_PARK
    with pytest.raises(FarechainError) as refused:
        rules_of(tmp_path, CAR_PARK.replace(old, new))
    assert (refused.value.code, refused.value.exit_code) == ("E_MAPPING", 2)
    assert message in refused.value.message


@pytest.mark.parametrize(
    ("how", "cell", "written"),
    [
        ('{ from = "t", format = "unix" }', 1773021600, "2026-03-09T02:00:00+00:00"),
        (
            '{ from = "t", format = "unix_ms", zone = "Asia/Shanghai" }',
            1773021600500,
            "2026-03-09T10:00:00.500000+08:00",
        ),
        (
            '{ from = "t", format = "%d.%m.%Y %H:%M %z" }',
            "09.03.2026 10:00 +0800",
            "2026-03-09T10:00:00+08:00",
        ),
        ('"t"', "2026-03-09T10:00:00Z", "2026-03-09T10:00:00Z"),
    ],
)
async def test_times_are_read_as_the_mapping_says(tmp_path: Path, how: str, cell: Any, written: str) -> None:
    mapping = NOTIFICATION.replace('paid_at = "success_time"', f"paid_at = {how}")
    done, events, _ = await run(tmp_path, mapping, json.dumps({**TRANSACTION, "t": cell}).encode())
    assert (done.events, events[0]["data"]["paid_at"]) == (1, written)


@given(st.integers(0, 2**53 - 1))
def test_yuan_become_exactly_their_fen(fen: int) -> None:
    how = Conversion.model_validate({"from": "x", "unit": "yuan"})
    assert amount_fen("paid_fen", how, f"{fen // 100}.{fen % 100:02d}") == fen
    assert amount_fen("paid_fen", how, Decimal(fen) / 100) == fen
    with pytest.raises(Rejected):
        amount_fen("paid_fen", how, f"{fen // 100}.{fen % 100:02d}1")


@given(st.text(max_size=20))
def test_no_cell_makes_an_amount_of_nonsense(text: str) -> None:
    how = Conversion.model_validate({"from": "x"})
    try:
        fen = amount_fen("paid_fen", how, text)
    except Rejected:
        return
    assert fen >= 0
    assert Decimal(text.strip().lstrip("¥￥")) == fen


async def test_an_adapted_event_is_the_one_that_the_client_signs(tmp_path: Path) -> None:
    _, events, _ = await run(tmp_path, NOTIFICATION, json.dumps(TRANSACTION).encode())
    event = sign_payment(SEED, "lot-1", events[0]["id"], events[0]["data"])
    assert json.loads(event.value) == events[0]
    assert events[0]["id"] == "PAID-WECHAT-1217752501201407033233368018"
