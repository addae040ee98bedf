"""What the ledger knows after its inputs so far: keys, issuers, tables, grants, payments, and what waits."""

import datetime
from dataclasses import dataclass, field

from .fields import DAY_MS, EPOCH_DAY

Place = tuple[int, int]
"""Height and index of a record."""

RateRow = tuple[str, str, int, int, int | None]
"""Scene, tax code, rate, first day, last day."""


@dataclass
class Key:
    public_key: bytes
    role: int
    tax_id: str | None
    scenes: tuple[str, ...]
    from_height: int
    to_height: int | None
    retired: bool = False

    def valid_at(self, height: int) -> bool:
        return (
            not self.retired
            and self.from_height <= height
            and (self.to_height is None or height < self.to_height)
        )


@dataclass
class Issuer:
    limit: int | None
    issued_by_month: dict[int, int] = field(default_factory=dict)


@dataclass
class Grant:
    code: str
    first: int
    last: int
    tax_id: str | None
    next: int
    closed: bool = False


@dataclass
class Invoice:
    code: str
    number: int
    hash: bytes
    tax_code: str
    rate: int
    remaining: int


@dataclass
class Paid:
    """A payment or top-up that is on the ledger."""

    seller: str
    scene: str
    paid: int
    left: int
    dated_at: int
    flags: int
    identity: bytes
    root: bytes
    payer: bytes | None
    topped_up: bool
    invoice: Invoice | None = None


@dataclass
class WaitingPayment:
    paid: Paid

    @property
    def seller(self) -> str:
        return self.paid.seller


@dataclass
class WaitingRefund:
    """A red letter that has no number yet: what it takes the invoice from and to."""

    seller: str
    invoice: Invoice
    change: tuple[int, int]
    identity: bytes
    root: bytes


@dataclass
class State:
    network: str
    utc_offset_min: int
    regions: list[str]
    keys: dict[bytes, Key] = field(default_factory=dict)
    issuers: dict[str, Issuer] = field(default_factory=dict)
    scenes: dict[str, dict[str, tuple[int, bool]]] = field(default_factory=dict)
    rates: list[RateRow] = field(default_factory=list)
    mandates: dict[str, dict[str, tuple[int, int, str, int]]] = field(default_factory=dict)
    grants: list[Grant] = field(default_factory=list)
    occupied: dict[bytes, tuple[bytes, Place]] = field(default_factory=dict)
    payments: dict[bytes, Paid] = field(default_factory=dict)
    refunds: dict[bytes, int] = field(default_factory=dict)
    queue: list[WaitingPayment | WaitingRefund] = field(default_factory=list)

    def grant_for(self, seller: str) -> Grant | None:
        """The grant that the seller's next number comes from: own ones first, then those for anyone."""
        open_ones = [grant for grant in self.grants if not grant.closed and grant.next <= grant.last]
        for owner in (seller, None):
            for grant in open_ones:
                if grant.tax_id == owner:
                    return grant
        return None

    def waits(self, seller: str) -> bool:
        return any(item.seller == seller for item in self.queue)

    def day(self, time_ms: int) -> int:
        return (time_ms + self.utc_offset_min * 60_000) // DAY_MS

    def month(self, time_ms: int) -> int:
        date = datetime.date.fromordinal(self.day(time_ms) + EPOCH_DAY)
        return date.year * 12 + date.month

    def has_credit(self, seller: str, total: int, block_time: int) -> bool:
        issuer = self.issuers[seller]
        issued = issuer.issued_by_month.get(self.month(block_time), 0)
        return issuer.limit is None or issued + total <= issuer.limit

    def rate_allowed(self, scene: str, tax_code: str, rate: int, day: int) -> bool:
        return any(
            row[:3] == (scene, tax_code, rate) and row[3] <= day and (row[4] is None or day <= row[4])
            for row in self.rates
        )
