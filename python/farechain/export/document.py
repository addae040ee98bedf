"""An invoice as its documents show it: parties, lines, trips, totals, the original of a red letter, proof.

Plain data without a rule of the ledger's own; every format is a function of it. An invoice whose parts do not
add up cannot be made.
"""

from dataclasses import dataclass
from typing import Literal

from farechain._core import Rate

MAX_LINES = 100
Kind = Literal["BLUE", "RED"]


@dataclass(frozen=True, slots=True)
class Party:
    """A seller, or the buyer that a title names. Without ``tax_id`` an individual."""

    name: str
    tax_id: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a tax code at a rate. Amounts are fen; a red letter's are negative.

    ``quantity`` counts rides: 0 on a red letter that takes off a part, -1 where nothing is left.
    """

    tax_code: str
    short_name: str
    item: str
    rate: Rate
    quantity: int
    net_fen: int
    tax_fen: int
    total_fen: int

    @property
    def label(self) -> str:
        """How the line is named on paper: ``*short name*item``."""
        return f"*{self.short_name}*{self.item}"

    @property
    def is_taxed(self) -> bool:
        """Whether tax is computed at all, if only at 0 %."""
        return isinstance(self.rate, int)

    @property
    def price_e8(self) -> int | None:
        """Net price of one ride in 10^-8 fen, half away from zero; None where no whole ride is meant."""
        rides = abs(self.quantity)
        return (2 * abs(self.net_fen) * 10**8 + rides) // (2 * rides) if rides else None


@dataclass(frozen=True, slots=True)
class Trip:
    """One ride, stay or visit and what was invoiced for it, fen. Unknown places are None."""

    at_ms: int
    scene: str
    fare_fen: int
    identity: bytes
    origin: str | None = None
    destination: str | None = None
    service: str | None = None
    """The line, route, car park or park."""


@dataclass(frozen=True, slots=True)
class Original:
    """What a red letter reverses."""

    code: str
    number: str
    hash: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """The checkpoint that an invoice is proven under, and its compact proof."""

    origin: str
    size: int
    root: bytes
    proof: bytes


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """An invoice with everything that its documents show. Raises ``ValueError`` where it does not add up.

    ``buyer`` is None while no title was given; ``trips`` is empty where the ledger keeps no detail of them;
    ``evidence`` is None while no published checkpoint covers the invoice.
    """

    chain: str
    code: str
    number: str
    kind: Kind
    hash: bytes
    issued_at_ms: int
    dated_at_ms: int
    """The day that the rate and the period go by: of the payment, for a red letter its own."""
    utc_offset_min: int
    seller: Party
    buyer: Party | None
    lines: tuple[Line, ...]
    trips: tuple[Trip, ...]
    net_fen: int
    tax_fen: int
    total_fen: int
    height: int
    index: int
    original: Original | None
    evidence: Evidence | None
    demonstration: bool
    verify_url: str
    """Where the pages are, without a slash at its end."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.lines) <= MAX_LINES:
            raise ValueError(f"an invoice has 1 to {MAX_LINES} lines, not {len(self.lines)}")
        if (self.kind == "RED") != (self.original is not None):
            raise ValueError("a red letter names its original, and only a red letter does")
        for line in self.lines:
            if line.net_fen + line.tax_fen != line.total_fen:
                raise ValueError(f"the line {line.label} does not add up")
        for name in ("net_fen", "tax_fen", "total_fen"):
            if sum(getattr(line, name) for line in self.lines) != getattr(self, name):
                raise ValueError(f"{name} is not the sum of the lines")
        if self.trips and sum(trip.fare_fen for trip in self.trips) != self.total_fen:
            raise ValueError("the trips do not add up to the total")
        if (self.total_fen < 0) != (self.kind == "RED"):
            raise ValueError("a red letter is negative, and only a red letter is")

    @property
    def check_code(self) -> str:
        """The last five hex digits of the record's hash."""
        return self.hash.hex()[-5:]

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.code}-{self.number}"
