"""The vectors are what the reference makes, and the Rust core, called from Python, agrees with each."""

import json
from pathlib import Path
from typing import Any

import pytest

from farechain import _core
from farechain.private.openings import Kind, commitment_of, verify_opening
from reference import digests, events
from reference.errors import CODES

from .lifecycle_cases import CHANGES
from .make import FILES, text_of
from .record_cases import COMMANDS, RECORDED

FOLDER = Path(__file__).parent
KINDS = {1: "PAID", 2: "REFUNDED", 3: "TOPPED_UP"} | COMMANDS


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text())["cases"]
    assert found
    return found


def printable(value: Any) -> Any:
    """Bytes in hex, tuples as lists: as the vectors write them."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: printable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [printable(part) for part in value]
    return value


def nullable(part: str | None) -> bytes | None:
    return None if part is None else bytes.fromhex(part)


@pytest.mark.parametrize("name", FILES)
def test_the_committed_file_is_what_the_reference_makes(name: str) -> None:
    assert (FOLDER / f"{name}.json").read_text() == text_of(name)


@pytest.mark.parametrize("case", cases("records"), ids=lambda case: case["name"])
def test_records(case: dict[str, Any]) -> None:
    record = bytes.fromhex(case["record"])
    assert printable(_core.decode_record(record)) == case["fields"]
    assert _core.leaf_hash(record).hex() == case["hash"]
    assert case["hash"].endswith(case["check_code"])
    assert len(case["check_code"]) == 5
    assert len(record) <= 448


def test_the_fields_of_a_record_have_the_types_of_the_vectors_and_no_float() -> None:
    for case in cases("records"):
        for field, value in _core.decode_record(bytes.fromhex(case["record"])).items():
            assert type(printable(value)) is type(case["fields"][field]), (case["name"], field)


def test_there_is_a_record_of_every_kind() -> None:
    kinds = {bytes.fromhex(case["record"])[1:4] for case in cases("records")}
    numbers = {found[1] if found[1] < 24 else found[2] for found in kinds}
    assert numbers == {*range(9), *RECORDED, *CHANGES}


def test_the_largest_record_of_each_form_fits() -> None:
    """With a code of the all-digital family, every optional member and amounts that take most bytes."""
    largest = {case["name"]: len(case["record"]) // 2 for case in cases("records")}
    sizes = {name: size for name, size in largest.items() if name.endswith(" largest")}
    assert len(sizes) == 6
    assert max(sizes.values()) == sizes["red letter of lines, the largest"] <= 448
    assert all(size <= max(sizes.values()) for name, size in largest.items() if name != "genesis")


@pytest.mark.parametrize("case", cases("annexes"), ids=lambda case: case["name"])
def test_annexes(case: dict[str, Any]) -> None:
    record, annex = bytes.fromhex(case["record"]), bytes.fromhex(case["annex"])
    parts = {name: case[name] for name in ("data", "lines", "payments") if name in case}
    assert printable(_core.decode_annex(record, annex)) == parts
    fields = _core.decode_record(record)
    for name in ("lines_root", "payments_root"):
        assert name not in case or fields[name].hex() == case[name]


@pytest.mark.parametrize("case", cases("annexes_refused"), ids=lambda case: case["name"])
def test_what_is_no_annex_is_refused(case: dict[str, Any]) -> None:
    """What is well-formed and another record's is told apart by the record's roots: the Rust test does so."""
    record, annex = bytes.fromhex(case["record"]), bytes.fromhex(case["annex"])
    if not case["malformed"]:
        assert _core.decode_annex(record, annex)
        return
    with pytest.raises(ValueError, match="deterministic CBOR"):
        _core.decode_annex(record, annex)


@pytest.mark.parametrize("case", cases("records_refused"), ids=lambda case: case["name"])
def test_what_is_no_record_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="deterministic CBOR"):
        _core.decode_record(bytes.fromhex(case["record"]))


@pytest.mark.parametrize("case", cases("headers"), ids=lambda case: case["name"])
def test_headers(case: dict[str, Any]) -> None:
    header = bytes.fromhex(case["header"])
    fields = _core.decode_header(header)
    assert printable(fields) == case["fields"]
    assert _core.block_hash(header).hex() == case["hash"]
    records = [bytes.fromhex(record) for record in case["records"]]
    assert _core.merkle_root(records) == fields["records_root"]
    for end in range(len(header)):
        with pytest.raises(ValueError, match="CBOR"):
            _core.decode_header(header[:end])


@pytest.mark.parametrize("case", cases("inputs"), ids=lambda case: str(case["record"][0]))
def test_inputs(case: dict[str, Any]) -> None:
    offset, timestamp_ms, key, value, headers = case["record"]
    pairs = [(name, nullable(part)) for name, part in headers]
    record = (offset, timestamp_ms, nullable(key), nullable(value), pairs)
    assert _core.input_bytes(record).hex() == case["bytes"]
    assert _core.input_digest(record).hex() == case["digest"]


@pytest.mark.parametrize("case", cases("identities"), ids=lambda case: case["name"])
def test_identities(case: dict[str, Any]) -> None:
    assert _core.identity([bytes.fromhex(part) for part in case["parts"]]).hex() == case["identity"]


def test_identities_of_every_length() -> None:
    for length in (*range(130), 1019, 1020, 1021, 3000):
        assert _core.identity([bytes(length)]) == digests.identity(bytes(length))


@pytest.mark.parametrize("case", cases("openings"), ids=lambda case: case["commitment"][:8])
def test_openings(case: dict[str, Any]) -> None:
    salt, commitment, kind = (
        bytes.fromhex(case["salt"]),
        bytes.fromhex(case["commitment"]),
        Kind(case["kind"]),
    )
    assert commitment_of(kind, salt, case["text"]) == commitment
    assert verify_opening(commitment, salt, case["text"], kind)


@pytest.mark.parametrize("case", cases("parts"), ids=lambda case: case["occupied"][:8])
def test_identities_of_an_input_s_records(case: dict[str, Any]) -> None:
    occupied = bytes.fromhex(case["occupied"])
    later = [
        _core.identity([b"PART", occupied, place.to_bytes(4, "big")])
        for place in range(1, len(case["identities"]))
    ]
    assert [one.hex() for one in (occupied, *later)] == case["identities"]


@pytest.mark.parametrize("case", cases("presentations"), ids=lambda case: case["name"])
def test_presentations(case: dict[str, Any]) -> None:
    seed = bytes.fromhex(case["seed"])
    what = (case["code"], case["number"], case["reimburser"], case["claim_id"])
    assert _core.public_key(seed).hex() == case["public_key"]
    assert _core.sign_presentation(seed, *what).hex() == case["signature"]


@pytest.mark.parametrize("case", cases("invoice_codes"), ids=lambda case: case["code"])
def test_invoice_codes(case: dict[str, Any]) -> None:
    grant = events.value(events.grant(case["code"], 1, 2))
    if "refused" in case:
        with pytest.raises(ValueError, match=f"^{case['refused']}$"):
            _core.decode_event(grant)
        return
    assert _core.decode_event(grant)["kind"] == "GRANT_NUMBERS"


def test_trees() -> None:
    leaves = [number.to_bytes(8, "big") for number in range(300)]
    for case in cases("trees"):
        count, root = case["count"], bytes.fromhex(case["root"])
        assert _core.merkle_root(leaves[:count]) == root
        if "path" in case:
            path = [bytes.fromhex(node) for node in case["path"]]
            assert _core.inclusion_proof(leaves[:count], case["index"]) == path
            assert _core.verify_inclusion(leaves[case["index"]], case["index"], count, path, root)


@pytest.mark.parametrize("case", cases("events"), ids=lambda case: case.get("code", "accepted"))
def test_events(case: dict[str, Any]) -> None:
    value = case["value"].encode()
    if "code" in case:
        with pytest.raises(ValueError, match=f"^{case['code']}$"):
            _core.decode_event(value)
        return
    assert printable(_core.decode_event(value)) == {
        "network": case["network"],
        "kind": KINDS[case["kind"]],
        "identity": case["identity"],
        "data": case["data"],
        "data_leaf": case["data_leaf"],
    }
    assert _core.leaf_hash(bytes.fromhex(case["data"])).hex() == case["data_leaf"]


def test_there_is_a_value_of_every_command_and_a_refusal_of_each() -> None:
    said = {case["kind"] for case in cases("events") if "kind" in case}
    assert said == set(KINDS)
    refused = {
        json.loads(case["value"])["data"].get("kind")
        for case in cases("events")
        if '"farechain.command.v1"' in case["value"] and "code" in case
    }
    assert refused >= {COMMANDS[kind] for kind in COMMANDS if kind > 24}


def test_the_codes_of_the_vectors_are_the_reference_s() -> None:
    assert [(case["number"], case["code"]) for case in cases("codes")] == list(enumerate(CODES, 1))
