"""The line of a spool file: a Kafka record as JSON, its key, header values and value in base64."""

from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from farechain._core import SourceRecord


def _base64(data: bytes | None) -> str | None:
    return None if data is None else b64encode(data).decode()


def spool_line(
    topic: str,
    partition: int,
    offset: int,
    timestamp_ms: int,
    *,
    key: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
    value: bytes | None,
) -> bytes:
    """One line with its line feed. A reader takes only lines that end with one, so a file may be growing."""
    return orjson.dumps(
        {
            "topic": topic,
            "partition": partition,
            "offset": offset,
            "timestamp": timestamp_ms,
            "key": _base64(key),
            "headers": [[name, _base64(content)] for name, content in headers],
            "value": _base64(value),
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def spool_record(line: bytes) -> "tuple[str, int, SourceRecord]":
    """What a line says: topic, partition, and ``(offset, timestamp_ms, key, value, headers)``.

    Raises:
        ValueError: the line is damaged.
    """
    try:
        fields = orjson.loads(line)
        topic, partition = str(fields["topic"]), int(fields["partition"])
        headers = [(str(name), _bytes(value)) for name, value in fields["headers"]]
        key, value = _bytes(fields["key"]), _bytes(fields["value"])
        return topic, partition, (int(fields["offset"]), int(fields["timestamp"]), key, value, headers)
    except (KeyError, TypeError) as error:
        raise ValueError(repr(error)) from error


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else a2b_base64(text, strict_mode=True)
