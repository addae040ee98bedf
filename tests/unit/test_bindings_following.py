"""What a follower or a page asks the ledger without copying all of it: one key, what waits, what moved."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from farechain import _core
from reference import cbor, orders
from reference.events import BUYER, METRO, SELLER, command, grant, payment, refund
from reference.orders import CODE, claim, lock, of, payment_id
from reference.stories_claim import pay
from reference.telling import (
    BUREAU,
    DEVICE,
    HOLDER,
    ISSUER,
    REIMBURSER,
    SPARE,
    START_MS,
    kid,
    public_key,
    rotation,
)
from reference.twin import Story


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    told = Story(tmp_path / "ledger")
    yield told
    told.ledger.close()


def test_a_key_is_what_the_registry_says_of_it(story: Story) -> None:
    story.set_up()
    story.set_up_parties()
    assert story.does(rotation(HOLDER, SPARE), HOLDER) == "APPLIED"
    assert story.does(orders.of_key("REVOKE_KEY", DEVICE), ISSUER) == "APPLIED"
    for key in story.ledger.registry()["keys"]:
        assert story.ledger.key(key["kid"].hex()) == key
    bureau, gate = story.ledger.key(kid(BUREAU)), story.ledger.key(kid(DEVICE))
    assert bureau is not None
    assert (bureau["role"], bureau["tax_id"], bureau["public_key"]) == ("BUREAU", "", public_key(BUREAU))
    assert gate is not None
    assert (gate["revoked"], gate["retired_ms"]) == (True, story.time_ms)
    for unknown in ("", "00" * 16, kid(BUREAU).upper(), kid(BUREAU)[1:]):
        assert story.ledger.key(unknown) is None


def test_what_waits_says_why_since_when_and_how_much(story: Story) -> None:
    story.set_up(numbers=1, limit=300)
    assert pay(story, "A") == ["ISSUED"]
    assert pay(story, "B", "C") == ["RECORDED 5", "RECORDED 5"]
    arrived_ms = story.time_ms
    story.say(refund(txn_id="A", refund_fen=30))
    story.say(refund(txn_id="C", refund_fen=50, refund_id="R2"))
    assert story.next_block() == ["RECORDED 4", "RECORDED 2"]
    rows = story.ledger.waiting(SELLER, 10)
    assert [row[3:] for row in rows] == [
        ("WAITING_CREDIT", 200, arrived_ms),
        ("WAITING_CREDIT", 150, arrived_ms),
        ("WAITING_GRANT", 30, story.time_ms),
    ]
    assert [row[0].hex() for row in rows[:2]] == [payment_id("B"), payment_id("C")]
    for identity, height, index, *_rest in rows:
        assert _core.decode_record(story.ledger.record(height, index) or b"")["identity"] == identity
    assert story.ledger.waiting(SELLER, 1) == rows[:1]
    assert story.ledger.waiting(BUYER, 10) == story.ledger.waiting("no tax id at all, but long", 10) == []


def test_the_latest_record_is_the_one_that_says_where_an_invoice_stands(story: Story) -> None:
    story.set_up(policy="ON_CLAIM")
    story.set_up_parties()
    pay(story, "A")
    assert story.does(claim("A"), ISSUER) == "ISSUED"
    issued = story.ledger.invoice(CODE, 1)
    assert issued is not None
    assert issued["latest"] == (issued["height"], issued["index"], story.time_ms)
    assert "TRANSFER" not in issued["allowed"]
    assert story.does(orders.bind(1), ISSUER) == "APPLIED"
    assert story.does(lock(1), REIMBURSER) == "APPLIED"
    locked = story.ledger.invoice(CODE, 1)
    assert locked is not None
    assert locked["latest"] == (story.ledger.height, 0, story.time_ms)
    assert story.does(orders.unlock(1), REIMBURSER) == "APPLIED"
    free = story.ledger.invoice(CODE, 1)
    assert free is not None
    assert "TRANSFER" in free["allowed"]


def test_the_registry_has_tables_policies_and_applications(story: Story) -> None:
    story.set_up()
    story.set_up_parties()
    assert story.does(orders.policy(accepts_individuals=True), REIMBURSER) == "APPLIED"
    assert story.does(command("APPLY_NUMBERS", count=100), ISSUER) == "APPLIED"
    registry = story.ledger.registry()
    metro = next(scene for scene in registry["scenes"] if scene["code"] == "METRO")
    assert (metro["name"], metro["detail"][1]) == (
        "地铁",
        {"name": "line", "type": "INTEGER", "required": False},
    )
    assert len(registry["rates"]) == len(story.rates())
    days = {"from_day": 16_922, "to_day": None}
    assert registry["rates"][0] == {"scene": "METRO", "tax_code": METRO, "rate": 300, **days}
    assert registry["rates"][2]["to_day"] == 20_513
    assert registry["accept_individuals"] == [BUYER]
    seller = next(issuer for issuer in registry["issuers"] if issuer["tax_id"] == SELLER)
    assert (seller["applied_for"], [row["scene"] for row in seller["mandate"]]) == (100, ["BUS", "METRO"])


def test_changes_are_all_but_payments_and_name_their_signers(story: Story) -> None:
    story.set_up()
    story.set_up_parties()
    pay(story, "A", "B")
    story.say(payment(txn_id="C", gross_fen=200, paid_fen=200))
    story.say(refund(txn_id="A", refund_fen=30))
    story.order(orders.retitle(2), ISSUER)
    story.order(of("FREEZE", 1, note="x"), BUREAU)
    story.order(orders.batch(orders.bind(3), orders.bind(6)), ISSUER)
    story.next_block()
    next_height, rows = story.ledger.changes(0, 1000)
    assert next_height == story.ledger.height + 1
    expected = []
    for block in story.replay.blocks:
        for index, record in enumerate(block.records):
            if cbor.decode(record)[1] in {2, *range(5, 8), *range(16, 61)}:
                expected.append((block.height, index, record))
    assert [(height, index, record) for height, index, _time, _kid, record in rows] == expected
    last = [(cbor.decode(record)[1], by) for *place, _time, by, record in rows if place[0] == next_height - 1]
    issuer, bureau = kid(ISSUER), kid(BUREAU)
    assert last[:4] == [(2, None), (6, issuer), (5, issuer), (56, bureau)]
    assert last[4:] == [(60, issuer), (42, issuer), (42, issuer)]
    assert {time_ms for height, _i, time_ms, _k, _r in rows if height == 1} == {START_MS + 1000}
    assert story.ledger.changes(next_height, 5) == (next_height, [])
    assert [row for at in range(next_height) for row in story.ledger.changes(at, 1)[1]] == rows


def test_rejections_name_the_key_in_the_header(story: Story) -> None:
    story.set_up()
    story.say(payment(), SPARE)
    story.put(b"{", [("fc-kid", b"none"), ("fc-sig", b"")], source=3)
    story.say(payment(txn_id="A"), DEVICE)
    story.say(payment(txn_id="A", paid_fen=1), DEVICE)
    story.next_block()
    _next, rows = story.ledger.rejections(0, 1000)
    height, at = story.ledger.height, story.time_ms
    assert rows == [
        ("payments.metro", 0, 0, height, at, "E_KEY_UNKNOWN", kid(SPARE)),
        ("payments.metro", 1, 0, height, at, "E_SIGNATURE", None),
        ("payments.metro", 0, 2, height, at, "E_PAYMENT_CONFLICT", kid(DEVICE)),
    ]


def test_canonical_data_is_read_as_it_is_written(story: Story) -> None:
    for data in ([1, 48, "c", CODE, 7, "V", 24_314], [None, True, -3, b"\1", {"a": [1]}], []):
        assert _core.decode_canonical(cbor.encode(data)) == data
    for spoiled in (b"", b"\x01\x01", b"\x18\x01", b"\x81" * 50, b"\xf9\x3c\x00"):
        with pytest.raises(ValueError, match="CBOR"):
            _core.decode_canonical(spoiled)
    story.set_up()
    assert story.does(grant("144032609120", 1, 9, SELLER)) == "APPLIED"
    annex = story.ledger.annex(story.ledger.height, 0) or b""
    assert _core.decode_canonical(annex)[3:] == ["144032609120", 1, 9, SELLER]
