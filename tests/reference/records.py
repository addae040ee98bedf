"""The records of a block and their bytes (docs/format.md, section 4), and DOMAIN.md's split of tax."""

from typing import Any

from . import cbor
from .digests import leaf_hash
from .state import Grant, Invoice, Paid

RECORD_BYTES_MAX = 448


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


def issue(paid: Paid, tax_code: str, rate: int, grant: Grant, block_time: int) -> bytes:
    """Takes a number for what is left of a payment, and gives the invoice's record."""
    number, grant.next = grant.next, grant.next + 1
    net, tax = split_tax(paid.left, rate)
    line = [tax_code, rate, 1, net, tax, paid.left]
    dating = (paid.dated_at, paid.flags)
    whose = (paid.identity, paid.root, paid.payer)
    data = encode(
        1, grant.code, number, block_time, paid.seller, paid.scene, line, paid.paid, *dating, *whose
    )  # fmt: skip
    paid.invoice = Invoice(grant.code, number, leaf_hash(data), tax_code, rate, paid.left)
    return data


def red_letter(
    seller: str,
    invoice: Invoice,
    change: tuple[int, int],
    identity: bytes,
    root: bytes,
    grant: Grant,
    block_time: int,
) -> bytes:
    """Takes a number for a red letter that changes what remains of an invoice; gives its record."""
    number, grant.next = grant.next, grant.next + 1
    before, after = change
    net_before, tax_before = split_tax(before, invoice.rate)
    net_after, tax_after = split_tax(after, invoice.rate)
    booked = (net_after - net_before, tax_after - tax_before, after - before)
    line = [invoice.tax_code, invoice.rate, -1 if after == 0 else 0, *booked]
    original = (invoice.code, invoice.number, invoice.hash)
    return encode(2, grant.code, number, block_time, seller, *original, line, after, identity, root)


def payment(paid: Paid, state: int) -> bytes:
    amounts = (paid.paid, paid.left)
    dating = (paid.dated_at, paid.flags)
    whose = (paid.identity, paid.root, paid.payer)
    return encode(3, paid.seller, paid.scene, paid.topped_up, state, *amounts, *dating, *whose)


def refund(seller: str, state: int, amount: int, of_payment: bytes, identity: bytes, root: bytes) -> bytes:
    return encode(4, seller, state, amount, of_payment, identity, root)


def command(kind: int, kid: bytes, identity: bytes, root: bytes) -> bytes:
    return encode(kind, kid, identity, root)
