"""Makes documents from the ledger: a record, its contents, the original of a red letter, the proof."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from farechain import _core
from farechain._core import Ledger, LedgerError
from farechain.errors import EXIT_UNAVAILABLE, FarechainError
from farechain.export import naming
from farechain.export.contents import ContentsReader, Found
from farechain.export.document import Evidence, InvoiceDocument, Original, Reason
from farechain.export.selection import INVOICES, REDS
from farechain.export.titles import TitleOf, none_at_hand

REFUNDED: Reason = "SALES_RETURN"
"""Why the ledger reverses by itself: a signed refund (docs/format.md, section 3, Red letter)."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What documents show that is the deployment's and not the ledger's."""

    public_dir: str
    """The published log, as ``Ledger.prove`` takes it."""
    witnesses: Sequence[str]
    verify_url: str
    demonstration: bool
    title_of: TitleOf = none_at_hand


class Reader:
    """Reads documents; belongs to one thread. Proofs cost most of it: leave them out where none is shown."""

    def __init__(self, ledger: Ledger, shown: Shown, *, with_proofs: bool = True) -> None:
        self._ledger = ledger
        self._with_proofs = with_proofs
        self._shown = shown
        self._sellers = naming.Sellers(ledger)
        self._contents = ContentsReader(ledger, shown.title_of)
        self._chain = ledger.chain
        self._utc_offset_min = utc_offset_min(ledger)

    def document(
        self, height: int, index: int, record: bytes, *, proven: bool = True
    ) -> InvoiceDocument | None:
        """The invoice of a record, as it was issued; None for a record of another kind.

        ``proven``: with its proof, where this reader makes proofs.

        Raises ``FarechainError``: ``E_NOT_PUBLISHED`` while no checkpoint covers what is to be proven,
        ``E_CORRUPT`` where what came with it or with one of its payments cannot be read.
        """
        fields = _core.decode_record(record)
        if fields["kind"] not in INVOICES:
            return None
        found = Found(height, index, record, fields)
        original = self._original(found) if fields["kind"] in REDS else None
        contents = self._contents.of(found, original)
        return InvoiceDocument(
            chain=self._chain,
            code=fields["code"],
            number=f"{fields['number']:08d}",
            kind="RED" if original else "BLUE",
            hash=_core.leaf_hash(record),
            issued_at_ms=fields["issued_at_ms"],
            utc_offset_min=self._utc_offset_min,
            seller=self._sellers.party(fields["seller"], height),
            buyer=contents.buyer,
            lines=contents.lines,
            trips=contents.trips,
            net_fen=fields["net_fen"],
            tax_fen=fields["tax_fen"],
            total_fen=fields["total_fen"],
            height=height,
            index=index,
            original=_named(fields) if original else None,
            evidence=self._evidence(height, index) if self._with_proofs and proven else None,
            demonstration=self._shown.demonstration,
            verify_url=self._shown.verify_url.rstrip("/"),
        )

    def _original(self, found: Found) -> Found:
        original = self._ledger.invoice(found.fields["original_code"], found.fields["original_number"])
        if original is None:
            raise FarechainError("E_CORRUPT", f"the original of {found.name} is not in this ledger")
        return Found(original["height"], original["index"], original["record"], original["fields"])

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


def _named(fields: dict[str, Any]) -> Original:
    number = f"{fields['original_number']:08d}"
    return Original(fields["original_code"], number, fields["original_hash"], fields.get("reason", REFUNDED))
