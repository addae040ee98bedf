"""What an invoice or red letter is about: its lines under their names, its trips, the buyer that it names.

One function a kind of record; what they read is the record, what came with it, and its payments.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from farechain import _core
from farechain._core import Ledger, LedgerError
from farechain.errors import FarechainError
from farechain.export import naming
from farechain.export.document import Buyer, Line, Trip
from farechain.export.payments import Paid, Payments
from farechain.export.titles import TitleOf

LATE = 2
"""Flag of a payment whose month was declared when it came (docs/format.md, section 3)."""
PLACES = {
    "METRO": ("entry", "exit", "line"),
    "BUS": ("stop", None, "route"),
    "AIRPORT_COACH": ("from", "to", None),
    "TAXI": (None, None, "vehicle"),
    "PARKING": (None, None, "lot"),
    "SCENIC": (None, None, "park"),
}
"""Which fields of a scene's ``detail`` are where a trip began, where it ended, and on or at what it was."""


@dataclass(frozen=True, slots=True)
class Found:
    """A record and where it stands."""

    height: int
    index: int
    record: bytes
    fields: dict[str, Any]

    @property
    def name(self) -> str:
        """The invoice's."""
        return f"{self.fields['code']}-{self.fields['number']:08d}"


@dataclass(frozen=True, slots=True)
class Contents:
    """What the record itself does not say in a document's words."""

    lines: tuple[Line, ...]
    trips: tuple[Trip, ...]
    buyer: Buyer | None


class ContentsReader:
    """Reads contents; belongs to one thread."""

    def __init__(self, ledger: Ledger, title_of: TitleOf) -> None:
        self._ledger = ledger
        self._payments = Payments(ledger)
        self._title_of = title_of

    def of(self, found: Found, original: Found | None) -> Contents:
        """The contents of an invoice, or of a red letter of ``original``.

        Raises ``FarechainError`` (``E_CORRUPT``) where what came with the record or a payment cannot be read.
        """
        blue = original or found
        buyer = self._buyer(blue.fields)
        kind = found.fields["kind"]
        if kind == "CLAIMED":
            parts = self._parts(found)
            lines = self._lines(parts["lines"], _by_line(parts["payments"]))
            trips = [self._claimed_trip(found, payment) for payment in parts["payments"]]
        elif kind == "RED_OF_LINES":
            parts = self._parts(found)
            lines = self._lines(parts["lines"], self._payments_by_line(blue))
            trips = [self._lost_trip(found, blue, payment) for payment in parts["payments"]]
        else:
            lines = self._lines([found.fields], [[blue.fields["identity"]]])
            trips = [self._only_trip(found, blue)]
        return _without_empty_lines(Contents(tuple(lines), tuple(trips), buyer))

    def _parts(self, found: Found) -> dict[str, Any]:
        try:
            annex = self._ledger.annex(found.height, found.index)
            if annex is None:
                raise ValueError("nothing came with it")
            parts = _core.decode_annex(found.record, annex)
        except (LedgerError, ValueError) as error:
            message = f"lines and payments of {found.name} cannot be read: {error.args[-1]}"
            raise FarechainError("E_CORRUPT", f"{message}; stop, and run `farechain audit`") from error
        return parts

    def _payments_by_line(self, blue: Found) -> list[list[bytes]]:
        if blue.fields["kind"] == "BLUE":
            return [[blue.fields["identity"]]]
        return _by_line(self._parts(blue)["payments"])

    def _lines(self, lines: Sequence[dict[str, Any]], payments: Sequence[Sequence[bytes]]) -> list[Line]:
        made = []
        for line, identities in zip(lines, payments, strict=True):
            known = [self._payments.now(identity) for identity in identities]
            short_name, item = naming.line_name(
                line["tax_code"], [(payment["scene"], payment["topped_up"]) for payment in known]
            )
            amounts = (line["net_fen"], line["tax_fen"], line["total_fen"])
            made.append(Line(line["tax_code"], short_name, item, line["rate"], line["quantity"], *amounts))
        return made

    def _only_trip(self, found: Found, blue: Found) -> Trip:
        """Of a record with one line; a payment that had waited came earlier and shows no places."""
        fields = blue.fields
        paid = self._payments.at(blue.height, blue.index)
        if paid is None:
            topped_up = self._payments.now(fields["identity"])["topped_up"]
            paid = Paid(fields["dated_at_ms"], topped_up, fields["scene"], fields["payments_root"], {})
        late = found is not blue or fields["flags"] & LATE
        booked_at_ms = found.fields["issued_at_ms"] if late else fields["dated_at_ms"]
        return _trip(paid, fields["identity"], found.fields["total_fen"], booked_at_ms, 0)

    def _claimed_trip(self, found: Found, payment: dict[str, Any]) -> Trip:
        paid = self._payments.of(payment["payment"], found.height)
        if paid.data_leaf != payment["data_leaf"]:
            message = f"payment {payment['payment'].hex()} of {found.name} is another than it was issued for"
            raise FarechainError("E_CORRUPT", f"{message}; stop, and run `farechain audit`")
        return _trip(paid, payment["payment"], payment["fen"], payment["booked_at_ms"], payment["line"])

    def _lost_trip(self, found: Found, blue: Found, payment: dict[str, Any]) -> Trip:
        paid = self._payments.at(blue.height, blue.index) if blue.fields["kind"] == "BLUE" else None
        paid = paid or self._payments.of(payment["payment"], found.height)
        lost_fen = payment["after_fen"] - payment["before_fen"]
        return _trip(paid, payment["payment"], lost_fen, found.fields["issued_at_ms"], payment["line"])

    def _buyer(self, fields: dict[str, Any]) -> Buyer | None:
        title, tax_id = fields.get("title"), fields.get("buyer_tax_id")
        if title is None:
            return Buyer(tax_id) if tax_id else None
        return Buyer(tax_id, self._title_of(title), title)


def _by_line(payments: Sequence[dict[str, Any]]) -> list[list[bytes]]:
    """The payments of each line, none of which is without one."""
    lines: list[list[bytes]] = [[] for _ in range(1 + max(payment["line"] for payment in payments))]
    for payment in payments:
        lines[payment["line"]].append(payment["payment"])
    return lines


def _trip(paid: Paid, identity: bytes, fare_fen: int, booked_at_ms: int, line: int) -> Trip:
    origin, destination, service = PLACES.get(paid.scene, (None, None, None))
    return Trip(
        at_ms=paid.dated_at_ms,
        booked_at_ms=booked_at_ms,
        scene=paid.scene,
        fare_fen=fare_fen,
        identity=identity,
        origin=_text(paid.detail, origin),
        destination=_text(paid.detail, destination),
        service=_text(paid.detail, service),
        line=line,
        topped_up=paid.topped_up,
    )


def _text(detail: dict[str, Any], name: str | None) -> str | None:
    value = detail.get(name) if name else None
    return None if value is None else str(value)


def _without_empty_lines(contents: Contents) -> Contents:
    """A red letter's record has a line for each of the original's; where nothing fell there is none here."""
    kept = [number for number, line in enumerate(contents.lines) if line.total_fen]
    trips = (dataclasses.replace(trip, line=kept.index(trip.line)) for trip in contents.trips)
    return Contents(tuple(contents.lines[number] for number in kept), tuple(trips), contents.buyer)
