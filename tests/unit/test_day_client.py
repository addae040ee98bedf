"""The client: its own example works as it stands, and what the ledger would refuse is never signed."""

import inspect
import json
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError
from test_day_keys import SEED

from farechain import _core, client
from farechain.client import Client, Device, record_key, sign_payment
from farechain.errors import FarechainError
from farechain.keys import write_key

SELLER = "91440300MA9FC001XP"
SHENZHEN = timezone(timedelta(hours=8))
PAID_AT = datetime(2026, 3, 9, 8, 30, tzinfo=SHENZHEN)


class RecordingProducer:
    """Stands for a broker: keeps what is sent."""

    sent: list[dict[str, Any]]
    started: list[dict[str, Any]]
    stopped: int
    failure: Exception | None

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    async def start(self) -> None:
        if isinstance(self.failure, KafkaConnectionError):
            raise self.failure
        self.started.append(self.settings)

    async def stop(self) -> None:
        type(self).stopped += 1

    async def send_and_wait(self, topic: str, **record: Any) -> SimpleNamespace:
        if self.failure is not None:
            raise self.failure
        self.sent.append({"topic": topic, **record})
        return SimpleNamespace(partition=3, offset=len(self.sent) - 1)


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> type[RecordingProducer]:
    class Fresh(RecordingProducer):
        sent: list[dict[str, Any]] = []  # noqa: RUF012 - one class a test
        started: list[dict[str, Any]] = []  # noqa: RUF012 - one class a test
        stopped = 0
        failure = None

    monkeypatch.setattr(client, "AIOKafkaProducer", Fresh)
    return Fresh


def gate() -> Device:
    return Device(name="gate-0001", seed=SEED, network="shenzhen", seller_tax_id=SELLER)


def ride(**changed: Any) -> Any:
    fields: dict[str, Any] = {
        "channel": "WECHAT",
        "txn_id": "4200000001",
        "scene": "METRO",
        "gross_fen": 700,
        "paid_fen": 665,
        "paid_at": PAID_AT,
        "detail": {"exit": "罗湖"},
    }
    return gate().payment(**{**fields, **changed})


def verified(event: client.SignedEvent) -> bool:
    headers = dict(event.headers)
    assert headers["fc-kid"].decode() == _core.kid(_core.public_key(SEED))
    return _core.verify_batch([_core.public_key(SEED)], [event.value], [headers["fc-sig"]]) == [True]


def test_the_example_of_the_docstring_sends_one_good_event(
    producer: type[RecordingProducer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_key(tmp_path / "gate-0001.key", SEED)
    example = textwrap.dedent((inspect.getdoc(client) or "").split("\n\n", 1)[1])
    assert len([line for line in example.splitlines() if line.strip()]) <= 25
    exec(compile(example, "example", "exec"), {"__name__": "example"})
    (sent,) = producer.sent
    assert capsys.readouterr().out == "(3, 0)\n"
    assert sent["topic"] == "payments.metro"
    assert verified(client.SignedEvent(sent["key"], tuple(sent["headers"]), sent["value"]))
    assert _core.decode_event(sent["value"])["network"] == "shenzhen"
    assert producer.started[0]["enable_idempotence"] is True
    assert producer.started[0]["acks"] == "all"
    assert producer.stopped == 1


def test_a_payment_says_what_it_was_told() -> None:
    event = ride(device_seq=7, order_no="order-1", payer="ab" * 32, invoiceable_fen=600)
    data = json.loads(event.value)["data"]
    assert data == {
        "kind": "PAID",
        "network": "shenzhen",
        "seller_tax_id": SELLER,
        "channel": "WECHAT",
        "txn_id": "4200000001",
        "scene": "METRO",
        "gross_fen": 700,
        "paid_fen": 665,
        "paid_at": "2026-03-09T08:30:00+08:00",
        "invoiceable_fen": 600,
        "order_no": "order-1",
        "payer": "ab" * 32,
        "device_seq": 7,
        "detail": {"exit": "罗湖"},
    }
    assert event.key == f"{SELLER}|WECHAT|4200000001".encode()
    assert verified(event)
    assert ride(kind="TOPPED_UP").key == event.key


def test_a_refund_has_the_key_of_its_payment_and_an_identity_of_its_own() -> None:
    back = gate().refund(
        channel="WECHAT", txn_id="4200000001", refund_id="R1", refund_fen=665, refunded_at=PAID_AT
    )
    assert back.key == ride().key == record_key(json.loads(back.value)["data"])
    assert verified(back)
    assert _core.decode_event(back.value)["identity"] != _core.decode_event(ride().value)["identity"]


def test_the_same_arguments_give_the_same_event_and_another_envelope_the_same_data() -> None:
    assert ride() == ride()
    data = json.loads(ride().value)["data"]
    again = sign_payment(SEED, "gate-0001", "another id", data)
    assert again.value != ride().value
    assert _core.decode_event(again.value)["data_leaf"] == _core.decode_event(ride().value)["data_leaf"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"paid_fen": -1}, "E_AMOUNT_NEGATIVE"),
        ({"paid_fen": 6.65}, "E_AMOUNT_FLOAT"),
        ({"gross_fen": 1 << 53}, "E_AMOUNT_OVERFLOW"),
        ({"invoiceable_fen": 666}, "E_OVER_INVOICED"),
        ({"paid_at": datetime(2026, 3, 9, 8, 30)}, "E_TIME_NO_OFFSET"),
        ({"channel": "SHELLS"}, "E_SCHEMA"),
        ({"txn_id": ""}, "E_SCHEMA"),
        ({"payer": "a card number"}, "E_SCHEMA"),
    ],
)
def test_what_the_ledger_would_refuse_is_not_signed(changed: dict[str, Any], code: str) -> None:
    with pytest.raises(FarechainError) as refused:
        ride(**changed)
    assert (refused.value.code, refused.value.exit_code) == (code, 2)


def test_a_wrong_seller_is_refused() -> None:
    wrong = Device(name="g", seed=SEED, network="shenzhen", seller_tax_id="44078819091887401X")
    with pytest.raises(FarechainError) as refused:
        wrong.refund(channel="CASH", txn_id="1", refund_id="2", refund_fen=1, refunded_at=datetime.now(UTC))
    assert refused.value.code == "E_USCC_CHECKSUM"


@pytest.mark.parametrize("failure", [KafkaConnectionError, KafkaTimeoutError])
async def test_a_broker_that_does_not_answer_is_one_line(
    producer: type[RecordingProducer], failure: Callable[[], Exception]
) -> None:
    producer.failure = failure()
    with pytest.raises(FarechainError, match="start it or correct the address") as refused:
        async with Client("127.0.0.1:1") as sender:
            await sender.send("payments.metro", ride())
    assert (refused.value.code, refused.value.exit_code) == ("E_BROKER", 4)
    assert producer.stopped == 1


async def test_a_client_outside_its_block_is_a_mistake() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await Client("127.0.0.1:1").send("payments.metro", ride())
