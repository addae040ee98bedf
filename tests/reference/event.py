"""From a CloudEvent's bytes to what it says: payments, top-ups and refunds (docs/format.md, section 2)."""

import re
from dataclasses import dataclass
from typing import Any

from . import cbor, command
from .digests import identity, leaf_hash
from .errors import require
from .fields import amount, count, hexadecimal, matching, one_of, text, time, uscc
from .strict_json import Number, parse

KINDS = {"PAID": 1, "REFUNDED": 2, "TOPPED_UP": 3}
CHANNELS = {"WECHAT": 1, "ALIPAY": 2, "UNIONPAY": 3, "CARD": 4, "CASH": 5}
TXN_ID = r"[!-~]{1,64}"
MEMBERS = set(
    "kind network channel txn_id refund_id refund_fen order_no scene gross_fen paid_fen invoiceable_fen "  # noqa: SIM905
    "paid_at seller_tax_id payer device_seq detail".split()
)


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment (kind 1), a refund (2) or a top-up (3), decoded."""

    network: str
    kind: int
    channel: int
    txn_id: str
    refund_id: str | None
    order_no: str | None
    scene: str | None
    gross: int
    paid: int
    invoiceable: int
    refund: int
    paid_at: int
    offset_min: int
    seller: str
    payer: bytes | None
    device_seq: int | None
    detail: dict[str, str | int]

    @property
    def canonical(self) -> bytes:
        """Its canonical data, which is the annex of its record."""
        when = (self.paid_at, self.offset_min, self.seller)
        who = (1, self.kind, self.channel, self.txn_id)
        if self.kind == 2:
            order = (self.refund_id, self.order_no, self.scene, self.refund)
            return cbor.encode([*who, *order, *when, self.device_seq])
        amounts = (self.gross, self.paid, self.invoiceable)
        rest = (self.payer, self.device_seq, self.detail)
        return cbor.encode([*who, self.order_no, self.scene, *amounts, *when, *rest])

    @property
    def leaf(self) -> bytes:
        return leaf_hash(self.canonical)

    @property
    def identity(self) -> bytes:
        return self.identity_of(self.kind)

    def identity_of(self, kind: int) -> bytes:
        """The identity of its payment as another kind, or its own."""
        own = self.refund_id if kind == 2 and self.refund_id is not None else self.txn_id
        return identity(b"PAYMENT", self.seller.encode(), bytes([self.channel]), bytes([kind]), own.encode())

    @property
    def origin(self) -> bytes:
        return identity(b"ORIGIN", self.seller.encode(), bytes([self.channel]), self.txn_id.encode())


def decode(value: bytes) -> "Payment | command.Command":
    """What an event says. Raises ``Rejected`` with the first code that applies."""
    envelope = parse(value)
    require(isinstance(envelope, dict))
    check_envelope(envelope)
    data = envelope["data"]
    if envelope["type"] == "farechain.command.v1":
        return command.decode(data)
    return decode_payment(data)


def check_envelope(envelope: dict[str, Any]) -> None:
    """CloudEvents 1.0 in structured mode, with data as a JSON object."""
    require(envelope.get("specversion") == "1.0")
    text(envelope.get("id"), 1, 128)
    text(envelope.get("source"), 1, 256)
    require(envelope.get("type") in ("farechain.payment.v1", "farechain.command.v1"))
    require(isinstance(envelope.get("data"), dict))
    for name, value in envelope.items():
        if name in ("specversion", "id", "source", "type", "data"):
            continue
        if name in ("time", "subject", "datacontenttype", "dataschema"):
            require(isinstance(value, str))
            require(name != "datacontenttype" or value == "application/json")
            continue
        require(name != "data_base64" and re.fullmatch(r"[a-z0-9]{1,20}", name) is not None)
        require(value is None or isinstance(value, str | bool) or _is_integer(value))


def _is_integer(value: Any) -> bool:
    if not isinstance(value, Number) or re.search(r"[.eE]", value.text):
        return False
    return abs(int(value.text)) < 2**53


def decode_payment(data: dict[str, Any]) -> Payment:
    """The thirteen steps, in order."""
    require(MEMBERS.issuperset(data))
    kind = one_of(data.get("kind"), KINDS)
    refunds = kind == 2
    network = text(data.get("network"), 1, 64)
    channel = one_of(data.get("channel"), CHANNELS)
    txn_id = matching(data.get("txn_id"), TXN_ID)
    refund_id, refund = None, 0
    if refunds:
        refund_id = matching(data.get("refund_id"), TXN_ID)
        refund = amount(data.get("refund_fen"))
        require(refund >= 1)
    else:
        require("refund_id" not in data and "refund_fen" not in data)
    order_no = matching(data["order_no"], r"[0-9A-Za-z_\-|*]{6,64}") if "order_no" in data else None
    scene = None
    if "scene" in data or not refunds:
        scene = matching(data.get("scene"), r"[A-Z0-9_]{1,16}")
    gross, paid, invoiceable = decode_amounts(data, refunds)
    paid_at, offset_min = time(data.get("paid_at"))
    seller = uscc(data.get("seller_tax_id"))
    require(not (refunds and "payer" in data))
    payer = hexadecimal(data["payer"], 32) if "payer" in data else None
    device_seq = count(data["device_seq"]) if "device_seq" in data else None
    require(not (refunds and "detail" in data))
    detail = decode_detail(data["detail"]) if "detail" in data else {}
    return Payment(
        network=network, kind=kind, channel=channel, txn_id=txn_id, refund_id=refund_id, order_no=order_no,
        scene=scene, gross=gross, paid=paid, invoiceable=invoiceable, refund=refund, paid_at=paid_at,
        offset_min=offset_min, seller=seller, payer=payer, device_seq=device_seq, detail=detail,
    )  # fmt: skip


def decode_amounts(data: dict[str, Any], refunds: bool) -> tuple[int, int, int]:
    """(gross, paid, invoiceable); a refund has none of them."""
    if refunds:
        require(not {"gross_fen", "paid_fen", "invoiceable_fen"} & data.keys())
        return 0, 0, 0
    gross, paid = amount(data.get("gross_fen")), amount(data.get("paid_fen"))
    invoiceable = amount(data["invoiceable_fen"]) if "invoiceable_fen" in data else paid
    require(invoiceable <= paid, "E_OVER_INVOICED")
    require(paid <= gross)
    return gross, paid, invoiceable


def decode_detail(value: Any) -> dict[str, str | int]:
    """A scene's own fields."""
    require(isinstance(value, dict) and len(value) <= 16)
    detail: dict[str, str | int] = {}
    for name, field in value.items():
        matching(name, r"[a-z][a-z0-9_]{0,31}")
        if isinstance(field, str):
            require(len(field.encode()) <= 128 and not any(is_control(letter) for letter in field))
            detail[name] = field
        else:
            detail[name] = count(field)
    return detail


def is_control(letter: str) -> bool:
    """Whether a character is of Unicode's category Cc."""
    return letter < " " or "\x7f" <= letter <= "\x9f"
