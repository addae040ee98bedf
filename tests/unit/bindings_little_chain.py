"""A ledger with one issuer and one gate, written through the bindings, for tests of them."""

import json
from pathlib import Path
from typing import Any

from farechain import _core

NETWORK, CHAIN = "shenzhen", "shenzhen/0"
SELLER, CODE, TAX_CODE = "91440300708461136T", "144032609110", "3010101020202000000"
BUREAU, ISSUER, GATE, LOG, WITNESS = (bytes([number]) * 32 for number in range(1, 6))
START_MS = 1_772_323_200_000
"""2026-03-01 08:00 in Shenzhen."""
COMMANDS, METRO = 1, 2
"""The ledger's numbers of the two partitions; 0 is the engine's own."""


def create(path: Path) -> _core.Ledger:
    """Genesis, opened for writing."""
    sources = [("farechain.commands", bytes(16), 0), ("payments.metro", b"\1" * 16, 3)]
    _core.Ledger.create(
        str(path),
        network=NETWORK,
        chain=CHAIN,
        bureau=_core.public_key(BUREAU),
        sources=sources,
        regions=["4403"],
        time_ms=START_MS,
    )
    return _core.Ledger.open(str(path))


def signed(seed: bytes, offset: int, data: dict[str, Any], key: bytes | None = b"k") -> _core.SourceRecord:
    """A source's record with a signed event."""
    kind = "payment" if "txn_id" in data else "command"
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "gate/7",
        "type": f"farechain.{kind}.v1",
        "data": data,
    }
    value = json.dumps(event).encode()
    headers: list[tuple[str, bytes | None]] = [
        ("fc-kid", _core.kid(_core.public_key(seed)).encode()),
        ("fc-sig", _core.sign(seed, value)),
    ]
    return offset, START_MS + offset, key, value, headers


def commands(numbers: int = 1000) -> list[_core.SourceRecord]:
    """Everything that a payment of the gate needs to become an invoice at once."""
    rate = {"scene": "METRO", "tax_code": TAX_CODE, "rate": 300}
    device = {
        "public_key": _core.public_key(GATE).hex(),
        "role": "DEVICE",
        "tax_id": SELLER,
        "scenes": ["METRO"],
    }
    issuer = {**device, "public_key": _core.public_key(ISSUER).hex(), "role": "ISSUER", "scenes": []}
    always = {"from_height": 0, "to_height": None}
    orders: list[tuple[bytes, str, dict[str, Any]]] = [
        (BUREAU, "ADMIT_ISSUER", {"tax_id": SELLER, "name": "metro", "credit_limit_fen": None}),
        (BUREAU, "REGISTER_KEY", {**issuer, **always}),
        (ISSUER, "REGISTER_KEY", {**device, **always}),
        (BUREAU, "SCENE_TABLE", {"rows": [{"code": "METRO", "name": "metro", "detail": []}]}),
        (BUREAU, "RATE_TABLE", {"rows": [{**rate, "from": "2026-01-01", "to": None}]}),
        (ISSUER, "MANDATE", {"rows": [{**rate, "policy": "AUTO", "stored_value": "AT_RIDE"}]}),
        (BUREAU, "GRANT_NUMBERS", {"code": CODE, "from": 1, "to": numbers, "tax_id": None}),
    ]
    return [
        signed(seed, offset, {"kind": kind, "network": NETWORK, "command_id": f"c-{offset}", **members})
        for offset, (seed, kind, members) in enumerate(orders)
    ]


def payment(offset: int, paid_fen: int = 665, **changes: Any) -> _core.SourceRecord:
    """A ride."""
    data = {"kind": "PAID", "network": NETWORK, "channel": "WECHAT", "txn_id": f"T{offset}", "scene": "METRO"}
    amounts = {"gross_fen": 700, "paid_fen": paid_fen, "paid_at": "2026-03-01T08:00:00+08:00"}
    return signed(GATE, offset, {**data, **amounts, "seller_tax_id": SELLER, **changes})


def refund(offset: int, of: int, refund_fen: int) -> _core.SourceRecord:
    """Money back for a ride."""
    data = {"kind": "REFUNDED", "network": NETWORK, "channel": "WECHAT", "txn_id": f"T{of}"}
    amounts = {"refund_id": f"R{offset}", "refund_fen": refund_fen, "paid_at": "2026-03-01T09:00:00+08:00"}
    return signed(GATE, offset, {**data, **amounts, "seller_tax_id": SELLER})


def commit(
    ledger: _core.Ledger, source: int, records: list[_core.SourceRecord], time_ms: int = START_MS + 1000
) -> _core.Committed:
    """One block of these records."""
    intake = ledger.intake()
    assert intake.push_records(source, records, None) == len(records)
    return ledger.commit(ledger.prepare(intake.seal(10_000)), time_ms)


def issuing(path: Path) -> _core.Ledger:
    """A ledger at which the gate's payments become invoices: blocks 0 and 1 are there."""
    ledger = create(path)
    committed = commit(ledger, COMMANDS, commands())
    assert committed.rejected == {}
    return ledger


def public_log(ledger: _core.Ledger, path: Path) -> _core.PublicLog:
    """Its public log, with a checkpoint over all blocks, cosigned by the witness."""
    log = _core.PublicLog.open(str(path / "public"), str(path / "state"), CHAIN, LOG)
    log.catch_up(ledger)
    note = log.sign()
    log.publish(note + _core.cosign("witness", WITNESS, note, 1_772_323_300))
    return log


def witness_vkey() -> str:
    return _core.vkey_cosignature("witness", _core.public_key(WITNESS))
