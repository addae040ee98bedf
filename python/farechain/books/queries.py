"""What is asked of the books. Each answers in milliseconds: a page at most, along an index.

Lists go from the latest on, locks from the oldest. A cursor is the last entry's place in its list, so a page
stays good while the list changes: what moves meanwhile stands at its beginning.
"""
# ruff: noqa: S608  what is put into statements are names of columns and tables, never a value

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from farechain.books.database import Database
from farechain.books.entries import (
    Application,
    BookedInvoice,
    DeadLetter,
    Declaration,
    Movement,
    Page,
    Total,
    Totals,
)
from farechain.books.schema import CLAIMS, NO_CLAIM, of_place
from farechain.errors import EXIT_USAGE, FarechainError

LIMIT_MAX = 200
KEYS_MAX = 64
"""Keys of one holder in one question, those that they replaced aside."""
LAST = (1 << 62) - 1
"""Before the first page of a list from the latest on."""
_INVOICE = (
    "place, code, number, kind, seller, issued_ms, net_fen, tax_fen, total_fen, original_code, "
    "original_number, buyer, title, fiscal, claim, use, frozen, remaining_fen, holder, locker, claim_id, "
    "reimbursed_fen, locked_ms, reimbursed_ms, posted_ms, voucher, period, "
    "reversed_after_posting_ms, touched_ms"
)
_MOVEMENT = (
    "place, time_ms, kind, kid, tax_id, role, fen, red_code, red_number, fiscal, claim, remaining_fen, "
    "holder, locker, claim_id, voucher, period"
)
_KEYS_BEFORE = (
    "WITH RECURSIVE line(kid) AS (VALUES (?) UNION SELECT predecessor FROM keys JOIN line USING (kid) "
    "WHERE predecessor IS NOT NULL) SELECT kid FROM line"
)
_REVERSED = {None: "", True: "AND remaining_fen=0 ", False: "AND remaining_fen<>0 "}
"""Nothing is left of what is reversed, and that is in every index."""
Entry = TypeVar("Entry")


class Queries:
    """Reads the books; safe to use from any thread. Every method blocks.

    Args of all lists:
        limit: entries at most, 1 to 200.
        after: ``Page.after`` of the page before; None for the first.

    Raises:
        FarechainError: ``E_CURSOR``: no cursor of this list; ``E_BOOKS``: not readable now, ask later.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def one(self, code: str, number: int) -> BookedInvoice | None:
        """An invoice or red letter; None for one that nothing has touched."""
        rows = self._read(f"SELECT {_INVOICE} FROM invoices WHERE code=? AND number=?", code, number)
        return _invoice(rows[0]) if rows else None

    def movements(
        self, code: str, number: int, limit: int = LIMIT_MAX, after: str | None = None
    ) -> Page[Movement]:
        """How an invoice came to stand where it stands, its issue first. Empty for what nothing has touched.

        Short red letters of refunds from before it was touched are not among them.
        """
        rows = self._read(
            f"SELECT {_MOVEMENT} FROM movements LEFT JOIN keys USING (kid) "
            "WHERE code=? AND number=? AND place>? ORDER BY place LIMIT ?",
            code,
            number,
            _cursor(after, -1),
            _bounded(limit) + 1,
        )
        return _page(rows, limit, lambda row: Movement(*of_place(row[0]), *row[1:]), lambda row: row[0])

    def held_by(
        self, kids: Sequence[str], limit: int, after: str | None = None, claim: str | None = None
    ) -> Page[BookedInvoice]:
        """What keys hold, those that they replaced included, the latest moved first.

        Args:
            kids: at most 64.
            claim: only what stands so.
        """
        parties = [("holder", kid) for kid in self._with_predecessors(kids)]
        return self._latest(parties, _claims(claim), limit, after)

    def inbox(
        self,
        buyer_tax_id: str,
        limit: int,
        after: str | None = None,
        claim: str | None = None,
        is_reversed: bool | None = None,
    ) -> Page[BookedInvoice]:
        """What a company is the buyer of, and what it has claimed of others, the latest moved first.

        Args:
            claim: only what stands so.
            is_reversed: only that of which nothing is left, or only the rest; None for both.
        """
        parties = [("buyer", buyer_tax_id), ("locker", buyer_tax_id)]
        return self._latest(parties, _claims(claim), limit, after, _REVERSED[is_reversed])

    def of_claim(
        self, tax_id: str, claim_id: str, limit: int, after: str | None = None
    ) -> Page[BookedInvoice]:
        """What a company has locked, reimbursed or posted under a claim, the latest moved first."""
        rows = self._read(
            f"SELECT {_INVOICE}, touched FROM invoices WHERE locker=? AND claim_id=? AND touched<? "
            "ORDER BY touched DESC LIMIT ?",
            tax_id,
            claim_id,
            _cursor(after, LAST),
            _bounded(limit) + 1,
        )
        return _page(rows, limit, _invoice, lambda row: row[-1])

    def sold_by(
        self, tax_id: str, limit: int, after: str | None = None, claim: str | None = None
    ) -> Page[BookedInvoice]:
        """What a seller issued and somebody has touched, and its red letters, the latest moved first."""
        claims = _claims(claim) if claim is not None else (*CLAIMS, NO_CLAIM)
        return self._latest([("seller", tax_id)], claims, limit, after)

    def locked_by(
        self, tax_id: str, older_than_ms: int, limit: int, after: str | None = None
    ) -> Page[BookedInvoice]:
        """What a company has locked before a time and not reimbursed yet, the oldest lock first."""
        since_ms, touched = _cursor_of_two(after, (-1, -1))
        rows = self._read(
            f"SELECT {_INVOICE}, touched FROM invoices WHERE claim='LOCKED' AND locker=? AND locked_ms<? "
            "AND (locked_ms, touched)>(?, ?) ORDER BY locked_ms, touched LIMIT ?",
            tax_id,
            older_than_ms,
            since_ms,
            touched,
            _bounded(limit) + 1,
        )
        return _page(rows, limit, _invoice, lambda row: f"{row[_LOCKED_MS]}-{row[-1]}")

    def reversed_after_posting(
        self, tax_id: str, limit: int, after: str | None = None
    ) -> Page[BookedInvoice]:
        """What a company had posted when a red letter took something off it, the latest red letter first."""
        at_ms, touched = _cursor_of_two(after, (LAST, LAST))
        rows = self._read(
            f"SELECT {_INVOICE}, touched FROM invoices WHERE locker=? AND reversed_after_posting_ms NOT NULL "
            "AND (reversed_after_posting_ms, touched)<(?, ?) "
            "ORDER BY reversed_after_posting_ms DESC, touched DESC LIMIT ?",
            tax_id,
            at_ms,
            touched,
            _bounded(limit) + 1,
        )
        return _page(rows, limit, _invoice, lambda row: f"{row[_REVERSED_MS]}-{row[-1]}")

    def dead_letters(self, tax_id: str | None, limit: int, after: str | None = None) -> Page[DeadLetter]:
        """Rejected inputs that name a key of a party (None: all), the latest first; the newest 100,000."""
        mine, values = ("AND tax_id=?", (tax_id,)) if tax_id is not None else ("", ())
        rows = self._read(
            'SELECT id, source, partition, "offset", height, time_ms, code, kid, tax_id FROM dead_letters '
            f"LEFT JOIN keys USING (kid) WHERE id<? {mine} ORDER BY id DESC LIMIT ?",
            _cursor(after, LAST),
            *values,
            _bounded(limit) + 1,
        )
        return _page(rows, limit, lambda row: DeadLetter(*row[1:]), lambda row: row[0])

    def dead_letter_counts(self) -> list[tuple[str | None, str, int]]:
        """(tax id of the key's party, None where none is registered; code; how many), the most first."""
        rows = self._read(
            "SELECT tax_id, code, count(*) FROM dead_letters LEFT JOIN keys USING (kid) "
            "GROUP BY tax_id, code ORDER BY count(*) DESC, tax_id, code"
        )
        return [(tax_id, code, count) for tax_id, code, count in rows]

    def declarations(self, tax_id: str | None, limit: int, after: str | None = None) -> Page[Declaration]:
        """Declared months of a seller (None: of all), the latest declaration first."""
        return self._by_place("declarations", Declaration, tax_id, limit, after)

    def applications(self, tax_id: str | None, limit: int, after: str | None = None) -> Page[Application]:
        """Applications for numbers of a seller (None: of all), answered ones too, the latest first."""
        return self._by_place("applications", Application, tax_id, limit, after)

    def totals(self, tax_id: str, kids: Sequence[str] = ()) -> Totals:
        """The head of a party's page: what it and these keys hold, received, locked, posted and sold."""
        held = [self._total("holder=?", kid) for kid in self._with_predecessors(kids)]
        received = {
            claim: _sum(
                self._total("buyer=? AND claim=?", tax_id, claim),
                self._total("locker=? AND claim=? AND buyer IS NOT ?", tax_id, claim, tax_id),
            )
            for claim in CLAIMS
        }
        oldest = self._read("SELECT min(locked_ms) FROM invoices WHERE claim='LOCKED' AND locker=?", tax_id)
        letters = self._read("SELECT count(*) FROM dead_letters JOIN keys USING (kid) WHERE tax_id=?", tax_id)
        return Totals(
            held=_sum(*held),
            received=received,
            received_reversed={claim: self._reversed(tax_id, claim) for claim in CLAIMS},
            locked=self._total("claim='LOCKED' AND locker=?", tax_id),
            oldest_lock_ms=oldest[0][0],
            reversed_after_posting=self._total("locker=? AND reversed_after_posting_ms NOT NULL", tax_id),
            sold={claim: self._total("seller=? AND claim=?", tax_id, claim) for claim in CLAIMS},
            red_letters=self._total("seller=? AND claim=?", tax_id, NO_CLAIM).count,
            dead_letters=letters[0][0],
        )

    def _latest(
        self,
        parties: Iterable[tuple[str, str]],
        claims: Sequence[str],
        limit: int,
        after: str | None,
        also: str = "",
    ) -> Page[BookedInvoice]:
        """Merges the lists of parties and claim states, each of which has an index in this very order."""
        before, found = _cursor(after, LAST), dict[int, tuple[Any, ...]]()
        for column, party in parties:
            for claim in claims:
                rows = self._read(
                    f"SELECT {_INVOICE}, touched FROM invoices WHERE {column}=? AND claim=? AND touched<? "
                    f"{also}ORDER BY touched DESC LIMIT ?",
                    party,
                    claim,
                    before,
                    _bounded(limit) + 1,
                )
                found.update((row[-1], row) for row in rows)
        ordered = [found[touched] for touched in sorted(found, reverse=True)]
        return _page(ordered, limit, _invoice, lambda row: row[-1])

    def _by_place(
        self,
        table: str,
        entry: Callable[..., Entry],
        tax_id: str | None,
        limit: int,
        after: str | None,
    ) -> Page[Entry]:
        mine, values = ("AND tax_id=?", (tax_id,)) if tax_id is not None else ("", ())
        rows = self._read(
            f"SELECT * FROM {table} WHERE place<? {mine} ORDER BY place DESC LIMIT ?",
            _cursor(after, LAST),
            *values,
            _bounded(limit) + 1,
        )
        return _page(rows, limit, lambda row: entry(*of_place(row[0]), *row[1:]), lambda row: row[0])

    def _with_predecessors(self, kids: Sequence[str]) -> list[str]:
        if len(kids) > KEYS_MAX:
            raise ValueError(f"{len(kids)} keys in one question: {KEYS_MAX} at most")
        return list(dict.fromkeys(row[0] for kid in kids for row in self._read(_KEYS_BEFORE, kid)))

    def _total(self, where: str, *values: object) -> Total:
        rows = self._read(f"SELECT count(*), sum(remaining_fen) FROM invoices WHERE {where}", *values)
        return Total(rows[0][0], rows[0][1] or 0)

    def _reversed(self, tax_id: str, claim: str) -> int:
        gone = "claim=? AND remaining_fen=0"
        bought = self._total(f"buyer=? AND {gone}", tax_id, claim)
        locked = self._total(f"locker=? AND {gone} AND buyer IS NOT ?", tax_id, claim, tax_id)
        return bought.count + locked.count

    def _read(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return self._database.read(statement, *values)


_COLUMNS = _INVOICE.replace(",", "").split()
_LOCKED_MS, _REVERSED_MS = _COLUMNS.index("locked_ms"), _COLUMNS.index("reversed_after_posting_ms")
_FROZEN = _COLUMNS.index("frozen")


def _invoice(row: Sequence[Any]) -> BookedInvoice:
    place, code, number, kind, *rest = row[: len(_COLUMNS)]
    rest[_FROZEN - 4] = bool(rest[_FROZEN - 4])
    return BookedInvoice(code, number, kind, *of_place(place), *rest)


def _page(
    rows: Sequence[tuple[Any, ...]],
    limit: int,
    entry: Callable[[tuple[Any, ...]], Entry],
    key: Callable[[tuple[Any, ...]], int | str],
) -> Page[Entry]:
    """The first of one row more than a page has."""
    chosen = rows[:limit]
    return Page([entry(row) for row in chosen], str(key(chosen[-1])) if len(rows) > limit else None)


def _claims(claim: str | None) -> Sequence[str]:
    if claim is None:
        return CLAIMS
    if claim not in CLAIMS:
        raise ValueError(f"claim {claim}: one of {', '.join(CLAIMS)}")
    return (claim,)


def _bounded(limit: int) -> int:
    if not 1 <= limit <= LIMIT_MAX:
        raise ValueError(f"limit {limit}: 1 to {LIMIT_MAX}")
    return limit


def _cursor(after: str | None, first: int) -> int:
    return first if after is None else _number(after)


def _cursor_of_two(after: str | None, first: tuple[int, int]) -> tuple[int, int]:
    if after is None:
        return first
    major, _dash, minor = after.partition("-")
    return _number(major), _number(minor)


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 19 and (number := int(text)) <= LAST:
        return number
    raise FarechainError("E_CURSOR", "no cursor of this list: begin at its first page", EXIT_USAGE)


def _sum(*totals: Total) -> Total:
    return Total(sum(one.count for one in totals), sum(one.fen for one in totals))
