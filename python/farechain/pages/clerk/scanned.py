"""What a clerk scans or pastes, line by line: codes of documents, the older line, numbers, presentations.

Pure: reads text, looks nothing up. A line of a table is read cell by cell.
"""

import csv
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

from farechain import presentation
from farechain.errors import FarechainError
from farechain.export.scanning import ORDINARY_ALL_DIGITAL, sealed_line
from farechain.orders import Invoice
from farechain.pages.language import Words
from farechain.presentation import Presentation

LINES_MAX = 200
LINE_CHARS = 600
"""Longer than any code or presentation, a row of a table with some columns around it too."""
SHOWN_CHARS = 60
"""What is shown of a line that is longer."""
TYPED_MAX = 64
"""Nothing longer is typed by hand, in full-width letters perhaps."""
NAME = re.compile(r"([0-9]{12})\s*[-\s]\s*([0-9]{1,8})", re.ASCII)
ALL_DIGITAL = re.compile(r"([2-9][0-9]{11})([0-9]{8})", re.ASCII)
CODE = re.compile(r"[0-9]{12}", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,8}", re.ASCII)
HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
AMOUNT = re.compile(r"-?[0-9]{1,13}\.[0-9]{2}", re.ASCII)
OLDER_FIELDS = 9
"""``01,type,code,number,amount,yyyymmdd,check,CRC,``: the last comma makes an empty one."""

UNREADABLE = Words("none of the forms that are read here", "无法识别的格式")
BAD_CODE = Words(
    "a QR code's address without hash, number and amount as they belong", "二维码地址缺少哈希、号码或金额"
)
BAD_CRC = Words("its CRC is wrong: scanned badly or altered", "校验 CRC 不符：扫描错误或被改动")
BAD_PRESENTATION = Words(
    "a presentation that is cut off or altered: ask for it again", "出示码不完整或被改动，请重新索取"
)
NO_NUMBER = Words("an invoice number is 1 to 99999999", "发票号码应为 1 至 99999999")
PROOF_CODE = Words(
    "the code of a proof, on the page behind: scan the one on the face",
    "证明页的二维码，请改扫票面二维码",
)
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
    if "#proof=" in text:
        return Scan(text[:SHOWN_CHARS] + "…", unread=PROOF_CODE)
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


def _address(text: str) -> Scan:
    try:
        address = urlsplit(text)
        host = address.netloc.lower()
        values = {name: each[0] for name, each in parse_qs(address.query, strict_parsing=True).items()}
    except ValueError:
        return Scan(text, unread=BAD_CODE)
    record_hash, number, amount = (values.get(name, "") for name in ("hash", "bill_num", "total_amount"))
    sound = (
        HASH.fullmatch(record_hash) and NUMBER.fullmatch(number) and amount.isascii() and amount.isdecimal()
    )
    if not sound or not address.path.endswith("/v/scan") or len(amount) > 16:
        return Scan(text, unread=BAD_CODE)
    said = {"number": str(int(number)), "total_fen": str(int(amount))}
    return Scan(text, hash=bytes.fromhex(record_hash), host=host, said=said)


def _older(text: str) -> Scan:
    line = text if text.endswith(",") else text + ","
    fields = line.split(",")
    if len(fields) != OLDER_FIELDS or not line.isascii():
        return Scan(text, unread=UNREADABLE)
    _version, kind, code, number, amount, day, check_code, crc, _end = fields
    if sealed_line(line[: -len(crc) - 1]).upper() != line.upper():
        return Scan(text, unread=BAD_CRC)
    found = (ALL_DIGITAL if kind == ORDINARY_ALL_DIGITAL else NAME).fullmatch(
        number if kind == ORDINARY_ALL_DIGITAL else f"{code}-{number}"
    )
    if found is None or not AMOUNT.fullmatch(amount):
        return Scan(text, unread=UNREADABLE)
    fen = amount.replace(".", "").lstrip("-")
    said = {"total_fen" if kind == ORDINARY_ALL_DIGITAL else "net_fen": str(int(fen)), "day": day}
    if check_code:
        said["check_code"] = check_code.lower()
    return replace(_named(text, found[1], found[2]), said=said)


def _presented(text: str) -> Scan:
    try:
        shown = presentation.decode(text)
    except FarechainError:
        return Scan(text, unread=BAD_PRESENTATION)
    return Scan(text, shown.invoice, presentation=shown)


FORMS: dict[str, Callable[[str], Scan]] = {
    "https://": _address,
    "http://": _address,
    "01,": _older,
    "FC1:": _presented,
}
"""What a line begins with, and what reads it."""
