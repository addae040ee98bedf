"""Invoices for tests of their documents: from nothing, and from a ledger with trips in it."""

from pathlib import Path
from typing import Any

from bindings_little_chain import (
    BUREAU,
    CODE,
    COMMANDS,
    METRO,
    NETWORK,
    SELLER,
    START_MS,
    commands,
    commit,
    create,
    payment,
    public_log,
    refund,
    signed,
)

from farechain import _core
from farechain.export.document import Evidence, InvoiceDocument, Line, Original, Party, Trip

VERIFY = "https://invoices.example"
SPARE = 10
"""Numbers that are left."""
FIELDS = ("entry", "exit", "line")


def line(total: int = 600, rate: _core.Rate = 300, quantity: int = 3, item: str = "地铁乘车费") -> Line:
    """A line as ``decide`` makes it."""
    net, tax = _core.split_tax(abs(total), rate)
    sign = -1 if total < 0 else 1
    return Line("3010101020202000000", "运输服务", item, rate, quantity, sign * net, sign * tax, total)


def trip(fare_fen: int, number: int = 0, **changes: Any) -> Trip:
    """A ride of the line with this number, from 0."""
    identity = bytes([number, *range(1, 32)])
    fields = {"origin": "石厦", "destination": "益田", "service": "3号线", "line": number}
    return Trip(
        START_MS,
        START_MS,
        **{"scene": "METRO", "fare_fen": fare_fen, "identity": identity, **fields, **changes},
    )


def invoice(*lines: Line, **changes: Any) -> InvoiceDocument:
    """An invoice of these lines with a trip for each; blue unless its total is negative."""
    lines = lines or (line(),)
    total = sum(each.total_fen for each in lines)
    red = Original(CODE, "00000007", bytes(32), "SALES_RETURN") if total < 0 else None
    trips = [trip(each.total_fen, number) for number, each in enumerate(lines)]
    fields: dict[str, Any] = {
        "chain": "shenzhen/0",
        "code": CODE,
        "number": "00000042",
        "kind": "RED" if red else "BLUE",
        "hash": bytes(range(32)),
        "issued_at_ms": START_MS + 1234,
        "utc_offset_min": 480,
        "seller": Party("演示轨道交通一号运营有限公司", SELLER),
        "buyer": None,
        "lines": tuple(lines),
        "trips": tuple(trips),
        "net_fen": sum(each.net_fen for each in lines),
        "tax_fen": sum(each.tax_fen for each in lines),
        "total_fen": total,
        "height": 7,
        "index": 3,
        "original": red,
        "evidence": None,
        "demonstration": True,
        "verify_url": VERIFY,
    }
    return InvoiceDocument(**{**fields, **changes})


def evidence(size: int = 700) -> Evidence:
    """A proof that proves nothing, of about the size of a real one."""
    return Evidence("shenzhen/0", 9, bytes(32), bytes(range(250)) * (size // 250))


def ledger_of(place: Path, payments: int, refunds: int = 0) -> _core.Ledger:
    """A published ledger below ``place``: payments with places, the first ``refunds`` of them refunded."""
    ledger = create(place)
    orders = commands(payments + refunds + SPARE)
    table = [{"name": name, "type": "TEXT", "required": False} for name in sorted(FIELDS)]
    number = next(order[0] for order in orders if b"SCENE_TABLE" in (order[3] or b""))
    rows = [{"code": "METRO", "name": "metro", "detail": table}]
    scenes = {"kind": "SCENE_TABLE", "network": NETWORK, "command_id": "scenes", "rows": rows}
    orders[number] = signed(BUREAU, number, scenes)
    assert commit(ledger, COMMANDS, orders).rejected == {}
    detail = {"entry": "石厦", "exit": "益田", "line": "3号线"}
    rides = [payment(n, 200 + n % 700, gross_fen=1000, detail=detail) for n in range(payments)]
    back = [refund(payments + n, n, 150 if n % 2 else 200 + n % 700) for n in range(refunds)]
    assert commit(ledger, METRO, rides).rejected == {}
    if back:
        assert commit(ledger, METRO, back, START_MS + 5000).rejected == {}
    public_log(ledger, place)
    return ledger
