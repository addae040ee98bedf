"""What a command is about: the invoices and payments in its canonical data (``docs/format.md``, section 2).

The canonical data is the decoder's own output, deterministic CBOR without floats and tags.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from farechain import _core

CLAIM, FIRST_OF_INVOICE, LAST_OF_INVOICE, BATCH = 40, 41, 57, 60
_NAMES = {FIRST_OF_INVOICE + n: rule["name"] for n, rule in enumerate(_core.lifecycle_rules())}
"""The lifecycle's rules stand in the order of their kinds."""


@dataclass(frozen=True, slots=True)
class Named:
    """An invoice that a command, or an order of a batch, is about."""

    command: str
    code: str
    number: int


@dataclass(frozen=True, slots=True)
class Subjects:
    """All that a command is about.

    Attributes:
        invoices: in the order of its orders.
        payments: identities that are to be claimed, 32 bytes each.
    """

    invoices: tuple[Named, ...] = ()
    payments: tuple[bytes, ...] = ()


def subjects_of(event: Mapping[str, Any]) -> Subjects:
    """The invoices and payments of a decoded command (``_core.decode_event``)."""
    _version, kind, _command_id, *members = _read(event["data"], 0)[0]
    orders = members[0] if kind == BATCH else [[kind, *members]]
    invoices: list[Named] = []
    payments: list[bytes] = []
    for number, *rest in orders:
        if number == CLAIM:
            payments += [payment for payment, _opening in rest[-1]]
        elif FIRST_OF_INVOICE <= number <= LAST_OF_INVOICE:
            invoices.append(Named(_NAMES[number], rest[0], rest[1]))
    return Subjects(tuple(invoices), tuple(payments))


def _read(data: bytes, at: int) -> tuple[Any, int]:
    """(value, where the next one starts) of deterministic CBOR. Raises ``ValueError`` for anything else."""
    major, low = data[at] >> 5, data[at] & 31
    at += 1
    argument = low
    if 24 <= low <= 27:
        width = 1 << (low - 24)
        argument = int.from_bytes(data[at : at + width], "big")
        at += width
    elif low > 27:
        raise ValueError("indefinite lengths are not deterministic")
    if major in (0, 1):
        return (argument if major == 0 else -1 - argument), at
    if major in (2, 3):
        part = data[at : at + argument]
        return (part if major == 2 else part.decode()), at + argument
    if major in (4, 5):
        items = []
        for _ in range(argument * (major - 3)):
            item, at = _read(data, at)
            items.append(item)
        return (items if major == 4 else dict(zip(items[::2], items[1::2], strict=True))), at
    if major == 7 and argument in (20, 21, 22):
        return {20: False, 21: True, 22: None}[argument], at
    raise ValueError(f"CBOR major type {major} is not in canonical data")
