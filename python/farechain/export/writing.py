"""Exports: reads documents in order, has them written by several threads, and remembers what is in files.

An export of a walk goes part by part: a few hundred invoices are written, synced, and only then does the
position move. Memory is bounded by a part. Invoices that were asked for by name are written at once.
"""

import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from farechain._core import Ledger
from farechain.export import files, formats, position
from farechain.export.declaration import Declaration
from farechain.export.document import InvoiceDocument
from farechain.export.pdf import Press
from farechain.export.position import Position
from farechain.export.reading import Reader
from farechain.export.selection import Place, walk

PART = 256
"""Invoices between two positions: seconds of work to repeat after a kill, megabytes of memory."""
GROUP_DIGITS = 5
"""Leading digits of the number that share a directory: a thousand invoices in each."""
OnPart = Callable[[Position], None]


class Exporter:
    """Writes documents into a directory with some threads, each with a press of its own."""

    def __init__(self, reader: Reader, directory: Path, wanted: Sequence[str], threads: int) -> None:
        self._reader = reader
        self._directory = directory
        self._each = [name for name in wanted if name in formats.ONE_EACH]
        self._tables = [name for name in wanted if name in formats.TABLES]
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="export")
        self._own = threading.local()

    def close(self) -> None:
        """Ends the threads; what waits is dropped."""
        self._pool.shutdown(cancel_futures=True)

    def named(self, records: Iterable[tuple[Place, bytes]]) -> list[Path]:
        """Writes these invoices, and tables over all of them. Returns the files."""
        documents = list(self._documents(records))
        written = self._write(documents, lambda _: self._directory)
        declaration = Declaration()
        for document in documents:
            declaration.add(document)
        written += self._tables_of(documents, "")
        written += self._table_files("declaration", lambda name: formats.of_declaration(name, declaration))
        for directory in {path.parent for path in written}:
            files.sync_directory(directory)
        return written

    def walked(self, ledger: Ledger, start: Position, on_part: OnPart) -> Position:
        """Writes what is left of an export, part by part. Returns the last position, which is done."""
        now = start
        remaining = walk(ledger, start.selection, start.next)
        while records := list(islice(remaining, PART)):
            documents = list(self._documents(records))
            written = self._write(documents, self._group)
            written += self._tables_of(documents, f"-{now.parts + 1:06d}")
            for directory in {path.parent for path in written}:
                files.sync_directory(directory)
            for document in documents:
                now.declaration.add(document)
            now = now.ahead(records[-1][0], len(documents), len(written))
            position.keep(self._directory, now)
            on_part(now)
        if not now.done:
            made = self._table_files(
                "declaration", lambda name: formats.of_declaration(name, now.declaration)
            )
            now = now.ended(len(made))
            position.keep(self._directory, now)
        return now

    def _documents(self, records: Iterable[tuple[Place, bytes]]) -> Iterator[InvoiceDocument]:
        for place, record in records:
            document = self._reader.document(place.height, place.index, record)
            if document is not None:
                yield document

    def _write(
        self, documents: list[InvoiceDocument], where: Callable[[InvoiceDocument], Path]
    ) -> list[Path]:
        for directory in {where(document) for document in documents}:
            directory.mkdir(parents=True, exist_ok=True)
        made = self._pool.map(lambda document: self._write_one(document, where(document)), documents)
        return [path for paths in made for path in paths]

    def _write_one(self, document: InvoiceDocument, directory: Path) -> list[Path]:
        written = []
        for name in self._each:
            file_name, data = formats.of_one(name, self._press(), document)
            files.write_whole(directory / file_name, data)
            written.append(directory / file_name)
        return written

    def _tables_of(self, documents: list[InvoiceDocument], part: str) -> list[Path]:
        trips = functools.partial(formats.of_trips, documents=documents)
        lines = functools.partial(formats.of_lines, documents=documents)
        return self._table_files(f"trips{part}", trips) + self._table_files(f"lines{part}", lines)

    def _table_files(self, stem: str, make: Callable[[str], bytes]) -> list[Path]:
        written = []
        for name in self._tables:
            path = self._directory / f"{stem}.{name}"
            files.write_whole(path, make(name))
            written.append(path)
        return written

    def _group(self, document: InvoiceDocument) -> Path:
        return self._directory / document.code / document.number[:GROUP_DIGITS]

    def _press(self) -> Press:
        press: Press | None = getattr(self._own, "press", None)
        if press is None:
            press = self._own.press = Press()
        return press
