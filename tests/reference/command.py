"""The bureau's and the issuers' commands: decoding and canonical data (docs/format.md, section 2)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import cbor
from .digests import identity, leaf_hash
from .errors import require
from .fields import amount, count, date, hexadecimal, matching, one_of, text, uscc

ROLES = {"BUREAU": 1, "ISSUER": 2, "DEVICE": 3, "AGENT": 4, "HOLDER": 5, "REIMBURSER": 6, "AUDITOR": 7}
TYPES = {"TEXT": 1, "INTEGER": 2}
POLICIES = {"AUTO": 1, "ON_CLAIM": 2}
STORED_VALUE = {"AT_RIDE": 1, "AT_TOPUP": 2}
EXEMPT, NONTAXABLE = -1, -2
ROWS_MAX = 256
NUMBER_MAX = 99_999_999

Fields = list[Any]
"""A command's members in the order of its row in the table, as they stand in canonical data."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command, decoded."""

    network: str
    kind: int
    command_id: str
    fields: Fields

    @property
    def canonical(self) -> bytes:
        return cbor.encode([1, self.kind, self.command_id, *self.fields])

    @property
    def leaf(self) -> bytes:
        return leaf_hash(self.canonical)

    @property
    def identity(self) -> bytes:
        return identity(b"COMMAND", self.command_id.encode())


def decode(data: dict[str, Any]) -> Command:
    """A command's ``data``. Raises ``Rejected``."""
    name = data.get("kind")
    require(isinstance(name, str) and name in KINDS)
    number, members, read = KINDS[str(name)]
    require(data.keys() == {"kind", "network", "command_id", *members.split()})
    network = text(data["network"], 1, 64)
    command_id = matching(data["command_id"], r"[!-~]{1,64}")
    return Command(network, number, command_id, read(data))


def admit_issuer(data: dict[str, Any]) -> Fields:
    tax_id, name = uscc(data["tax_id"]), text(data["name"], 1, 100)
    limit = data["credit_limit_fen"]
    return [tax_id, name, None if limit is None else amount(limit)]


def register_key(data: dict[str, Any]) -> Fields:
    key = hexadecimal(data["public_key"], 32)
    role = one_of(data["role"], {name: number for name, number in ROLES.items() if name != "BUREAU"})
    tax_id = uscc(data["tax_id"])
    codes = [scene_code(code) for code in rows_of(data["scenes"])]
    require((len(codes) > 0) == (role == ROLES["DEVICE"]))
    start, end = count(data["from_height"]), data["to_height"]
    return [key, role, tax_id, codes, start, None if end is None else count(end)]


def rotate_key(data: dict[str, Any]) -> Fields:
    return [hexadecimal(data["public_key"], 32), hexadecimal(data["proof"], 64)]


def retire_key(data: dict[str, Any]) -> Fields:
    return [hexadecimal(data["kid"], 16)]


def scene_table(data: dict[str, Any]) -> Fields:
    rows = [scene_row(row) for row in rows_of(data["rows"])]
    return [sorted_once(rows)]


def scene_row(row: Any) -> list[Any]:
    exactly(row, "code name detail")
    code, name = scene_code(row["code"]), text(row["name"], 1, 64)
    fields = []
    for field in rows_of(row["detail"]):
        exactly(field, "name type required")
        require(isinstance(field["required"], bool))
        label = matching(field["name"], r"[a-z][a-z0-9_]{0,31}")
        fields.append([label, one_of(field["type"], TYPES), field["required"]])
    return [code, name, sorted_once(fields)]


def rate_table(data: dict[str, Any]) -> Fields:
    rows = []
    for row in rows_of(data["rows"]):
        exactly(row, "scene tax_code rate from to")
        code, tax = scene_code(row["scene"]), matching(row["tax_code"], r"[0-9]{19}")
        level, start = rate(row["rate"]), date(row["from"])
        rows.append([code, tax, level, start, None if row["to"] is None else date(row["to"])])
    return [rows]


def mandate(data: dict[str, Any]) -> Fields:
    rows = []
    for row in rows_of(data["rows"]):
        exactly(row, "scene policy stored_value tax_code rate")
        code = scene_code(row["scene"])
        policy, stored = one_of(row["policy"], POLICIES), one_of(row["stored_value"], STORED_VALUE)
        rows.append([code, policy, stored, matching(row["tax_code"], r"[0-9]{19}"), rate(row["rate"])])
    return [sorted_once(rows)]


def grant_numbers(data: dict[str, Any]) -> Fields:
    code = invoice_code(data["code"])
    first, last = count(data["from"]), count(data["to"])
    require(1 <= first <= last <= NUMBER_MAX, "E_NUMBER_RANGE")
    tax_id = data["tax_id"]
    return [code, first, last, None if tax_id is None else uscc(tax_id)]


def close_grant(data: dict[str, Any]) -> Fields:
    code, first = invoice_code(data["code"]), count(data["from"])
    require(1 <= first <= NUMBER_MAX, "E_NUMBER_RANGE")
    return [code, first]


def rows_of(value: Any) -> list[Any]:
    require(isinstance(value, list) and len(value) <= ROWS_MAX)
    return list(value)


def exactly(row: Any, members: str) -> None:
    """An object with these members and no others."""
    require(isinstance(row, dict) and row.keys() == set(members.split()))


def sorted_once(rows: list[list[Any]]) -> list[list[Any]]:
    """Rows by their first field, shorter first, then by bytes; none may stand twice."""
    require(len({row[0] for row in rows}) == len(rows))
    return sorted(rows, key=lambda row: (len(row[0]), row[0].encode()))


def scene_code(value: Any) -> str:
    return matching(value, r"[A-Z0-9_]{1,16}")


def rate(value: Any) -> int:
    """Basis points, or -1 for exempt and -2 for not taxable."""
    if isinstance(value, str):
        return one_of(value, {"EXEMPT": EXEMPT, "NONTAXABLE": NONTAXABLE})
    points = count(value)
    require(points <= 10_000)
    return points


def invoice_code(value: Any) -> str:
    require(isinstance(value, str))
    require(re.fullmatch(r"1\d{6}\d9\d\d0", value, re.ASCII) is not None, "E_CODE_FORMAT")
    return str(value)


KINDS: dict[str, tuple[int, str, Callable[[dict[str, Any]], Fields]]] = {
    "ADMIT_ISSUER": (16, "tax_id name credit_limit_fen", admit_issuer),
    "REGISTER_KEY": (17, "public_key role tax_id scenes from_height to_height", register_key),
    "ROTATE_KEY": (18, "public_key proof", rotate_key),
    "RETIRE_KEY": (19, "kid", retire_key),
    "SCENE_TABLE": (20, "rows", scene_table),
    "RATE_TABLE": (21, "rows", rate_table),
    "MANDATE": (22, "rows", mandate),
    "GRANT_NUMBERS": (23, "code from to tax_id", grant_numbers),
    "CLOSE_GRANT": (24, "code from", close_grant),
}
