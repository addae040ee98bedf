"""What does not fit together in an XML invoice that someone handed over: nothing in it is believed."""

import re
from typing import Any

import cbor2

from farechain._core import check_uscc, decode_record, leaf_hash, merkle_root, verify_proof
from farechain.export.document import InvoiceDocument, Line
from farechain.export.selection import BLUES, REDS

CODE = re.compile(r"1[0-9]{4}[0-9]{2}[0-9]9[0-9][0-9]0|[2-9][0-9]{11}", re.ASCII)
NUMBER = re.compile(r"(?!0{8})[0-9]{8}", re.ASCII)
SAME_AS_RECORDED = ("code", "issued_at_ms", "net_fen", "tax_fen", "total_fen")
KINDS = dict.fromkeys(BLUES, "BLUE") | dict.fromkeys(REDS, "RED")
RATES = {"EXEMPT": -1, "NONTAXABLE": -2}
"""Rates that are words, as records number them."""


def differences(invoice: InvoiceDocument, vkey: str | None = None) -> list[str]:
    """What is wrong with an invoice, a sentence each; empty where all fits.

    Args:
        invoice: as read from XML; its sums have been checked when it was made.
        vkey: the log's verifier key; without it the proof is compared with the invoice, not verified.
    """
    found = [f"the line {line.label}: tax is not what the rate gives" for line in invoice.lines if _off(line)]
    if not CODE.fullmatch(invoice.code) or not NUMBER.fullmatch(invoice.number):
        found.append("code or number has the wrong form")
    for role, party in (("seller", invoice.seller), ("buyer", invoice.buyer)):
        if party is not None and party.tax_id is not None:
            try:
                check_uscc(party.tax_id)
            except ValueError as error:
                found.append(f"the {role}'s tax id: {error}")
    if invoice.evidence is not None:
        found += _against_record(invoice, invoice.evidence.proof, vkey)
    return found


def _off(line: Line) -> bool:
    if isinstance(line.rate, str):
        return line.tax_fen != 0
    expected = (2 * abs(line.net_fen) * line.rate + 10_000) // 20_000
    return abs(abs(line.tax_fen) - expected) > 1


def _against_record(invoice: InvoiceDocument, proof: bytes, vkey: str | None) -> list[str]:
    try:
        record = cbor2.loads(proof)[1] if vkey is None else verify_proof(proof, vkey, [], 0)["record"]
        fields = decode_record(record)
    except (ValueError, TypeError, IndexError, KeyError, cbor2.CBORDecodeError) as error:
        return [f"the proof does not hold: {error}"]
    found = [name for name in SAME_AS_RECORDED if fields.get(name) != getattr(invoice, name)]
    fitting = {
        "kind": KINDS.get(fields["kind"]) == invoice.kind,
        "seller": fields.get("seller") == invoice.seller.tax_id,
        "number": f"{fields.get('number', 0):08d}" == invoice.number,
        "hash": leaf_hash(record) == invoice.hash,
        "buyer": _same_buyer(fields, invoice),
        "original": _same_original(fields, invoice),
        "lines": _same_lines(fields, invoice),
    }
    found += [name for name, fits in fitting.items() if not fits]
    return [f"the proven record has another {name}" for name in found]


def _same_buyer(fields: dict[str, Any], invoice: InvoiceDocument) -> bool:
    """Whether a claimed invoice names this buyer. A red letter has its original's; a kind 1 has none."""
    if fields["kind"] != "CLAIMED":
        return invoice.kind == "RED" or invoice.buyer is None
    buyer = invoice.buyer
    named = (buyer.tax_id, buyer.title) if buyer else (None, None)
    return named == (fields["buyer_tax_id"], fields["title"])


def _same_original(fields: dict[str, Any], invoice: InvoiceDocument) -> bool:
    if invoice.original is None:
        return True
    original = invoice.original
    named = (original.code, original.number, original.hash)
    recorded = (
        fields.get("original_code"),
        f"{fields.get('original_number', 0):08d}",
        fields.get("original_hash"),
    )
    return named == recorded and fields.get("reason", original.reason) == original.reason


def _same_lines(fields: dict[str, Any], invoice: InvoiceDocument) -> bool:
    """Whether a claimed invoice's lines are those that it commits to.

    A red letter commits also to what remains of each line, which no document shows.
    """
    if fields["kind"] != "CLAIMED":
        return True
    lines = [
        [
            line.tax_code,
            RATES[line.rate] if isinstance(line.rate, str) else line.rate,
            line.quantity,
            line.net_fen,
            line.tax_fen,
            line.total_fen,
        ]
        for line in invoice.lines
    ]
    return bool(merkle_root([cbor2.dumps(line) for line in lines]) == fields["lines_root"])
