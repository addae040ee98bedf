"""What the ledger knows after its inputs so far: keys, issuers, tables, grants, payments, and what waits."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from .fields import DAY_MS, EPOCH_DAY
from .invoice import Invoice, Paid

Place = tuple[int, int]
"""Height and index of a record."""

COVERED_BY_TOP_UP, AT_RIDE = 2, 7
NEVER_INVOICED = (COVERED_BY_TOP_UP, AT_RIDE)
"""States of recorded payments that another invoice stands for."""

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
    retired_at: int | None = None
    """The time of the block that retired it."""
    revoked: bool = False
    admitted_until: int | None = None
    successor: bytes | None = None

    @property
    def retired(self) -> bool:
        return self.retired_at is not None

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
class Delegation:
    scenes: set[str]
    to_height: int | None


@dataclass
class Month:
    """Totals of one seller's month."""

    invoiced: int = 0
    uninvoiced: int = 0
    red: int = 0


@dataclass(eq=False)
class WaitingPayment:
    paid: Paid

    @property
    def seller(self) -> str:
        return self.paid.seller


@dataclass(eq=False)
class WaitingRefund:
    """A refund whose red letter has no number yet."""

    paid: Paid
    fen: int
    identity: bytes
    root: bytes

    @property
    def seller(self) -> str:
        return self.paid.seller


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
    """By origin."""
    queue: list[WaitingPayment | WaitingRefund] = field(default_factory=list)
    invoices: dict[tuple[str, int], Invoice] = field(default_factory=dict)
    delegations: dict[tuple[str, str], Delegation] = field(default_factory=dict)
    """By issuer and agent."""
    accepts_individuals: dict[str, bool] = field(default_factory=dict)
    """By reimburser."""
    applications: dict[str, int] = field(default_factory=dict)
    """Numbers that issuers have applied for."""
    months: dict[tuple[str, int], Month] = field(default_factory=dict)
    declarations: dict[tuple[str, int], bool] = field(default_factory=dict)
    """By issuer and month: whether the bureau has acknowledged it."""

    def grant_for(self, seller: str) -> Grant | None:
        """The grant that the seller's next number comes from: own ones first, then those for anyone."""
        open_ones = [grant for grant in self.grants if not grant.closed and grant.next <= grant.last]
        for owner in (seller, None):
            for grant in open_ones:
                if grant.tax_id == owner:
                    return grant
        return None

    def has_numbers(self, seller: str, count: int) -> bool:
        """Whether a command may take so many numbers now: there are as many, and nothing waits for them."""
        granted = [g.last - g.next + 1 for g in self.grants if not g.closed and g.tax_id in (seller, None)]
        return sum(granted) >= count and not self.waits(seller)

    def take_number(self, seller: str) -> tuple[str, int]:
        grant = self.grant_for(seller)
        assert grant is not None
        number, grant.next = grant.next, grant.next + 1
        return grant.code, number

    def waits(self, seller: str) -> bool:
        return any(item.seller == seller for item in self.queue)

    def in_queue(self, paid: Paid) -> bool:
        return any(isinstance(item, WaitingPayment) and item.paid is paid for item in self.queue)

    def may_be_invoiced(self, paid: Paid) -> int:
        """What may be invoiced of a payment, whether an invoice holds it or not."""
        if paid.state in NEVER_INVOICED:
            return 0
        return max(0, paid.invoiceable - self.refunds.get(paid.origin, 0))

    def uninvoiced(self, paid: Paid) -> int:
        return max(0, self.may_be_invoiced(paid) - paid.live)

    def reversing(self, paid: Paid) -> int:
        """What refunds that wait or are owed will take off a payment's invoice."""
        waiting = [item for item in self.queue if isinstance(item, WaitingRefund) and item.paid is paid]
        owed = [] if paid.invoice is None else [one for one in paid.invoice.owed if one.paid is paid]
        return sum(one.fen for one in waiting) + sum(one.fen for one in owed)

    def last_declared(self, seller: str) -> int | None:
        return max((month for who, month in self.declarations if who == seller), default=None)

    def newest(self, kid: bytes) -> bytes:
        """A key's newest successor, or itself."""
        while (successor := self.keys[kid].successor) is not None:
            kid = successor
        return kid

    def day(self, time_ms: int) -> int:
        return (time_ms + self.utc_offset_min * 60_000) // DAY_MS

    def month(self, time_ms: int) -> int:
        """Months since the year 0, as periods are written."""
        date = datetime.date.fromordinal(self.day(time_ms) + EPOCH_DAY)
        return date.year * 12 + date.month - 1

    def has_credit(self, seller: str, total: int, block_time: int) -> bool:
        issuer = self.issuers[seller]
        issued = issuer.issued_by_month.get(self.month(block_time), 0)
        return issuer.limit is None or issued + total <= issuer.limit

    def use_credit(self, seller: str, total: int, block_time: int) -> None:
        months, month = self.issuers[seller].issued_by_month, self.month(block_time)
        months[month] = months.get(month, 0) + total

    def rate_allowed(self, scene: str, tax_code: str, rate: int, day: int) -> bool:
        return any(
            row[:3] == (scene, tax_code, rate) and row[3] <= day and (row[4] is None or day <= row[4])
            for row in self.rates
        )
