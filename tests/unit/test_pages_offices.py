"""Forecasts of numbers, months to declare, and tables compared: what the offices' pages reckon themselves."""

from typing import Any, cast

import pytest

from farechain.api.problems import Problem
from farechain.api.registry import DAY_MS
from farechain.pages.months import months_of, period_of
from farechain.pages.row_changes import changes_of, digest_of, rows_in
from farechain.pages.supply import next_free, supply_of

NOW_MS = 1_772_323_200_000
"""2026-03-01T00:00Z, 08:00 in China."""
CODE, DIGITAL = "144032609110", "264410000000"


class Issued:
    """A ledger that has issued the numbers of one code at given times."""

    def __init__(self, *at_ms: int) -> None:
        self._at_ms = at_ms

    def invoice(self, code: str, number: int) -> dict[str, Any] | None:
        if code != CODE or not 1 <= number <= len(self._at_ms):
            return None
        return {"fields": {"issued_at_ms": self._at_ms[number - 1]}}


def grant(first: int, last: int, following: int, code: str = CODE, *, closed: bool = False) -> dict[str, Any]:
    return {
        "code": code,
        "from": first,
        "to": last,
        "next": following,
        "closed": closed,
        "all_digital": code == DIGITAL,
    }


def supply(issued: Issued, *grants: dict[str, Any]) -> Any:
    return supply_of(cast(Any, issued), grants, NOW_MS)


def test_the_pace_is_that_of_seven_days() -> None:
    days_ago = [30, 20, 6, 5, 4, 3, 2, 1, 1]
    found = supply(Issued(*(NOW_MS - day * DAY_MS for day in days_ago)), grant(1, 30, 10))
    assert (found.left, found.used, found.per_day) == (21, 9, 1.0)
    assert found.dry_at_ms == NOW_MS + 21 * DAY_MS
    assert found.is_short(NOW_MS)


def test_the_pace_of_a_new_code_is_that_of_its_own_days_and_of_a_day_at_least() -> None:
    assert supply(Issued(*[NOW_MS - 2 * DAY_MS] * 10), grant(1, 1000, 11)).per_day == 5.0
    assert supply(Issued(*[NOW_MS - 1000] * 10), grant(1, 1000, 11)).per_day == 10.0


def test_what_is_not_used_does_not_run_dry() -> None:
    found = supply(Issued(), grant(1, 100, 1))
    assert (found.left, found.dry_at_ms, found.days(NOW_MS), found.is_short(NOW_MS)) == (
        100,
        None,
        None,
        False,
    )
    old = supply(Issued(NOW_MS - 40 * DAY_MS), grant(1, 100, 2))
    assert (old.per_day, old.dry_at_ms) == (0, None)


def test_a_closed_grant_has_nothing_left_but_its_pace_counts() -> None:
    issued = Issued(*[NOW_MS - DAY_MS] * 4)
    found = supply(issued, grant(1, 100, 5, closed=True), grant(101, 200, 101))
    assert (found.left, found.per_day) == (100, 4.0)


@pytest.mark.parametrize(
    ("grants", "digital", "expected"),
    [
        ([], False, (CODE, 1, 500)),
        ([], True, (DIGITAL, 1, 500)),
        ([grant(1, 1000, 5), grant(1001, 2000, 1001, closed=True)], False, (CODE, 2001, 2500)),
        ([grant(1, 1000, 5)], True, (DIGITAL, 1, 500)),
        ([grant(1, 99_999_600, 5)], False, ("144032609210", 1, 500)),
        ([grant(1, 99_999_600, 5, DIGITAL)], True, ("264410000001", 1, 500)),
        ([grant(1, 1000, 5, "144032509110")], False, (CODE, 1, 500)),
    ],
)
def test_the_next_free_range(grants: list[Any], digital: bool, expected: tuple[str, int, int]) -> None:
    assert expected == _plain(next_free(grants, "4403", 2026, 500, all_digital=digital))


def _plain(suggested: Any) -> tuple[str, int, int]:
    return suggested.code, suggested.first, suggested.last


def month(declared: list[int] | None = None, acknowledged: bool | None = None) -> dict[str, Any]:
    amounts = {"invoiced_fen": 5, "uninvoiced_fen": -2, "red_fen": 1, "to_declare": [5, 0, 3]}
    return {**amounts, "declared": declared, "acknowledged": acknowledged}


def states(months: dict[str, Any]) -> dict[str, str]:
    return {row.period: row.state for row in months_of({"months": months}, NOW_MS)}


def test_months_are_declared_one_after_the_other_empty_ones_too() -> None:
    assert states({}) == {"2026-03": "OPEN"}
    assert states({"2025-12": month(), "2026-01": month()}) == {
        "2026-03": "OPEN",
        "2026-02": "LATER",
        "2026-01": "LATER",
        "2025-12": "DUE",
    }
    done = {"2025-11": month([5, 0, 3], True), "2025-12": month([5, 0, 3], False), "2026-02": month()}
    assert states(done) == {
        "2026-03": "OPEN",
        "2026-02": "LATER",
        "2026-01": "DUE",
        "2025-12": "DECLARED",
        "2025-11": "ACKNOWLEDGED",
    }
    assert states({"2026-02": month([5, 0, 3], True)}) == {"2026-03": "OPEN", "2026-02": "ACKNOWLEDGED"}


def test_a_month_ends_at_midnight_in_china() -> None:
    midnight_ms = NOW_MS - 8 * 3_600_000
    assert (period_of(midnight_ms - 1), period_of(midnight_ms)) == ("2026-02", "2026-03")


def test_what_a_new_table_changes() -> None:
    before = [{"code": "A", "name": "a"}, {"code": "B", "name": "b"}, {"code": "C", "name": "c"}]
    after = [{"code": "B", "name": "other"}, {"code": "A", "name": "a"}, {"code": "D", "name": "d"}]
    by_key = [
        (each.how, (each.after or each.before or {})["code"]) for each in changes_of(before, after, "code")
    ]
    assert by_key == [("REMOVED", "C"), ("CHANGED", "B"), ("KEPT", "A"), ("ADDED", "D")]
    whole = [each.how for each in changes_of(before, after, None)]
    assert whole == ["REMOVED", "REMOVED", "ADDED", "KEPT", "ADDED"]


def test_a_digest_is_of_the_rows_in_their_order() -> None:
    rows: list[dict[str, Any]] = [{"a": 1, "b": None}, {"a": 2, "b": "x"}]
    assert digest_of(rows) == digest_of([{"b": None, "a": 1}, rows[1]])
    assert digest_of(rows) != digest_of(rows[::-1])


def test_rows_are_a_list_or_in_an_object() -> None:
    assert rows_in('[{"a": 1}]') == rows_in('{"about": "x", "rows": [{"a": 1}]}') == [{"a": 1}]
    for wrong in ("", "null", "[1]", '{"rows": {}}', "{}", "[{}", "NaN"):
        with pytest.raises(Problem):
            rows_in(wrong)
