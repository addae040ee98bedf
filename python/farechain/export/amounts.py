"""Amounts, prices, rates and times as they are printed: integers to text, never a float."""

from datetime import UTC, datetime, timedelta

from farechain._core import Rate

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = ("", "拾", "佰", "仟")
GROUPS = ("", "万", "亿", "兆")
RATE_WORDS: dict[str, str] = {"EXEMPT": "免税", "NONTAXABLE": "不征税"}
NO_TAX = "***"


def yuan(amount_fen: int) -> str:
    """Fen as yuan with two decimals: ``-6.65``."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // 100}.{abs(amount_fen) % 100:02d}"


def price(price_e8: int | None) -> str:
    """A price in 10^-8 fen as yuan, at most ten decimals, no zeros at its end; empty for None."""
    if price_e8 is None:
        return ""
    whole, rest = divmod(price_e8, 10**10)
    decimals = f"{rest:010d}".rstrip("0")
    return f"{whole}.{decimals.ljust(2, '0')}"


def rate(value: Rate) -> str:
    """A rate as printed: ``3%``, ``1.5%``, ``免税``, ``不征税``."""
    if isinstance(value, str):
        return RATE_WORDS[value]
    return f"{percent(value)}%"


def percent(basis_points: int) -> str:
    """Basis points as per cent without zeros at its end: ``300`` is ``3``."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02d}".rstrip("0") if rest else str(whole)


def local(time_ms: int, utc_offset_min: int) -> datetime:
    """A time in the zone that genesis fixes for dates; without a zone of its own, cut to seconds."""
    return (datetime.fromtimestamp(time_ms // 1000, UTC) + timedelta(minutes=utc_offset_min)).replace(
        tzinfo=None
    )


def period(time_ms: int, utc_offset_min: int) -> str:
    """The month of a time in that zone, ``YYYY-MM``."""
    return f"{local(time_ms, utc_offset_min):%Y-%m}"


def capitals(amount_fen: int) -> str:
    """An amount in the capitals that cannot be altered by a stroke: ``贰万玖仟陆佰伍拾玖圆伍角整``.

    圆 for yuan, 整 after yuan and after 角, none after 分; a gap in the digits is one 零, also between 圆 and
    分; ten yuan are 壹拾. Below zero ``（负数）`` stands before it. Raises ``ValueError`` for
    10^16 yuan or more.
    """
    magnitude = abs(amount_fen)
    whole, jiao, fen = magnitude // 100, magnitude // 10 % 10, magnitude % 10
    text = _whole(whole) + "圆" if whole else ""
    if jiao:
        text += DIGITS[jiao] + "角"
    elif fen and whole:
        text += "零"
    text += DIGITS[fen] + "分" if fen else "整"
    if not magnitude:
        text = "零圆整"
    return f"（负数）{text}" if amount_fen < 0 else text


def _whole(value: int) -> str:
    if value >= 10**16:
        raise ValueError("an amount of 10^16 yuan or more has no capitals here")
    groups = []
    while value:
        value, group = divmod(value, 10_000)
        groups.append(group)
    text, gap = "", False
    for place in range(len(groups) - 1, -1, -1):
        group = groups[place]
        if not group:
            gap = bool(text)
            continue
        # A gap is also where a group does not reach its thousands: 1 0096 is 壹万零玖拾陆.
        if text and (gap or group < 1000):
            text += "零"
        text += _group(group) + GROUPS[place]
        gap = False
    return text


def _group(value: int) -> str:
    text, gap = "", False
    for place in (3, 2, 1, 0):
        digit = value // 10**place % 10
        if not digit:
            gap = gap or bool(text)
            continue
        if gap:
            text += DIGITS[0]
            gap = False
        text += DIGITS[digit] + PLACES[place]
    return text
