"""Lists in pages: a limit, and a cursor that stays good while the list changes."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import Query

LIMIT_MAX = 200
CURSOR_PATTERN = r"^[0-9A-Za-z-]{1,100}$"
Limit = Annotated[
    str,
    Query(
        pattern=r"^([1-9][0-9]?|1[0-9][0-9]|200)$",
        description=f"Items at most, 1 to {LIMIT_MAX}.",
        examples=["50"],
    ),
]
Cursor = Annotated[
    str | None, Query(pattern=CURSOR_PATTERN, description="`next` of the page before; none for the first.")
]

Item = TypeVar("Item")


def page(
    items: Sequence[Item], key: Callable[[Item], str], cursor: str | None, limit: int
) -> tuple[list[Item], str | None]:
    """(items after the cursor, the next page's cursor or None).

    Args:
        key: unique, of ``[0-9A-Za-z-]``; the order of the list. A cursor is the key of a page's last item.
    """
    ordered = sorted(items, key=key)
    first = bisect_right(ordered, cursor, key=key) if cursor is not None else 0
    chosen = ordered[first : first + limit]
    more = first + limit < len(ordered)
    return chosen, key(chosen[-1]) if more else None
