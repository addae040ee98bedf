"""How far an export came, durable in its directory: a run that was killed goes on behind its last part."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from farechain.errors import EXIT_REFUSED, FarechainError
from farechain.export import files
from farechain.export.declaration import Declaration
from farechain.export.selection import Place, Selection

FILE = "export.json"
FORMAT = "farechain-export/1"


@dataclass(frozen=True, slots=True)
class Position:
    """What was asked for, and what of it is in files."""

    chain: str
    formats: tuple[str, ...]
    asked: str
    """The selection in the words of whoever asked, by which a later run is known to want the same."""
    selection: Selection
    next: Place
    parts: int = 0
    invoices: int = 0
    files: int = 0
    done: bool = False
    declaration: Declaration = field(default_factory=Declaration)

    @classmethod
    def begin(cls, chain: str, formats: tuple[str, ...], asked: str, selection: Selection) -> "Position":
        """Nothing done yet."""
        return cls(chain, formats, asked, selection, Place(selection.first_block, 0))

    def ahead(self, last: Place, invoices: int, files: int) -> "Position":
        """After one more part, which ended with the invoice at ``last``."""
        return replace(
            self,
            next=Place(last.height, last.index + 1),
            parts=self.parts + 1,
            invoices=self.invoices + invoices,
            files=self.files + files,
        )

    def ended(self, files: int) -> "Position":
        """After the tables over all of it."""
        return replace(self, files=self.files + files, done=True)


def resume(directory: Path, wanted: Position) -> Position:
    """The position of this directory, or ``wanted`` where nothing was exported to it yet.

    The end of the selection stays what it was at the first start: a ledger that grew meanwhile does not
    change what this export is. Raises ``FarechainError`` (``E_EXPORT``) where the directory holds another.
    """
    path = directory / FILE
    if not path.exists():
        return wanted
    try:
        known = _decoded(path.read_bytes())
    except (ValueError, KeyError, TypeError) as error:
        raise FarechainError("E_EXPORT", f"{path} is no position of an export: {error}") from error
    if (known.chain, known.formats, known.asked) != (wanted.chain, wanted.formats, wanted.asked):
        message = f"{directory} holds another export: name another directory, or ask for the same as before"
        raise FarechainError("E_EXPORT", message, EXIT_REFUSED)
    return known


def keep(directory: Path, position: Position) -> None:
    """Makes a position durable."""
    data = asdict(position) | {"format": FORMAT, "declaration": position.declaration.rows()}
    files.write_whole(directory / FILE, orjson.dumps(data, option=orjson.OPT_INDENT_2))
    files.sync_directory(directory)


def _decoded(data: bytes) -> Position:
    fields: dict[str, Any] = orjson.loads(data)
    if fields.pop("format") != FORMAT:
        raise ValueError("another format")
    fields["formats"] = tuple(fields["formats"])
    fields["selection"] = Selection(**fields["selection"])
    fields["next"] = Place(**fields["next"])
    fields["declaration"] = Declaration.of(fields["declaration"])
    return Position(**fields)
