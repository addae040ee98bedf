"""How long numbers last: what is left of grants, and when they run dry at the pace of the last days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from farechain._core import Ledger
from farechain.api.registry import DAY_MS, first_since

WINDOW_DAYS = 7
SOON_DAYS = 30
"""Numbers that last for less ask for attention: granting takes people on both sides."""
NUMBER_MAX = 99_999_999
Grants = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Supply:
    """The numbers of some grants.

    Attributes:
        left: of open grants.
        used: of all of them.
        per_day: used a day, on average of the last seven days or of those since the first number.
        dry_at_ms: when nothing is left at that pace; None where nothing is used.
    """

    left: int
    used: int
    per_day: float
    dry_at_ms: int | None

    def days(self, now_ms: int) -> float | None:
        """Until it runs dry."""
        return None if self.dry_at_ms is None else max(0.0, (self.dry_at_ms - now_ms) / DAY_MS)

    def is_short(self, now_ms: int) -> bool:
        """Whether somebody should see to it."""
        days = self.days(now_ms)
        return days is not None and days < SOON_DAYS


def supply_of(ledger: Ledger, grants: Grants, now_ms: int) -> Supply:
    """The supply of these grants. Blocks for some look-ups per grant."""
    left = sum(grant["to"] - grant["next"] + 1 for grant in grants if not grant["closed"])
    begun = [grant for grant in grants if grant["next"] > grant["from"]]
    firsts = [ledger.invoice(grant["code"], grant["from"]) for grant in begun]
    first_ms = min((found["fields"]["issued_at_ms"] for found in firsts if found), default=now_ms)
    window_ms = max(DAY_MS, min(WINDOW_DAYS * DAY_MS, now_ms - first_ms))
    recent = sum(grant["next"] - first_since(ledger, grant, now_ms - window_ms) for grant in begun)
    return Supply(
        left=left,
        used=sum(grant["next"] - grant["from"] for grant in begun),
        per_day=recent * DAY_MS / window_ms,
        dry_at_ms=now_ms + left * window_ms // recent if recent else None,
    )


def by_code(grants: Grants) -> dict[str, list[Mapping[str, Any]]]:
    """Grants by the code that their numbers are under."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for grant in sorted(grants, key=lambda grant: (grant["code"], grant["from"])):
        found.setdefault(grant["code"], []).append(grant)
    return found


@dataclass(frozen=True, slots=True)
class Suggested:
    """A range that may be granted."""

    code: str
    first: int
    last: int


def next_free(grants: Grants, region: str, year: int, count: int, *, all_digital: bool) -> Suggested:
    """The next range behind all grants of the newest code of a family; of a new code where none is left.

    Args:
        region: four digits, as genesis lists them.
        year: of the calendar; a new year has codes of its own.
    """
    code = f"{year % 100:02d}{region[:2]}10000000" if all_digital else f"1{region}{year % 100:02d}09110"
    of_year = [
        grant
        for grant in grants
        if grant["all_digital"] == all_digital and _year(grant["code"]) == year % 100
    ]
    if of_year:
        code = max(grant["code"] for grant in of_year)
    first = 1 + max((grant["to"] for grant in grants if grant["code"] == code), default=0)
    if first + count - 1 > NUMBER_MAX:
        code, first = _following(code, all_digital=all_digital), 1
    return Suggested(code, first, first + count - 1)


def _year(code: str) -> int:
    """Digits 6 and 7 of the family of twelve digits, 1 and 2 of an all-digital one."""
    return int(code[5:7] if code[0] == "1" else code[:2])


def _following(code: str, *, all_digital: bool) -> str:
    """The next code: the next batch (digit 10), or the next hundred million of an all-digital sequence."""
    if all_digital:
        return f"{int(code) + 1:012d}"
    return f"{code[:9]}{(int(code[9]) + 1) % 10}{code[10:]}"
