"""Events spoiled by seed: members changed, added, removed; numbers written oddly; bytes broken."""

import json
import random
from collections.abc import Sequence
from typing import Any

from .events import COMMANDS, OTHER_SELLER, SELLER, dumped, envelope, number, payment, refund

NUMBERS_OF = """0 -0 1 -1 00 1.0 0.5 1e3 1E3 -1e3 1e-400 1e 1. .5 +1 - 0x1 NaN
99999999 100000000 10000 10001 666
9007199254740991 9007199254740992 -9007199254740991 -9007199254740992 18446744073709551616
99999999999999999999999999999999999999"""
NUMBERS = [number(text) for text in NUMBERS_OF.split()]
TIMES = [
    "2026-02-29T00:00:00Z",
    "2026-03-01T00:00:00",
    "2026-02-30T00:00:00",
    "2026-03-01T00:00:00.123456789Z",
    "2026-03-01T00:00:00.1234567890Z",
    "2026-03-01T00:00:60Z",
    "2026-03-01T24:00:00Z",
    "2026-03-01t00:00:00Z",
    "2026-03-01T00:00:00z",
    "2026-03-01T00:00:00.Z",
    "2026-03-01T00:00:00+23:59",
    "2026-03-01T00:00:00+24:00",
    "2026-03-01T00:00:00+08:60",
    "2026-03-01T00:00:00+0800",
    "2026-03-01T00:00:00-00:00",
    "2026-03-01T00:00:00 ",
    "1969-12-31T23:59:59Z",
    "1970-01-01T00:00:00+08:00",
    "2199-12-31T23:59:59-08:00",
    "2200-01-01T00:00:00Z",
    "2000-02-29T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "2026-03-01",
]
TAX_IDS = [SELLER, OTHER_SELLER, "44078819091887401X", "9111011233024848X", SELLER.lower(), SELLER + " ", ""]
CODES = ["144032609110", "144032009111", "14403260911", "244032609110", "144032608110", "14403260911０"]
PERIODS = [
    "2026-03",
    "2026-00",
    "2026-13",
    "1969-12",
    "1970-01",
    "2199-12",
    "2200-01",
    "2026-3",
    "2026-03-01",
]
TEXTS = [
    "",
    " ",
    "\0",
    "\x1f",
    "\x7f",
    "\x85",
    "é",
    "水" * 22,
    "a" * 64,
    "a" * 65,
    "A" * 16,
    "A" * 17,
    "a\n",
    "T1\n",
    "１",
    "PAID",
    "REFUNDED",
    "TOPPED_UP",
    "CARD",
    "CASH",
    "null",
    SELLER,
    OTHER_SELLER,
    "44078819091887401X",
    "9111011233024848X",
    SELLER.lower(),
    "ab" * 32,
    "AB" * 32,
    "ab" * 31,
    "0" * 19,
    "144032609110",
    "144032009111",
    "EXEMPT",
    "NONTAXABLE",
    "BUREAU",
    "ISSUER",
    "DEVICE",
    "AT_RIDE",
    "farechain.payment.v1",
    "farechain.command.v1",
    "application/json",
    "application/json; charset=utf-8",
    "1.0",
]
MEMBER_NAMES = """kind network channel txn_id refund_id refund_fen order_no scene gross_fen paid_fen
invoiceable_fen paid_at seller_tax_id payer device_seq detail extra command_id tax_id name credit_limit_fen
public_key role scenes from_height to_height proof kid rows code from to type required policy stored_value
tax_code rate number buyer title holder payments
orders claim_id time subject datacontenttype dataschema data_base64 specversion id source data"""
MEMBERS = MEMBER_NAMES.split()
STARTS = [
    *(payment(), payment(device_seq=3, order_no="A-1|*_"), payment(invoiceable_fen=600)) * 3,
    *(refund(), refund(scene="METRO", device_seq=1)) * 2,
    payment(kind="TOPPED_UP", detail={"gate": "A", "n": 1}, payer="ab" * 32, device_seq=4),
    *COMMANDS,
]
SPOILS = [
    *(
        b"",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\0",
        b"\n",
        b",",
        b"}",
        b'"',
        b"  ",
        b"0",
        b"-",
        b"e1",
    ),
    *(b"\\ud800", b"\\ud83d\\ude00", b"\\u0041", b"\\u0000", b"\\x", b"[" * 31, b"[" * 32),
    *(b'"kind":"PAID",', b'"k\\u0069nd":"PAID",', b'{"a":1,"a":2}'),
]


def spoiled(seed: int, starts: Sequence[dict[str, Any]] = tuple(STARTS)) -> bytes:
    """The event of a seed: up to three of its members changed, and now and then its bytes broken."""
    rng = random.Random(seed)
    event = json.loads(json.dumps(envelope(rng.choice(starts))))
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        objects = objects_of(event)
        place = event.get("data") if rng.random() < 0.7 else rng.choice(objects)
        spoil_member(rng, place if isinstance(place, dict) else event)
    data = dumped(event).encode("utf-8", "surrogatepass")
    if rng.random() < 0.15:
        at = rng.randint(0, len(data))
        data = data[:at] + rng.choice(SPOILS) + data[at + rng.randint(0, 3) :]
    return data


def spoil_member(rng: random.Random, place: dict[str, Any]) -> None:
    """Changes a member to another of its own sort, mostly; or removes it, or adds one."""
    name = rng.choice(sorted(place)) if place and rng.random() < 0.9 else rng.choice(MEMBERS + TEXTS)
    chance = rng.random()
    if chance < 0.1:
        place.pop(name, None)
    elif chance < 0.2:
        place[name] = anything(rng, 3)
    else:
        place[name] = similar(rng, name, place.get(name))


def similar(rng: random.Random, name: str, value: Any) -> Any:
    """An odd value of the sort that belongs to a name."""
    if name in ("paid_at", "time", "until"):
        return rng.choice(TIMES)
    if name in ("buyer_tax_id", "title") and rng.random() < 0.5:
        return None
    if name in ("seller_tax_id", "tax_id", "buyer_tax_id", "agent"):
        return rng.choice(TAX_IDS)
    if name == "period":
        return rng.choice(PERIODS)
    if name == "code" and value in CODES:
        return rng.choice(CODES)
    if isinstance(value, dict | list):
        return value if rng.random() < 0.7 else anything(rng, 2)
    if isinstance(value, int) or name.endswith("_fen"):
        return rng.choice(NUMBERS)
    return rng.choice(TEXTS)


def anything(rng: random.Random, depth: int) -> Any:
    """Any JSON value."""
    if depth and rng.random() < 0.3:
        inner = [anything(rng, depth - 1) for _ in range(rng.randint(0, 3))]
        return inner if rng.random() < 0.5 else {rng.choice(TEXTS): value for value in inner}
    return rng.choice([None, True, False, rng.choice(NUMBERS), rng.choice(TEXTS), rng.choice(TIMES)])


def objects_of(value: Any) -> list[dict[str, Any]]:
    """All objects of a JSON value, outermost first."""
    found: list[dict[str, Any]] = []
    waiting = [value]
    while waiting:
        item = waiting.pop(0)
        if isinstance(item, dict):
            found.append(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return found
