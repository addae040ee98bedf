"""Invoices as people see and keep them: their contents, PDF and trip sheet, QR codes.

Made by one thread that keeps its press. Who may see a document is decided before it is asked for.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from fastapi.responses import Response

from farechain.api.context import ApiContext
from farechain.api.problems import Problem
from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.export.document import InvoiceDocument
from farechain.export.reading import Reader, Shown
from farechain.export.scanning import verify_address
from farechain.export.titles import Titles

if TYPE_CHECKING:  # brought by the extra ``documents``
    from farechain.export.pdf import Press

WAITING_MAX = 32
"""Documents that may wait for the thread: a few seconds of its work."""
Format = Literal["pdf", "trips"]
Made = TypeVar("Made")


class Documents:
    """Makes documents for the pages of every role.

    Args:
        context: the ledger, the published log, and the private store that opens titles.
    """

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._titles = Titles(lambda: context.private)
        self._thread = ThreadPoolExecutor(1, "documents")
        self._waiting = 0
        self._reader: Reader | None = None
        self._press: Press | None = None

    async def read(self, found: Mapping[str, Any]) -> InvoiceDocument:
        """The contents of an invoice or red letter (``Ledger.invoice``), without its proof.

        Raises:
            Problem: 503 ``E_BUSY``, ``E_CORRUPT``.
        """
        return await self._made(lambda: self._document(found, proven=False))

    async def file(self, found: Mapping[str, Any], form: Format) -> Response:
        """A PDF: the invoice, or its trips.

        Raises:
            Problem: 503 ``E_NOT_PUBLISHED``, ``E_EXTRA``, ``E_BUSY``, ``E_CORRUPT``.
        """
        name, content = await self._made(lambda: self._file(found, form))
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(content, media_type="application/pdf", headers=headers)

    def _document(self, found: Mapping[str, Any], *, proven: bool) -> InvoiceDocument:
        self._reader = self._reader or self._new_reader()
        document = self._reader.document(found["height"], found["index"], found["record"], proven=proven)
        if document is None:
            raise Problem(404, "E_NOT_FOUND", "no invoice with this code and number")
        return document

    def _new_reader(self) -> Reader:
        context = self._context
        shown = Shown(
            public_dir=str(context.public_dir),
            witnesses=context.witness_vkeys,
            verify_url=context.public_url,
            demonstration=context.demonstration,
            title_of=self._titles.text_of,
        )
        return Reader(context.ledger, shown)

    def _file(self, found: Mapping[str, Any], form: Format) -> tuple[str, bytes]:
        from farechain.export import formats
        from farechain.export.pdf import Press

        self._press = self._press or Press()
        document = self._document(found, proven=form == "pdf")
        return formats.of_one(form, self._press, document)

    async def _made(self, make: Callable[[], Made]) -> Made:
        if self._waiting >= WAITING_MAX:
            raise Problem(503, "E_BUSY", "many documents are being made: try again", {"Retry-After": "2"})
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, make)
        except FarechainError as error:
            again = {"Retry-After": "1"} if error.exit_code == EXIT_UNAVAILABLE else None
            raise Problem(503, error.code, error.message, again) from error
        except ModuleNotFoundError as error:
            message = f"{error.name} is not installed: `pip install 'farechain[documents]'`"
            raise Problem(503, "E_EXTRA", message) from error
        finally:
            self._waiting -= 1


def code_of(document: InvoiceDocument) -> str | None:
    """The QR code of an invoice's face as SVG; None where the extra ``documents`` is not installed."""
    return qr_code(verify_address(document))


def qr_code(text: str) -> str | None:
    """Any text as a QR code in SVG; None where the extra ``documents`` is not installed."""
    try:
        from farechain.export import qr
    except ModuleNotFoundError:
        return None
    return qr.svg(text)
