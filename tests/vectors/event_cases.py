"""Values of inputs: what they say, or the code for which they are refused."""

from collections.abc import Iterator
from typing import Any

from reference import events
from reference.errors import Rejected
from reference.event import Payment, decode

from . import command_cases

Cases = Iterator[dict[str, Any]]
SELLER, CODE = events.SELLER, "144032609110"

Changes = list[dict[str, Any]]
SPOILED_PAYMENTS: Changes = [
    {"kind": "ISSUED"},
    {"network": ""},
    {"network": ...},
    {"channel": "wechat"},
    {"txn_id": "a b"},
    {"extra": 1},
    {"refund_id": "R"},
    {"order_no": "12345"},
    {"scene": "metro"},
    {"scene": ...},
    {"gross_fen": "700"},
    {"paid_fen": 6.65},
    {"paid_fen": -1},
    {"paid_fen": 2**53},
    {"paid_fen": 701},
    {"invoiceable_fen": 666},
    {"paid_at": "2026-03-01T08:00:00"},
    {"paid_at": "2026-02-29T08:00:00Z"},
    {"paid_at": "2026-03-01 08:00:00Z"},
    {"paid_at": "2026-03-01T08:00:60Z"},
    {"seller_tax_id": SELLER[:-1]},
    {"seller_tax_id": SELLER[:-1] + "I"},
    {"seller_tax_id": SELLER[:-1] + "U"},
    {"payer": "AB" * 32},
    {"device_seq": -1},
    {"detail": {"A": 1}},
    {"detail": {"a": "\u0001"}},
    {"detail": {"a": True}},
    {"gross_fen": -1, "seller_tax_id": "x"},
]
"""Each breaks one rule of a payment; the last one two, and the earlier gives the code."""
SPOILED_REFUNDS: Changes = [
    {"refund_fen": 0},
    {"refund_fen": -1},
    {"gross_fen": 1},
    {"payer": "ab" * 32},
    {"detail": {}},
]


def event(data: dict[str, Any], **envelope: Any) -> str:
    kind = "payment" if data.get("kind") in ("PAID", "REFUNDED", "TOPPED_UP") else "command"
    whole = {"specversion": "1.0", "id": "1", "source": "gate/7", "type": f"farechain.{kind}.v1", **envelope}
    return events.dumped({**whole, "data": data})


def event_cases() -> Cases:
    """Values of inputs with what they say, or the code for which they are refused."""
    for value in accepted():
        found = decode(value.encode())
        case = {
            "value": value,
            "network": found.network,
            "kind": found.kind,
            "identity": found.identity.hex(),
        }
        if isinstance(found, Payment):
            case["origin"] = found.origin.hex()
        yield {**case, "data": found.canonical.hex(), "data_leaf": found.leaf.hex()}
    for value in refused():
        yield {"value": value, "code": code_of(value)}
    for order, code in command_cases.refused():
        value = event(order)
        assert code_of(value) == code, value
        yield {"value": value, "code": code}


def code_of(value: str) -> str:
    """The code for which a value is refused."""
    try:
        decode(value.encode())
    except Rejected as rejected:
        return rejected.code
    raise AssertionError(f"accepted: {value}")


def accepted() -> Iterator[str]:
    detail = {"line": "1", "exit_station": "深大", "gates": 2, "a": "", "zz": 2**53 - 1}
    full: dict[str, Any] = {"order_no": "A1_-|*", "invoiceable_fen": 0, "payer": "ab" * 32, "device_seq": 9}
    yield event(events.payment())
    yield event(
        events.payment(**full, detail=detail, kind="TOPPED_UP", channel="CARD"),
        time="x",
        ext1=None,
        ext2=-3,
        ext3=True,
    )
    yield event(events.payment(paid_at="2199-12-31T23:59:59.999999999-23:59", channel="CASH"))
    yield event(events.payment(paid_at="1970-01-01T00:00:00+23:59", gross_fen=2**53 - 1, paid_fen=2**53 - 1))
    yield event(events.payment(paid_at="2024-02-29T12:00:00Z"))
    yield event(events.payment()).replace('"T1"', '"\\u0054\\u0031"').replace('"METRO"', '"M\\u0045TRO"')
    yield event(events.refund())
    yield event(events.refund(scene="BUS", order_no="123456", device_seq=0, channel="ALIPAY", refund_fen=1))
    yield from (event(command) for command in events.COMMANDS)
    yield from (event(command) for command in command_cases.accepted())
    yield event(events.grant("264400000001", 1, 2))


def refused() -> Iterator[str]:
    yield from ("", "{}", "[1]", "nul", '{"a":1,"a":1}', "[" * 33 + "]" * 33, '"\\ud800"', '{"a":\u00a01}')
    yield event(events.payment(), specversion="1.1")
    yield event(events.payment(), id="")
    yield event(events.payment(), Ext=1)
    yield event(events.payment(), data_base64="")
    yield event(events.payment(), ext=1.5)
    yield from (event(events.payment(**changes)) for changes in SPOILED_PAYMENTS)
    yield from (event(events.refund(**changes)) for changes in SPOILED_REFUNDS)
    yield event(events.grant("144032009111", 1, 2))
    yield event(events.grant("064400000001", 1, 2))
    yield event(events.grant(CODE, 0, 2))
    yield event(events.grant(CODE, 2, 1))
    yield event({**events.command("RETIRE_KEY"), "kid": "00"})
    yield event(events.command("RETIRE_KEY"))
    yield event(events.command("NOTHING"))
    yield event({**events.command("RETIRE_KEY"), "kid": "00" * 16, "tax_id": SELLER})
