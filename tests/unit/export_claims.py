"""A ledger on which invoices are claimed, retitled and partly reversed, and a store with their titles."""

from pathlib import Path
from typing import Any

from bindings_little_chain import (
    BUREAU,
    CODE,
    COMMANDS,
    GATE,
    ISSUER,
    METRO,
    NETWORK,
    SELLER,
    START_MS,
    commit,
    create,
    payment,
    public_log,
    signed,
)
from export_documents import VERIFY

from farechain import _core
from farechain.export.reading import Reader, Shown
from farechain.export.titles import TitleOf, none_at_hand
from farechain.private.openings import Kind
from farechain.private.store import Store

METRO_CODE, BUS_CODE, PARKING_CODE = "3010101020202000000", "3010101020201000000", "3040502020200000000"
DIGITAL_CODE = "264403100000"
"""The first twelve digits of all-digital numbers."""
BUYER = "91440300MA5BUYER00"
KEK = bytes(range(32))
COMPANY_TITLE, FORMULA_TITLE, PERSON_TITLE = "深圳市某某科技有限公司", "=1+1公司", "张三"
AUTOMATIC, REFUNDED, CLAIMED, PARTLY_RED, RETITLED_RED, RETITLED, OF_A_PERSON, OF_A_FORMULA = range(1, 9)
"""Numbers of the twelve-digit code."""
DIGITAL, UNKNOWN_TITLE, DIGITAL_RED = 1, 2, 3
"""Numbers of the all-digital one."""
INVOICES = 11
RATES: list[tuple[str, str, Any]] = [
    ("METRO", METRO_CODE, 300),
    ("METRO", METRO_CODE, "NONTAXABLE"),
    ("BUS", BUS_CODE, "EXEMPT"),
    ("PARKING", PARKING_CODE, 900),
]
PLACES = {"METRO": ("entry", "exit", "line"), "BUS": ("stop", "route"), "PARKING": ("lot",)}
RIDE = {"entry": "石厦", "exit": "益田", "line": "3号线"}


class Claims:
    """The ledger while it is written; every call is a block of its own."""

    def __init__(self, place: Path) -> None:
        self.ledger = create(place)
        self.offsets = {COMMANDS: 0, METRO: 0}
        self.time_ms = START_MS

    def order(self, seed: bytes, kind: str, **members: Any) -> None:
        """A command that is not rejected."""
        offset = self.offsets[COMMANDS]
        data = {"kind": kind, "network": NETWORK, "command_id": f"c-{offset}", **members}
        self.block(COMMANDS, [signed(seed, offset, data)])

    def pay(self, txn_id: str, paid_fen: int, **changes: Any) -> None:
        self.block(METRO, [self.payment(txn_id, paid_fen, **changes)])

    def payment(self, txn_id: str, paid_fen: int, **changes: Any) -> _core.SourceRecord:
        """A ride; ``block`` takes it."""
        fields = {"txn_id": txn_id, "gross_fen": paid_fen, "detail": RIDE, **changes}
        return payment(self.offsets[METRO], paid_fen, **fields)

    def block(self, source: int, records: list[_core.SourceRecord], after_ms: int = 1000) -> None:
        self.time_ms += after_ms
        assert commit(self.ledger, source, records, self.time_ms).rejected == {}
        self.offsets[source] += len(records)

    def set_up(self) -> None:
        """Keys, tables, numbers of both schemes, a mandate: parking is invoiced at once, rides wait."""
        keys = {"tax_id": SELLER, "from_height": 0, "to_height": None}
        issuer = {"public_key": _core.public_key(ISSUER).hex(), "role": "ISSUER", "scenes": []}
        gate = {"public_key": _core.public_key(GATE).hex(), "role": "DEVICE", "scenes": list(PLACES)}
        rows = [
            {
                "code": code,
                "name": code.lower(),
                "detail": [{"name": name, "type": "TEXT", "required": False} for name in sorted(names)],
            }
            for code, names in PLACES.items()
        ]
        rates = [
            {"scene": scene, "tax_code": code, "rate": rate, "from": "2026-01-01", "to": None}
            for scene, code, rate in RATES
        ]
        self.order(BUREAU, "ADMIT_ISSUER", tax_id=SELLER, name="演示轨道交通有限公司", credit_limit_fen=None)
        self.order(BUREAU, "REGISTER_KEY", **keys, **issuer)
        self.order(ISSUER, "REGISTER_KEY", **keys, **gate)
        self.order(BUREAU, "SCENE_TABLE", rows=rows)
        self.order(BUREAU, "RATE_TABLE", rows=rates)
        mandate = [
            {
                "scene": scene,
                "policy": "AUTO" if scene == "PARKING" else "ON_CLAIM",
                "stored_value": "AT_TOPUP",
                "tax_code": code,
                "rate": rate,
            }
            for scene, code, rate in RATES
            if rate != "NONTAXABLE"
        ]
        self.order(ISSUER, "MANDATE", rows=mandate)
        self.order(BUREAU, "GRANT_NUMBERS", code=CODE, **{"from": 1, "to": OF_A_FORMULA}, tax_id=None)
        self.order(BUREAU, "GRANT_NUMBERS", code=DIGITAL_CODE, **{"from": 1, "to": 99}, tax_id=None)

    def claim(self, *txn_ids: str, **buyer: Any) -> None:
        named = [{"payment": payment_id(txn_id).hex(), "opening": None} for txn_id in txn_ids]
        self.order(ISSUER, "CLAIM", **buyer_of(**buyer), payments=named)


def payment_id(txn_id: str) -> bytes:
    """A payment's identity; a top-up's begins with ``up``."""
    kind = bytes([3 if txn_id.startswith("up") else 1])
    return _core.identity([b"PAYMENT", SELLER.encode(), bytes([1]), kind, txn_id.encode()])


def buyer_of(title: bytes | None = None, tax_id: str | None = None) -> dict[str, Any]:
    return {
        "buyer": "ORGANIZATION" if tax_id else "INDIVIDUAL",
        "buyer_tax_id": tax_id,
        "title": title.hex() if title else None,
        "holder": None,
    }


def claims_of(place: Path) -> Claims:
    """A published ledger with every kind of record below ``place``, its private store beside it.

    The company's invoice has rides of two months, an exempt bus ride and a top-up. Two rides of it are taken
    off, the rest is retitled to a person without a title; a person, a formula, an all-digital company and
    one whose title nobody has claim more, and of the latter a ride is given back.
    """
    claims = Claims(place)
    with Store.open(place / "private" / "store.sqlite", KEK, create=True) as store:
        company, formula, person = (
            store.put(f"subject-{number}", Kind.TITLE, text, bytes([number]) * 16)
            for number, text in enumerate((COMPANY_TITLE, FORMULA_TITLE, PERSON_TITLE))
        )
        # Under a plate's commitment no title is opened.
        plate = store.put("subject-9", Kind.PLATE, "粤B12345", bytes([9]) * 16)
    claims.set_up()
    claims.pay("parked", 1000, scene="PARKING", detail={"lot": "福田 P3"})
    claims.block(METRO, [signed(GATE, claims.offsets[METRO], _refund("parked", 300))])
    february = "2026-02-27T08:00:00+08:00"
    claims.pay("february", 333, paid_at=february)
    for txn_id in ("a", "b", "c", "d", "e", "f"):
        claims.pay(txn_id, 665)
    claims.pay("bus", 200, scene="BUS", detail={"stop": "岗厦", "route": "M1"})
    claims.pay("up-1", 5000, kind="TOPPED_UP", detail={})
    claims.claim("february", "a", "bus", "up-1", "b", title=company, tax_id=BUYER)
    lost = [payment_id(txn_id).hex() for txn_id in ("bus", "a")]
    claims.order(ISSUER, "RED_ISSUE", code=CODE, number=CLAIMED, reason="SERVICE_SUSPENSION", payments=lost)
    claims.order(ISSUER, "RETITLE", code=CODE, number=CLAIMED, **buyer_of())
    claims.claim("c", title=person)
    claims.order(BUREAU, "FREEZE", code=CODE, number=OF_A_PERSON, note="a case")
    claims.claim("d", title=formula, tax_id=BUYER)
    claims.claim("e", title=company, tax_id=BUYER)
    claims.claim("f", title=plate, tax_id=BUYER)
    claims.block(METRO, [signed(GATE, claims.offsets[METRO], _refund("f", 65))])
    public_log(claims.ledger, place)
    return claims


def reader(ledger: _core.Ledger, place: Path, title_of: TitleOf = none_at_hand) -> Reader:
    return Reader(ledger, Shown(str(place / "public"), [], VERIFY, demonstration=True, title_of=title_of))


def _refund(txn_id: str, refund_fen: int) -> dict[str, Any]:
    return {
        "kind": "REFUNDED",
        "network": NETWORK,
        "channel": "WECHAT",
        "txn_id": txn_id,
        "refund_id": f"R-{txn_id}",
        "refund_fen": refund_fen,
        "paid_at": "2026-03-01T09:00:00+08:00",
        "seller_tax_id": SELLER,
    }
