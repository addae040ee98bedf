"""An invoice as its documents show it: parties, lines, trips, totals, the original of a red letter, proof.

Plain data without a rule of the ledger's own; every format is a function of it. An invoice whose parts do not
add up cannot be made.
"""

from dataclasses import dataclass
from typing import Literal

from farechain._core import Rate

MAX_LINES = 100
MAX_TRIPS = 256
Kind = Literal["BLUE", "RED"]
Reason = Literal["ISSUE_ERROR", "SALES_RETURN", "SERVICE_SUSPENSION", "SALES_DISCOUNT", "RETITLED"]


@dataclass(frozen=True, slots=True)
class Party:
    """A seller, under the name that the ledger admitted it by."""

    name: str
    tax_id: str | None = None


@dataclass(frozen=True, slots=True)
class Buyer:
    """Whom a title names; without ``tax_id`` an individual.

    ``title`` is the commitment that the record has; ``name`` is what it hides, and None where the title is
    not at hand. One of the three is there.
    """

    tax_id: str | None = None
    name: str | None = None
    title: bytes | None = None

    def __post_init__(self) -> None:
        if self.tax_id is None and self.name is None and self.title is None:
            raise ValueError("a buyer has a tax id or a title")


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
    """One ride, stay, visit or top-up and what was invoiced for it, fen. Unknown places are None."""

    at_ms: int
    booked_at_ms: int
    """What it is declared by: its month, which is a later one where that was declared already."""
    scene: str
    fare_fen: int
    identity: bytes
    origin: str | None = None
    destination: str | None = None
    service: str | None = None
    """The line, route, car park or park."""
    line: int = 0
    """Which line of the invoice it is part of, from 0."""
    topped_up: bool = False


@dataclass(frozen=True, slots=True)
class Original:
    """What a red letter reverses, and why."""

    code: str
    number: str
    hash: bytes
    reason: Reason

    @property
    def name(self) -> str:
        """What it is called."""
        return named(self.code, self.number)


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

    ``buyer`` is None for an individual without a title; ``evidence`` is None while no published checkpoint
    covers the invoice. It says what was issued; what became of it since is the ledger's to say.
    """

    chain: str
    code: str
    number: str
    kind: Kind
    hash: bytes
    issued_at_ms: int
    utc_offset_min: int
    seller: Party
    buyer: Buyer | None
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
        if not 1 <= len(self.trips) <= MAX_TRIPS:
            raise ValueError(f"an invoice has 1 to {MAX_TRIPS} trips, not {len(self.trips)}")
        if (self.kind == "RED") != (self.original is not None):
            raise ValueError("a red letter names its original, and only a red letter does")
        for line in self.lines:
            if line.net_fen + line.tax_fen != line.total_fen:
                raise ValueError(f"the line {line.label} does not add up")
        for name in ("net_fen", "tax_fen", "total_fen"):
            if sum(getattr(line, name) for line in self.lines) != getattr(self, name):
                raise ValueError(f"{name} is not the sum of the lines")
        fares = [0] * len(self.lines)
        for trip in self.trips:
            if not 0 <= trip.line < len(self.lines):
                raise ValueError(f"there is no line {trip.line + 1} for a trip")
            fares[trip.line] += trip.fare_fen
        if fares != [line.total_fen for line in self.lines]:
            raise ValueError("the trips do not add up to their lines")
        if (self.total_fen < 0) != (self.kind == "RED"):
            raise ValueError("a red letter is negative, and only a red letter is")

    @property
    def check_code(self) -> str:
        """The last five hex digits of the record's hash."""
        return self.hash.hex()[-5:]

    @property
    def is_all_digital(self) -> bool:
        """Whether it has one number of twenty digits and no code: 数电票."""
        return is_all_digital(self.code)

    @property
    def name(self) -> str:
        """What it and its files are called."""
        return named(self.code, self.number)


def is_all_digital(code: str) -> bool:
    """Whether a code is the first twelve digits of an all-digital number (docs/format.md, section 2)."""
    return not code.startswith("1")


def named(code: str, number: str) -> str:
    """``CODE-NUMBER``, or the twenty digits of an all-digital invoice."""
    return code + number if is_all_digital(code) else f"{code}-{number}"
