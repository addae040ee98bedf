"""Small histories made by hand: what the ledger does is what the reference does, and what the page says."""

from pathlib import Path

import pytest

from farechain import _core

from . import cbor, events
from .events import OTHER_SELLER, SELLER, payment, refund
from .telling import (
    BUREAU,
    DEVICE,
    ISSUER,
    OTHER_DEVICE,
    OTHER_ISSUER,
    RATES,
    SPARE,
    START_MS,
    key,
    rotation,
    row,
)
from .twin import Story

HOUR_MS = 3_600_000


def last_records(story: Story) -> list[list[object]]:
    return [cbor.decode(record) for record in story.replay.blocks[-1].records]


def test_a_payment_becomes_an_invoice_whose_tax_is_split(story: Story) -> None:
    story.set_up()
    story.say(payment())
    assert story.next_block() == ["ISSUED"]
    record = last_records(story)[0]
    assert record[2:4] == ["144032609110", 1]
    assert record[7] == [events.METRO, 300, 1, 646, 19, 665]


def test_a_grant_that_runs_dry_lets_payments_wait_in_their_order(story: Story) -> None:
    story.set_up(numbers=2)
    for n in range(5):
        story.say(payment(txn_id=f"T{n}"))
    assert story.next_block() == ["ISSUED", "ISSUED", "RECORDED 4", "RECORDED 4", "RECORDED 4"]
    assert story.next_block() == []
    story.order(events.grant("144032609110", 3, 100))
    story.say(payment(txn_id="T5"))
    assert story.next_block() == ["APPLIED", "RECORDED 4"]
    story.say(payment(txn_id="T6"))
    assert story.next_block() == ["DRAINED 4", "ISSUED"]
    assert [record[3] for record in last_records(story)] == [3, 4, 5, 6, 7]
    assert story.next_block() == []


def test_a_drain_issues_at_most_drain_max_a_block(tmp_path: Path) -> None:
    story = Story(tmp_path / "ledger", drain_max=2)
    story.set_up(numbers=0)
    for n in range(5):
        story.say(payment(txn_id=f"T{n}"))
    story.next_block()
    story.order(events.grant("144032609110", 1, 4))
    assert story.next_block() == ["APPLIED"]
    assert [story.next_block() for _ in range(3)] == [["DRAINED 2"], ["DRAINED 2"], []]
    story.order(events.grant("144032609110", 5, 5))
    assert [story.next_block() for _ in range(3)] == [["APPLIED"], ["DRAINED 1"], []]


def test_numbers_roll_over_from_own_grants_to_anyone_s_and_over_codes(story: Story) -> None:
    story.set_up(numbers=1)
    story.order(events.grant("144032609120", 99_999_998, 99_999_999, SELLER))
    story.order(events.grant("144032609130", 7, 9))
    assert story.next_block() == ["APPLIED", "APPLIED"]
    for n in range(6):
        story.say(payment(txn_id=f"T{n}"))
    assert story.next_block() == ["ISSUED"] * 6
    assert [(record[2], record[3]) for record in last_records(story)] == [
        ("144032609120", 99_999_998),
        ("144032609120", 99_999_999),
        ("144032609110", 1),
        ("144032609130", 7),
        ("144032609130", 8),
        ("144032609130", 9),
    ]


def test_a_closed_grant_gives_no_more_numbers_and_its_range_stays_used(story: Story) -> None:
    story.set_up(numbers=10)
    story.say(payment(txn_id="T1"))
    story.order(events.close(1, "144032609110"))
    story.say(payment(txn_id="T2"))
    assert story.next_block() == ["ISSUED", "APPLIED", "RECORDED 4"]
    story.order(events.close(1, "144032609110"))
    story.order(events.grant("144032609110", 10, 20))
    story.order(events.grant("144032609110", 11, 20))
    story.order(events.grant("145032609110", 1, 20))
    assert story.next_block() == [
        "REJECTED E_STATE",
        "REJECTED E_NUMBER_REUSED",
        "APPLIED",
        "REJECTED E_CODE_REGION",
    ]
    assert story.next_block() == ["DRAINED 1"]


def test_credit_is_by_month_of_block_time_in_the_chain_s_zone(story: Story) -> None:
    story.set_up(limit=1000)
    for n in range(2):
        story.say(payment(txn_id=f"T{n}"))
    story.say(payment(txn_id="small", gross_fen=100, paid_fen=100))
    assert story.next_block() == ["ISSUED", "RECORDED 5", "RECORDED 4"]
    last_of_march = START_MS + 31 * 24 * HOUR_MS - 8 * HOUR_MS - 1
    assert story.next_block(last_of_march - story.time_ms) == []
    assert story.next_block(1) == ["DRAINED 2"]
    story.say(payment(txn_id="T9", paid_fen=236, gross_fen=236))
    story.say(payment(txn_id="T10", paid_fen=235, gross_fen=235))
    story.say(payment(txn_id="T11", paid_fen=1, gross_fen=1))
    assert story.next_block() == ["RECORDED 5", "RECORDED 4", "RECORDED 4"]


def test_a_head_that_lacks_credit_blocks_its_seller_only(story: Story) -> None:
    story.set_up(limit=700)
    second_seller(story)
    story.say(payment(txn_id="T1"))
    story.say(payment(txn_id="T2"))
    story.say(payment(seller_tax_id=OTHER_SELLER), OTHER_DEVICE)
    assert story.next_block() == ["ISSUED", "RECORDED 5", "ISSUED"]
    story.order(events.command("ADMIT_ISSUER", tax_id=SELLER, name="more", credit_limit_fen=2000))
    story.say(payment(seller_tax_id=OTHER_SELLER, txn_id="T2"), OTHER_DEVICE)
    assert story.next_block() == ["APPLIED", "ISSUED"]
    assert story.next_block() == ["DRAINED 1"]


def second_seller(story: Story) -> None:
    story.order(events.command("ADMIT_ISSUER", tax_id=OTHER_SELLER, name="other", credit_limit_fen=None))
    story.order(key(OTHER_ISSUER, "ISSUER", tax_id=OTHER_SELLER))
    story.order(key(OTHER_DEVICE, "DEVICE", tax_id=OTHER_SELLER, scenes=["METRO"]), OTHER_ISSUER)
    story.order(events.command("MANDATE", rows=[row("METRO")]), OTHER_ISSUER)
    assert story.next_block() == ["APPLIED"] * 4


def test_a_refund_before_its_payment_takes_off_what_is_invoiced(story: Story) -> None:
    story.set_up()
    story.say(refund(refund_fen=165))
    story.say(refund(refund_id="R2", txn_id="T2", refund_fen=665))
    story.say(refund(refund_id="R3", txn_id="T3", refund_fen=900))
    assert story.next_block() == ["RECORDED 1"] * 3
    for n in (1, 2, 3):
        story.say(payment(txn_id=f"T{n}"))
    assert story.next_block() == ["ISSUED", "RECORDED 6", "RECORDED 6"]
    assert last_records(story)[0][7] == [events.METRO, 300, 1, 485, 15, 500]
    story.say(refund(refund_id="R4", refund_fen=500))
    story.say(refund(refund_id="R5", refund_fen=1))
    story.say(refund(refund_id="R6", txn_id="T3", refund_fen=1))
    assert story.next_block() == ["REVERSED", "REJECTED E_RED_EXCEEDS", "REJECTED E_RED_EXCEEDS"]


@pytest.mark.parametrize("parts", [[665], [1, 664], [100, 100, 465], [221, 222, 222], [664, 1]])
def test_partial_refunds_add_up_to_the_exact_negation(story: Story, parts: list[int]) -> None:
    story.set_up()
    story.say(payment())
    for n, fen in enumerate(parts):
        story.say(refund(refund_id=f"R{n}", refund_fen=fen))
    story.say(refund(refund_id="more", refund_fen=1))
    assert story.next_block() == ["ISSUED", *["REVERSED"] * len(parts), "REJECTED E_RED_EXCEEDS"]
    blue, *reds = last_records(story)
    sums = [sum(red[9][at] for red in reds) for at in (3, 4, 5)]  # type: ignore[index]
    assert sums == [-646, -19, -665]
    assert [red[9][2] for red in reds] == [0] * (len(parts) - 1) + [-1]  # type: ignore[index]
    assert reds[-1][10] == 0
    assert all(red[6:8] == blue[2:4] for red in reds)


def test_refunds_beyond_what_was_invoiced_reach_no_invoice(story: Story) -> None:
    story.set_up()
    story.say(payment(invoiceable_fen=300))
    story.say(refund(refund_id="R1", refund_fen=400))
    story.say(refund(refund_id="R2", refund_fen=200))
    story.say(refund(refund_id="R3", refund_fen=66))
    assert story.next_block() == ["ISSUED", "REVERSED", "RECORDED 3", "REJECTED E_RED_EXCEEDS"]


def test_refunds_of_a_waiting_payment_reduce_it_or_take_it_from_the_queue(story: Story) -> None:
    story.set_up(numbers=0)
    for n in range(3):
        story.say(payment(txn_id=f"T{n}"))
    story.say(refund(refund_id="R0", txn_id="T0", refund_fen=665))
    assert story.next_block() == ["RECORDED 4"] * 3 + ["RECORDED 2"]
    story.say(refund(refund_id="R1", txn_id="T1", refund_fen=65))
    story.order(events.grant("144032609110", 1, 10))
    assert story.next_block() == ["RECORDED 2", "APPLIED"]
    story.say(refund(refund_id="R2", txn_id="T1", refund_fen=600))
    assert story.next_block() == ["DRAINED 2", "REVERSED"]
    assert [record[7][5] for record in last_records(story)[:2]] == [600, 665]  # type: ignore[index]
    story.say(refund(refund_id="R3", txn_id="T0", refund_fen=1))
    assert story.next_block() == ["REJECTED E_RED_EXCEEDS"]


def test_a_red_letter_waits_for_numbers_as_a_payment_does(story: Story) -> None:
    story.set_up(numbers=1)
    story.say(payment(txn_id="T1"))
    story.say(refund(refund_id="R1", refund_fen=100))
    story.say(payment(txn_id="T2"))
    assert story.next_block() == ["ISSUED", "RECORDED 4", "RECORDED 4"]
    story.say(refund(refund_id="R2", refund_fen=500))
    story.say(refund(refund_id="R3", refund_fen=66))
    story.order(events.grant("144032609110", 2, 3))
    assert story.next_block() == ["RECORDED 4", "REJECTED E_RED_EXCEEDS", "APPLIED"]
    assert story.next_block() == ["DRAINED 2"]
    assert [record[1] for record in last_records(story)] == [2, 1]
    story.order(events.grant("144032609110", 4, 4))
    assert [story.next_block() for _ in range(3)] == [["APPLIED"], ["DRAINED 1"], []]
    assert last_records(story)[0][9:11] == [[events.METRO, 300, 0, -486, -14, -500], 65]


def test_a_waiting_red_letter_never_becomes_one_of_nothing(story: Story) -> None:
    """What remains falls when a refund is recorded, so a second one may reach no invoice at all."""
    story.set_up(numbers=1)
    story.say(payment(invoiceable_fen=300))
    story.say(refund(refund_id="R1", refund_fen=400))
    story.say(refund(refund_id="R2", refund_fen=200))
    assert story.next_block() == ["ISSUED", "RECORDED 4", "RECORDED 3"]
    story.order(events.grant("144032609110", 2, 9))
    assert [story.next_block() for _ in range(3)] == [["APPLIED"], ["DRAINED 1"], []]


def test_a_refund_finds_the_payment_first_and_then_the_top_up(story: Story) -> None:
    story.set_up(stored_value="AT_TOPUP")
    story.say(payment(kind="TOPPED_UP", gross_fen=5000, paid_fen=5000))
    story.say(refund(refund_id="R1", refund_fen=1000))
    story.say(payment())
    story.say(refund(refund_id="R2", refund_fen=100))
    assert story.next_block() == ["ISSUED", "REVERSED", "RECORDED 6", "REJECTED E_RED_EXCEEDS"]
    assert last_records(story)[0][7] == [events.METRO, -2, 1, 5000, 0, 5000]


def test_stored_value_is_invoiced_at_the_top_up_or_at_the_ride(story: Story) -> None:
    story.set_up(stored_value="AT_TOPUP")
    story.say(payment(txn_id="up", kind="TOPPED_UP", channel="CASH"))
    story.say(payment(txn_id="card", channel="CARD"))
    story.say(payment(txn_id="wechat"))
    assert story.next_block() == ["ISSUED", "RECORDED 2", "ISSUED"]
    story.order(events.command("MANDATE", rows=[row("METRO", stored_value="AT_RIDE")]), ISSUER)
    story.say(payment(txn_id="up2", kind="TOPPED_UP", channel="CASH"))
    story.say(payment(txn_id="card2", channel="CARD"))
    assert story.next_block() == ["APPLIED", "RECORDED 7", "ISSUED"]
    story.order(
        events.command("MANDATE", rows=[row("METRO", policy="ON_CLAIM", stored_value="AT_TOPUP")]), ISSUER
    )
    story.say(payment(txn_id="up3", kind="TOPPED_UP"))
    story.say(payment(txn_id="card3", channel="CARD"))
    story.say(payment(txn_id="bus", scene="BUS", detail={"line": "M362"}))
    assert story.next_block() == ["APPLIED", "RECORDED 3", "RECORDED 2", "RECORDED 3"]


def test_amounts_of_nothing_are_an_outcome_and_no_error(story: Story) -> None:
    story.set_up()
    story.say(payment(txn_id="T1", paid_fen=0))
    story.say(payment(txn_id="T2", invoiceable_fen=0))
    story.say(refund(txn_id="T2", refund_fen=665))
    assert story.next_block() == ["RECORDED 1", "RECORDED 1", "RECORDED 2"]


def test_clocks_that_are_ahead(story: Story) -> None:
    story.set_up()
    at = START_MS + 500
    for n, behind in enumerate((0, 1, 48 * HOUR_MS, 48 * HOUR_MS + 1)):
        story.say(payment(txn_id=f"T{n}"), timestamp_ms=at - behind)
    assert story.next_block() == ["ISSUED", "ISSUED", "ISSUED", "REJECTED E_TIME_FUTURE"]
    assert [record[9:11] for record in last_records(story)] == [[at, 0], [at - 1, 1], [at - 48 * HOUR_MS, 1]]


@pytest.mark.parametrize("timestamp_ms", [-(2**63), -1, 0, 2**62, 2**63 - 1])
def test_a_broker_s_timestamp_may_be_any_integer(story: Story, timestamp_ms: int) -> None:
    story.set_up()
    story.say(payment(), timestamp_ms=timestamp_ms)
    assert story.next_block() == ["ISSUED" if timestamp_ms > START_MS else "REJECTED E_TIME_FUTURE"]


def test_a_rate_ends_with_its_last_day_in_the_chain_s_zone(story: Story) -> None:
    story.set_up(rate="EXEMPT")
    around = ["2026-03-01T23:59:59.999+08:00", "2026-03-02T00:00:00+08:00", "2026-03-01T16:00:00Z"]
    for n, at in enumerate([*around, "2016-04-30T23:59:59+08:00"]):
        story.say(payment(txn_id=f"T{n}", paid_at=at), timestamp_ms=START_MS + 48 * HOUR_MS)
    story.say(payment(txn_id="first", paid_at="2016-05-01T00:00:00+08:00"))
    refused = "REJECTED E_RATE_NOT_ALLOWED"
    assert story.next_block() == ["ISSUED", refused, refused, refused, "ISSUED"]


def test_duplicates_and_conflicts_within_and_across_blocks(story: Story) -> None:
    story.set_up()
    story.say(payment())
    story.say(events.value(payment(), id="another", time="2026-03-01T00:00:00Z"), source=3)
    story.say(payment(paid_fen=600))
    assert story.next_block() == ["ISSUED", "DUPLICATE", "REJECTED E_PAYMENT_CONFLICT"]
    story.say(payment())
    story.say(payment(gross_fen=701))
    story.say(refund())
    assert story.next_block() == ["DUPLICATE", "REJECTED E_PAYMENT_CONFLICT", "REVERSED"]
    story.say(refund())
    story.say(refund(refund_fen=99))
    story.say(payment(kind="TOPPED_UP"))
    story.say(payment(channel="ALIPAY"))
    assert story.next_block() == ["DUPLICATE", "REJECTED E_PAYMENT_CONFLICT", "RECORDED 7", "ISSUED"]


def test_a_duplicate_of_a_payment_that_waited_names_its_first_record(story: Story) -> None:
    story.set_up(numbers=0)
    story.say(payment())
    story.order(events.grant("144032609110", 1, 10))
    assert story.next_block() == ["RECORDED 4", "APPLIED"]
    story.say(payment())
    assert story.next_block() == ["DRAINED 1", "DUPLICATE"]


def test_a_rejected_input_occupies_nothing(story: Story) -> None:
    story.set_up()
    story.say(payment(detail={"unknown": "x"}))
    story.say(payment(detail={"line": "not a number"}))
    story.say(payment(scene="BUS"))
    story.say(payment(scene="TAXI"))
    story.say(payment(), SPARE)
    story.say(payment(), ISSUER)
    story.say(payment(network="dongguan"))
    story.say(payment(detail={"line": 3, "gate": "A1"}))
    schema = "REJECTED E_SCHEMA"
    assert story.next_block() == [
        *(schema, schema, schema, "REJECTED E_ROLE", "REJECTED E_KEY_UNKNOWN", "REJECTED E_ROLE"),
        *("REJECTED E_CHAIN", "ISSUED"),
    ]


def test_what_is_no_event_at_all(story: Story) -> None:
    story.set_up()
    value = events.value(payment())
    kid = _core.kid(_core.public_key(DEVICE)).encode()
    good: list[tuple[str, bytes | None]] = [("fc-kid", kid), ("fc-sig", _core.sign(DEVICE, value))]
    story.put(None, [])
    story.put(None, good)
    story.put(value, [])
    story.put(value, [good[0], ("fc-sig", b"x" * 63)])
    story.put(value, [("fc-kid", kid.upper()), good[1]])
    story.put(value, [("fc-kid", None), *good])
    story.put(value, [good[0], ("fc-sig", bytes(64)), good[1]])
    story.put(value + b" ", good)
    story.put(b"x" * (64 * 1024 + 1), good)
    story.say(b" " * (64 * 1024 - len(value)) + value)
    story.say(b"{")
    story.say(b"[" * 33)
    signature = "REJECTED E_SIGNATURE"
    assert story.next_block() == [
        *(signature, "REJECTED E_SCHEMA", signature, signature, signature, signature, signature, signature),
        *("REJECTED E_SIZE", "ISSUED", "REJECTED E_SCHEMA", "REJECTED E_DEPTH"),
    ]


def test_keys_begin_end_rotate_and_retire(story: Story) -> None:
    story.set_up()
    story.say(payment(txn_id="early"), SPARE)
    story.order(key(SPARE, "DEVICE", scenes=["METRO"], from_height=2, to_height=4))
    story.say(payment(txn_id="T1"), SPARE)
    story.order(key(SPARE, "DEVICE", scenes=["METRO"]))
    assert story.next_block() == ["REJECTED E_KEY_UNKNOWN", "APPLIED", "ISSUED", "REJECTED E_STATE"]
    story.say(rotation(DEVICE, OTHER_DEVICE), DEVICE, source=1)
    story.say(payment(txn_id="T2"), DEVICE)
    story.say(payment(txn_id="T2"), OTHER_DEVICE)
    story.say(payment(txn_id="T3"), SPARE)
    assert story.next_block() == ["APPLIED", "REJECTED E_KEY_EXPIRED", "ISSUED", "ISSUED"]
    story.say(payment(txn_id="T4"), SPARE)
    kid = _core.kid(_core.public_key(OTHER_DEVICE))
    story.say(payment(txn_id="T5"), OTHER_DEVICE)
    story.order(events.command("RETIRE_KEY", kid=kid), ISSUER)
    story.say(payment(txn_id="T6"), OTHER_DEVICE)
    story.order(events.command("RETIRE_KEY", kid=kid), BUREAU)
    story.order(events.command("RETIRE_KEY", kid="00" * 16), BUREAU)
    expired = "REJECTED E_KEY_EXPIRED"
    assert story.next_block() == [
        expired,
        "ISSUED",
        "APPLIED",
        expired,
        "REJECTED E_STATE",
        "REJECTED E_KEY_UNKNOWN",
    ]


def test_a_key_that_begins_later_or_rotates_keeps_its_range(story: Story) -> None:
    story.set_up()
    story.order(key(SPARE, "DEVICE", scenes=["METRO"], from_height=3, to_height=4))
    story.say(payment(txn_id="T1"), SPARE)
    assert story.next_block() == ["APPLIED", "REJECTED E_KEY_EXPIRED"]
    story.say(rotation(SPARE, OTHER_DEVICE), SPARE, source=1)
    story.say(payment(txn_id="T1"), OTHER_DEVICE)
    story.say(rotation(OTHER_DEVICE, DEVICE), OTHER_DEVICE, source=1)
    assert story.next_block() == ["APPLIED", "ISSUED", "REJECTED E_STATE"]
    story.say(payment(txn_id="T2"), OTHER_DEVICE)
    assert story.next_block() == ["REJECTED E_KEY_EXPIRED"]


def test_rotations_need_consent(story: Story) -> None:
    story.set_up()
    spoiled = {**rotation(DEVICE, SPARE), "proof": "00" * 64}
    foreign = rotation(ISSUER, SPARE)
    small = {**rotation(DEVICE, SPARE), "public_key": "01" + "00" * 31}
    for data in (spoiled, foreign, small):
        story.say(data, DEVICE, source=1)
    story.say(rotation(BUREAU, SPARE), BUREAU, source=1)
    story.order(events.grant("144032609120", 1, 2), BUREAU)
    story.order(events.grant("144032609120", 1, 2), SPARE)
    signature = "REJECTED E_SIGNATURE"
    assert story.next_block() == [signature] * 3 + ["APPLIED", "REJECTED E_KEY_EXPIRED", "APPLIED"]


def test_who_may_give_which_command(story: Story) -> None:
    story.set_up()
    second_seller(story)
    role = "REJECTED E_ROLE"
    tries = [
        (events.command("ADMIT_ISSUER", tax_id=SELLER, name="x", credit_limit_fen=None), ISSUER, role),
        (events.command("SCENE_TABLE", rows=[]), ISSUER, role),
        (events.command("RATE_TABLE", rows=RATES), DEVICE, role),
        (events.command("MANDATE", rows=[row("METRO")]), BUREAU, role),
        (events.command("MANDATE", rows=[row("METRO")]), DEVICE, role),
        (events.command("MANDATE", rows=[row("METRO", rate=100)]), ISSUER, "REJECTED E_RATE_NOT_ALLOWED"),
        (events.grant("144032609120", 1, 2), ISSUER, role),
        (events.grant("144032609120", 1, 2, "92532528MA6L45LX6L"), BUREAU, role),
        (events.close(1, "144032609110"), ISSUER, role),
        (key(SPARE, "ISSUER"), ISSUER, role),
        (key(SPARE, "DEVICE", scenes=["METRO"]), OTHER_ISSUER, role),
        (key(SPARE, "AGENT", tax_id="92532528MA6L45LX6L"), BUREAU, role),
        (key(SPARE, "AUDITOR", tax_id="92532528MA6L45LX6L"), BUREAU, "APPLIED"),
        ({**key(SPARE, "AUDITOR"), "public_key": "ee" + "ff" * 30 + "7f"}, BUREAU, "REJECTED E_SIGNATURE"),
        (events.command("RETIRE_KEY", kid=_core.kid(_core.public_key(DEVICE))), OTHER_ISSUER, role),
        (events.command("RETIRE_KEY", kid=_core.kid(_core.public_key(DEVICE))), DEVICE, role),
    ]
    for data, seed, _ in tries:
        story.order(data, seed)
    assert story.next_block() == [expected for _, _, expected in tries]


def test_commands_are_told_apart_by_their_ids(story: Story) -> None:
    story.set_up()
    grant = events.grant("144032609120", 1, 5, command_id="same")
    story.say(grant, BUREAU, source=1)
    story.say(events.value(grant, id="again"), BUREAU, source=1)
    story.say({**grant, "to": 6}, BUREAU, source=1)
    assert story.next_block() == ["APPLIED", "DUPLICATE", "REJECTED E_STATE"]
    story.say(grant, BUREAU, source=1)
    story.say({**grant, "command_id": "other"}, BUREAU, source=1)
    assert story.next_block() == ["DUPLICATE", "REJECTED E_NUMBER_REUSED"]


def test_a_command_of_another_s_is_refused_before_it_is_a_duplicate(story: Story) -> None:
    story.set_up()
    grant = events.grant("144032609120", 1, 5, command_id="same")
    story.say(grant, BUREAU, source=1)
    story.say(grant, DEVICE, source=1)
    story.say({**grant, "to": 6}, ISSUER, source=1)
    assert story.next_block() == ["APPLIED", "REJECTED E_ROLE", "REJECTED E_ROLE"]


def test_nobody_takes_another_s_command_id(story: Story) -> None:
    story.set_up()
    second_seller(story)
    mandate = events.command("MANDATE", "m-1", rows=[row("METRO", rate=900)])
    story.say(mandate, ISSUER, source=1)
    story.say(mandate, OTHER_ISSUER, source=1)
    story.say({**mandate, "rows": []}, OTHER_ISSUER, source=1)
    story.say(rotation(ISSUER, SPARE), ISSUER, source=1)
    story.say(mandate, SPARE, source=1)
    story.say(payment(seller_tax_id=OTHER_SELLER), OTHER_DEVICE)
    assert story.next_block() == ["APPLIED", "APPLIED", "REJECTED E_STATE", "APPLIED", "DUPLICATE", "ISSUED"]
    assert last_records(story)[-1][7][1] == 900  # type: ignore[index]


def test_what_waits_is_issued_under_the_mandate_of_that_time(story: Story) -> None:
    story.set_up(numbers=0)
    story.say(payment(txn_id="T1"))
    story.say(payment(txn_id="T2"))
    story.order(events.command("MANDATE", rows=[]), ISSUER)
    story.order(events.grant("144032609110", 1, 10))
    assert story.next_block() == ["RECORDED 4", "RECORDED 4", "APPLIED", "APPLIED"]
    assert story.next_block() == []
    story.order(events.command("MANDATE", rows=[row("METRO", rate=900)]), ISSUER)
    assert story.next_block() == ["APPLIED"]
    assert story.next_block() == ["DRAINED 2"]
    assert [record[7][1] for record in last_records(story)] == [900, 900]  # type: ignore[index]


def test_holes_move_a_position_without_an_input(story: Story) -> None:
    story.set_up()
    value = events.value(payment())
    headers: list[tuple[str, bytes | None]] = [
        ("fc-kid", _core.kid(_core.public_key(DEVICE)).encode()),
        ("fc-sig", _core.sign(DEVICE, value)),
    ]
    story.push(2, [(5, START_MS, None, value, headers), (9, START_MS, b"", value, headers)], 12)
    story.push(3, [], 4)
    assert story.next_block() == ["ISSUED", "DUPLICATE"]
    assert [position[3] for position in story.ledger.positions()] == [0, 7, 12, 4]
