"""The forms of single members of payments and commands: each returns a value or refuses with its code."""

import datetime
import re
from typing import Any

from .errors import Rejected, require
from .strict_json import Number

AMOUNT_LIMIT = 2**53
NUMBER_MAX = 99_999_999
ABSENT = object()
EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
DAY_MS = 86_400_000
USCC_DIGITS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def text(value: Any, least: int, most: int) -> str:
    """A string of ``least`` to ``most`` bytes of UTF-8."""
    require(isinstance(value, str) and least <= len(value.encode()) <= most)
    return str(value)


def exactly(row: Any, members: str) -> None:
    """An object with these members and no others."""
    require(isinstance(row, dict) and row.keys() == set(members.split()))


def matching(value: Any, form: str) -> str:
    """A string that is wholly of the form."""
    require(isinstance(value, str) and re.fullmatch(form, value, re.ASCII) is not None)
    return str(value)


def one_of(value: Any, choices: dict[str, int]) -> int:
    """The number of an enumeration's name."""
    require(isinstance(value, str) and value in choices)
    return choices[value]


def hexadecimal(value: Any, size: int) -> bytes:
    """``size`` bytes as lower-case hex digits."""
    return bytes.fromhex(matching(value, rf"[0-9a-f]{{{2 * size}}}"))


def count(value: Any) -> int:
    """A JSON number written as a plain integer from 0 to 2^53 - 1."""
    require(isinstance(value, Number) and re.fullmatch(r"[0-9]+", value.text) is not None)
    number = int(value.text)
    require(number < AMOUNT_LIMIT)
    return number


def amount(value: Any) -> int:
    """Fen, by the amount rule."""
    require(isinstance(value, Number))
    require(re.search(r"[.eE]", value.text) is None, "E_AMOUNT_FLOAT")
    require("-" not in value.text, "E_AMOUNT_NEGATIVE")
    require(int(value.text) < AMOUNT_LIMIT, "E_AMOUNT_OVERFLOW")
    return int(value.text)


def uscc(value: Any) -> str:
    """A unified social credit code (GB 32100-2015): its form, then its check digit."""
    require(isinstance(value, str))
    require(re.fullmatch(rf"[{USCC_DIGITS}]{{18}}", value) is not None, "E_USCC_FORMAT")
    total = sum(USCC_DIGITS.index(digit) * pow(3, place, 31) for place, digit in enumerate(value[:17]))
    require(USCC_DIGITS[-total % 31] == value[17], "E_USCC_CHECKSUM")
    return str(value)


def date(value: Any) -> int:
    """Days since 1970 of ``YYYY-MM-DD``."""
    written = matching(value, r"\d{4}-\d\d-\d\d")
    return _days(*(int(part) for part in written.split("-")))


def month(value: Any) -> int:
    """Months since the year 0 of ``YYYY-MM``."""
    year, number = (int(part) for part in matching(value, r"\d{4}-\d\d").split("-"))
    require(1970 <= year <= 2199 and 1 <= number <= 12)
    return year * 12 + number - 1


def time(value: Any) -> tuple[int, int]:
    """Milliseconds since 1970 and the offset in minutes of an RFC 3339 time."""
    require(isinstance(value, str))
    written = TIME.fullmatch(value)
    if written is None:
        raise Rejected("E_SCHEMA")
    days = _days(int(written[1]), int(written[2]), int(written[3]))
    hour, minute, second = int(written[4]), int(written[5]), int(written[6])
    require(hour < 24 and minute < 60 and second < 60)
    zone = written[8]
    require(zone is not None, "E_TIME_NO_OFFSET")
    offset = 0
    if zone != "Z":
        require(int(zone[1:3]) < 24 and int(zone[4:6]) < 60)
        offset = int(zone[0] + "1") * (int(zone[1:3]) * 60 + int(zone[4:6]))
    milliseconds = int((written[7] or "0").ljust(3, "0")[:3])
    local = days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + milliseconds
    return local - offset * 60_000, offset


def _days(year: int, month: int, day: int) -> int:
    require(1970 <= year <= 2199)
    try:
        return datetime.date(year, month, day).toordinal() - EPOCH_DAY
    except ValueError as wrong:
        raise Rejected("E_SCHEMA") from wrong
