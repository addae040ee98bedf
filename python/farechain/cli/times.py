"""Times and days on the command line: RFC 3339, or local time of the ledger's zone."""

from datetime import date, datetime, timedelta, timezone

from farechain.errors import EXIT_USAGE, FarechainError


def moment_ms(text: str, utc_offset_min: int) -> int:
    """Milliseconds since 1970 of ``2026-03-01T08:00:00+08:00``, ``2026-03-01 08:00`` or ``2026-03-01``.

    Args:
        utc_offset_min: the zone where the text has no offset.

    Raises:
        FarechainError: ``E_USAGE``.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{text!r} is no time such as 2026-03-01T08:00:00+08:00, or 2026-03-01 in local time"
        raise FarechainError("E_USAGE", message, EXIT_USAGE) from error
    if at.tzinfo is None:
        at = at.replace(tzinfo=timezone(timedelta(minutes=utc_offset_min)))
    return round(at.timestamp() * 1000)


def day_number(text: str) -> int:
    """Days since 1970 of ``2026-03-01``. Raises ``FarechainError`` (``E_USAGE``)."""
    try:
        return (date.fromisoformat(text) - date(1970, 1, 1)).days
    except ValueError as error:
        raise FarechainError("E_USAGE", f"{text!r} is no day such as 2026-03-01", EXIT_USAGE) from error


def local(at_ms: int, utc_offset_min: int) -> str:
    """``2026-03-01 08:00:00`` in the zone."""
    zone = timezone(timedelta(minutes=utc_offset_min))
    return datetime.fromtimestamp(at_ms / 1000, zone).strftime("%Y-%m-%d %H:%M:%S")
