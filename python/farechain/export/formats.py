"""The formats by name: what one invoice becomes, and which of them are tables over many."""

from collections.abc import Callable, Sequence
from typing import Any

from farechain.errors import EXIT_USAGE, FarechainError
from farechain.export import einvoice_xml, posting, tables, ubl
from farechain.export.as_json import as_json
from farechain.export.declaration import Declaration
from farechain.export.document import InvoiceDocument
from farechain.export.pdf import Attachment, Press, proof_attachment

Writer = Callable[[Press, InvoiceDocument], bytes]
Table = Callable[[Sequence[dict[str, Any]], Sequence[tables.Column]], bytes]


def _archive(press: Press, document: InvoiceDocument) -> bytes:
    original = Attachment(
        name=f"{document.name}.xml",
        content=einvoice_xml.write(document).decode(),
        mime="application/xml",
        relationship="source",
        description="The invoice as XML",
    )
    proof = proof_attachment(document)
    return press.archive(document, [original, *([proof] if proof else [])])


ONE_EACH: dict[str, tuple[str, Writer]] = {
    "pdf": (".pdf", lambda press, document: press.invoice(document)),
    "archive": (".archive.pdf", _archive),
    "trips": (".trips.pdf", lambda press, document: press.trip_sheet(document)),
    "json": (".json", lambda _, document: as_json(document)),
    "ubl": (".ubl.xml", lambda _, document: ubl.write(document)),
    "xml": (".xml", lambda _, document: einvoice_xml.write(document)),
    "posting": (".posting.json", lambda _, document: posting.write(document)),
}
"""Formats with a file for each invoice: the name's ending, and what writes it."""
PROVEN = frozenset({"pdf", "archive", "json", "xml"})
"""Formats that carry the proof."""
TABLES: dict[str, Table] = {"csv": tables.as_csv, "parquet": tables.as_parquet}
"""Formats with a row for each trip, one for each line, and a table of declaration totals."""
ALL = (*ONE_EACH, *TABLES)


def named(text: str) -> tuple[str, ...]:
    """The formats of a list with commas, each once, in a fixed order. Raises ``FarechainError``."""
    wanted = {name.strip() for name in text.split(",") if name.strip()}
    unknown = sorted(wanted - set(ALL))
    if unknown or not wanted:
        message = f"{unknown[0] if unknown else 'nothing'} is no format; there are {', '.join(ALL)}"
        raise FarechainError("E_USAGE", message, EXIT_USAGE)
    return tuple(name for name in ALL if name in wanted)


def of_one(name: str, press: Press, document: InvoiceDocument) -> tuple[str, bytes]:
    """The file's name and bytes of one invoice in one format."""
    ending, write = ONE_EACH[name]
    return document.name + ending, write(press, document)


def of_trips(name: str, documents: Sequence[InvoiceDocument]) -> bytes:
    """The table of the trips of these invoices."""
    rows = [row for document in documents for row in tables.trip_rows(document)]
    return TABLES[name](rows, tables.TRIPS)


def of_lines(name: str, documents: Sequence[InvoiceDocument]) -> bytes:
    """The table of the lines of these invoices."""
    rows = [row for document in documents for row in tables.line_rows(document)]
    return TABLES[name](rows, tables.LINES)


def of_declaration(name: str, declaration: Declaration) -> bytes:
    """The table of declaration totals."""
    return TABLES[name](tables.declaration_rows(declaration), tables.DECLARATION)
