"""Duplicates: the same event again, at once or hours later, byte for byte or in another envelope."""

import random
import re
from collections.abc import Sequence

import orjson

from farechain.day.plan import Planned
from farechain.day.till import Calendar

_HOUR_MS = 3_600_000
_ID = re.compile(rb'"id":"[^"]*"')


def _delay_ms(rng: random.Random) -> int:
    """Seconds (a retry), an hour (an outage), or up to six hours (a replay of a file)."""
    chance = rng.random()
    if chance < 0.7:
        return 200 + int(rng.random() * 20_000)
    if chance < 0.9:
        return 60_000 + int(rng.random() * _HOUR_MS)
    return _HOUR_MS + int(rng.random() * 5 * _HOUR_MS)


def _in_another_envelope(value: bytes, serial: int, written: str) -> bytes:
    envelope = b'"id":"again-%d","time":"%b"' % (serial, written.encode())
    return _ID.sub(envelope, value, count=1)


def _written_otherwise(value: bytes, serial: int) -> bytes:
    """The same data by another encoder: members turned round, spaces, escapes that nobody needs."""
    event = orjson.loads(value)
    event["id"] = f"other-{serial}"
    event["data"] = dict(reversed(event["data"].items()))
    text = orjson.dumps(event, option=orjson.OPT_INDENT_2).decode()
    return "".join(c if c.isascii() else f"\\u{ord(c):04x}" for c in text).encode()


def duplicates(
    rng: random.Random, calendar: Calendar, originals: Sequence[Planned], count: int
) -> list[Planned]:
    """Plans ``count`` duplicates of inputs that the ledger accepts."""
    planned = []
    for serial, original in enumerate(rng.sample(originals, count)):
        value, copy_of, case = original.value, None, "duplicate: the same bytes"
        arrival_ms = calendar.arrival(original.arrival_ms - calendar.start_ms + _delay_ms(rng))
        chance = rng.random()
        if value is None or chance < 0.6:
            copy_of = original
        elif chance < 0.85:
            case = "duplicate: another envelope"
            written = calendar.written(arrival_ms - calendar.start_ms)
            value = _in_another_envelope(value, serial, written)
        else:
            case = "duplicate: written otherwise"
            value = _written_otherwise(value, serial)
        planned.append(
            Planned(
                arrival_ms,
                original.topic,
                original.key,
                original.signer,
                value,
                case,
                original.fact,
                copy_of=copy_of,
            )
        )
    return planned
