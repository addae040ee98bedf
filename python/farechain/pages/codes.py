"""What a code on a document says, scanned or pasted: an address, a whole proof, or the older line."""

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from farechain.api.invoices import MAX_PROOF_BYTES
from farechain.api.problems import Problem
from farechain.export.scanning import crc16_umts
from farechain.pages.language import Language
from farechain.pages.said import text

FRAGMENT = "proof="
SCAN = "/v/scan"
LINE = re.compile(
    r"01,(10|32),([0-9]{12})?,([0-9]{8}|[0-9]{20}),([0-9]{1,13})(?:\.([0-9]{1,2}))?,([0-9]{8}),([0-9a-f]{5})?,"
    r"([0-9A-F]{4}),",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class ScannedAddress:
    """The short code on a document's face."""

    query: dict[str, str]


@dataclass(frozen=True, slots=True)
class CarriedProof:
    """A proof, JSON or compact."""

    proof: bytes


@dataclass(frozen=True, slots=True)
class OlderLine:
    """``01,10,code,number,net,day,check code,CRC,``; of an all-digital one the total, no check code."""

    code: str
    number: str
    all_digital: bool
    amount_fen: int
    day: str
    check_code: str


class CodeError(ValueError):
    """No code. ``args`` has the name of the text that says so (``said.text``)."""


def host_of(given: str) -> str | None:
    """The host, with its port, of an address; None for what is none. Raises ``CodeError``."""
    if "://" not in given:
        return None
    try:
        return urlsplit(given).netloc.rpartition("@")[2]
    except ValueError as error:
        raise CodeError("text") from error


def read(given: str) -> ScannedAddress | CarriedProof | OlderLine:
    """Reads a code, whosever it is. Raises ``CodeError``."""
    if given.startswith("{"):
        return CarriedProof(given.encode())
    if given.startswith("#" + FRAGMENT):
        return CarriedProof(_unpacked(given[1:]))
    return _address(given) if "://" in given else _line(given)


def read_code(given: str, here: str, language: Language) -> ScannedAddress | CarriedProof | OlderLine:
    """Reads what was scanned or pasted.

    Args:
        here: the host that this site is reached by, with its port.

    Raises:
        Problem: 422 ``E_ELSEWHERE``: a code of another deployment; ``E_SCHEMA``: no code.
    """
    given = given.strip()
    try:
        host = host_of(given)
        if host not in (None, here):
            raise Problem(422, "E_ELSEWHERE", text("host", language, host=host, here=here))
        return read(given)
    except CodeError as error:
        raise Problem(422, "E_SCHEMA", text(error.args[0], language)) from error


def _address(given: str) -> ScannedAddress | CarriedProof:
    try:
        parts = urlsplit(given)
        query = parse_qs(parts.query, max_num_fields=8)
    except ValueError as error:
        raise CodeError("text") from error
    if parts.fragment.startswith(FRAGMENT):
        return CarriedProof(_unpacked(parts.fragment))
    if not parts.path.endswith(SCAN):
        raise CodeError("text")
    return ScannedAddress({name: values[0] for name, values in query.items()})


def _unpacked(fragment: str) -> bytes:
    packed = fragment.removeprefix(FRAGMENT)
    try:
        if len(packed) > 2 * MAX_PROOF_BYTES:
            raise ValueError("too long")
        return base64.b32decode(packed + "=" * (-len(packed) % 8))
    except (ValueError, binascii.Error) as error:
        raise CodeError("text") from error


def _line(given: str) -> OlderLine:
    found = LINE.fullmatch(given)
    if found is None:
        raise CodeError("text")
    kind, code, number, whole, part, day, check_code, crc = found.groups(default="")
    if f"{crc16_umts(given[: -len(crc) - 1].encode('ascii')):04X}" != crc:
        raise CodeError("crc")
    all_digital = kind == "32"
    if all_digital != (len(number) == 20) or all_digital == bool(code):
        raise CodeError("text")
    if all_digital:
        code, number = number[:12], number[12:]
    amount_fen = int(whole) * 100 + int(part.ljust(2, "0"))
    return OlderLine(code, number, all_digital, amount_fen, day, check_code)
