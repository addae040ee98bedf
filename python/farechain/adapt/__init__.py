"""Turns what a payment system exports, CSV or notifications in JSON, into signed events; loses no row."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from farechain.adapt.convert import Rejected, event_data
from farechain.adapt.mapping import Rules, read_rules
from farechain.adapt.rows import Row, read_rows
from farechain.adapt.sinks import KafkaSink, Sink, SpoolSink
from farechain.client import SignedEvent, sign_payment
from farechain.errors import EXIT_UNAVAILABLE, FarechainError

__all__ = ["Adapted", "KafkaSink", "Rules", "Sink", "SpoolSink", "adapt", "read_rules", "signed_event"]


@dataclass(slots=True)
class Adapted:
    """What became of the rows: ``rows == events + rejects``."""

    rows: int = 0
    events: int = 0
    rejects: int = 0


def signed_event(row: Row, rules: Rules, *, seed: bytes, source: str) -> SignedEvent:
    """The signed event of a row. The same row gives the same event: a file run again makes duplicates.

    Raises:
        Rejected: the row becomes no event that the ledger would take.
    """
    if row.broken is not None or isinstance(row.cells, str):
        raise Rejected("E_SCHEMA", row.broken or "not a row")
    data = event_data(row.cells, rules)
    own_id = data.get("refund_id", data["txn_id"])
    try:
        return sign_payment(seed, source, f"{data['kind']}-{data['channel']}-{own_id}"[:128], data)
    except FarechainError as error:
        raise Rejected(error.code, error.message) from error
    except (TypeError, ValueError) as error:
        raise Rejected("E_SCHEMA", f"cannot be written as JSON: {error}") from error


async def adapt(
    inputs: Iterable[Path], rules: Rules, *, seed: bytes, source: str, sink: Sink, rejects: Path
) -> Adapted:
    """Signs every row of the inputs and sends it; rows that become no event go to the rejects file.

    Args:
        seed: the key of the device in whose name the events are said.
        source: its name.
        rejects: JSON lines (``input``, ``line``, ``code``, ``reason``, ``row``), appended to. They hold what
            the rows held: the file is made with mode 0600.

    Raises:
        FarechainError: the inputs, the sink or the rejects file fail. What was sent may be sent again.
    """
    done = Adapted()
    try:
        with _append(rejects) as rejected:
            async with sink:
                for path in inputs:
                    for row in read_rows(path, rules.input, rules.sources):
                        done.rows += 1
                        try:
                            event = signed_event(row, rules, seed=seed, source=source)
                        except Rejected as refusal:
                            done.rejects += 1
                            _note(rejected, path, row, refusal)
                            continue
                        await sink.send(event)
                        done.events += 1
    except OSError as error:
        raise FarechainError(
            "E_OUTPUT", f"{error.filename or rejects}: {error.strerror}", EXIT_UNAVAILABLE
        ) from error
    return done


def _append(path: Path) -> IO[str]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")


def _note(rejected: IO[str], path: Path, row: Row, refusal: Rejected) -> None:
    line = {
        "input": path.name,
        "line": row.number,
        "code": refusal.code,
        "reason": refusal.why,
        "row": row.cells,
    }
    rejected.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
    rejected.flush()
