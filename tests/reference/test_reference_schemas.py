"""The schemas say what the core says, as far as a schema can; the AsyncAPI document has every topic."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from farechain import _core, schemas
from farechain.client import record_key

from . import events, spoiling
from .errors import CODES

SCHEMAS = [
    schemas.PAYMENT,
    schemas.COMMAND,
    schemas.RECEIPT,
    schemas.DEAD_LETTER_HEADERS,
    schemas.SPOOL_LINE,
]


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schemas.schema(name))


def accepts(event: Any) -> bool:
    """Whether the schema of the event's own type accepts it."""
    commands = isinstance(event, dict) and event.get("type") == "farechain.command.v1"
    return bool(validator(schemas.COMMAND if commands else schemas.PAYMENT).is_valid(event))


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(schemas.schema(name))


@pytest.mark.parametrize("data", [events.payment(), events.refund(), *events.COMMANDS])
def test_well_formed_events_are_valid(data: dict[str, Any]) -> None:
    assert accepts(events.envelope(data))


def test_what_the_core_decodes_is_valid() -> None:
    """A schema is never stricter than the decoder; most of what the decoder refuses, it refuses as well."""
    both = decoder_only = 0
    validators = {True: validator(schemas.COMMAND), False: validator(schemas.PAYMENT)}
    for seed in range(4000):
        value = spoiling.spoiled(seed)
        try:
            event = json.loads(value)
        except ValueError:
            continue
        commands = isinstance(event, dict) and event.get("type") == "farechain.command.v1"
        valid = validators[commands].is_valid(event)
        try:
            _core.decode_event(value)
        except ValueError:
            both, decoder_only = both + (not valid), decoder_only + valid
        else:
            assert valid, value
    assert both > 5 * decoder_only


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": "BARTER"},
        {"gross_fen": -1},
        {"gross_fen": 7.5},
        {"gross_fen": 2**53},
        {"paid_at": "2026-03-01T08:00:00"},
        {"seller_tax_id": "9111011233024848X"},
        {"payer": "AB" * 32},
        {"txn_id": "with space"},
        {"unknown": 1},
        {"detail": {"Gate": "x"}},
        {"refund_fen": 1},
        {"scene": ...},
    ],
)
def test_what_a_schema_can_refuse_is_not_valid(changes: dict[str, Any]) -> None:
    assert not accepts(events.envelope(events.payment(**changes)))
    with pytest.raises(ValueError, match="E_"):
        _core.decode_event(events.value(events.payment(**changes)))


def test_the_codes_of_receipts_and_dead_letters_are_all_codes() -> None:
    assert schemas.schema(schemas.RECEIPT)["properties"]["data"]["properties"]["code"]["enum"] == CODES
    assert schemas.schema(schemas.DEAD_LETTER_HEADERS)["properties"]["fc-dlq-code"]["enum"] == CODES


def test_a_verdict_has_the_members_that_belong_to_it() -> None:
    receipt: dict[str, Any] = {
        **{
            "specversion": "1.0",
            "id": "shenzhen/0/5/7",
            "source": "shenzhen/0",
            "type": "farechain.receipt.v1",
        },
        **{"subject": "payments.metro/3/17", "time": "2026-03-01T00:00:00.000Z"},
        "datacontenttype": "application/json",
    }
    common = {"height": 5, "input_digest": "ab" * 32}
    first = {"height": 1, "index": 0}
    cases: list[tuple[dict[str, Any], bool]] = [
        ({"verdict": "APPLIED"}, True),
        ({"verdict": "DUPLICATE", "first": first}, True),
        ({"verdict": "REJECTED", "code": "E_ROLE"}, True),
        ({"verdict": "RECORDED", "state": "CLAIMABLE"}, True),
        ({"verdict": "ISSUED"}, False),
        ({"verdict": "RECORDED"}, False),
        ({"verdict": "DUPLICATE"}, False),
        ({"verdict": "REJECTED"}, False),
        ({"verdict": "APPLIED", "first": first}, False),
        ({"verdict": "DRAINED"}, False),
    ]
    for data, valid in cases:
        assert validator(schemas.RECEIPT).is_valid({**receipt, "data": {**data, **common}}) == valid, data


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from references(item)


def test_the_asyncapi_document_is_consistent() -> None:
    document = yaml.safe_load(schemas.text(schemas.ASYNCAPI))
    assert document["asyncapi"] == "3.0.0"
    files = set()
    for reference in references(document):
        if not reference.startswith("#/"):
            files.add(reference.removeprefix("./"))
            continue
        place = document
        for step in reference[2:].split("/"):
            place = place[step]
    assert files == set(SCHEMAS) - {schemas.SPOOL_LINE}
    for name in files:
        Draft202012Validator.check_schema(schemas.schema(name))


def test_the_client_s_keys_are_as_the_asyncapi_document_says() -> None:
    document = yaml.safe_load(schemas.text(schemas.ASYNCAPI))
    keys = Draft202012Validator(document["components"]["schemas"]["paymentKey"])
    for data in (events.payment(), events.refund(), events.payment(channel="CASH", txn_id="a|b")):
        key = record_key(data).decode()
        assert keys.is_valid(key)
        assert not keys.is_valid(key + " ")
    assert record_key(events.payment()) == record_key(events.refund())


def test_every_topic_is_described_and_every_channel_is_used() -> None:
    document = yaml.safe_load(schemas.text(schemas.ASYNCAPI))
    channels = document["channels"]
    partitions = {one["address"]: one["bindings"]["kafka"]["partitions"] for one in channels.values()}
    assert partitions == {
        "payments.metro": 4,
        "payments.road": 2,
        "payments.parking": 1,
        "payments.scenic": 1,
        "farechain.commands": 1,
        "farechain.receipts": 4,
        "farechain.deadletter": 1,
    }
    assert all(one["address"] == one["bindings"]["kafka"]["topic"] for one in channels.values())
    used = {operation["channel"]["$ref"] for operation in document["operations"].values()}
    assert used == {f"#/channels/{name}" for name in channels}
