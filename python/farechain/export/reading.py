"""Makes documents from the ledger: record, annex, the original of a red letter, proof."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cbor2
import orjson

from farechain import _core
from farechain._core import Ledger, LedgerError
from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.export import naming
from farechain.export.document import Evidence, InvoiceDocument, Line, Original, Trip

PLACES = {
    "METRO": ("entry", "exit", "line"),
    "BUS": ("stop", None, "route"),
    "AIRPORT_COACH": ("from", "to", None),
    "TAXI": (None, None, "vehicle"),
    "PARKING": (None, None, "lot"),
    "SCENIC": (None, None, "park"),
}
"""Which fields of a scene's ``detail`` are where a trip began, where it ended, and on or at what it was."""
REFUNDED = "退款"
"""Why the ledger reverses by itself: a signed refund."""
TOPPED_UP = 3
PAYMENT_MEMBERS = 15
"""Members of a payment's canonical data (docs/format.md, section 2); the last is its detail."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What documents show that is the deployment's and not the ledger's."""

    public_dir: str
    """The published log, as ``Ledger.prove`` takes it."""
    witnesses: Sequence[str]
    verify_url: str
    demonstration: bool


class Reader:
    """Reads documents; belongs to one thread. Proofs cost most of it: leave them out where none is shown."""

    def __init__(self, ledger: Ledger, shown: Shown, *, with_proofs: bool = True) -> None:
        self._ledger = ledger
        self._with_proofs = with_proofs
        self._shown = shown
        self._sellers = naming.Sellers(ledger)
        self._chain = ledger.chain
        self._utc_offset_min = utc_offset_min(ledger)

    def document(self, height: int, index: int, record: bytes) -> InvoiceDocument | None:
        """The invoice of a record; None for a record of another kind.

        Raises ``FarechainError`` (``E_NOT_PUBLISHED``) while no checkpoint covers what is to be proven.
        """
        fields = _core.decode_record(record)
        if fields["kind"] not in {"BLUE", "RED"}:
            return None
        blue, place = fields, (height, index)
        if fields["kind"] == "RED":
            found = self._ledger.invoice(fields["original_code"], fields["original_number"])
            if found is None:
                raise FarechainError("E_CORRUPT", f"the original of {_name(fields)} is not in this ledger")
            blue, place = found["fields"], (found["height"], found["index"])
        # A payment that had waited is issued by a later block, which has no annex: its detail is not here.
        annex = self._ledger.annex(*place)
        payment = cbor2.loads(annex) if annex else []
        return InvoiceDocument(
            chain=self._chain,
            code=fields["code"],
            number=f"{fields['number']:08d}",
            kind=fields["kind"],
            hash=_core.leaf_hash(record),
            issued_at_ms=fields["issued_at_ms"],
            dated_at_ms=fields.get("dated_at_ms", fields["issued_at_ms"]),
            utc_offset_min=self._utc_offset_min,
            seller=self._sellers.party(fields["seller"], height),
            buyer=None,
            lines=(_line(fields, blue["scene"], topped_up=payment[1:2] == [TOPPED_UP]),),
            trips=(_trip(blue, payment, fields["total_fen"]),),
            net_fen=fields["net_fen"],
            tax_fen=fields["tax_fen"],
            total_fen=fields["total_fen"],
            height=height,
            index=index,
            original=_original(fields),
            evidence=self._evidence(height, index) if self._with_proofs else None,
            demonstration=self._shown.demonstration,
            verify_url=self._shown.verify_url.rstrip("/"),
        )

    def _evidence(self, height: int, index: int) -> Evidence:
        try:
            proof = self._ledger.prove(height, index, self._shown.public_dir, list(self._shown.witnesses))
        except LedgerError as error:
            if error.args[0] != "invalid":
                raise
            message = f"block {height} is not under a published checkpoint yet"
            raise FarechainError("E_NOT_PUBLISHED", message, EXIT_UNAVAILABLE) from error
        note = orjson.loads(_core.proof_to_json(proof))["checkpoint"]
        return Evidence(*_core.parse_checkpoint(note), proof)


def utc_offset_min(ledger: Ledger) -> int:
    """Minutes from UTC of dates, as genesis fixes them."""
    genesis = ledger.record(0, 0)
    assert genesis is not None
    offset: int = _core.decode_record(genesis)["utc_offset_min"]
    return offset


def _trip(blue: dict[str, Any], payment: list[Any], fare_fen: int) -> Trip:
    detail: dict[str, Any] = payment[-1] if len(payment) == PAYMENT_MEMBERS else {}
    origin, destination, service = PLACES.get(blue["scene"], (None, None, None))
    return Trip(
        at_ms=blue["dated_at_ms"],
        scene=blue["scene"],
        fare_fen=fare_fen,
        identity=blue["identity"],
        origin=_text(detail, origin),
        destination=_text(detail, destination),
        service=_text(detail, service),
    )


def _line(fields: dict[str, Any], scene: str, *, topped_up: bool) -> Line:
    short_name, item = naming.line_name(fields["tax_code"], scene, topped_up=topped_up)
    return Line(
        tax_code=fields["tax_code"],
        short_name=short_name,
        item=item,
        rate=fields["rate"],
        quantity=fields["quantity"],
        net_fen=fields["net_fen"],
        tax_fen=fields["tax_fen"],
        total_fen=fields["total_fen"],
    )


def _original(fields: dict[str, Any]) -> Original | None:
    if fields["kind"] == "BLUE":
        return None
    number = f"{fields['original_number']:08d}"
    return Original(fields["original_code"], number, fields["original_hash"], REFUNDED)


def _text(detail: dict[str, Any], name: str | None) -> str | None:
    value = detail.get(name) if name else None
    return None if value is None else str(value)


def _name(fields: dict[str, Any]) -> str:
    return f"{fields['code']}-{fields['number']:08d}"
