"""Commands: decoding and canonical data; here those of keys, tables, numbers and declarations, in
``command_invoice`` those of invoices (docs/format.md, section 2)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import cbor
from .command_invoice import BATCH, ORDERS, Fields, batch, invoice_code, rows_of
from .digests import identity, leaf_hash
from .errors import require
from .fields import (
    NUMBER_MAX,
    amount,
    count,
    date,
    exactly,
    hexadecimal,
    matching,
    month,
    one_of,
    text,
    time,
    uscc,
)

ROLES = {"BUREAU": 1, "ISSUER": 2, "DEVICE": 3, "AGENT": 4, "HOLDER": 5, "REIMBURSER": 6, "AUDITOR": 7}
TYPES = {"TEXT": 1, "INTEGER": 2}
POLICIES = {"AUTO": 1, "ON_CLAIM": 2}
STORED_VALUE = {"AT_RIDE": 1, "AT_TOPUP": 2}
EXEMPT, NONTAXABLE = -1, -2


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


def kid(data: dict[str, Any]) -> Fields:
    return [hexadecimal(data["kid"], 16)]


def admit(data: dict[str, Any]) -> Fields:
    return [hexadecimal(data["kid"], 16), time(data["until"])[0]]


def delegate(data: dict[str, Any]) -> Fields:
    agent, codes = uscc(data["agent"]), [scene_code(code) for code in rows_of(data["scenes"])]
    return [agent, codes, None if data["to_height"] is None else count(data["to_height"])]


def reimburser_policy(data: dict[str, Any]) -> Fields:
    require(isinstance(data["accepts_individuals"], bool))
    return [data["accepts_individuals"]]


def apply_numbers(data: dict[str, Any]) -> Fields:
    numbers = count(data["count"])
    require(1 <= numbers <= NUMBER_MAX, "E_NUMBER_RANGE")
    return [numbers]


def refuse_numbers(data: dict[str, Any]) -> Fields:
    return [uscc(data["tax_id"]), text(data["reason"], 1, 100)]


def declare(data: dict[str, Any]) -> Fields:
    totals = ("invoiced_fen", "uninvoiced_fen", "red_fen")
    return [month(data["period"]), *(amount(data[name]) for name in totals)]


def acknowledge(data: dict[str, Any]) -> Fields:
    return [uscc(data["tax_id"]), month(data["period"])]


def attest(data: dict[str, Any]) -> Fields:
    return [matching(data["subject"], r"[A-Z][A-Z0-9_]{0,31}"), hexadecimal(data["digest"], 32)]


KINDS: dict[str, tuple[int, str, Callable[[dict[str, Any]], Fields]]] = {
    "ADMIT_ISSUER": (16, "tax_id name credit_limit_fen", admit_issuer),
    "REGISTER_KEY": (17, "public_key role tax_id scenes from_height to_height", register_key),
    "ROTATE_KEY": (18, "public_key proof", rotate_key),
    "RETIRE_KEY": (19, "kid", kid),
    "SCENE_TABLE": (20, "rows", scene_table),
    "RATE_TABLE": (21, "rows", rate_table),
    "MANDATE": (22, "rows", mandate),
    "GRANT_NUMBERS": (23, "code from to tax_id", grant_numbers),
    "CLOSE_GRANT": (24, "code from", close_grant),
    "REVOKE_KEY": (25, "kid", kid),
    "ADMIT": (26, "kid until", admit),
    "DELEGATE": (27, "agent scenes to_height", delegate),
    "REIMBURSER_POLICY": (28, "accepts_individuals", reimburser_policy),
    "APPLY_NUMBERS": (29, "count", apply_numbers),
    "REFUSE_NUMBERS": (30, "tax_id reason", refuse_numbers),
    "DECLARE": (31, "period invoiced_fen uninvoiced_fen red_fen", declare),
    "ACKNOWLEDGE": (32, "tax_id period", acknowledge),
    "ATTEST": (33, "subject digest", attest),
    **ORDERS,
    "BATCH": (BATCH, "orders", batch),
}
