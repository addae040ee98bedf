"""Names that documents print and records do not carry: of sellers, as the ledger admitted them; of lines."""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import orjson

from farechain._core import Ledger, decode_canonical, decode_record
from farechain.export.document import Party

BLOCKS_AT_ONCE = 64
"""Blocks that are looked at together: few records of a day do more than to move a payment."""
ITEMS_MAX = 3
"""Scenes that one line names: more of one tax code and rate do not fit a printed line."""


class Sellers:
    """Names of sellers at a height: each as its last ``ADMIT_ISSUER`` up to there named it.

    Reads forward only, so it costs one pass over the ledger however many invoices are made.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._next = 1
        self._named: dict[str, list[tuple[int, str]]] = {}

    def party(self, tax_id: str, height: int) -> Party:
        """The seller as it was called at this height; its tax id where nobody named it."""
        while self._next <= height:
            self._read(min(self._next + BLOCKS_AT_ONCE, height + 1))
        names = [name for since, name in self._named.get(tax_id, ()) if since <= height]
        return Party(names[-1] if names else tax_id, tax_id)

    def _read(self, end: int) -> None:
        self._next, rows = self._ledger.changes(self._next, end - self._next)
        for height, index, _time_ms, _kid, record in rows:
            annex = self._ledger.annex(height, index) if _is_admission(record) else None
            if annex is not None:
                _version, _kind, _command, tax_id, name, _limit = decode_canonical(annex)
                self._named.setdefault(tax_id, []).append((height, name))


def _is_admission(record: bytes) -> bool:
    """Whether a record admits an issuer, or names one anew."""
    return bool(decode_record(record)["kind"] == "ADMIT_ISSUER")


def line_name(tax_code: str, sold: Sequence[tuple[str, bool]]) -> tuple[str, str]:
    """The short name that stands between asterisks on a line, and what is sold.

    Args:
        tax_code: the line's.
        sold: of each of its payments the scene, and whether it is a top-up.
    """
    names = _table()
    if all(topped_up for _, topped_up in sold):
        return names["top_up"]["short_name"], names["top_up"]["item"]
    fitting = [prefix for prefix in names["short_names"] if tax_code.startswith(prefix)]
    short = names["short_names"][max(fitting, key=len)] if fitting else names["default_short_name"]
    top_up = names["top_up"]["item"]
    # Each once, in the order of the payments.
    items = list(dict.fromkeys(top_up if up else names["items"].get(scene, scene) for scene, up in sold))
    more = names["and_more"] if len(items) > ITEMS_MAX else ""
    return short, names["between"].join(items[:ITEMS_MAX]) + more


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = orjson.loads(resources.files(__package__).joinpath("tax_names.json").read_bytes())
    return table
