"""All that a producer and a party need: sign and send payments (Kafka) and commands (HTTP). Knows no ledger.

import asyncio
from datetime import datetime, timedelta, timezone
from pathlib import Path
from farechain.client import Client, Device
from farechain.keys import read_key

async def main() -> None:
    gate = Device(
        name="gate-0001",
        seed=read_key(Path("gate-0001.key")),
        network="shenzhen",
        seller_tax_id="91440300MA9FC001XP",
    )
    shenzhen = timezone(timedelta(hours=8))
    ride = gate.payment(
        channel="WECHAT", txn_id="4200002345202601010000000001", scene="METRO",
        gross_fen=700, paid_fen=665, paid_at=datetime.now(shenzhen), detail={"exit": "罗湖"},
    )
    async with Client("127.0.0.1:9092") as client:
        print(await client.send("payments.metro", ride))

asyncio.run(main())
"""

from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.http_client import CommandRefusedError, HttpClient
from farechain.orders import Buyer, Claimed, Invoice, Title
from farechain.party import Party
from farechain.signed_event import SignedEvent, sign_event
from farechain.sources.kafka_client import DENIED, unreachable
from farechain.sources.kafka_refusals import addresses_of, first_refusal

__all__ = [
    "Buyer",
    "Claimed",
    "Client",
    "CommandRefusedError",
    "Device",
    "HttpClient",
    "Invoice",
    "Party",
    "SignedEvent",
    "Title",
    "record_key",
    "sign_payment",
]

Channel = Literal["WECHAT", "ALIPAY", "UNIONPAY", "CARD", "CASH"]
PAYMENT_TYPE = "farechain.payment.v1"


def record_key(data: Mapping[str, Any]) -> bytes:
    """The Kafka key of a payment event: the payment's identity, shared by its refunds and all duplicates.

    Raises:
        KeyError: ``seller_tax_id``, ``channel`` or ``txn_id`` is missing.
    """
    return f"{data['seller_tax_id']}|{data['channel']}|{data['txn_id']}".encode()


def sign_payment(seed: bytes, source: str, event_id: str, data: Mapping[str, Any]) -> SignedEvent:
    """Wraps ``data`` of a payment (``docs/format.md``, section 2) into a CloudEvent and signs it.

    Args:
        seed: the device's 32-byte key.
        source: the device's name, 1-256 bytes.
        event_id: 1-128 bytes; an event with the same ``data`` and another id is a duplicate as well.

    Raises:
        FarechainError: with the ledger's own ``E_*`` code where it would refuse the event.
    """
    return sign_event(seed, data, kind=PAYMENT_TYPE, source=source, event_id=event_id, key=record_key(data))


class Device:
    """A registered device of a seller: says what was paid, and signs it.

    Args:
        name: goes into ``source``.
        seed: its 32-byte key (``farechain.keys.read_key``).
        network: the network's name, which is inside what is signed.
        seller_tax_id: the seller for whom the key was registered.
    """

    def __init__(self, *, name: str, seed: bytes, network: str, seller_tax_id: str) -> None:
        self._name = name
        self._seed = seed
        self._common = {"network": network, "seller_tax_id": seller_tax_id}

    def payment(
        self,
        *,
        channel: Channel,
        txn_id: str,
        scene: str,
        gross_fen: int,
        paid_fen: int,
        paid_at: datetime,
        kind: Literal["PAID", "TOPPED_UP"] = "PAID",
        invoiceable_fen: int | None = None,
        order_no: str | None = None,
        payer: str | None = None,
        device_seq: int | None = None,
        detail: Mapping[str, str | int] | None = None,
    ) -> SignedEvent:
        """Signs a payment or a top-up. Amounts are fen; ``paid_at`` needs an offset from UTC.

        ``payer`` is a salted commitment of 64 hex digits, never an account; ``detail`` is as the scene's
        table says. The same arguments give the same event, so that sending it again is harmless.

        Raises:
            FarechainError: with the ledger's own ``E_*`` code where it would refuse the event.
        """
        optional = {
            "invoiceable_fen": invoiceable_fen,
            "order_no": order_no,
            "payer": payer,
            "device_seq": device_seq,
            "detail": None if detail is None else dict(detail),
        }
        data = {
            "kind": kind,
            **self._common,
            "channel": channel,
            "txn_id": txn_id,
            "scene": scene,
            "gross_fen": gross_fen,
            "paid_fen": paid_fen,
            "paid_at": paid_at.isoformat(),
            **{name: value for name, value in optional.items() if value is not None},
        }
        return sign_payment(self._seed, self._name, f"{kind}-{channel}-{txn_id}", data)

    def refund(
        self, *, channel: Channel, txn_id: str, refund_id: str, refund_fen: int, refunded_at: datetime
    ) -> SignedEvent:
        """Signs a refund of the payment or top-up ``txn_id``; ``refund_id`` is the channel's own.

        Raises as ``payment`` does.
        """
        data = {
            "kind": "REFUNDED",
            **self._common,
            "channel": channel,
            "txn_id": txn_id,
            "refund_id": refund_id,
            "refund_fen": refund_fen,
            "paid_at": refunded_at.isoformat(),
        }
        return sign_payment(self._seed, self._name, f"REFUNDED-{channel}-{refund_id}", data)


class Client:
    """An idempotent producer: what it has acknowledged is in Kafka once, in order within a partition.

    Args:
        bootstrap: ``host:port``, several with commas.
        security: further arguments of ``AIOKafkaProducer``, such as ``ssl_context`` and ``sasl_mechanism``.
    """

    def __init__(self, bootstrap: str, security: Mapping[str, Any] | None = None) -> None:
        self._bootstrap = bootstrap
        self._security = dict(security or {})
        self._producer: AIOKafkaProducer | None = None

    async def __aenter__(self) -> Self:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            enable_idempotence=True,
            acks="all",
            compression_type="lz4",
            linger_ms=5,
            **self._security,
        )
        try:
            await producer.start()
        except (KafkaError, OSError) as error:
            await producer.stop()
            raise await self._refusal(error) from error
        self._producer = producer
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def send(self, topic: str, event: SignedEvent) -> tuple[int, int]:
        """Sends an event and waits until Kafka has it; returns its partition and offset.

        Events of one client may be sent concurrently. After an error send the same event again: the ledger
        knows a duplicate.

        Raises:
            FarechainError: ``E_BROKER``, exit code 4: nobody acknowledged it in time.
        """
        if self._producer is None:
            raise RuntimeError("a Client is used inside `async with`")
        try:
            sent = await self._producer.send_and_wait(
                topic, value=event.value, key=event.key, headers=list(event.headers)
            )
        except (KafkaError, OSError) as error:
            raise await self._refusal(error) from error
        return sent.partition, sent.offset

    async def _refusal(self, error: Exception) -> FarechainError:
        if isinstance(error, DENIED):
            return unreachable(self._bootstrap, error)
        refusal = await first_refusal(addresses_of(self._bootstrap), self._security)
        if refusal is not None and refusal.code != "E_BROKER":
            return refusal
        name = type(error).__name__
        message = f"no broker at {self._bootstrap} takes events ({name}): start it or correct the address"
        return FarechainError("E_BROKER", message, EXIT_UNAVAILABLE)
