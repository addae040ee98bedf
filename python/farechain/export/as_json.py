"""The invoice as JSON with its proof inside: amounts are integer fen, times milliseconds since 1970.

``proof`` is the object that ``farechain verify`` and the page to keep take: written out again without white
space it is the proof, byte for byte.
"""

from typing import Any

import orjson

from farechain._core import proof_to_json
from farechain.export.document import Buyer, InvoiceDocument, Line, Original, Party, Trip

FORMAT = "farechain-invoice/1"


def as_json(document: InvoiceDocument) -> bytes:
    """One object and a line end."""
    return orjson.dumps(_fields(document)) + b"\n"


def _fields(document: InvoiceDocument) -> dict[str, Any]:
    evidence = document.evidence
    return {
        "format": FORMAT,
        "demonstration": document.demonstration,
        "chain": document.chain,
        "code": document.code,
        "number": document.number,
        "check_code": document.check_code,
        "kind": document.kind,
        "hash": document.hash.hex(),
        "height": document.height,
        "index": document.index,
        "issued_at_ms": document.issued_at_ms,
        "utc_offset_min": document.utc_offset_min,
        "seller": _party(document.seller),
        "buyer": _buyer(document.buyer) if document.buyer else None,
        "lines": [_line(line) for line in document.lines],
        "trips": [_trip(trip) for trip in document.trips],
        "net_fen": document.net_fen,
        "tax_fen": document.tax_fen,
        "total_fen": document.total_fen,
        "original": _original(document.original) if document.original else None,
        "proof": orjson.Fragment(proof_to_json(evidence.proof)) if evidence else None,
    }


def _party(party: Party) -> dict[str, Any]:
    return {"name": party.name, "tax_id": party.tax_id}


def _buyer(buyer: Buyer) -> dict[str, Any]:
    title = buyer.title.hex() if buyer.title else None
    return {"name": buyer.name, "tax_id": buyer.tax_id, "title": title}


def _line(line: Line) -> dict[str, Any]:
    return {
        "tax_code": line.tax_code,
        "name": line.label,
        "rate": line.rate,
        "quantity": line.quantity,
        "price_e8": line.price_e8,
        "net_fen": line.net_fen,
        "tax_fen": line.tax_fen,
        "total_fen": line.total_fen,
    }


def _trip(trip: Trip) -> dict[str, Any]:
    return {
        "line": trip.line,
        "at_ms": trip.at_ms,
        "booked_at_ms": trip.booked_at_ms,
        "topped_up": trip.topped_up,
        "scene": trip.scene,
        "from": trip.origin,
        "to": trip.destination,
        "service": trip.service,
        "fare_fen": trip.fare_fen,
        "payment": trip.identity.hex(),
    }


def _original(original: Original) -> dict[str, Any]:
    return {
        "code": original.code,
        "number": original.number,
        "hash": original.hash.hex(),
        "reason": original.reason,
    }
