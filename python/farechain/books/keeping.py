"""Moves the tables record by record, in the order of the ledger: the same rows however far each step goes."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from farechain import _core
from farechain._core import Ledger
from farechain.books.schema import NO_CLAIM, place_of

DEAD_LETTERS_MAX = 100_000
"""The newest of all sources together; who sends rubbish fills no disk."""
ROLES = ("", "BUREAU", "ISSUER", "DEVICE", "AGENT", "HOLDER", "REIMBURSER", "AUDITOR")
"""By number (docs/format.md, section 2)."""
STANDING = (
    "fiscal",
    "claim",
    "use",
    "frozen",
    "remaining_fen",
    "holder",
    "locker",
    "claim_id",
    "reimbursed_fen",
)
TIMES = ("locked_ms", "reimbursed_ms", "posted_ms", "voucher", "period", "reversed_after_posting_ms")
MOVED = ("fiscal", "claim", "remaining_fen", "holder", "locker", "claim_id")
OF_RECORD = ("code", "number", "seller", "net_fen", "tax_fen", "total_fen")


def _insert_into(table: str, columns: Iterable[str]) -> str:
    names, marks = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    return f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608  names of the schema


_KNOWN = f"SELECT {', '.join((*STANDING, *TIMES))} FROM invoices WHERE code=? AND number=?"  # noqa: S608
_SET = ", ".join(f"{name}=:{name}" for name in (*STANDING, *TIMES, "touched", "touched_ms"))
_UPDATE = f"UPDATE invoices SET {_SET} WHERE code=:code AND number=:number"  # noqa: S608  names above
_INSERT = _insert_into(
    "invoices",
    (
        *(*OF_RECORD, "kind", "place", "issued_ms", "original_code", "original_number", "buyer", "title"),
        *(*STANDING, "touched", "touched_ms"),
    ),
)
_MOVE = _insert_into(
    "movements",
    (
        *("place", "code", "number", "time_ms", "kind", "kid", "fen", *MOVED),
        *("voucher", "period", "red_code", "red_number"),
    ),
)
_NO_MORE = dict.fromkeys(("voucher", "period", "red_code", "red_number"))

ChangeRow = tuple[int, int, int, str | None, bytes]
RejectionRow = tuple[str, int, int, int, int, str, str | None]
Fields = dict[str, Any]


class Keeping:
    """One step: what a few blocks change, within one transaction.

    Args:
        ledger: whose annexes and untouched invoices are looked up.
        connection: in a transaction.
    """

    def __init__(self, ledger: Ledger, connection: sqlite3.Connection) -> None:
        self._ledger = ledger
        self._connection = connection
        self._run = connection.execute
        self._commands: Mapping[str, Callable[[ChangeRow, list[Any]], None]] = {
            "REGISTER_KEY": self._register_key,
            "ROTATE_KEY": self._rotate_key,
            "DECLARE": self._declare,
            "ACKNOWLEDGE": self._acknowledge,
            "APPLY_NUMBERS": self._apply_numbers,
            "REFUSE_NUMBERS": self._refuse_numbers,
            "GRANT_NUMBERS": self._grant_numbers,
        }

    def genesis(self) -> None:
        """The bureau's key, which no command registers."""
        bureau = _core.decode_record(self._ledger.record(0, 0) or b"")["bureau"]
        self._run("INSERT INTO keys VALUES (?, '', 'BUREAU', NULL)", (_core.kid(bureau),))

    def change(self, row: ChangeRow) -> None:
        """A record of ``Ledger.changes``."""
        fields = _core.decode_record(row[4])
        kind, standing = fields["kind"], fields.get("standing")
        if standing is not None:
            standing["holder"] = _text(standing["holder"])
        if kind == "CLAIMED":
            self._insert(row, fields, "BLUE")
            self._move(row, fields, kind, fields["total_fen"])
        elif kind == "RED":
            self._short_red_letter(row, fields)
        elif kind == "RED_OF_LINES":
            self._red_letter(row, fields, fields["standing"])
        elif standing is not None:
            self._stand(row, fields, kind)
        elif kind in self._commands:
            self._commands[kind](row, self._said(row))

    def reject(self, rows: list[RejectionRow]) -> None:
        """Rows of ``Ledger.rejections``: numbered on, and the oldest forgotten."""
        last = self._run("SELECT coalesce(max(id), 0) FROM dead_letters").fetchone()[0]
        self._connection.executemany(
            "INSERT INTO dead_letters VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(number, *row) for number, row in enumerate(rows, last + 1)],
        )
        self._run("DELETE FROM dead_letters WHERE id <= ?", (last + len(rows) - DEAD_LETTERS_MAX,))

    def _said(self, row: ChangeRow) -> list[Any]:
        """The canonical data of a command."""
        annex = self._ledger.annex(row[0], row[1])
        said: list[Any] = _core.decode_canonical(annex or b"")
        return said

    def _stand(self, row: ChangeRow, fields: Fields, kind: str) -> None:
        """A change of an invoice's standing by a command or an owed refund."""
        invoice = self._invoice(fields["code"], fields["number"])
        standing, time_ms = fields["standing"], row[2]
        times: Fields = {name: invoice[name] for name in TIMES}
        voucher = period = fen = None
        if kind == "LOCK":
            times["locked_ms"] = time_ms
        elif kind == "REIMBURSE":
            times["reimbursed_ms"], fen = time_ms, standing["reimbursed_fen"]
        elif kind == "POST":
            *_head, voucher, month = self._said(row)
            period = period_of(month)
            times |= {"posted_ms": time_ms, "voucher": voucher, "period": period}
        elif kind == "UNPOST":
            times |= {"posted_ms": None, "voucher": None, "period": None}
        elif kind == "OWED":
            fen = fields["refund_fen"]
        self._update(row, fields["code"], fields["number"], standing, times)
        self._move(row, fields, kind, fen, voucher=voucher, period=period)

    def _short_red_letter(self, row: ChangeRow, fields: Fields) -> None:
        """Of an invoice that is untouched, or was locked and is free again: in the books only then."""
        found = self._known(fields["original_code"], fields["original_number"])
        if found is not None:
            remaining = fields["remaining_fen"]
            standing = {name: found[name] for name in STANDING} | {"remaining_fen": remaining}
            standing["fiscal"] = "ISSUED" if remaining else "REVERSED"
            self._red_letter(row, fields, standing)

    def _red_letter(self, row: ChangeRow, fields: Fields, standing: Mapping[str, Any]) -> None:
        code, number = fields["original_code"], fields["original_number"]
        original = self._invoice(code, number)
        times = {name: original[name] for name in TIMES}
        if standing["claim"] == "POSTED":
            times["reversed_after_posting_ms"] = row[2]
        self._update(row, code, number, standing, times)
        self._insert(row, fields, "RED")
        moved = {"code": code, "number": number, "standing": standing}
        red = {"red_code": fields["code"], "red_number": fields["number"]}
        self._move(row, moved, fields["kind"], fields["total_fen"], **red)

    def _invoice(self, code: str, number: int) -> Fields:
        """The invoice's row; made from its record where nothing has touched it before."""
        found = self._known(code, number)
        if found is not None:
            return found
        invoice = self._ledger.invoice(code, number)
        if invoice is None:
            raise RuntimeError(f"the ledger moves an invoice that it does not have: {code}-{number:08d}")
        fields = invoice["fields"]
        # Where it stands now is not where it stood at this record, so its total stands for what remains.
        issued = (invoice["height"], invoice["index"], fields["issued_at_ms"], None, b"")
        self._insert(issued, fields, "BLUE")
        self._move(issued, fields, "BLUE", fields["total_fen"])
        made = self._known(code, number)
        if made is None:
            raise RuntimeError("an invoice was written and is not there")
        return made

    def _known(self, code: str, number: int) -> Fields | None:
        row = self._run(_KNOWN, (code, number)).fetchone()
        return None if row is None else dict(zip((*STANDING, *TIMES), row, strict=True))

    def _insert(self, row: ChangeRow, fields: Fields, kind: str) -> None:
        height, index, time_ms, _kid, _record = row
        place = place_of(height, index)
        red = kind == "RED"
        columns = {
            **{name: fields[name] for name in OF_RECORD},
            "kind": kind,
            "place": place,
            "issued_ms": fields["issued_at_ms"],
            "original_code": fields.get("original_code"),
            "original_number": fields.get("original_number"),
            "buyer": fields.get("buyer_tax_id"),
            "title": fields.get("title"),
            **untouched(fields, red=red),
            "touched": place << 1 | red,
            "touched_ms": time_ms,
        }
        self._run(_INSERT, columns)

    def _update(
        self, row: ChangeRow, code: str, number: int, standing: Mapping[str, Any], times: Fields
    ) -> None:
        if standing["claim"] == "FREE":
            times = times | {"locked_ms": None}
        touched = {"touched": place_of(row[0], row[1]) << 1, "touched_ms": row[2]}
        self._run(_UPDATE, {**standing, **times, **touched, "code": code, "number": number})

    def _move(self, row: ChangeRow, fields: Fields, kind: str, fen: int | None, **more: Any) -> None:
        height, index, time_ms, kid, _record = row
        standing = fields.get("standing") or untouched(fields, red=False)
        columns = {
            "place": place_of(height, index),
            "code": fields["code"],
            "number": fields["number"],
            "time_ms": time_ms,
            "kind": kind,
            "kid": kid,
            "fen": fen,
            **{name: standing[name] for name in MOVED},
            **_NO_MORE,
            **more,
        }
        self._run(_MOVE, columns)

    def _register_key(self, row: ChangeRow, said: list[Any]) -> None:
        _version, _kind, _command, public_key, role, tax_id, *_rest = said
        self._run("INSERT INTO keys VALUES (?, ?, ?, NULL)", (_core.kid(public_key), tax_id, ROLES[role]))

    def _rotate_key(self, row: ChangeRow, said: list[Any]) -> None:
        self._run(
            "INSERT INTO keys SELECT ?, tax_id, role, kid FROM keys WHERE kid=?", (_core.kid(said[3]), row[3])
        )

    def _declare(self, row: ChangeRow, said: list[Any]) -> None:
        height, index, time_ms, kid, _record = row
        month, *fen = said[3:]
        values = (place_of(height, index), self._party(kid), period_of(month), *fen, time_ms, kid)
        self._run("INSERT INTO declarations VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)", values)

    def _acknowledge(self, row: ChangeRow, said: list[Any]) -> None:
        tax_id, month = said[3:]
        self._run(
            "UPDATE declarations SET acknowledged_ms=? WHERE tax_id=? AND period=?",
            (row[2], tax_id, period_of(month)),
        )

    def _apply_numbers(self, row: ChangeRow, said: list[Any]) -> None:
        height, index, time_ms, kid, _record = row
        values = (place_of(height, index), self._party(kid), said[3], time_ms, kid)
        self._run("INSERT INTO applications VALUES (?, ?, ?, ?, ?, NULL, NULL)", values)

    def _refuse_numbers(self, row: ChangeRow, said: list[Any]) -> None:
        self._answer(row, said[3], "REFUSED")

    def _grant_numbers(self, row: ChangeRow, said: list[Any]) -> None:
        self._answer(row, said[6], "GRANTED")

    def _answer(self, row: ChangeRow, tax_id: str | None, answer: str) -> None:
        self._run(
            "UPDATE applications SET answer=?, answered_ms=? WHERE tax_id=? AND answer IS NULL",
            (answer, row[2], tax_id),
        )

    def _party(self, kid: str | None) -> str:
        found = self._run("SELECT tax_id FROM keys WHERE kid=?", (kid,)).fetchone()
        return str(found[0])


def untouched(fields: Mapping[str, Any], *, red: bool) -> Fields:
    """Where an invoice stands by its own record; a red letter has no claim, and nothing remains of it."""
    return {
        "fiscal": "ISSUED",
        "claim": NO_CLAIM if red else "FREE",
        "use": "NONE",
        "frozen": False,
        "remaining_fen": 0 if red else fields["total_fen"],
        "holder": _text(fields.get("holder")),
        "locker": None,
        "claim_id": None,
        "reimbursed_fen": 0,
    }


def period_of(month: int) -> str:
    """``2026-03`` of a year * 12 + month - 1."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def _text(kid: bytes | None) -> str | None:
    """A key's id as headers have it."""
    return None if kid is None else kid.hex()
