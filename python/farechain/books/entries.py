"""What the books answer: invoices, their movements, dead letters, declarations, applications, totals.

Amounts are fen, times milliseconds since 1970 of blocks, key ids 32 hex digits, periods ``YYYY-MM``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Page(Generic[Entry]):
    """A part of a list; ``after`` asks for what follows, None at the end. A cursor is good for one list."""

    entries: Sequence[Entry]
    after: str | None


@dataclass(frozen=True, slots=True)
class BookedInvoice:
    """An invoice that was claimed or touched by a command or an owed refund, or a red letter of such a one.

    Attributes:
        kind: ``BLUE`` or ``RED``. A red letter has ``original_code`` and ``original_number``, amounts below
            zero, and on its axes nothing but ``fiscal`` (``ISSUED``).
        height: the block of its record, ``index`` its place there: what is proved.
        buyer_tax_id: None for an individual and where nobody claimed it.
        title: the commitment to the title's text, 32 bytes.
        holder: the key that it was bound or transferred to; that key's successors hold it, too.
        locker: the company that locked, reimbursed or posted it, for ``claim_id``.
        claim: ``FREE``, ``LOCKED``, ``REIMBURSED``, ``POSTED``; empty for a red letter.
        locked_ms: of the present lock, and of what was reimbursed under it.
        reversed_after_posting_ms: the latest red letter that took something off it while it was posted.
        touched_ms: its latest movement.
    """

    code: str
    number: int
    kind: str
    height: int
    index: int
    seller: str
    issued_ms: int
    net_fen: int
    tax_fen: int
    total_fen: int
    original_code: str | None
    original_number: int | None
    buyer_tax_id: str | None
    title: bytes | None
    fiscal: str
    claim: str
    use: str
    frozen: bool
    remaining_fen: int
    holder: str | None
    locker: str | None
    claim_id: str | None
    reimbursed_fen: int
    locked_ms: int | None
    reimbursed_ms: int | None
    posted_ms: int | None
    voucher: str | None
    period: str | None
    reversed_after_posting_ms: int | None
    touched_ms: int


@dataclass(frozen=True, slots=True)
class Movement:
    """A record that made or moved an invoice, and where it stood after it.

    Attributes:
        kind: ``BLUE`` (for one payment), ``CLAIMED``, ``RED``, ``RED_OF_LINES``, ``OWED``, or the command.
        kid: who signed; None for ``BLUE``, ``RED`` and ``OWED``, which devices make, and for a drain's.
        tax_id: whose key that is (empty: the bureau's), ``role`` what it is for.
        fen: of the invoice, the red letter (below zero), the refund, or what was reimbursed; else None.
        red_code: the red letter's, with ``red_number``.
    """

    height: int
    index: int
    time_ms: int
    kind: str
    kid: str | None
    tax_id: str | None
    role: str | None
    fen: int | None
    red_code: str | None
    red_number: int | None
    fiscal: str
    claim: str
    remaining_fen: int
    holder: str | None
    locker: str | None
    claim_id: str | None
    voucher: str | None
    period: str | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A rejected input.

    Attributes:
        kid: the key that it names; with ``E_SIGNATURE`` it has not signed it.
        tax_id: whose key that is; None where no such key is registered.
    """

    source: str
    partition: int
    offset: int
    height: int
    time_ms: int
    code: str
    kid: str | None
    tax_id: str | None


@dataclass(frozen=True, slots=True)
class Declaration:
    """A declared month of a seller."""

    height: int
    index: int
    tax_id: str
    period: str
    invoiced_fen: int
    uninvoiced_fen: int
    red_fen: int
    declared_ms: int
    kid: str | None
    acknowledged_ms: int | None


@dataclass(frozen=True, slots=True)
class Application:
    """An application for numbers; ``answer`` is ``GRANTED``, ``REFUSED`` or None while it is open."""

    height: int
    index: int
    tax_id: str
    count: int
    asked_ms: int
    kid: str | None
    answer: str | None
    answered_ms: int | None


@dataclass(frozen=True, slots=True)
class Total:
    """How many invoices, and what is left of them, fen."""

    count: int
    fen: int


@dataclass(frozen=True, slots=True)
class Totals:
    """For the head of a party's page.

    Attributes:
        held: by the keys that were asked for.
        received: by claim state, what the company is the buyer of or has claimed.
        received_reversed: of how many of those nothing is left.
        locked: what it has locked now, ``oldest_lock_ms`` since when at most.
        reversed_after_posting: what it has posted and a red letter has taken something off.
        sold: by claim state, blue invoices.
        red_letters: its own.
        dead_letters: of its keys, among those that are kept.
    """

    held: Total
    received: Mapping[str, Total]
    received_reversed: Mapping[str, int]
    locked: Total
    oldest_lock_ms: int | None
    reversed_after_posting: Total
    sold: Mapping[str, Total]
    red_letters: int
    dead_letters: int
