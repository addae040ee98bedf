"""Trips, lines and declaration totals as tables: CSV that a spreadsheet cannot run, and Parquet.

Amounts are integer fen. In CSV a text that a spreadsheet would take for a formula gets an apostrophe before
it; in Parquet it stays as it is.
"""

import csv
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

from farechain.export import amounts
from farechain.export.amounts import local, period
from farechain.export.declaration import Declaration
from farechain.export.document import InvoiceDocument

FORMULA = tuple("=+-@\t\r\n＝＋－＠")
"""Beginnings that spreadsheets execute, the full-width ones too where they are Chinese."""
BYTE_ORDER_MARK = "\ufeff"
"""Without it spreadsheets read UTF-8 as the machine's own encoding."""


class Column(NamedTuple):
    """A column: its name, and whether it holds integers or texts. Either may be missing."""

    name: str
    integer: bool = False


SHARED = (
    Column("code"),
    Column("number"),
    Column("check_code"),
    Column("kind"),
    Column("issued_at"),
    Column("seller"),
    Column("seller_name"),
    Column("buyer"),
    Column("buyer_name"),
)
TRIPS = (
    *SHARED,
    Column("line", integer=True),
    Column("paid_at"),
    Column("period"),
    Column("event"),
    Column("scene"),
    Column("from"),
    Column("to"),
    Column("service"),
    Column("fare_fen", integer=True),
    Column("payment"),
    Column("hash"),
)
LINES = (
    *SHARED,
    Column("line", integer=True),
    Column("tax_code"),
    Column("name"),
    Column("rate"),
    Column("quantity", integer=True),
    Column("net_fen", integer=True),
    Column("tax_fen", integer=True),
    Column("total_fen", integer=True),
    Column("original"),
    Column("reason"),
    Column("hash"),
)
DECLARATION = (
    Column("seller"),
    Column("seller_name"),
    Column("period"),
    Column("rate"),
    Column("kind"),
    Column("invoices", integer=True),
    Column("net_fen", integer=True),
    Column("tax_fen", integer=True),
    Column("total_fen", integer=True),
)


def trip_rows(document: InvoiceDocument) -> list[dict[str, Any]]:
    """A row for each trip; ``line`` counts from 1, ``period`` is the month that it is declared in."""
    offset = document.utc_offset_min
    shared = _shared(document)
    return [
        {
            **shared,
            "line": trip.line + 1,
            "paid_at": local(trip.at_ms, offset).isoformat(sep=" "),
            "period": period(trip.booked_at_ms, offset),
            "event": "TOPPED_UP" if trip.topped_up else "PAID",
            "scene": trip.scene,
            "from": trip.origin,
            "to": trip.destination,
            "service": trip.service,
            "fare_fen": trip.fare_fen,
            "payment": trip.identity.hex(),
        }
        for trip in document.trips
    ]


def line_rows(document: InvoiceDocument) -> list[dict[str, Any]]:
    """A row for each line; a red letter's names its original and reason."""
    shared = _shared(document)
    original = document.original
    return [
        {
            **shared,
            "line": number,
            "tax_code": line.tax_code,
            "name": line.label,
            "rate": amounts.rate(line.rate),
            "quantity": line.quantity,
            "net_fen": line.net_fen,
            "tax_fen": line.tax_fen,
            "total_fen": line.total_fen,
            "original": original.name if original else None,
            "reason": original.reason if original else None,
        }
        for number, line in enumerate(document.lines, 1)
    ]


def _shared(document: InvoiceDocument) -> dict[str, Any]:
    offset = document.utc_offset_min
    buyer = document.buyer
    return {
        "code": document.code,
        "number": document.number,
        "check_code": document.check_code,
        "kind": document.kind,
        "issued_at": local(document.issued_at_ms, offset).isoformat(sep=" "),
        "seller": document.seller.tax_id,
        "seller_name": document.seller.name,
        "buyer": buyer.tax_id if buyer else None,
        "buyer_name": buyer.name if buyer else None,
        "hash": document.hash.hex(),
    }


def declaration_rows(declaration: Declaration) -> list[dict[str, Any]]:
    """A row for each seller, period, rate and kind; the rate as it is printed."""
    return [row | {"rate": amounts.rate(row["rate"])} for row in declaration.rows()]


def as_csv(rows: Sequence[dict[str, Any]], columns: Sequence[Column]) -> bytes:
    """RFC 4180 in UTF-8, with a header line."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(column.name for column in columns)
    writer.writerows([_cell(row[column.name]) for column in columns] for row in rows)
    return (BYTE_ORDER_MARK + text.getvalue()).encode()


def as_parquet(rows: Sequence[dict[str, Any]], columns: Sequence[Column]) -> bytes:
    """One row group, Zstandard; texts as strings, amounts as 64-bit integers."""
    from arro3.core import Array, DataType, Field, RecordBatch, Schema, Table
    from arro3.io import write_parquet

    types = [DataType.int64() if column.integer else DataType.string() for column in columns]
    pairs = list(zip(columns, types, strict=True))
    schema = Schema([Field(column.name, kind, nullable=True) for column, kind in pairs])
    arrays = [Array([row[column.name] for row in rows], type=kind) for column, kind in pairs]
    batch = RecordBatch.from_arrays(arrays, schema=schema)
    target = io.BytesIO()
    write_parquet(Table.from_batches([batch], schema=schema), target, compression="zstd(3)")
    return target.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value
