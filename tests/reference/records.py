"""The records of a block and their bytes (docs/format.md, section 4), and DOMAIN.md's split of tax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from . import cbor, merkle
from .digests import leaf_hash
from .invoice import Invoice, Owed, Paid

RECORD_BYTES_MAX = 448


class Entry(NamedTuple):
    """A record and its annex."""

    record: bytes
    annex: bytes | None


class Cause(NamedTuple):
    """What a red letter is issued for."""

    reason: int
    identity: bytes
    root: bytes
    data: bytes | None
    """Canonical data; none in a drain."""
    by_refund: bool


@dataclass(frozen=True)
class Parts:
    """The lines and payments of an invoice or red letter, as they stand in its annex."""

    lines: list[list[Any]]
    payments: list[list[Any]]

    @property
    def sums(self) -> list[int]:
        """Net, tax and total."""
        return [sum(line[place] for line in self.lines) for place in (3, 4, 5)]

    @property
    def roots(self) -> list[bytes]:
        return [merkle.root([cbor.encode(row) for row in rows]) for rows in (self.lines, self.payments)]

    def annex(self, data: bytes | None) -> bytes:
        return cbor.encode([data, self.lines, self.payments])


def split_tax(total: int, rate: int) -> tuple[int, int]:
    """(net, tax) of an amount that includes tax; none for exempt (-1) and not taxable (-2)."""
    if rate < 0:
        return total, 0
    divisor = 10_000 + rate
    net = (20_000 * total + divisor) // (2 * divisor)
    return net, total - net


def encode(kind: int, *fields: Any) -> bytes:
    data = cbor.encode([1, kind, *fields])
    assert kind == 0 or len(data) <= RECORD_BYTES_MAX
    return data


def genesis(
    network: str,
    chain: str,
    utc_offset_min: int,
    bureau: bytes,
    drain_max: int,
    regions: list[str],
    sources: list[tuple[str, bytes, int]],
) -> bytes:
    suite = 1
    return encode(0, suite, network, chain, utc_offset_min, bureau, drain_max, regions, sources)


def issued(
    number: tuple[str, int], paid: Paid, tax_code: str, rate: int, total: int, block_time: int
) -> bytes:
    """An invoice for one payment."""
    line = [tax_code, rate, 1, *split_tax(total, rate), total]
    dating = (paid.dated_at, paid.flags)
    whose = (paid.identity, paid.root, paid.payer)
    return encode(1, *number, block_time, paid.seller, paid.scene, line, paid.paid, *dating, *whose)


def short_red_letter(
    number: tuple[str, int], invoice: Invoice, line: list[Any], identity: bytes, root: bytes, block_time: int
) -> bytes:
    """A refund's, of an invoice for one payment. ``line`` ends with what remains."""
    *booked, after = line
    original = (invoice.seller, *invoice.name)
    return encode(2, *number, block_time, *original, booked, after, identity, root)


def payment(paid: Paid, state: int) -> bytes:
    amounts = (paid.paid, paid.left)
    dating = (paid.dated_at, paid.flags)
    whose = (paid.identity, paid.root, paid.payer)
    return encode(3, paid.seller, paid.scene, paid.topped_up, state, *amounts, *dating, *whose)


def refund(
    seller: str, state: int, amount: int, of_payment: bytes, identity: bytes, root: bytes, reduced: int = 0
) -> bytes:
    return encode(4, seller, state, amount, of_payment, identity, root, reduced)


def claimed(
    number: tuple[str, int],
    seller: str,
    buyer: tuple[str | None, bytes | None, bytes | None],
    parts: Parts,
    cause: tuple[bytes, bytes],
    block_time: int,
) -> Entry:
    """An invoice of lines and payments under a title, and its annex. ``buyer``: tax id, title, holder."""
    identity, data = cause
    amounts, whose = parts.sums, (*parts.roots, identity, leaf_hash(data))
    return Entry(encode(5, *number, block_time, seller, *amounts, *buyer, *whose), parts.annex(data))


def red_letter(
    number: tuple[str, int], invoice: Invoice, parts: Parts, released: int, cause: Cause, block_time: int
) -> Entry:
    """A red letter of lines and payments, and its annex. The invoice stands as after it."""
    original = (invoice.seller, *invoice.name)
    whose = (released, *parts.roots, cause.identity, cause.root)
    amounts = (*parts.sums, cause.reason)
    record = encode(6, *number, block_time, *original, *amounts, *whose, invoice.standing)
    return Entry(record, parts.annex(cause.data))


def owed(invoice: Invoice, state: int, refund: Owed, root: bytes) -> bytes:
    """A refund that the other side must agree to. The invoice stands as after it."""
    what = (invoice.seller, state, refund.fen, refund.paid.identity)
    return encode(7, *what, *invoice.name, refund.identity, root, invoice.standing)


def lifecycle(kind: int, kid: bytes, invoice: Invoice, identity: bytes, root: bytes) -> bytes:
    """A command's change of an invoice, which stands as after it."""
    return encode(kind, kid, *invoice.name, identity, root, invoice.standing)


def state(root: bytes, count: int, height: int) -> bytes:
    """A commitment to current state after a block."""
    return encode(8, root, count, height)


def command(kind: int, kid: bytes, identity: bytes, root: bytes) -> bytes:
    return encode(kind, kid, identity, root)
