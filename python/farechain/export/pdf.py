"""Invoice and trip sheet as PDF/A, made by typst in process; the same document gives the same bytes.

A face on half an A4 sheet, and a page whose QR code is the proof (PDF/A-2b); or, for archives, without that
page and with the proof and the XML original attached (PDF/A-3b: level 2 forbids attachments that are not
PDF/A themselves). One ``Press`` belongs to one thread; typst runs detached from the interpreter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import noto_cjk_sans_otc
import orjson
import typst

from farechain._core import proof_to_json
from farechain.export import qr, scanning, sheets
from farechain.export.document import InvoiceDocument
from farechain.export.printable import shipped

Standard = Literal["a-2b", "a-3b"]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside a PDF/A-3. ``relationship`` says what it is to the page (ISO 19005-3, 6.8)."""

    name: str
    content: str
    mime: str
    relationship: Literal["source", "data", "alternative", "supplement"]
    description: str


class Press:
    """Compiles documents. Make one a thread and keep it: a font costs more to open than a page to set."""

    def __init__(self) -> None:
        fonts = typst.Fonts(
            include_system_fonts=False,
            include_embedded_fonts=False,
            font_paths=[str(Path(str(noto_cjk_sans_otc.FONT_PATH)).parent)],
        )
        self._typeface = shipped()
        self._invoice = _Template("invoice.typ", fonts)
        self._trips = _Template("trips.typ", fonts)

    def invoice(self, document: InvoiceDocument) -> bytes:
        """The invoice for people: PDF/A-2b, its proof in a QR code on a page of its own."""
        address = scanning.proof_address(document)
        proof_qr = list(qr.png(address)) if address else []
        return self._face(document, "a-2b", proof_qr, ())

    def archive(self, document: InvoiceDocument, attachments: Sequence[Attachment]) -> bytes:
        """The invoice for archives: PDF/A-3b with its original in XML, and its proof, attached."""
        return self._face(document, "a-3b", [], attachments)

    def trip_sheet(self, document: InvoiceDocument) -> bytes:
        """The trips of an invoice, PDF/A-2b."""
        inputs = {"data": self._texts(sheets.trip_sheet(document))}
        return self._trips.compile(inputs, "a-2b", document.issued_at_ms)

    def _face(
        self,
        document: InvoiceDocument,
        standard: Standard,
        proof_qr: list[int],
        attachments: Sequence[Attachment],
    ) -> bytes:
        address = scanning.verify_address(document)
        inputs = {
            "data": self._texts(sheets.face(document)),
            "address": address,
            "qr": qr.svg(address),
            "proof-qr": orjson.dumps(proof_qr).decode(),
            "attachments": orjson.dumps(attachments).decode(),
        }
        return self._invoice.compile(inputs, standard, document.issued_at_ms)

    def _texts(self, data: dict[str, Any]) -> str:
        return orjson.dumps(self._typeface.shown(data)).decode()


class _Template:
    """A template and the compiler that keeps what it has learned of it."""

    def __init__(self, name: str, fonts: typst.Fonts) -> None:
        self._source = resources.files(__package__).joinpath(name).read_bytes()
        self._compiler = typst.Compiler(font_paths=fonts, ignore_system_fonts=True)

    def compile(self, inputs: dict[str, str], standard: Standard, time_ms: int) -> bytes:
        made = self._compiler.compile(
            self._source,
            format="pdf",
            sys_inputs=inputs,
            pdf_standards=[standard],
            timestamp=time_ms // 1000,
        )
        assert isinstance(made, bytes)
        return made


def proof_attachment(document: InvoiceDocument) -> Attachment | None:
    """The proof as a file to attach, in the JSON form that ``farechain verify`` takes."""
    if document.evidence is None:
        return None
    proof = proof_to_json(document.evidence.proof).decode()
    name = f"{document.name}.proof.json"
    return Attachment(name, proof, "application/json", "data", "Proof of this invoice")
