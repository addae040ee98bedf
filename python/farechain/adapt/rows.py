"""Rows of CSV and JSON input, each with its number; what cannot be read as a row is a row that says so."""

import csv
import json
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from farechain.adapt.mapping import Input
from farechain.errors import EXIT_USAGE, FarechainError

MAX_DOCUMENT_BYTES = 256 * 1024 * 1024
"""A JSON document is read whole; larger exports come as one object a line."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the input: ``number`` is its line (CSV, JSON lines) or its place in the array, from 1.

    ``broken`` says why it could not be read; ``cells`` is then the text as it stands there.
    """

    number: int
    cells: dict[str, Any] | str
    broken: str | None = None


def read_rows(path: Path, how: Input, columns: Set[str]) -> Iterator[Row]:
    """The rows of a file.

    Args:
        columns: what a CSV file must have columns for.

    Raises:
        FarechainError: ``E_INPUT`` (missing, unreadable), ``E_MAPPING`` (a CSV file without a mapped column).
    """
    try:
        if how.format == "csv":
            yield from _csv(path, how, columns)
        elif how.format == "jsonl":
            yield from _lines(path, how)
        else:
            yield from _document(path, how)
    except OSError as error:
        raise FarechainError("E_INPUT", f"{path}: {error.strerror}", EXIT_USAGE) from error
    except LookupError as error:
        raise FarechainError("E_MAPPING", f"{how.encoding} is not a known encoding", EXIT_USAGE) from error


def _csv(path: Path, how: Input, columns: Set[str]) -> Iterator[Row]:
    with path.open(encoding=how.encoding, errors="surrogateescape", newline="") as file:
        reader = csv.reader(_without_comments(file, how), delimiter=how.delimiter, strict=True)
        head = next((cells for cells in reader if cells), [])
        names = [name.strip().strip(how.strip).strip() for name in head]
        absent = sorted(columns - set(names))
        if absent:
            message = f"{path} has no column {absent[0]!r}; its columns are {', '.join(names) or 'none'}"
            raise FarechainError("E_MAPPING", message, EXIT_USAGE)
        while True:
            number = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield Row(number, "", f"not CSV: {error}")
                continue
            if cells is None:
                return
            if not cells:
                continue
            if how.end and cells[0].strip().strip(how.strip) == how.end:
                return
            if len(cells) != len(names):
                text = how.delimiter.join(cells)
                yield Row(number, text, f"{len(cells)} cells under {len(names)} columns")
                continue
            yield _checked(
                number, dict(zip(names, (cell.strip().strip(how.strip) for cell in cells), strict=True))
            )


def _without_comments(lines: Iterable[str], how: Input) -> Iterator[str]:
    """Comments become empty lines, which are no rows but keep the numbers of the others right."""
    if not how.comment:
        return iter(lines)
    return ("\n" if line.startswith(how.comment) else line for line in lines)


def _checked(number: int, cells: dict[str, Any]) -> Row:
    """A byte that the encoding does not have came through as a surrogate."""
    foreign = any(
        isinstance(cell, str) and not cell.isascii() and _has_surrogate(cell) for cell in cells.values()
    )
    return Row(number, cells, "bytes that are not of the encoding") if foreign else Row(number, cells)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice in an object")
    return members


def parse_json(text: str) -> Any:
    """JSON with decimals kept exactly, duplicate members and NaN refused. Raises ``ValueError``."""

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is not JSON")

    return json.loads(text, parse_float=Decimal, parse_constant=refuse, object_pairs_hook=_object)


def _row(number: int, text: str) -> Row:
    try:
        parsed = parse_json(text)
    except (ValueError, RecursionError) as error:
        return Row(number, text, f"not JSON: {error}")
    return Row(number, parsed) if isinstance(parsed, dict) else Row(number, text, "not a JSON object")


def _lines(path: Path, how: Input) -> Iterator[Row]:
    with path.open(encoding=how.encoding, errors="surrogateescape", newline="\n") as file:
        for number, line in enumerate(file, 1):
            text = line.strip()
            if text:
                yield _row(number, text)


def _document(path: Path, how: Input) -> Iterator[Row]:
    if path.stat().st_size > MAX_DOCUMENT_BYTES:
        message = (
            f"{path} is larger than {MAX_DOCUMENT_BYTES >> 20} MiB: write one object a line (format jsonl)"
        )
        raise FarechainError("E_INPUT", message, EXIT_USAGE)
    text = path.read_text(encoding=how.encoding, errors="surrogateescape")
    try:
        parsed = parse_json(text)
    except (ValueError, RecursionError) as error:
        yield Row(1, text, f"not JSON: {error}")
        return
    for number, item in enumerate(parsed if isinstance(parsed, list) else [parsed], 1):
        if isinstance(item, dict):
            yield Row(number, item)
        else:
            yield Row(number, str(item), "not a JSON object")
