"""The generated day: the same bytes from the same seed, every kind of input, each as the manifest says."""

import json
from collections import Counter
from pathlib import Path

import pytest
from aiokafka.partitioner import murmur2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from day_fixture import DATE, INVOICES, Line, lines_of, small_day, small_day_lines
from hypothesis import given
from hypothesis import strategies as st

from farechain import _core, data
from farechain.day import PARTITIONS, generate
from farechain.day.bad import FIELDS
from farechain.day.bad_json import BAD_JSON
from farechain.day.payers import Payers
from farechain.day.plan import Headers
from farechain.day.rotation import rotation_proof
from farechain.day.truth import net_of
from farechain.errors import FarechainError
from farechain.keys import read_key, read_key_set
from farechain.partition import partition_of
from farechain.wallet.rows import payer_of

DAY_MS = 86_400_000
START_MS = 1_772_985_600_000
"""2026-03-09T00:00:00+08:00."""
DECODED = {
    "E_SCHEMA",
    "E_DEPTH",
    "E_AMOUNT_NEGATIVE",
    "E_AMOUNT_FLOAT",
    "E_AMOUNT_OVERFLOW",
    "E_OVER_INVOICED",
    "E_TIME_NO_OFFSET",
    "E_USCC_FORMAT",
    "E_USCC_CHECKSUM",
    "E_CODE_FORMAT",
    "E_NUMBER_RANGE",
}
"""Codes that decoding alone gives."""
DECIDED = {
    "bad: scene not in the table",
    "bad: detail unknown to the scene",
    "bad: detail of the wrong type",
    "bad: no value",
}
"""Refused as E_SCHEMA by tables and headers, not by the decoder."""


def files_of(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(tmp_path: Path) -> None:
    out, _ = small_day()
    generate(tmp_path / "again", tmp_path / "again/keys", seed=7, invoices=INVOICES, date=DATE)
    assert files_of(tmp_path / "again") == files_of(out)
    generate(tmp_path / "other", tmp_path / "other/keys", seed=8, invoices=INVOICES, date=DATE)
    other, one = files_of(tmp_path / "other"), files_of(out)
    assert other.keys() == one.keys()
    assert all(other[name] != content for name, content in one.items())


def test_a_bureau_key_that_is_there_is_used(tmp_path: Path) -> None:
    from farechain.keys import new_key

    seed = new_key(tmp_path / "keys/bureau.key")
    generate(tmp_path, tmp_path / "keys", seed=7, invoices=INVOICES, date=DATE)
    kid = _core.kid(_core.public_key(seed)).encode()
    first = lines_of(tmp_path)[0]
    assert first.told["case"] == "command SCENE_TABLE"
    assert first.headers["fc-kid"] == kid


def test_counts_of_the_manifest_are_those_of_its_lines() -> None:
    out, manifest = small_day()
    lines = small_day_lines()
    summary = json.loads((out / "manifest-summary.json").read_bytes())
    assert manifest.inputs == len(lines) == summary["inputs"]
    assert Counter(line.told["verdict"] for line in lines) == summary["by_verdict"]
    assert summary["by_verdict"]["ISSUED"] == INVOICES
    codes = Counter(line.told["code"] for line in lines if "code" in line.told)
    assert codes == summary["by_code"]
    assert codes.total() == summary["by_verdict"]["REJECTED"]
    issued = [line.told for line in lines if line.told["verdict"] == "ISSUED"]
    assert summary["issued_fen"] == sum(told["total"] for told in issued)


def test_every_partition_is_dense_in_the_order_of_time_and_inside_the_day() -> None:
    last: dict[tuple[str, int], tuple[int, int]] = {}
    for line in small_day_lines():
        topic, partition, offset = line.place
        before, time_before = last.get((topic, partition), (-1, START_MS))
        assert offset == before + 1
        assert time_before <= line.timestamp < START_MS + DAY_MS
        last[topic, partition] = (offset, line.timestamp)
    assert set(last) == {(topic, n) for topic, count in PARTITIONS.items() for n in range(count)}


def test_every_kind_of_input_is_in_the_day() -> None:
    cases = {line.told["case"] for line in small_day_lines()}
    bad = {f"bad: {one.case}" for one in FIELDS} | {f"bad: {case}" for case, _, _ in BAD_JSON}
    bad |= {f"bad: {one.value}" for one in Headers if one is not Headers.RIGHT}
    bad |= {f"bad: {case} key" for case in ("unknown", "expired", "retired")}
    assert bad <= cases
    states = {line.told.get("state") for line in small_day_lines()}
    assert states == {
        None,
        "NOTHING_TO_INVOICE",
        "COVERED_BY_TOPUP",
        "CLAIMABLE",
        "WAITING_CREDIT",
        "WAITING_GRANT",
        "REFUNDED",
        "INVOICED_AT_RIDE",
        "BEFORE_PAYMENT",
        "REDUCED",
        "NOT_INVOICED",
    }
    codes = {line.told.get("code") for line in small_day_lines()}
    assert codes == {
        None,
        *DECODED,
        "E_SIZE",
        "E_SIGNATURE",
        "E_KEY_UNKNOWN",
        "E_KEY_EXPIRED",
        "E_ROLE",
        "E_CHAIN",
        "E_CODE_REGION",
        "E_NUMBER_REUSED",
        "E_RATE_NOT_ALLOWED",
        "E_TIME_FUTURE",
        "E_PAYMENT_CONFLICT",
        "E_STATE",
        "E_RED_EXCEEDS",
    }


def test_a_duplicate_follows_its_first_in_the_same_partition_and_says_the_same() -> None:
    by_place = {line.place: line for line in small_day_lines()}
    duplicates = [line for line in small_day_lines() if line.told["verdict"] == "DUPLICATE"]
    assert len(duplicates) > 0.02 * len(by_place)
    hours = 0
    for line in duplicates:
        first = by_place[tuple(line.told["first"])]
        assert first.place[:2] == line.place[:2]
        assert first.place[2] < line.place[2]
        assert first.told["verdict"] not in ("DUPLICATE", "REJECTED")
        said, again = _core.decode_event(first.value or b""), _core.decode_event(line.value or b"")
        assert (said["identity"], said["data_leaf"]) == (again["identity"], again["data_leaf"])
        hours += line.timestamp - first.timestamp > 3_600_000
    assert hours > 0
    assert any(line.value != by_place[tuple(line.told["first"])].value for line in duplicates)


def test_values_decode_as_the_manifest_says() -> None:
    for line in small_day_lines():
        told, value = line.told, line.value
        code = told.get("code")
        if code in DECODED and told["case"] not in DECIDED:
            with pytest.raises(ValueError, match=f"^{code}$"):
                _core.decode_event(value or b"")
        elif value is not None and code != "E_SIZE":
            _core.decode_event(value)


def test_all_events_of_a_payment_have_its_key_and_the_partition_of_kafkas_own_partitioner() -> None:
    for line in small_day_lines():
        topic, partition, _ = line.place
        assert partition == (murmur2(line.key) & 0x7FFFFFFF) % PARTITIONS[topic]
        if topic != "farechain.commands" and line.told["verdict"] != "REJECTED":
            said = json.loads(line.value or b"")["data"]
            assert line.key.decode() == f"{said['seller_tax_id']}|{said['channel']}|{said['txn_id']}"


def _is_well_formed(line: Line) -> bool:
    return line.value is not None and "fc-kid" in line.headers and len(line.headers.get("fc-sig", b"")) == 64


def test_exactly_the_signatures_that_should_verify_do() -> None:
    out, _ = small_day()
    seeds = [key.seed for key in read_key_set(out / "keys/devices.jsonl")]
    seeds += [read_key(path) for path in (out / "keys").rglob("*.key")]
    public = {_core.kid(key).encode(): key for key in map(_core.public_key, seeds)}
    checked = [
        line for line in small_day_lines() if _is_well_formed(line) and line.headers["fc-kid"] in public
    ]
    verdicts = _core.verify_batch(
        [public[line.headers["fc-kid"]] for line in checked],
        [line.value or b"" for line in checked],
        [line.headers["fc-sig"] for line in checked],
    )
    for line, verified in zip(checked, verdicts, strict=True):
        refused = line.told.get("code") == "E_SIGNATURE" and line.told["topic"] != "farechain.commands"
        assert verified is not refused, line.told
    unchecked = [line for line in small_day_lines() if line not in checked]
    assert {line.told.get("code") for line in unchecked} == {"E_SIGNATURE", "E_SCHEMA"}


def test_devices_number_their_sales_without_gaps_in_the_order_of_time() -> None:
    sales: dict[str, list[tuple[int, str]]] = {}
    for line in small_day_lines():
        if line.told["verdict"] in ("ISSUED", "RECORDED") and line.told["topic"] != "farechain.commands":
            event = json.loads(line.value or b"")
            if "device_seq" in event["data"]:
                sales.setdefault(event["source"], []).append(
                    (event["data"]["device_seq"], event["data"]["paid_at"])
                )
    for numbered in sales.values():
        numbered.sort()
        assert [number for number, _ in numbered] == list(range(1, len(numbered) + 1))
        assert [paid for _, paid in numbered] == sorted(paid for _, paid in numbered)


def test_the_first_of_the_limited_credit_is_issued_and_the_rest_waits() -> None:
    limited = [line.told for line in small_day_lines() if line.told["case"] == "stay, limited credit"]
    verdicts = [told.get("state", told["verdict"]) for told in limited]
    assert verdicts == ["ISSUED"] * 40 + ["WAITING_CREDIT"] * 20
    assert sum(told.get("total", 0) for told in limited) == 40_000


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"invoices": 999}, "at least 1000"),
        ({"date": "9 March"}, "write YYYY-MM-DD"),
        ({"date": "2019-12-31"}, "begins in 2020"),
        ({"on_claim": 399}, "at least 400"),
        ({"on_claim": -1}, "at least 400"),
    ],
)
def test_wrong_usage_is_one_line(tmp_path: Path, changed: dict[str, object], message: str) -> None:
    arguments = {"seed": 1, "invoices": INVOICES, "date": DATE, **changed}
    with pytest.raises(FarechainError, match=message) as refused:
        generate(tmp_path, tmp_path / "keys", **arguments)  # type: ignore[arg-type]
    assert refused.value.exit_code == 2
    assert not (tmp_path / "spool").exists()


def test_trips_on_claim_come_beside_the_invoices_and_wait(tmp_path: Path) -> None:
    manifest = generate(tmp_path, tmp_path / "keys", seed=7, invoices=INVOICES, date=DATE, on_claim=400)
    assert manifest.by_verdict["ISSUED"] == INVOICES
    trips = [line.told for line in lines_of(tmp_path) if line.told["case"] == "metro ride, on claim"]
    assert len(trips) == 400
    assert {told["state"] for told in trips} == {"CLAIMABLE"}


def test_the_payment_app_opens_the_payers_that_events_name() -> None:
    out, _ = small_day()
    payers = Payers(read_key(out / "keys/agents/app-1.key"))
    named = 0
    for line in small_day_lines():
        if line.told["verdict"] == "ISSUED" and b'"payer"' in (line.value or b""):
            named += 1
            payer = json.loads(line.value or b"")["data"]["payer"]
            assert payer == payers.commitment(line.key).hex() == payer_of(payers.opening(line.key)).hex()
    assert named > INVOICES // 4


def test_keys_of_another_day_are_not_mixed_in(tmp_path: Path) -> None:
    generate(tmp_path / "one", tmp_path / "keys", seed=1, invoices=INVOICES, date=DATE)
    with pytest.raises(FarechainError, match="of another day") as refused:
        generate(tmp_path / "two", tmp_path / "keys", seed=2, invoices=INVOICES, date=DATE)
    assert refused.value.code == "E_KEY_FILE"


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FarechainError) as refused:
        generate(tmp_path / "file/out", tmp_path / "keys", seed=1, invoices=INVOICES, date=DATE)
    assert refused.value.code == "E_OUTPUT"


def test_the_tables_agree_with_one_another() -> None:
    scenes = {row["code"] for row in data.scene_rows()}
    rates = {(row["scene"], row["tax_code"], row["rate"]) for row in data.rate_rows()}
    assert {row["scene"] for row in data.rate_rows()} <= scenes
    for operator in data.operators():
        _core.check_uscc(operator.tax_id)
        assert operator.scene in scenes
        for row in data.mandate_rows(operator.mandate) if operator.mandate else []:
            assert (row["scene"], row["tax_code"], row["rate"]) in rates
            if row["stored_value"] == "AT_TOPUP":
                assert (row["scene"], row["tax_code"], "NONTAXABLE") in rates
    always = [operator for operator in data.operators() if operator.code != data.ON_CLAIM_METRO]
    assert sum(operator.devices for operator in always) == 3_000
    for party in [*data.agents(), *data.reimbursers(), data.auditor()]:
        _core.check_uscc(party.tax_id)
    assert sum(operator.share for operator in data.operators()) == pytest.approx(1)


@given(st.integers(0, 2**53 - 1), st.integers(0, 10_000))
def test_the_manifests_tax_is_the_ledgers(total: int, rate: int) -> None:
    assert _core.split_tax(total, rate) == (net_of(total, rate), total - net_of(total, rate))


@pytest.mark.parametrize(
    ("total", "rate", "net"),
    [(429900, 1300, 380442), (50000, 100, 49505), (600, 300, 583), (665, 300, 646), (1000, 900, 917)],
)
def test_known_answers_of_tax(total: int, rate: int, net: int) -> None:
    assert net_of(total, rate) == net


@given(st.binary(max_size=120), st.integers(1, 64))
def test_partitions_are_those_of_kafkas_own_partitioner(key: bytes, partitions: int) -> None:
    assert partition_of(key, partitions) == (murmur2(key) & 0x7FFFFFFF) % partitions


def test_a_rotation_proof_is_the_new_keys_signature() -> None:
    seed, old = bytes(range(32)), "00112233445566778899aabbccddeeff"
    statement = bytes.fromhex(old) + _core.public_key(seed)
    kind = b"application/vnd.farechain.rotate"
    encoded = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(statement), statement)
    expected = Ed25519PrivateKey.from_private_bytes(seed).sign(encoded)
    assert rotation_proof(seed, _core.public_key(seed), old) == expected
