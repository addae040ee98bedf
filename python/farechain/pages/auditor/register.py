"""The register of commands: who signed what, from the latest on, read from the blocks themselves."""

from dataclasses import dataclass

from farechain import _core
from farechain._core import Ledger

BLOCKS = 16
"""Read at once: they may be full of commands."""
WINDOWS_MAX = 200
"""A page reads so many times at most, and then says where it stopped."""


@dataclass(frozen=True, slots=True)
class Given:
    """A recorded command.

    Attributes:
        kid: who signed; ``tax_id`` and ``role`` are that key's, the bureau's tax id is empty.
        code: with ``number`` the invoice that it moved; None for other commands.
    """

    height: int
    index: int
    time_ms: int
    kind: str
    kid: str
    tax_id: str
    role: str
    code: str | None
    number: int | None


def register(ledger: Ledger, before: tuple[int, int], limit: int) -> tuple[list[Given], str | None]:
    """(commands below a place, the latest first; the place that the next page is below, or None). Blocks."""
    rows: list[Given] = []
    end = min(before[0], ledger.height)
    for _ in range(WINDOWS_MAX):
        if end < 1:
            return rows, None
        at = first = max(1, end - BLOCKS + 1)
        window = []
        while at <= end:
            at, changes = ledger.changes(at, end - at + 1)
            window += changes
        for height, index, time_ms, kid, record in reversed(window):
            if kid is None or (height, index) >= before:
                continue
            if len(rows) == limit:
                return rows, f"{rows[-1].height}.{rows[-1].index}"
            rows.append(_given(ledger, (height, index, time_ms), kid, record))
        end = first - 1
    return rows, f"{end + 1}.0"


def _given(ledger: Ledger, place: tuple[int, int, int], kid: str, record: bytes) -> Given:
    fields, key = _core.decode_record(record), ledger.key(kid) or {}
    named = fields.get("number") if "code" in fields else None
    return Given(
        *place,
        fields["kind"],
        kid,
        key.get("tax_id", ""),
        key.get("role", ""),
        fields.get("code"),
        named,
    )
