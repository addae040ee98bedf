"""Receipts of every kind of input are as their schema says, and say of an invoice what its records say."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from farechain import _core, schemas

from . import command, orders, vector_story
from .errors import CODES
from .telling import BUREAU
from .twin import Story

VALIDATOR = Draft202012Validator(schemas.schema(schemas.RECEIPT))
STANDING = ["fiscal", "claim", "use", "remaining_fen"]
MADE = ["check_code", "hash", "net_fen", "tax_fen", "total_fen"]
Told = tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Told]:
    """A receipt with its outcome and the fields of its records, for each input of a story with every kind."""
    story = Story(tmp_path_factory.mktemp("receipts") / "ledger", drain_max=2)
    vector_story.tell(story)
    assert story.does(orders.attest(bytes(32)), BUREAU) == "APPLIED"
    height, messages = story.ledger.receipts(0, 1000)
    assert height == len(story.replay.blocks)
    receipts = [json.loads(value) for _, value in messages]
    outcomes = []
    for block in story.replay.blocks:
        found = story.ledger.block(block.height)
        assert found is not None
        fields = [_core.decode_record(record) for record in block.records]
        for outcome in found["outcomes"]:
            if outcome["verdict"] != "DRAINED":
                start = outcome["first_record"]
                outcomes.append((outcome, fields[start : start + outcome["record_count"]]))
    story.ledger.close()
    return [(receipt, *one) for receipt, one in zip(receipts, outcomes, strict=True)]


def test_every_receipt_is_valid(told: list[Told]) -> None:
    for receipt, _, _ in told:
        VALIDATOR.validate(receipt)


def test_there_is_a_receipt_of_every_kind_of_command(told: list[Told]) -> None:
    numbers = {name: number for name, (number, *_) in command.KINDS.items()}
    # What makes an invoice, or a red letter, has the invoice's record.
    made = {"CLAIM", "RETITLE", "RED_ISSUE", "RED_CONFIRM", "ROTATE_KEY", "CLOSE_GRANT"}
    kinds = {fields["kind"] for _, _, records in told for fields in records}
    assert kinds >= (set(numbers) - made) | {"CLAIMED", "RED_OF_LINES", "OWED", "PAYMENT", "REFUND"}
    assert {receipt["data"]["verdict"] for receipt, _, _ in told} >= {"ISSUED", "REVERSED", "APPLIED"}


def test_a_change_tells_where_the_invoice_stands(told: list[Told]) -> None:
    changes = [(receipt["data"], records[-1]) for receipt, _, records in told if stands(records)]
    assert len(changes) > 20
    for data, fields in changes:
        expected = {name: fields["standing"][name] for name in STANDING}
        assert data["invoice"] == {"code": fields["code"], "number": fields["number"], **expected}
        assert data["verdict"] == ("RECORDED" if fields["kind"] == "OWED" else "APPLIED")
        assert data.get("state") == fields.get("state")


def stands(records: list[dict[str, Any]]) -> bool:
    """Whether the last record says where an invoice stands, and is none itself."""
    return bool(records) and "standing" in records[-1] and records[-1]["kind"] != "RED_OF_LINES"


def test_an_invoice_tells_its_amounts(told: list[Told]) -> None:
    """A retitle is told by its blue invoice, a batch by its last order."""
    made = [(receipt["data"], records) for receipt, _, records in told if is_invoice(records)]
    assert {len(records) for _, records in made} == {1, 2, 3}
    for data, records in made:
        fields = records[-1]
        assert {name: data["invoice"][name] for name in MADE[2:]} == {name: fields[name] for name in MADE[2:]}
        assert (data["invoice"]["code"], data["invoice"]["number"]) == (fields["code"], fields["number"])
        assert data["invoice"]["hash"].endswith(data["invoice"]["check_code"])
        assert data["verdict"] == ("APPLIED" if len(records) == 3 else data["verdict"])


def is_invoice(records: list[dict[str, Any]]) -> bool:
    return bool(records) and records[-1]["kind"] in ("BLUE", "RED", "CLAIMED", "RED_OF_LINES")


def test_other_commands_tell_of_no_invoice(told: list[Told]) -> None:
    others = [
        receipt["data"] for receipt, _, records in told if not stands(records) and not is_invoice(records)
    ]
    assert others
    assert all("invoice" not in data for data in others)


CHANGED = {
    "code": "264410000001",
    "number": 1,
    "fiscal": "ISSUED",
    "claim": "FREE",
    "use": "NONE",
    "remaining_fen": 0,
}
INVOICE = {
    "code": "144032609110",
    "number": 1,
    "check_code": "ab" * 2 + "a",
    "hash": "ab" * 32,
    "net_fen": -1,
    "tax_fen": 0,
    "total_fen": -1,
}


@pytest.mark.parametrize(
    ("data", "valid"),
    [
        ({"verdict": "APPLIED", "invoice": CHANGED}, True),
        ({"verdict": "APPLIED", "invoice": INVOICE}, True),
        ({"verdict": "APPLIED", "invoice": {**INVOICE, **CHANGED}}, False),
        ({"verdict": "APPLIED", "invoice": {**CHANGED, "code": "064410000001"}}, False),
        ({"verdict": "APPLIED", "invoice": {**CHANGED, "claim": "PAID"}}, False),
        ({"verdict": "APPLIED", "invoice": {**CHANGED, "remaining_fen": -1}}, False),
        ({"verdict": "APPLIED", "invoice": {**CHANGED, "holder": None}}, False),
        ({"verdict": "APPLIED", "invoice": {}}, False),
        ({"verdict": "ISSUED", "invoice": INVOICE}, True),
        ({"verdict": "ISSUED", "invoice": CHANGED}, False),
        ({"verdict": "REVERSED", "invoice": CHANGED}, False),
        ({"verdict": "RECORDED", "state": "RED_REQUESTED", "invoice": CHANGED}, True),
        ({"verdict": "RECORDED", "state": "RED_QUEUED", "invoice": CHANGED}, True),
        ({"verdict": "RECORDED", "state": "RED_QUEUED", "invoice": INVOICE}, False),
        ({"verdict": "RECORDED", "state": "RED_QUEUED"}, False),
        ({"verdict": "RECORDED", "state": "REDUCED", "invoice": CHANGED}, False),
        ({"verdict": "REJECTED", "code": "E_LOCKED_BY_OTHER"}, True),
        ({"verdict": "REJECTED", "code": "E_LOCKED_BY_OTHER", "invoice": CHANGED}, False),
        ({"verdict": "DUPLICATE", "first": {"height": 1, "index": 0}, "invoice": CHANGED}, False),
    ],
)
def test_an_invoice_belongs_to_what_made_or_changed_it(data: dict[str, Any], valid: bool) -> None:
    receipt = {
        **{"specversion": "1.0", "id": "c/5/7", "source": "c", "type": "farechain.receipt.v1"},
        **{"subject": "t/3/17", "time": "2026-03-01T00:00:00.000Z", "datacontenttype": "application/json"},
        "data": {**data, "height": 5, "input_digest": "ab" * 32},
    }
    assert VALIDATOR.is_valid(receipt) == valid


def test_every_code_may_stand_in_a_receipt(told: list[Told]) -> None:
    codes = {receipt["data"]["code"] for receipt, _, _ in told if "code" in receipt["data"]}
    assert {"E_STATE", "E_LOCKED_BY_OTHER", "E_RED_NEEDS_CONFIRM", "E_SUM_LINES"} <= codes <= set(CODES)
