"""Compares a settlement file with the ledger, and says of each difference what is known."""

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from farechain import _core
from farechain.adapt.convert import Rejected
from farechain.adapt.rows import read_rows
from farechain.errors import EXIT_USAGE, FarechainError
from farechain.resend.dead_letters import DeadLetter, dead_letters
from farechain.settlement.lines import Line, Lines
from farechain.settlement.mapping import SettlementRules
from farechain.settlement.payments import (
    CHANNELS,
    DAY_MS,
    KIND_NAMES,
    REFUNDED,
    Moved,
    first_block_at,
    from_annex,
    from_cells,
    recorded,
)
from farechain.settlement.result import Difference, Reconciled, Scope, Tally

KINDS_AS_FILED = (("PAID", "TOPPED_UP"), ("REFUNDED",))
"""Payments, which a file may call by either name, and refunds."""
AHEAD_MS = 48 * 3_600_000
"""A payment may be dated this much after its block at most (docs/format.md, section 3)."""
LEEWAY_S = 300
"""How far the clocks of a gate and a channel may be apart around midnight."""
Found = tuple[Moved, int]
"""What the ledger has, and the height of its block."""
Progress = Callable[[str, int, int], None]
"""Called with what is done, how much of it, and how much there is (0: not known)."""


def reconcile_settlement(
    ledger: _core.Ledger,
    file: Path,
    rules: SettlementRules,
    *,
    utc_offset_min: int,
    scope: Scope | None = None,
    leeway_s: int = LEEWAY_S,
    on_difference: Callable[[Difference], None] = lambda _difference: None,
    progress: Progress = lambda _what, _done, _all: None,
) -> Reconciled:
    """Compares every line of the file with the ledger, and the ledger's payments of its scope with the file.

    Memory is flat: a byte a line and 32 MiB; the lines lie in the directory for temporary files, some 200
    bytes each.

    Args:
        utc_offset_min: the ledger's zone, in which days are.
        on_difference: called with each difference as it is found.

    Raises:
        FarechainError: ``E_INPUT``, ``E_MAPPING``, ``E_SETTLEMENT`` (no row, and no scope that says of what).
        LedgerError: the ledger cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="farechain-reconcile-") as place:
        lines = Lines(Path(place))
        try:
            work = _Comparison(
                ledger,
                rules,
                lines,
                utc_offset_min=utc_offset_min,
                leeway_ms=leeway_s * 1000,
                on_difference=on_difference,
                progress=progress,
            )
            work.read(file, scope or Scope())
            work.compare()
            return work.result
        finally:
            lines.close()


class _Comparison:
    """One file against one ledger."""

    def __init__(
        self,
        ledger: _core.Ledger,
        rules: SettlementRules,
        lines: Lines,
        *,
        utc_offset_min: int,
        leeway_ms: int,
        on_difference: Callable[[Difference], None],
        progress: Progress,
    ) -> None:
        self.result = Reconciled()
        self._ledger = ledger
        self._rules = rules
        self._offset_min = utc_offset_min
        self._leeway_ms = leeway_ms
        self._lines = lines
        self._on_difference = on_difference
        self._progress = progress
        self._channels: set[int] = set()
        self._sellers: set[str] = set()
        self._days: set[int] = set()

    def read(self, file: Path, scope: Scope) -> None:
        """Reads the file into the lines, and learns what it speaks for."""
        self._lines.add(self._read(file, scope))
        constant = self._rules.constants
        self._channels |= (
            {CHANNELS.index(constant["channel"])} if constant.get("channel") in CHANNELS else set()
        )
        self._sellers |= {constant["seller_tax_id"]} if "seller_tax_id" in constant else set()
        self._channels = set(scope.channels) or self._channels
        self._sellers = set(scope.sellers) or self._sellers
        self._days = set(scope.days) or self._days
        if not (self._channels and self._sellers and self._days):
            message = (
                f"{file} has no row that tells its channel, issuer and day: name them, or see its mapping"
            )
            raise FarechainError("E_SETTLEMENT", message, EXIT_USAGE)
        for seller in self._sellers:
            for day in self._days:
                self._tally(seller, day)

    def _read(self, file: Path, scope: Scope) -> Iterator[tuple[int, Moved]]:
        for row in read_rows(file, self._rules.input, self._rules.sources):
            self.result.rows += 1
            if self.result.rows % 10_000 == 0:
                self._progress("rows read", self.result.rows, 0)
            try:
                if row.broken is not None or isinstance(row.cells, str):
                    raise Rejected("E_SCHEMA", row.broken or "not a row")
                moved = from_cells(row.cells, self._rules)
            except Rejected as refusal:
                why = f"{refusal.code}: {refusal.why}"
                self._tell(Difference("ROW", "", "", "", "", "", row.number, None, None, None, why))
                continue
            if moved is None:
                self.result.left_out += 1
                continue
            day = moved.day(self._offset_min)
            if not _within(moved, day, scope):
                self.result.outside += 1
                continue
            self._channels.add(moved.channel)
            self._sellers.add(moved.seller)
            self._days.add(day)
            tally = self._tally(moved.seller, day)
            tally.file_rows += 1
            tally.file_fen += moved.signed_fen
            yield row.number, moved

    def compare(self) -> None:
        """Both ways: what the ledger has, then what only the file has."""
        begin_ms = min(self._days) * DAY_MS - self._offset_min * 60_000
        first, last = first_block_at(self._ledger, begin_ms - AHEAD_MS), self._ledger.height
        for height, moved in recorded(self._ledger, first, last):
            if moved is None:
                self._progress("blocks compared", height - first + 1, last - first + 1)
            elif line := self._lines.of(moved.key):
                self._both(line, (moved, height))
            elif moved.channel in self._channels and moved.seller in self._sellers:
                self._only_ledger((moved, height))
        for line in self._lines.repeated():
            self._differ("REPEATED", line, None, "a line before it says the same")
        if any(True for _ in self._lines.not_found()):
            self._only_file()

    def _both(self, line: Line, found: Found) -> None:
        moved = found[0]
        if self._lines.is_found(line.number):
            # A ride and a top-up under one id: the file has one line, the ledger two payments.
            self._only_ledger(found)
            return
        self._lines.find(line.number)
        said = line.moved
        day, days_apart = (
            said.day(self._offset_min),
            said.day(self._offset_min) != moved.day(self._offset_min),
        )
        if days_apart and abs(said.at_ms - moved.at_ms) > self._leeway_ms:
            day = moved.day(self._offset_min)
            self._differ("DAY", line, found, f"the ledger has it on {_date(day)}")
        elif said.fen != moved.fen:
            self._differ("AMOUNT", line, found, f"{moved.fen - said.fen:+d} fen on the ledger")
        elif moved.kind == REFUNDED and said.txn_id != moved.txn_id:
            self._differ("OTHER_PAYMENT", line, found, f"the ledger has it of {moved.txn_id}")
        else:
            self.result.matched += 1
            self.result.states[self._state(moved)] += 1
        if moved.seller in self._sellers and day in self._days:
            tally = self._tally(moved.seller, day)
            tally.ledger_rows += 1
            tally.ledger_fen += moved.signed_fen

    def _state(self, moved: Moved) -> str:
        if moved.kind == REFUNDED:
            return "REFUND"
        for identity in moved.identities():
            if known := self._ledger.payment(identity):
                return "INVOICED" if known["invoice"] else known["state"] or "RELEASED"
        return "UNKNOWN"

    def _only_ledger(self, found: Found) -> None:
        moved = found[0]
        day = moved.day(self._offset_min)
        if day not in self._days or not self._rules.tells(*KINDS_AS_FILED[moved.kind == REFUNDED]):
            return
        tally = self._tally(moved.seller, day)
        shifted = {
            (moved.at_ms + by + self._offset_min * 60_000) // DAY_MS
            for by in (-self._leeway_ms, self._leeway_ms)
        }
        if not shifted <= self._days:
            self._differ("EDGE", None, found, "so near to midnight that another day's file may have it")
            return
        tally.ledger_rows += 1
        tally.ledger_fen += moved.signed_fen
        self._differ("EXTRA", None, found, f"the ledger has it: {self._state(moved)}")

    def _only_file(self) -> None:
        """What the scan did not meet: dated days away from its block, rejected, or never there."""
        refused = self._refused()
        for line in self._lines.not_found():
            place = next(filter(None, map(self._ledger.occupant, line.moved.identities())), None)
            moved = from_annex(self._ledger.annex(*place)) if place else None
            if place is not None and moved is not None:
                self._both(line, (moved, place[0]))
                continue
            why = "no such event came: it was never produced, or is not read yet"
            if letter := refused.get(line.moved.key):
                why = f"rejected with {letter.code}, {letter.id}"
            self._differ("MISSING", line, None, why)

    def _refused(self) -> dict[bytes, DeadLetter]:
        """The latest dead letter of each line that only the file has, by key."""
        found: dict[bytes, DeadLetter] = {}
        for letter in dead_letters(self._ledger):
            claimed = letter.claims()
            if claimed is None or claimed.channel not in CHANNELS[1:]:
                continue
            kind = REFUNDED if claimed.refund_id else 1
            own_id = claimed.refund_id or claimed.txn_id
            channel = CHANNELS.index(claimed.channel)
            key = Moved(kind, channel, own_id, claimed.txn_id, claimed.seller, 0, 0).key
            line = self._lines.of(key)
            if line is not None and not self._lines.is_found(line.number):
                found[key] = letter
        return found

    def _differ(self, what: str, line: Line | None, found: Found | None, why: str) -> None:
        of = line.moved if line is not None else found[0] if found is not None else None
        assert of is not None
        day = of.day(self._offset_min)
        self._tell(
            Difference(
                what,
                of.seller,
                _date(day),
                CHANNELS[of.channel],
                KIND_NAMES[of.kind],
                of.own_id,
                line.line if line else None,
                line.moved.fen if line else None,
                found[0].fen if found else None,
                found[1] if found else None,
                why,
            )
        )
        tally = self._tally(of.seller, day)
        column = what.lower() if what in {"MISSING", "EXTRA", "AMOUNT", "EDGE"} else "other"
        setattr(tally, column, getattr(tally, column) + 1)

    def _tell(self, difference: Difference) -> None:
        self.result.differences[difference.what] += 1
        self._on_difference(difference)

    def _tally(self, seller: str, day: int) -> Tally:
        return self.result.tallies.setdefault((seller, day), Tally(seller, _date(day)))


def _within(moved: Moved, day: int, scope: Scope) -> bool:
    return (
        (not scope.channels or moved.channel in scope.channels)
        and (not scope.sellers or moved.seller in scope.sellers)
        and (not scope.days or day in scope.days)
    )


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
