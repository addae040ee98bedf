"""Log lines on standard error, one an event: plain for people at a terminal, JSON for collectors.

A line of JSON has ``time``, ``level``, ``logger``, ``message``, ``fields`` (what the message names as
``name=value``) and of an error ``error``. Nothing of a person is in a line: what is logged are heights,
counts and codes, and of an unexpected error its type and places, for its text may hold what was worked on.
"""

import json
import logging
import re
import sys
import threading
import traceback
from datetime import datetime
from types import TracebackType
from typing import Any

from farechain._core import LedgerError
from farechain.config import LineSettings
from farechain.errors import FarechainError

TEXT_MAX = 2_000
"""Characters of a message or of a field at most."""
FRAMES_MAX = 20
"""Places of an error at most, the innermost ones."""
CAUSES_MAX = 4
CONVERSION = re.compile(r"(?:(\w+)=)?%(?:%|\([^)]*\)|[-#0 +]*[\d*]*(?:\.[\d*]+)?[hlL]?([A-Za-z]))")
OURS = "farechain"


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = f"{_time(record)} {record.levelname} {record.name}: {_message(record)}"
        error = _error(record)
        if error is not None:
            line += " | " + "; caused by ".join(
                f"{one['type']}{': ' + one['message'] if 'message' in one else ''} at {' < '.join(one['at'])}"
                for one in error
            )
        return " ".join(line.splitlines())


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            "fields": _fields(record),
        }
        error = _error(record)
        if error is not None:
            line["error"] = error
        return json.dumps(line, ensure_ascii=False)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.split(".", 1)[0] == OURS


def _message(record: logging.LogRecord) -> str:
    message = record.getMessage()
    if not _is_ours(record):
        # Of libraries the first line: asyncio's next ones show an error's text, warnings a line of source.
        message = message.strip().partition("\n")[0]
    return message if len(message) <= TEXT_MAX else message[: TEXT_MAX - 1] + "…"


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """What the message's template names: ``height=%d`` is a field ``height`` with its number."""
    fields: dict[str, Any] = {}
    if not _is_ours(record) or not isinstance(record.args, tuple):
        return fields
    values = iter(record.args)
    for found in CONVERSION.finditer(str(record.msg)):
        if found[2] is None:
            continue  # a percent sign
        value = next(values, None)
        if found[1] is not None:
            fields[found[1]] = (
                value if isinstance(value, int | float | None) else str(value)[:TEXT_MAX]  # never an object
            )
    return fields


def _error(record: logging.LogRecord) -> list[dict[str, Any]] | None:
    """An error and its causes: type, places, and the message of those that are written for operators."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return None
    told: list[dict[str, Any]] = []
    while error is not None and len(told) < CAUSES_MAX:
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
        one: dict[str, Any] = {"type": type(error).__name__}
        if isinstance(error, FarechainError):
            one["message"] = f"{error.code}: {error.message}"[:TEXT_MAX]
        elif isinstance(error, LedgerError):
            one["message"] = ": ".join(map(str, error.args))[:TEXT_MAX]
        elif isinstance(error, OSError):
            one["message"] = (error.strerror or "")[:TEXT_MAX]
        one["at"] = [f"{_place(frame.filename)}:{frame.lineno} {frame.name}" for frame in reversed(frames)]
        told.append(one)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return told


def _place(file: str) -> str:
    """A file below its package, so that a line says nothing of where it is installed."""
    return "/".join(file.replace("\\", "/").split("/")[-2:])


def configure(settings: LineSettings) -> None:
    """Sends the log lines of this process to standard error; other libraries' only from warnings on.

    Errors that nobody caught and Python's own warnings become such lines, too.
    """
    form = settings.form
    if form == "auto":
        form = "plain" if sys.stderr.isatty() else "json"
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Plain())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger(OURS).setLevel(settings.level.upper())
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    log = logging.getLogger(f"{OURS}.process")
    log.critical("stopped by an error that nobody expected", exc_info=error or True)
