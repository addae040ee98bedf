"""Tables that are replaced as a whole: read from text, compared with the present one, known by a digest."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from farechain.api.problems import Problem

Row = Mapping[str, Any]


class Change(NamedTuple):
    """``how``: ``ADDED``, ``REMOVED``, ``CHANGED`` or ``KEPT``; ``before``, ``after``: None where absent."""

    how: str
    before: Row | None
    after: Row | None


def digest_of(rows: Sequence[Row]) -> str:
    """Tells whether a table is still the one that a form was made from."""
    return hashlib.sha256(orjson.dumps(list(rows), option=orjson.OPT_SORT_KEYS)).hexdigest()


def rows_in(text: str) -> list[dict[str, Any]]:
    """The rows of a JSON text: a list, or an object with ``rows``. Raises ``Problem`` 422."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Problem(422, "E_SCHEMA", f"not JSON: {error}") from error
    rows = found.get("rows") if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Problem(422, "E_SCHEMA", "wanted is a list of rows, or an object with a list `rows`")
    return rows


def changes_of(before: Sequence[Row], after: Sequence[Row], key: str | None) -> list[Change]:
    """What replacing a table changes: what goes first, then the new table in its order.

    Args:
        key: the member that names a row; None where a row is all of itself, so that none is ever changed.
    """
    old = {_name(row, key): row for row in before}
    new = {_name(row, key) for row in after}
    gone = [Change("REMOVED", row, None) for name, row in old.items() if name not in new]
    return [*gone, *(_change(old.get(_name(row, key)), row) for row in after)]


def _change(before: Row | None, after: Row) -> Change:
    if before is None:
        return Change("ADDED", None, after)
    return Change("KEPT" if _name(before, None) == _name(after, None) else "CHANGED", before, after)


def _name(row: Row, key: str | None) -> bytes:
    return orjson.dumps(row if key is None else row.get(key), option=orjson.OPT_SORT_KEYS)
