"""Bytes that are no record."""

from collections.abc import Iterator
from typing import Any

from reference import cbor
from reference.inputs import kid_of

from .lifecycle_cases import CHANGES, CLAIM_ID_MAX, HOLDER, LOCKED, lifecycle_record_cases
from .record_cases import ALL_DIGITAL, RECORDED, SELLER, Cases, digest, record_cases

NO_KINDS = (*range(8, 16), *range(34, 42), 50, 52, 58, 59, 61, 62, 63, 255, 256, 2**32 + 16)
"""Of which no record is; 40, 41, 50 and 52 are commands whose records are those of what they make."""
NO_STANDINGS: dict[str, tuple[int, Any]] = {
    "fiscal 0": (0, 0),
    "fiscal 4": (0, 4),
    "fiscal 257": (0, 257),
    "claim 0": (1, 0),
    "claim 5": (1, 5),
    "use 0": (2, 0),
    "use 3": (2, 3),
    "frozen 1": (3, 1),
    "frozen null": (3, None),
    "remaining below zero": (4, -1),
    "a short holder": (5, HOLDER[:-1]),
    "a long holder": (5, HOLDER + b"\0"),
    "a holder in hex": (5, HOLDER.hex()),
    "a long locker": (6, SELLER + "0"),
    "a locker of bytes": (6, SELLER.encode()),
    "a long claim id": (7, CLAIM_ID_MAX + "~"),
    "reimbursed null": (8, None),
    "reimbursed below zero": (8, -1),
}
"""By what is wrong: a place in a standing, and what does not belong there."""
NO_MEMBERS: list[tuple[str, int, Any]] = [
    ("claimed invoice, the largest", 2, ALL_DIGITAL + "0"),
    ("claimed invoice, the largest", 3, -1),
    ("claimed invoice, the largest", 3, 2**32),
    ("claimed invoice, the largest", 6, None),
    ("claimed invoice, the largest", 9, 0),
    ("claimed invoice, the largest", 10, digest("title")[:31]),
    ("claimed invoice, the largest", 11, digest("holder")),
    ("claimed invoice, the largest", 12, None),
    ("red letter of lines, the largest", 8, digest("original")[:31]),
    ("red letter of lines, the largest", 12, 0),
    ("red letter of lines, the largest", 12, 6),
    ("red letter of lines, the largest", 12, 258),
    ("red letter of lines, the largest", 13, -1),
    ("red letter of lines, the largest", 18, None),
    ("owed refund, the largest", 3, 0),
    ("owed refund, the largest", 3, 3),
    ("owed refund, the largest", 4, -1),
    ("owed refund, the largest", 5, None),
    ("change, the largest", 2, digest("key")),
    ("change, the largest", 3, None),
    ("change, the largest", 5, "text"),
    ("refund, state 1", 8, -1),
    ("refund, state 1", 8, None),
    ("payment, state 1", 5, 0),
    ("payment, state 1", 5, 8),
]
"""A record, a place in it, and what does not belong there."""

Arrays = dict[str, list[Any]]


def refused_record_cases() -> Cases:
    """Each breaks one rule of records."""
    arrays: Arrays = {
        case["name"]: cbor.decode(bytes.fromhex(case["record"]))
        for case in (*record_cases(), *lifecycle_record_cases())
    }
    for name, data in (*no_bytes(), *no_kinds(), *no_lengths(arrays), *no_elements(arrays)):
        yield {"name": name, "record": data.hex()}


def no_bytes() -> Iterator[tuple[str, bytes]]:
    good = cbor.encode([1, 4, SELLER, 1, 100, digest("payment"), digest("refund"), digest("data"), 0])
    kid = kid_of(digest("key"))
    yield from [
        ("empty", b""),
        ("another version", cbor.encode([2, 16, kid, digest("c"), digest("d")])),
        ("a short digest", cbor.encode([1, 16, kid, digest("c")[:31], digest("d")])),
        ("text for bytes", cbor.encode([1, 16, "k" * 16, digest("c"), digest("d")])),
        ("bytes left over", good + b"\0"),
        ("cut", good[:-1]),
        ("a longer integer than needed", good.replace(b"\x18\x64", b"\x19\x00\x64", 1)),
        ("an array of indefinite length", b"\x9f" + good[1:] + b"\xff"),
        ("a map", b"\xa4" + good[1:]),
    ]
    spoiled: list[tuple[str, dict[int, Any]]] = [
        ("a state that is none", {3: 5}),
        ("a negative amount", {4: -100}),
        ("as it was before what it reduces was written", {8: ...}),
    ]
    for name, changes in spoiled:
        yield name, cbor.encode(replaced(cbor.decode(good), changes))


def no_kinds() -> Iterator[tuple[str, bytes]]:
    """Kinds of which there is no record, in the forms of a command and of a change; and each form with the
    other's kinds."""
    kid, digests = kid_of(digest("key")), [digest("c"), digest("d")]
    command, change = [kid, *digests], [kid, "144032609110", 1, digest("o"), *digests, LOCKED[0]]
    for kind in NO_KINDS:
        yield f"a command's form of kind {kind}", cbor.encode([1, kind, *command])
        yield f"a change's form of kind {kind}", cbor.encode([1, kind, *change])
    for kind in CHANGES:
        yield f"a command's form of kind {kind}", cbor.encode([1, kind, *command])
    for kind in RECORDED:
        yield f"a change's form of kind {kind}", cbor.encode([1, kind, *change])


def no_lengths(arrays: Arrays) -> Iterator[tuple[str, bytes]]:
    """A record of each form with an element too few or too many; standings as well."""
    for name in (
        *("genesis", "invoice, the largest", "red letter, partial", "payment, state 1", "refund, state 1"),
        *("claimed invoice, the largest", "red letter of lines, the largest", "owed refund, the largest"),
        *("change, the largest", "command ADMIT_ISSUER"),
    ):
        yield f"{name}: an element too few", cbor.encode(arrays[name][:-1])
        yield f"{name}: an element too many", cbor.encode([*arrays[name], None])
    largest = arrays["change, the largest"]
    for stands in (largest[-1][:-1], [*largest[-1], None]):
        yield f"a standing of {len(stands)}", cbor.encode([*largest[:-1], stands])


def no_elements(arrays: Arrays) -> Iterator[tuple[str, bytes]]:
    for name, place, element in NO_MEMBERS:
        yield f"{name}: {element} at {place}", cbor.encode(replaced(arrays[name], {place: element}))
    for name in ("red letter of lines, the largest", "owed refund, the largest", "change, the largest"):
        *others, stands = arrays[name]
        for wrong, (place, element) in NO_STANDINGS.items():
            spoiled = [*others, replaced(stands, {place: element})]
            yield f"{name}: {wrong}", cbor.encode(spoiled)


def replaced(array: list[Any], changes: dict[int, Any]) -> list[Any]:
    """With these elements in these places; ``...`` takes one out."""
    elements = [changes.get(place, element) for place, element in enumerate(array)]
    return [element for element in elements if element is not ...]
