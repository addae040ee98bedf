"""Well-formed events for the tests of the reference, and how their bytes are written."""

import json
import re
from typing import Any

SELLER = "91440300708461136T"
OTHER_SELLER = "91110000600037341L"
APP = "91440300MA5APPAAAL"
"""An agent's."""
BUYER, OTHER_BUYER = "91440300MA5BUYER00", "91440300MA5BUYER13"
METRO = "3010101020202000000"


def changed(data: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**data, **changes}.items() if value is not ...}


def payment(**changes: Any) -> dict[str, Any]:
    """``data`` of a payment; a change to ``...`` removes the member."""
    data: dict[str, Any] = {
        "kind": "PAID",
        "network": "shenzhen",
        "channel": "WECHAT",
        "txn_id": "T1",
        "scene": "METRO",
        "gross_fen": 700,
        "paid_fen": 665,
        "paid_at": "2026-03-01T08:00:00.5+08:00",
        "seller_tax_id": SELLER,
    }
    return changed(data, changes)


def refund(**changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = {
        "kind": "REFUNDED",
        "network": "shenzhen",
        "channel": "WECHAT",
        "txn_id": "T1",
        "refund_id": "R1",
        "refund_fen": 100,
        "paid_at": "2026-03-01T09:00:00+08:00",
        "seller_tax_id": SELLER,
    }
    return changed(data, changes)


def command(kind: str, /, command_id: str = "c-1", **members: Any) -> dict[str, Any]:
    return changed({"kind": kind, "network": "shenzhen", "command_id": command_id}, members)


def grant(
    code: str, first: int, last: int, tax_id: str | None = None, command_id: str = "g-1"
) -> dict[str, Any]:
    numbers = {"code": code, "from": first, "to": last, "tax_id": tax_id}
    return {**command("GRANT_NUMBERS", command_id), **numbers}


def close(first: int, code: str, command_id: str = "x-1") -> dict[str, Any]:
    return {**command("CLOSE_GRANT", command_id), "code": code, "from": first}


COMMANDS: list[dict[str, Any]] = [
    command("ADMIT_ISSUER", tax_id=SELLER, name="深圳地铁", credit_limit_fen=None),
    command("ADMIT_ISSUER", tax_id=SELLER, name="x", credit_limit_fen=10_000),
    command(
        "REGISTER_KEY",
        public_key="ab" * 32,
        role="DEVICE",
        tax_id=SELLER,
        scenes=["METRO", "BUS"],
        from_height=0,
        to_height=9,
    ),
    command(
        "REGISTER_KEY",
        public_key="cd" * 32,
        role="AUDITOR",
        tax_id=SELLER,
        scenes=[],
        from_height=1,
        to_height=None,
    ),
    command("ROTATE_KEY", public_key="ab" * 32, proof="01" * 64),
    command("RETIRE_KEY", kid="0f" * 16),
    command(
        "SCENE_TABLE",
        rows=[
            {
                "code": "METRO",
                "name": "地铁",
                "detail": [{"name": "gate", "type": "TEXT", "required": False}],
            },
            {
                "code": "BUS",
                "name": "公交",
                "detail": [
                    {"name": "line", "type": "TEXT", "required": True},
                    {"name": "a", "type": "INTEGER", "required": False},
                ],
            },
        ],
    ),
    command(
        "RATE_TABLE",
        rows=[
            {"scene": "METRO", "tax_code": METRO, "rate": 300, "from": "2016-05-01", "to": None},
            {"scene": "METRO", "tax_code": METRO, "rate": "EXEMPT", "from": "2020-01-01", "to": "2021-03-31"},
        ],
    ),
    command(
        "MANDATE",
        rows=[
            {"scene": "METRO", "policy": "AUTO", "stored_value": "AT_TOPUP", "tax_code": METRO, "rate": 300},
            {
                "scene": "BUS",
                "policy": "ON_CLAIM",
                "stored_value": "AT_RIDE",
                "tax_code": METRO,
                "rate": "NONTAXABLE",
            },
        ],
    ),
    grant("144032609110", 1, 1000),
    grant("144032609110", 1, 99_999_999, SELLER),
    close(1, "144032609110"),
]


def envelope(data: Any, **changes: Any) -> dict[str, Any]:
    kind = data.get("kind") if isinstance(data, dict) else None
    payments = kind in ("PAID", "REFUNDED", "TOPPED_UP")
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "gate/1",
        "type": "farechain.payment.v1" if payments else "farechain.command.v1",
        "data": data,
    }
    return changed(event, changes)


def value(data: Any, **changes: Any) -> bytes:
    """The bytes of an event."""
    return dumped(envelope(data, **changes)).encode()


def number(text: str) -> str:
    """A number that ``dumped`` writes as it stands here."""
    return f"\ufffc{text}\ufffc"


def dumped(event: Any) -> str:
    """JSON, with numbers in the way they were asked for."""
    return re.sub('"\ufffc([^\ufffc"]*)\ufffc"', r"\1", json.dumps(event, ensure_ascii=False))
