"""An invoice: its lines, what it holds of which payments, and where it stands (docs/format.md, section 3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ISSUED, RED_PENDING, REVERSED = 1, 2, 3
FREE, LOCKED, REIMBURSED, POSTED = 1, 2, 3, 4
NONE, CONFIRMED = 1, 2
SELLER_SIDE, REIMBURSER_SIDE = 1, 2


@dataclass(eq=False)
class Paid:
    """A payment or top-up that is on the ledger."""

    seller: str
    scene: str
    paid: int
    invoiceable: int
    left: int
    """What is left to invoice when it was recorded, less refunds of it since."""
    dated_at: int
    flags: int
    identity: bytes
    origin: bytes
    root: bytes
    payer: bytes | None
    topped_up: bool
    state: int | None = None
    """As what it was recorded; None where it was issued at once."""
    late: bool = False
    """Its month was declared before it came."""
    released: bool = False
    """A red letter has released something of it."""
    invoice: Invoice | None = None
    """The latest that it was part of."""

    @property
    def live(self) -> int:
        """What its invoice still holds of it."""
        if self.invoice is None:
            return 0
        return sum(share.live for share in self.invoice.shares if share.paid is self)


@dataclass(eq=False)
class Line:
    tax_code: str
    rate: int
    remaining: int


@dataclass(eq=False)
class Share:
    """What an invoice holds of a payment."""

    paid: Paid
    line: int
    live: int


@dataclass(eq=False)
class Owed:
    """A refund whose red letter needs the other side."""

    paid: Paid
    fen: int
    identity: bytes


@dataclass(eq=False)
class Request:
    """An open request for a red letter: of owed refunds, or else of payments; None: of all that is left."""

    side: int
    reason: int
    at: int
    payments: list[bytes] | None
    owed: list[Owed]


@dataclass(eq=False)
class Invoice:
    """A blue invoice: of kind 1 for one payment, of kind 5 under a title."""

    kind: int
    code: str
    number: int
    hash: bytes
    seller: str
    buyer: str | None
    lines: list[Line]
    shares: list[Share]
    holder: bytes | None = None
    fiscal: int = ISSUED
    claim: int = FREE
    use: int = NONE
    frozen: bool = False
    locker: str | None = None
    claim_id: str | None = None
    reimbursed: int = 0
    request: Request | None = None
    owed: list[Owed] = field(default_factory=list)

    @property
    def name(self) -> list[Any]:
        return [self.code, self.number, self.hash]

    @property
    def remaining(self) -> int:
        return sum(line.remaining for line in self.lines)

    @property
    def standing(self) -> list[Any]:
        axes = [self.fiscal, self.claim, self.use, self.frozen, self.remaining]
        return [*axes, self.holder, self.locker, self.claim_id, self.reimbursed]

    @property
    def untouched(self) -> bool:
        """Whether it stands, but for what remains, as one of kind 1 that nothing has happened to."""
        return self.kind == 1 and self.standing == [
            *(ISSUED, FREE, NONE, False, self.remaining),
            *(None, None, None, 0),
        ]

    @property
    def used_or_posted(self) -> bool:
        return self.use == CONFIRMED or self.claim == POSTED

    @property
    def live(self) -> dict[bytes, int]:
        """What it still holds of each payment that it holds something of."""
        return {share.paid.identity: share.live for share in self.shares if share.live > 0}

    @property
    def scenes(self) -> set[str]:
        return {share.paid.scene for share in self.shares}

    def unlock(self) -> None:
        self.claim, self.locker, self.claim_id = FREE, None, None
