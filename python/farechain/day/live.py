"""Rides that happen now, of the day's devices: for measuring how long an event takes, and to try things."""

import random
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from farechain import _core
from farechain.client import SignedEvent
from farechain.data import places
from farechain.day.plan import NETWORK
from farechain.day.sales import metro_fare_fen
from farechain.errors import EXIT_USAGE, FarechainError
from farechain.keys import DeviceKey, read_key_set

LIVE_TOPIC = "payments.metro"


def live_rides(keys: Path, *, count: int, at: datetime, seed: int = 1) -> list[SignedEvent]:
    """Signs metro rides that were paid at one moment; each becomes an invoice after the day's commands.

    Args:
        keys: the directory that ``generate`` wrote keys to.
        count: how many.
        at: when they were paid, with an offset, not after they are sent. Another moment gives others.
        seed: gives stations and fares.

    Raises:
        FarechainError: ``E_KEY_FILE`` where there are no keys of the day.
    """
    devices = [
        key
        for key in read_key_set(keys / "devices.jsonl")
        if key.state == "ACTIVE" and key.scenes == ("METRO",) and key.device.startswith("metro-1-")
    ]
    if not devices:
        raise FarechainError(
            "E_KEY_FILE", f"{keys}: no key of a metro gate: generate a day first", EXIT_USAGE
        )
    rng = random.Random(seed)  # noqa: S311 - a simulation, not a secret
    stops = places().lines["1号线"]
    moment_ms = int(at.timestamp() * 1000)
    kids = [key.kid.encode() for key in devices]
    chosen = [i % len(devices) for i in range(count)]
    txn_ids = [f"L{moment_ms}{i:07d}" for i in range(count)]
    values = [
        _ride(rng, devices[device], txn_id, at.isoformat(), stops)
        for device, txn_id in zip(chosen, txn_ids, strict=True)
    ]
    signatures = _core.sign_batch([devices[device].seed for device in chosen], values)
    return [
        SignedEvent(
            f"{devices[device].tax_id}|UNIONPAY|{txn_id}".encode(),
            (("fc-kid", kids[device]), ("fc-sig", signature)),
            value,
        )
        for device, txn_id, value, signature in zip(chosen, txn_ids, values, signatures, strict=True)
    ]


def _ride(rng: random.Random, key: DeviceKey, txn_id: str, paid_at: str, stops: Sequence[str]) -> bytes:
    entry, exit_at = int(rng.random() * len(stops)), int(rng.random() * len(stops))
    fen = metro_fare_fen(abs(entry - exit_at))
    return (
        f'{{"specversion":"1.0","type":"farechain.payment.v1","source":"{key.device}","id":"{txn_id}","data":'
        f'{{"kind":"PAID","network":"{NETWORK}","seller_tax_id":"{key.tax_id}","scene":"METRO",'
        f'"channel":"UNIONPAY","txn_id":"{txn_id}","gross_fen":{fen},"paid_fen":{fen},"paid_at":"{paid_at}",'
        f'"detail":{{"line":"1号线","entry":"{stops[entry]}","exit":"{stops[exit_at]}"}}}}}}'
    ).encode()
