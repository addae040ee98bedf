"""What came with a record: canonical data alone, or with the lines and payments whose roots it has."""

from collections.abc import Iterator
from typing import Any

from reference import cbor, digests, events, merkle, records
from reference.event import decode

from .lifecycle_cases import AT_MS, HOLDER, LOCKED, REVERSED, UNTOUCHED
from .record_cases import ALL_DIGITAL, AMOUNT_MAX, CODE, NUMBER_MAX, SELLER, Cases, digest, line

OTHER_TAX_CODE = "3010101020201000000"
Rows = list[list[Any]]
DATA = cbor.encode([1, 50, "c-1", CODE, 25, 2, None])
"""Canonical data of a command."""
PART_NAMES = ["payment", "data_leaf", "line", "fen", "booked_at_ms"]
LOSS_NAMES = ["payment", "line", "before_fen", "after_fen"]


def red_line(name: str, rate: int, quantity: int, before: int, after: int) -> list[Any]:
    (net_before, tax_before), (net, tax) = (records.split_tax(total, rate) for total in (before, after))
    return [name, rate, quantity, net - net_before, tax - tax_before, after - before, after]


def blue_line(name: str, rate: int, quantity: int, total: int) -> list[Any]:
    return [name, rate, quantity, *records.split_tax(total, rate), total]


ONE_LINE = [blue_line(events.METRO, 300, 1, 665)]
ONE_PART = [[digest("A"), digest("data of A"), 0, 665, AT_MS]]
THREE_LINES = [
    blue_line(OTHER_TAX_CODE, 900, 1, 1090),
    blue_line(events.METRO, -2, 1, AMOUNT_MAX),
    blue_line(events.METRO, 300, 2, 400),
]
FOUR_PARTS = [
    [digest("A"), digest("data of A"), 2, 200, AT_MS],
    [digest("bus"), digest("data of bus"), 0, 1090, -1],
    [digest("up"), digest("data of up"), 1, AMOUNT_MAX, 0],
    [digest("B"), digest("data of B"), 2, 200, AT_MS - 1],
]
MANY_LINES = [blue_line(f"{number:019}", 300, 3 if number < 56 else 2, 100) for number in range(100)]
MANY_PARTS = [
    [digest(f"payment {number}"), digest(f"data {number}"), number % 100, 33, AT_MS + number]
    for number in range(256)
]
RED_LINES = [
    red_line(OTHER_TAX_CODE, 900, -1, 1090, 0),
    red_line(events.METRO, -2, 0, AMOUNT_MAX, AMOUNT_MAX),
    red_line(events.METRO, 300, 0, 400, 350),
]
LOSSES = [[digest("bus"), 0, 1090, 0], [digest("B"), 2, 200, 150]]


def claimed(
    lines: Rows, parts: Rows, data: bytes = DATA, buyer: tuple[str | None, bytes | None] = (None, None)
) -> tuple[bytes, bytes]:
    """A claimed invoice and its annex."""
    made = records.Parts(lines, parts)
    entry = records.claimed(
        (ALL_DIGITAL, NUMBER_MAX), SELLER, (*buyer, HOLDER), made, (digest("identity"), data), AT_MS
    )
    assert entry.annex is not None
    return entry.record, entry.annex


def reversed_by(
    lines: Rows, losses: Rows, data: bytes | None, stands: list[Any], leaf: bytes | None = None
) -> tuple[bytes, bytes]:
    """A red letter of lines and its annex; in a drain only the leaf hash of the refund's data is there."""
    made = records.Parts(lines, losses)
    root = digests.leaf_hash(data) if data is not None else leaf
    of = (CODE, 26, AT_MS, SELLER, CODE, 25, digest("original"))
    whose = (100, *made.roots, digest("identity"), root)
    return records.encode(6, *of, *made.sums, 2, *whose, stands), made.annex(data)


def annex_cases() -> Cases:
    """Annexes with what they say, as ``decode_annex`` gives it (bytes in hex)."""
    one, three, many = (
        claimed(lines, parts)
        for lines, parts in ((ONE_LINE, ONE_PART), (THREE_LINES, FOUR_PARTS), (MANY_LINES, MANY_PARTS))
    )
    yield composed_case("claimed, one line", one)
    yield composed_case("claimed, three lines", three)
    yield composed_case("claimed, the most lines and payments", many)
    yield composed_case("red letter of two of three lines", reversed_by(RED_LINES, LOSSES, DATA, LOCKED[0]))
    negated = [red_line(events.METRO, 300, -1, 665, 0)]
    whole = [[digest("A"), 0, 665, 0]]
    yield composed_case("red letter, the exact negation", reversed_by(negated, whole, DATA, REVERSED[0]))
    largest = [red_line(events.METRO, 10_000, -256, 256 * AMOUNT_MAX, 0)]
    losses = [[digest(f"payment {number}"), 0, AMOUNT_MAX, 0] for number in range(256)]
    yield composed_case("red letter, the largest", reversed_by(largest, losses, DATA, REVERSED[0]))
    drained = reversed_by(negated, whole, None, UNTOUCHED[0], digest("refund's data"))
    yield composed_case("red letter of a drain", drained)
    refund = decode(events.value(events.refund()))
    for name, record, data in [
        ("owed refund", owed(refund.leaf), refund.canonical),
        ("change", change(digests.leaf_hash(DATA)), DATA),
        ("command", records.command(16, bytes(16), digest("c"), digests.leaf_hash(DATA)), DATA),
    ]:
        yield {"name": name, "record": record.hex(), "annex": data.hex(), "data": data.hex()}


def owed(root: bytes) -> bytes:
    of = (CODE, 25, digest("original"))
    return records.encode(7, SELLER, 1, 100, digest("payment"), *of, digest("refund"), root, LOCKED[0])


def change(root: bytes) -> bytes:
    return records.encode(56, bytes(16), CODE, 25, digest("original"), digest("c"), root, UNTOUCHED[0])


def composed_case(name: str, made: tuple[bytes, bytes]) -> dict[str, Any]:
    record, annex = made
    data, lines, payments = cbor.decode(annex)
    names = PART_NAMES if cbor.decode(record)[1] == 5 else LOSS_NAMES
    lines_root, payments_root = (
        merkle.root([cbor.encode(row) for row in rows]).hex() for rows in (lines, payments)
    )
    return {
        "name": name,
        "record": record.hex(),
        "annex": annex.hex(),
        "data": None if data is None else data.hex(),
        "lines": [line_by_name(row) for row in lines],
        "payments": [by_name(names, row) for row in payments],
        "lines_root": lines_root,
        "payments_root": payments_root,
    }


def line_by_name(row: list[Any]) -> dict[str, Any]:
    tax_code, rate, quantity, net, tax, total, *remaining = row
    _, named = line(total, rate, quantity, net, tax)
    left = {"remaining_fen": remaining[0]} if remaining else {}
    return {**named, "tax_code": tax_code, **left}


def by_name(names: list[str], row: list[Any]) -> dict[str, Any]:
    shown = [element.hex() if isinstance(element, bytes) else element for element in row]
    return dict(zip(names, shown, strict=True))


def refused_annex_cases() -> Cases:
    """Annexes that are not their record's: ``malformed`` ones are nobody's."""
    blue = claimed(THREE_LINES, FOUR_PARTS)
    red = reversed_by(RED_LINES, LOSSES, DATA, LOCKED[0])
    drained = reversed_by(RED_LINES, LOSSES, None, LOCKED[0], digest("refund's data"))
    for kind, (record, annex) in (("claimed", blue), ("red letter", red)):
        for name, spoiled in malformed(annex):
            yield refused(f"{kind}: {name}", record, spoiled, malformed=True)
        for name, spoiled in another_s(annex):
            yield refused(f"{kind}: {name}", record, spoiled, malformed=False)
    yield refused("a red letter's annex for a claimed invoice", blue[0], red[1], malformed=True)
    yield refused("a claimed invoice's annex for a red letter", red[0], blue[1], malformed=True)
    data = cbor.encode([DATA, *cbor.decode(drained[1])[1:]])
    yield refused("red letter of a drain: with data of another", drained[0], data, malformed=False)
    for name, record in (("owed refund", owed(digest("d"))), ("change", change(digest("d")))):
        yield refused(f"{name}: other data", record, DATA, malformed=False)


def refused(name: str, record: bytes, annex: bytes, *, malformed: bool) -> dict[str, Any]:
    return {"name": name, "record": record.hex(), "annex": annex.hex(), "malformed": malformed}


def malformed(annex: bytes) -> Iterator[tuple[str, bytes]]:
    data, lines, payments = cbor.decode(annex)
    first, part = lines[0], payments[0]
    yield "empty", b""
    yield "data alone", data
    yield "cut", annex[:-1]
    yield "bytes left over", annex + b"\0"
    yield "of four", cbor.encode([data, lines, payments, None])
    yield "without payments", cbor.encode([data, lines])
    yield "a longer head than needed", b"\x98\x03" + annex[1:]
    yield "an endless list", annex[:1] + cbor.encode(data) + b"\x9b" + b"\xff" * 8
    for name, rows in [
        ("data as text", ["data", lines, payments]),
        ("lines that are none", [data, None, payments]),
        ("payments that are none", [data, lines, {}]),
        ("a line too short", [data, [first[:-1], *lines[1:]], payments]),
        ("a line too long", [data, [[*first, 0], *lines[1:]], payments]),
        ("a rate that is none", [data, [[first[0], -3, *first[2:]], *lines[1:]], payments]),
        ("a rate over 100 %", [data, [[first[0], 10_001, *first[2:]], *lines[1:]], payments]),
        ("a quantity of 33 bits", [data, [[*first[:2], 2**31, *first[3:]], *lines[1:]], payments]),
        ("a tax code too long", [data, [[first[0] + "0", *first[1:]], *lines[1:]], payments]),
        ("a payment too short", [data, lines, [part[:-1], *payments[1:]]]),
        ("a payment too long", [data, lines, [[*part, 0], *payments[1:]]]),
        ("a short identity", [data, lines, [[part[0][:-1], *part[1:]], *payments[1:]]]),
        ("a negative line", [data, lines, [[*part[:-3], -1, *part[-2:]], *payments[1:]]]),
        ("an amount below zero", [data, lines, [[*part[:-2], -1, part[-1]], *payments[1:]]]),
        ("a last element that is none", [data, lines, [[*part[:-1], None], *payments[1:]]]),
    ]:
        yield name, cbor.encode(rows)


def another_s(annex: bytes) -> Iterator[tuple[str, bytes]]:
    """Well-formed, and not what the record names."""
    data, lines, payments = cbor.decode(annex)
    more = [*lines[0][:5], lines[0][5] + 1, *lines[0][6:]]
    last = payments[-1]
    yield "other data", cbor.encode([data + b"\0", lines, payments])
    yield "a line less", cbor.encode([data, lines[:-1], payments])
    yield "lines in another order", cbor.encode([data, lines[::-1], payments])
    yield "a line with another total", cbor.encode([data, [more, *lines[1:]], payments])
    yield "no payments", cbor.encode([data, lines, []])
    yield "payments in another order", cbor.encode([data, lines, payments[::-1]])
    yield "a payment twice", cbor.encode([data, lines, [*payments, last]])
    yield "a payment with another amount", cbor.encode([data, lines, [*payments[:-1], [*last[:-1], 7]]])
