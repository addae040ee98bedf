"""What does not fit together in an XML invoice that someone handed over: nothing in it is believed."""

import re

import cbor2

from farechain._core import check_uscc, decode_record, leaf_hash, verify_proof
from farechain.export.document import InvoiceDocument, Line

CODE = re.compile(r"1[0-9]{4}[0-9]{2}[0-9]9[0-9][0-9]0", re.ASCII)
NUMBER = re.compile(r"(?!0{8})[0-9]{8}", re.ASCII)
SAME_AS_RECORDED = ("code", "kind", "issued_at_ms", "net_fen", "tax_fen", "total_fen")


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
    if fields.get("seller") != invoice.seller.tax_id:
        found.append("seller")
    if f"{fields.get('number', 0):08d}" != invoice.number:
        found.append("number")
    if leaf_hash(record) != invoice.hash:
        found.append("hash")
    return [f"the proven record has another {name}" for name in found]
