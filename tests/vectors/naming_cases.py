"""Invoice codes, the identities of an input's records, and what a holder signs to present an invoice."""

from itertools import islice

from reference import cbor, ed25519, events
from reference.command_invoice import invoice_code
from reference.errors import Rejected
from reference.inputs import PRESENT_TYPE, pae
from reference.order import identities_of

from .lifecycle_cases import CLAIM_ID_MAX
from .record_cases import ALL_DIGITAL, CODE, NUMBER_MAX, Cases, digest


def part_cases() -> Cases:
    """Identities of the records of one input, by its own."""
    for occupied in (digest("occupied"), bytes(32)):
        parts = [one.hex() for one in islice(identities_of(occupied), 128)]
        yield {"occupied": occupied.hex(), "identities": parts}


def presentation_cases() -> Cases:
    """What a holder signs to present an invoice to a reimburser for a claim."""
    for name, code, number, tax_id, claim_id in [
        ("usual", CODE, 1, events.BUYER, "EXP-2026-03/17"),
        ("another claim", CODE, 1, events.BUYER, "EXP-2026-03/18"),
        ("another reimburser", CODE, 1, events.OTHER_BUYER, "EXP-2026-03/17"),
        ("another number", CODE, 2, events.BUYER, "EXP-2026-03/17"),
        ("the longest", ALL_DIGITAL, NUMBER_MAX, events.BUYER, CLAIM_ID_MAX),
    ]:
        seed, says = digest("holder's seed"), cbor.encode([code, number, tax_id, claim_id])
        signed = pae(PRESENT_TYPE, says)
        yield {
            "name": name,
            "seed": seed.hex(),
            "public_key": ed25519.public_key(seed).hex(),
            "code": code,
            "number": number,
            "reimburser": tax_id,
            "claim_id": claim_id,
            "signed": signed.hex(),
            "signature": ed25519.sign(seed, signed).hex(),
        }


def invoice_code_cases() -> Cases:
    """Invoice codes of twelve digits, those that begin all-digital numbers of twenty, and what is no code."""
    codes = ["144032609110", "111002109990", "199999999990", "264400000001", ALL_DIGITAL, "200000000000"]
    codes += ["999999999999", "264300000001", "264510000001"]
    codes += ["", "144032609111", "144032601110", "14403260911", "1440326091100", "164400000001"]
    codes += [
        "064400000001",
        "26440000000",
        "2644000000012",
        "26440000000x",
        "２６４４００００００01",
        " 26440000000",
    ]
    for code in codes:
        try:
            invoice_code(code)
        except Rejected as rejected:
            yield {"code": code, "refused": rejected.code}
        else:
            all_digital = not code.startswith("1")
            begins = code[2:4] if all_digital else code[1:5]
            regions = [region for region in ("4403", "4401", "1100") if region.startswith(begins)]
            yield {"code": code, "all_digital": all_digital, "regions": regions}
