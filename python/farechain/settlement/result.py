"""What comparing a settlement file with the ledger gives: differences, sums per issuer and day."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Scope:
    """What a file speaks for. Empty: what it holds, and the constants of its mapping.

    Attributes:
        days: days since 1970 in the ledger's zone.
    """

    channels: frozenset[int] = frozenset()
    sellers: frozenset[str] = frozenset()
    days: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that file and ledger do not agree on.

    ``what``: ``MISSING`` (the ledger lacks it), ``EXTRA`` (the file lacks it), ``AMOUNT``, ``DAY``,
    ``OTHER_PAYMENT`` (a refund of another payment), ``REPEATED`` (twice in the file), ``ROW`` (a line that
    cannot be read). ``EDGE`` is none: the ledger has it so near to midnight that another day's file may.
    ``line`` is the file's; ``height`` the ledger's.
    """

    what: str
    seller: str
    day: str
    channel: str
    kind: str
    own_id: str
    line: int | None
    file_fen: int | None
    ledger_fen: int | None
    height: int | None
    why: str


@dataclass(slots=True)
class Tally:
    """Of one issuer and day. Amounts are fen, refunds below zero."""

    seller: str
    day: str
    file_rows: int = 0
    file_fen: int = 0
    ledger_rows: int = 0
    ledger_fen: int = 0
    missing: int = 0
    extra: int = 0
    amount: int = 0
    other: int = 0
    edge: int = 0


@dataclass(slots=True)
class Reconciled:
    """What the comparison gave. ``states``: where the payments that both have stand now."""

    rows: int = 0
    left_out: int = 0
    outside: int = 0
    matched: int = 0
    differences: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    tallies: dict[tuple[str, int], Tally] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether file and ledger agree, and every line could be read."""
        return not self.differences.total() - self.differences["EDGE"]

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON has them, issuers and days in order."""
        return {
            "ok": self.ok,
            "rows": self.rows,
            "left_out": self.left_out,
            "outside": self.outside,
            "matched": self.matched,
            "differences": dict(sorted(self.differences.items())),
            "states": dict(sorted(self.states.items())),
            "tallies": [asdict(tally) for _, tally in sorted(self.tallies.items())],
        }
