"""Passengers of the small town: whose payments are known to their app, and the trips that they made."""

from datetime import datetime
from pathlib import Path

from farechain import _core
from farechain.client import Device, SignedEvent
from farechain.private.store import Store
from farechain.wallet.rows import TripRow, payer_of
from farechain.wallet.wallet import Wallet
from web.town import AGENT, APP, BUREAU, NETWORK, OTHER_COMPANY, PAID_AT, SELLER, TAX_CODE, Town, party

KEK = bytes(range(32))
PARKS = OTHER_COMPANY
"""A second seller, whose visits are invoiced on claim."""
PARKS_DESK = party(PARKS, 11)
STILE = Device(name="stile", seed=b"\x21" * 32, network=NETWORK, seller_tax_id=PARKS)
FRIEND = party(APP, 12)
"""Another passenger of the same app, whose key is not kept at the pages."""
STRANGER_APP, STRANGER = party(SELLER, 13), party(SELLER, 14)
"""Another app, and a passenger of it."""
GATE = Device(name="gate", seed=b"\x20" * 32, network=NETWORK, seller_tax_id=SELLER)
PLACES = ("entry", "exit", "line", "park")


def founding() -> list[SignedEvent]:
    """What passengers need beyond ``web.town``: places, a second seller, more keys."""
    detail = [{"name": name, "type": "TEXT", "required": False} for name in PLACES]
    rate = {"scene": "SCENIC", "tax_code": TAX_CODE, "rate": 300}
    return [
        BUREAU.scene_table(
            [{"code": code, "name": code, "detail": detail} for code in ("METRO", "SCENIC", "BUS")]
        ),
        BUREAU.admit_issuer(PARKS, "World Park Ltd"),
        BUREAU.register_key(PARKS_DESK.public_key, "ISSUER", PARKS),
        PARKS_DESK.register_key(_core.public_key(b"\x21" * 32), "DEVICE", PARKS, ["SCENIC", "BUS"]),
        PARKS_DESK.mandate([{**rate, "policy": "ON_CLAIM", "stored_value": "AT_RIDE"}]),
        AGENT.register_key(FRIEND.public_key, "HOLDER", APP),
        BUREAU.register_key(STRANGER_APP.public_key, "AGENT", SELLER),
        STRANGER_APP.register_key(STRANGER.public_key, "HOLDER", SELLER),
    ]


def opening(number: int) -> bytes:
    return bytes([number]) * 32


def trip(number: int, scene: str = "SCENIC", fen: int = 665, day: datetime = PAID_AT) -> SignedEvent:
    """A ride on the metro's line; its payer opens with ``opening(number)``."""
    return GATE.payment(
        channel="WECHAT",
        txn_id=f"T{number}",
        scene=scene,
        gross_fen=fen,
        paid_fen=fen,
        paid_at=day,
        payer=payer_of(opening(number)).hex(),
        detail={"entry": "石厦", "exit": "福田口岸", "line": "3号线"}
        if scene == "METRO"
        else {"park": "莲花山"},
    )


def visit(number: int, fen: int = 1000, scene: str = "SCENIC") -> SignedEvent:
    """A visit of the second seller's park."""
    return STILE.payment(
        channel="ALIPAY",
        txn_id=f"V{number}",
        scene=scene,
        gross_fen=fen,
        paid_fen=fen,
        paid_at=PAID_AT,
        payer=payer_of(opening(number)).hex(),
        detail={"park": "世界之窗"},
    )


def row(number: int, holder: str, **changes: str) -> dict[str, str]:
    """The trip of a number as the app hands it in."""
    fields = {
        "holder": holder,
        "seller": SELLER,
        "channel": "WECHAT",
        "txn_id": f"T{number}",
        "opening": opening(number).hex(),
    }
    return {**fields, **changes}


def visit_row(number: int, holder: str) -> dict[str, str]:
    """The same of a visit."""
    return row(number, holder, seller=PARKS, channel="ALIPAY", txn_id=f"V{number}")


def town_with_store(place: Path) -> Town:
    """A town with a private store."""
    return Town(place, private=Store.open(place / "private.sqlite", KEK, create=True))


def add(town: Town, *rows: dict[str, str]) -> None:
    """Trips straight into the wallet."""
    assert town.private is not None
    Wallet(town.private, town.ledger).add([TripRow(**each) for each in rows])  # type: ignore[arg-type]
