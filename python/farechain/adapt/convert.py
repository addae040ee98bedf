"""From a row to the ``data`` of a payment event. Amounts exactly; nothing is rounded or guessed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from farechain.adapt.mapping import AMOUNTS, Conversion, Rules, zone_of
from farechain.adapt.rows import parse_json

REFUND_ONLY = frozenset({"refund_id", "refund_fen"})
PAYMENT_ONLY = frozenset({"gross_fen", "paid_fen", "invoiceable_fen", "payer"})
_NEEDED = {
    "REFUNDED": ("txn_id", "refund_id", "refund_fen", "paid_at"),
    "PAID": ("txn_id", "scene", "gross_fen", "paid_fen", "paid_at"),
    "TOPPED_UP": ("txn_id", "scene", "gross_fen", "paid_fen", "paid_at"),
}


class Rejected(Exception):  # noqa: N818 - it is a verdict on a row, not a failure
    """A row that becomes no event; ``code`` is an ``E_*`` code, the message says why."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


def event_data(cells: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """The members that the rules make from a row; empty cells give none.

    Members that a refund or a payment does not have are left out, so that one mapping serves a list of both.

    Raises:
        Rejected: a cell cannot be converted, or a member that is needed is missing.
    """
    data: dict[str, Any] = dict(rules.constants)
    for name, how in rules.fields.items():
        value = member(name, how, look_up(cells, how.source))
        if value is not None:
            data[name] = value
    kind = str(data.get("kind"))
    for name in PAYMENT_ONLY if kind == "REFUNDED" else REFUND_ONLY:
        data.pop(name, None)
    missing = [name for name in _NEEDED.get(kind, ("kind",)) if name not in data]
    if missing:
        raise Rejected("E_SCHEMA", f"no value for {', '.join(missing)}")
    if kind != "REFUNDED":
        detail = _detail(cells, rules)
        if detail:
            data["detail"] = detail
    return data


def _detail(cells: Mapping[str, Any], rules: Rules) -> dict[str, str | int]:
    detail: dict[str, str | int] = {}
    for name, how in rules.detail.items():
        cell = look_up(cells, how.source)
        if cell is not None and cell != "":
            detail[name] = _integer(name, cell) if how.integer else _text(name, how, cell)
    return detail


def look_up(cells: Mapping[str, Any], path: str) -> Any:
    """The cell with this name, or the value at this path; ``None`` where there is none."""
    if path in cells:
        return cells[path]
    value: Any = cells
    for part in path.split("."):
        if isinstance(value, str):
            try:
                value = parse_json(value)
            except ValueError:
                return None
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return value


def member(name: str, how: Conversion, cell: Any) -> str | int | None:
    """A member from its cell: fen, a time as RFC 3339, a whole number or a text; ``None`` for an empty cell.

    Raises:
        Rejected: the cell cannot be converted.
    """
    if cell is None or cell == "":
        return None
    if name in AMOUNTS:
        return amount_fen(name, how, cell)
    if name == "paid_at":
        return moment(name, how, cell)
    if name == "device_seq" or how.integer:
        return _integer(name, cell)
    return _text(name, how, cell)


def _text(name: str, how: Conversion, cell: Any) -> str:
    if isinstance(cell, bool) or not isinstance(cell, str | int | Decimal):
        raise Rejected("E_SCHEMA", f"{name}: {type(cell).__name__} where a text is expected")
    text = str(cell)
    if how.values is None:
        return text
    if text not in how.values:
        raise Rejected("E_SCHEMA", f"{name}: {text!r} is not among the values of the mapping")
    return how.values[text]


def _integer(name: str, cell: Any) -> int:
    text = str(cell)
    if isinstance(cell, bool) or not (text.isascii() and text.isdigit()):
        raise Rejected("E_SCHEMA", f"{name}: {text!r} is not a whole number")
    return int(text)


def amount_fen(name: str, how: Conversion, cell: Any) -> int:
    """An amount in fen, exactly.

    Raises:
        Rejected: not a plain decimal number, a fraction of a fen, or a sign that the mapping does not expect.
    """
    text = str(cell).strip().removeprefix("¥").removeprefix("￥")
    plain = text.isascii() and text.lstrip("+-").replace(".", "", 1).isdigit()
    if isinstance(cell, bool) or not plain:
        raise Rejected("E_SCHEMA", f"{name}: {str(cell)!r} is not an amount")
    try:
        fen = Decimal(text) * (100 if how.unit == "yuan" else 1)
    except InvalidOperation as error:
        raise Rejected("E_SCHEMA", f"{name}: {text!r} is not an amount") from error
    if fen != fen.to_integral_value():
        raise Rejected("E_AMOUNT_FLOAT", f"{name}: {text} {how.unit} is not a whole number of fen")
    if how.negative:
        fen = -fen
    if fen < 0 or text.startswith("-") != how.negative:
        raise Rejected("E_AMOUNT_NEGATIVE", f"{name}: {text} has an unexpected sign")
    return int(fen)


def moment(name: str, how: Conversion, cell: Any) -> str:
    """A time as RFC 3339 with an offset.

    Raises:
        Rejected: not of the format, or without an offset.
    """
    text = str(cell)
    if how.format == "rfc3339":
        return text
    zone = zone_of(how.zone) if how.zone is not None else UTC
    try:
        if how.format in ("unix", "unix_ms"):
            seconds, milliseconds = divmod(_integer(name, cell), 1000 if how.format == "unix_ms" else 1)
            at = datetime.fromtimestamp(seconds, zone).replace(microsecond=milliseconds * 1000)
        else:
            at = datetime.strptime(text, how.format)
            at = at.replace(tzinfo=zone) if at.tzinfo is None else at
    except (ValueError, OverflowError, OSError) as error:
        raise Rejected("E_SCHEMA", f"{name}: {text!r} is not of the format {how.format}") from error
    return at.isoformat()
