"""Records of every kind with their fields by name, and bytes that are no record."""

from collections.abc import Iterator
from typing import Any

from reference import cbor, command, digests, events, records
from reference.inputs import kid_of

Cases = Iterator[dict[str, Any]]
SELLER, SCENE, TAX_CODE, CODE = events.SELLER, "METRO", events.METRO, "144032609110"
ALL_DIGITAL = "264419999999"
"""The first twelve digits of invoice numbers of twenty."""
AMOUNT_MAX, NUMBER_MAX = 2**53 - 1, 99_999_999
COMMANDS = {number: name for name, (number, *_) in command.KINDS.items()}
"""Every command by its kind."""
RECORDED = (*range(16, 34), 60)
"""The kinds of command whose record is their own; those of invoices change or make an invoice."""
PAYMENT_STATES = [
    "NOTHING_TO_INVOICE",
    "COVERED_BY_TOPUP",
    "CLAIMABLE",
    "WAITING_GRANT",
    "WAITING_CREDIT",
    "REFUNDED",
    "INVOICED_AT_RIDE",
]
REFUND_STATES = ["BEFORE_PAYMENT", "REDUCED", "NOT_INVOICED", "WAITING_GRANT"]


def digest(name: str) -> bytes:
    """32 bytes that stand for something else's digest."""
    return digests.leaf_hash(name.encode())


def record_case(name: str, array: list[Any], fields: dict[str, Any]) -> dict[str, Any]:
    data = cbor.encode(array)
    record_hash = digests.leaf_hash(data).hex()
    return {
        "name": name,
        "fields": fields,
        "record": data.hex(),
        "hash": record_hash,
        "check_code": record_hash[-5:],
    }


def record_cases() -> Cases:
    """A record of every kind, with its fields by name as ``decode_record`` gives them (bytes in hex)."""
    network, chain, bureau = "shenzhen", "shenzhen/0", digest("bureau")
    sources = [
        ("system", bytes(16), 0),
        ("farechain.commands", bytes(range(16)), 0),
        ("payments.metro", b"\xff" * 16, 3),
    ]
    head = {"version": 1, "suite": 1, "network": network, "chain": chain, "utc_offset_min": 480}
    yield record_case(
        "genesis",
        [1, 0, 1, network, chain, 480, bureau, 1024, ["4403", "1100"], [list(source) for source in sources]],
        {"kind": "GENESIS", **head, "bureau": bureau.hex(), "drain_max": 1024, "regions": ["4403", "1100"]}
        | {"sources": [[topic, topic_id.hex(), partition] for topic, topic_id, partition in sources]},
    )
    for name, total, rate, payer, flags in [
        ("invoice at 3 %", 665, 300, digest("payer"), 0),
        ("invoice, exempt", 200, -1, None, 1),
        ("invoice of a top-up, the largest amount", 2**53 - 1, -2, None, 0),
        ("invoice at 100 %", 1, 10_000, None, 0),
    ]:
        yield invoice_case(name, total, rate, payer, flags)
    yield invoice_case("invoice, the largest", AMOUNT_MAX, 300, digest("payer"), 3, ALL_DIGITAL, "S" * 16)
    yield red_case("red letter, partial", 665, 565, 300)
    yield red_case("red letter, full", 665, 0, 300)
    yield red_case("red letter, the largest", AMOUNT_MAX, 1, 300, ALL_DIGITAL, NUMBER_MAX)
    for state, shown in enumerate(PAYMENT_STATES, 1):
        yield payment_case(state, shown)
    for state, shown in enumerate(REFUND_STATES, 1):
        yield refund_case(state, shown, 35 if state == 2 else 0)
    for name, count, height in [("of nothing", 0, 0), ("of a city", 33_000_000, 2**32 - 1)]:
        root = digest(f"state {name}")
        fields = {"version": 1, "kind": "STATE", "root": root.hex(), "count": count, "height": height}
        yield record_case(f"state {name}", [1, 8, root, count, height], fields)
    for kind in RECORDED:
        kid, identity, root = kid_of(digest("key")), digest("command"), digest("data")
        roots = {"kid": kid.hex(), "identity": identity.hex(), "data_root": root.hex()}
        array = [1, kind, kid, identity, root]
        yield record_case(f"command {COMMANDS[kind]}", array, {"version": 1, "kind": COMMANDS[kind], **roots})


def line(total: int, rate: int, quantity: int, net: int, tax: int) -> tuple[list[Any], dict[str, Any]]:
    """A line as in the record, and by name."""
    shown = {-1: "EXEMPT", -2: "NONTAXABLE"}.get(rate, rate)
    named = {
        "tax_code": TAX_CODE,
        "rate": shown,
        "quantity": quantity,
        "net_fen": net,
        "tax_fen": tax,
        "total_fen": total,
    }
    return [TAX_CODE, rate, quantity, net, tax, total], named


def invoice_case(
    name: str,
    total: int,
    rate: int,
    payer: bytes | None,
    flags: int,
    code: str = CODE,
    scene: str = SCENE,
) -> dict[str, Any]:
    number, issued, dated = NUMBER_MAX, 1_772_323_200_500, 1_772_323_199_999
    identity, root = digest(f"identity of {name}"), digest(f"data of {name}")
    array, named = line(total, rate, 1, *records.split_tax(total, rate))
    return record_case(
        name,
        [1, 1, code, number, issued, SELLER, scene, array, total, dated, flags, identity, root, payer],
        {
            "version": 1,
            "kind": "BLUE",
            "code": code,
            "number": number,
            "issued_at_ms": issued,
            "seller": SELLER,
        }
        | {"scene": scene, **named, "paid_fen": total, "dated_at_ms": dated, "flags": flags}
        | {"identity": identity.hex(), "payments_root": root.hex(), "payer": payer.hex() if payer else None},
    )


def red_case(
    name: str, before: int, after: int, rate: int, code: str = CODE, number: int = 24
) -> dict[str, Any]:
    of, identity, root, issued = digest("original"), digest("refund"), digest("data"), 1_772_326_800_000
    (net_before, tax_before), (net_after, tax_after) = (
        records.split_tax(total, rate) for total in (before, after)
    )
    quantity = -1 if after == 0 else 0
    array, named = line(after - before, rate, quantity, net_after - net_before, tax_after - tax_before)
    original = number - 1
    return record_case(
        name,
        [1, 2, code, number, issued, SELLER, code, original, of, array, after, identity, root],
        {"version": 1, "kind": "RED", "code": code, "number": number, "issued_at_ms": issued}
        | {"seller": SELLER, "original_code": code, "original_number": original, "original_hash": of.hex()}
        | {**named, "remaining_fen": after, "identity": identity.hex(), "refund_root": root.hex()},
    )


def refund_case(state: int, shown: str, reduced: int) -> dict[str, Any]:
    identity, root, of = digest("refund"), digest("data"), digest("payment")
    return record_case(
        f"refund, state {state}",
        [1, 4, SELLER, state, 100, of, identity, root, reduced],
        {"version": 1, "kind": "REFUND", "seller": SELLER, "state": shown, "refund_fen": 100}
        | {"payment": of.hex(), "identity": identity.hex(), "refund_root": root.hex()}
        | {"reduced_fen": reduced},
    )


def payment_case(state: int, shown: str) -> dict[str, Any]:
    identity, root, dated, topped_up = digest("payment"), digest("data"), -1, state == 7
    return record_case(
        f"payment, state {state}",
        [1, 3, SELLER, SCENE, topped_up, state, 665, 565, dated, 1, identity, root, None],
        {
            "version": 1,
            "kind": "PAYMENT",
            "seller": SELLER,
            "scene": SCENE,
            "topped_up": topped_up,
            "state": shown,
        }
        | {
            "paid_fen": 665,
            "invoiceable_fen": 565,
            "dated_at_ms": dated,
            "flags": 1,
            "identity": identity.hex(),
        }
        | {"payments_root": root.hex(), "payer": None},
    )
