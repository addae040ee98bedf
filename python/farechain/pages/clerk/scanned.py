"""What a clerk scans or pastes, line by line: codes of documents, the older line, numbers, presentations.

Pure: reads text, looks nothing up. A line of a table is read cell by cell.
"""

import base64
import csv
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

import orjson

from farechain import _core, presentation
from farechain.errors import FarechainError
from farechain.orders import Invoice
from farechain.pages import codes
from farechain.pages.codes import CarriedProof, CodeError, OlderLine, ScannedAddress
from farechain.pages.language import Words
from farechain.presentation import Presentation

LINES_MAX = 200
LINE_CHARS = 4096
"""Longer than any code, a whole proof's too, with some columns of a table around it."""
SHOWN_CHARS = 60
"""What is shown of a line that is longer."""
TYPED_MAX = 64
"""Nothing longer is typed by hand, in full-width letters perhaps."""
NAME = re.compile(r"([0-9]{12})\s*[-\s]\s*([0-9]{1,8})", re.ASCII)
ALL_DIGITAL = re.compile(r"([2-9][0-9]{11})([0-9]{8})", re.ASCII)
CODE = re.compile(r"[0-9]{12}", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,8}", re.ASCII)
HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
FEN = re.compile(r"[0-9]{1,16}", re.ASCII)

UNREADABLE = Words("none of the forms that are read here", "无法识别的格式")
BAD_CODE = Words(
    "a QR code's address without hash, number and amount as they belong", "二维码地址缺少哈希、号码或金额"
)
NO_CODE = {
    "text": UNREADABLE,
    "crc": Words("its CRC is wrong: scanned badly or altered", "校验 CRC 不符：扫描错误或被改动"),
}
"""What is no code, by the name that ``CodeError`` has."""
BAD_PRESENTATION = Words(
    "a presentation that is cut off or altered: ask for it again", "出示码不完整或被改动，请重新索取"
)
NO_NUMBER = Words("an invoice number is 1 to 99999999", "发票号码应为 1 至 99999999")
TOO_LONG = Words("too long for one line", "单行过长")


@dataclass(frozen=True, slots=True)
class Scan:
    """One line as it was read.

    Attributes:
        text: the line itself.
        invoice: which invoice, where the line says it.
        hash: of the record, where the line has that instead.
        host: of the address in a QR code.
        said: what must agree with the invoice: ``number``, ``total_fen``, ``net_fen``, ``day``,
            ``check_code``.
        presentation: the holder's.
        unread: why nothing could be read.
    """

    text: str
    invoice: Invoice | None = None
    hash: bytes | None = None
    host: str | None = None
    said: Mapping[str, str] = field(default_factory=dict)
    presentation: Presentation | None = None
    unread: Words | None = None

    @property
    def is_seen(self) -> bool:
        """Whether whoever gives the line has seen the document: it says more than a number."""
        return bool(self.said)


def read_lines(text: str) -> list[Scan]:
    """Every line that is not empty. The header of a table is left out."""
    lines = [line.strip() for line in text.splitlines() if line.strip(" \t,;\ufeff")]
    scans = [read_line(line) for line in lines]
    if len(scans) > 1 and scans[0].unread is not None and not re.search(r"[0-9]{3}", scans[0].text):
        return scans[1:]
    return scans


def read_line(text: str) -> Scan:
    """One line, alone or as a row of a table."""
    if len(text) > LINE_CHARS:
        return Scan(text[:SHOWN_CHARS] + "…", unread=TOO_LONG)
    whole = _read(text)
    if whole is not None:
        return whole
    cells = [cell.strip().removeprefix("'").strip() for cell in _cells(text)]
    for code, number in pairwise(cells):
        if CODE.fullmatch(code) and NUMBER.fullmatch(number):
            return replace(_named(f"{code}-{number}", code, number), text=text)
    found = next((scan for cell in cells if (scan := _read(cell)) is not None), None)
    return replace(found, text=text) if found else Scan(text, unread=UNREADABLE)


def _cells(text: str) -> list[str]:
    delimiter = next((mark for mark in ("\t", ";") if mark in text), ",")
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return []


def _read(text: str) -> Scan | None:
    """A line in one of the forms; None where it begins like none of them."""
    for begins, read in FORMS.items():
        if text.startswith(begins):
            return read(text)
    plain = unicodedata.normalize("NFKC", text) if len(text) <= TYPED_MAX else ""
    if found := NAME.fullmatch(plain) or ALL_DIGITAL.fullmatch(plain):
        return _named(text, found[1], found[2])
    return None


def _named(text: str, code: str, number: str) -> Scan:
    if int(number) == 0:
        return Scan(text, unread=NO_NUMBER)
    return Scan(text, Invoice(code, int(number)))


def _code(text: str) -> Scan:
    """A code of a document (``farechain.pages.codes``)."""
    host = None
    try:
        host = codes.host_of(text)
        found = codes.read(text if host else f"{text.rstrip(',')},")
    except CodeError as error:
        return Scan(text, host=_lower(host), unread=NO_CODE[error.args[0]])
    if isinstance(found, OlderLine):
        return _older(text, found)
    record = _scanned(found) if isinstance(found, ScannedAddress) else _proven(found)
    if record is None:
        return Scan(text, host=_lower(host), unread=BAD_CODE)
    record_hash, said = record
    return Scan(text, hash=record_hash, host=_lower(host), said=said)


def _lower(host: str | None) -> str | None:
    return host.lower() if host else None


def _scanned(code: ScannedAddress) -> tuple[bytes, dict[str, str]] | None:
    record_hash, number, amount = (code.query.get(name, "") for name in ("hash", "bill_num", "total_amount"))
    if not (HASH.fullmatch(record_hash) and NUMBER.fullmatch(number) and FEN.fullmatch(amount)):
        return None
    return bytes.fromhex(record_hash), {"number": str(int(number)), "total_fen": str(int(amount))}


def _proven(code: CarriedProof) -> tuple[bytes, dict[str, str]] | None:
    """The record in a proof; whether it is here is the ledger's to say, so nothing is verified."""
    try:
        record = base64.b64decode(orjson.loads(_core.proof_to_json(code.proof))["record"])
        number = _core.decode_record(record)["number"]
    except (ValueError, KeyError):
        return None
    return _core.leaf_hash(record), {"number": str(number)}


def _older(text: str, line: OlderLine) -> Scan:
    amount = {"total_fen" if line.all_digital else "net_fen": str(line.amount_fen)}
    check_code = {"check_code": line.check_code} if line.check_code else {}
    named = _named(text, line.code, line.number)
    return replace(named, said={**amount, "day": line.day, **check_code})


def _presented(text: str) -> Scan:
    try:
        shown = presentation.decode(text)
    except FarechainError:
        return Scan(text, unread=BAD_PRESENTATION)
    return Scan(text, shown.invoice, presentation=shown)


FORMS: dict[str, Callable[[str], Scan]] = {
    "https://": _code,
    "http://": _code,
    "01,": _code,
    "FC1:": _presented,
}
"""What a line begins with, and what reads it."""
