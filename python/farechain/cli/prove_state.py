"""``farechain prove --state``: where a payment or an invoice stands, whether the ledger knows it or not."""

import argparse
import sys
from typing import Any

from farechain.cli.arguments import settings_of, show

HASH_DIGITS = 64


def run(args: argparse.Namespace) -> int:
    """Runs the verb. Exit code 4 where no commitment can be shown."""
    from farechain import _core
    from farechain.service import opening

    settings = settings_of(args)
    ledger = opening.open_ledger(settings, readonly=True)
    try:
        witnesses = [member.vkey for member in settings.witnesses.members]
        proof = _prove(ledger, args.invoice, str(settings.public_dir), witnesses)
    finally:
        ledger.close()
    data = proof if args.compact else _core.proof_to_json(proof)
    if args.output is None:
        sys.stdout.buffer.write(data)
        return 0
    args.output.write_bytes(data)
    vkey = (settings.public_dir / "vkey").read_text("utf-8").strip()
    proven = _core.verify_state_proof(data, vkey, [], 0)
    result = {"file": str(args.output), "bytes": len(data), "vkey": vkey} | {
        name: proven[name] for name in ("finding", "words", "height")
    }
    text = f"{args.invoice} after block {proven['height']}: {proven['words']}; proof in {args.output}"
    show(args, result, f"{text}, {len(data)} bytes")
    return 0


def _prove(ledger: Any, named: str, public: str, witnesses: list[str]) -> bytes:
    """The compact proof. Raises ``FarechainError``: 2 if unclear of whom, 4 if there is no commitment."""
    from farechain.cli.prove import code_and_number
    from farechain.errors import EXIT_UNAVAILABLE, EXIT_USAGE, FarechainError

    lower = named.lower()
    proof: bytes | None
    if len(lower) == HASH_DIGITS and all(digit in "0123456789abcdef" for digit in lower):
        proof = ledger.prove_payment_state(bytes.fromhex(lower), public, witnesses)
    else:
        code, number = code_and_number(named)
        codes = [code] if code else ledger.codes()
        if len(codes) != 1 or not (codes[0].isdecimal() and number.isascii() and number.isdecimal()):
            message = f"{named}: give CODE-NUMBER, or the 64 hex digits of a payment's identity"
            raise FarechainError("E_USAGE", message, EXIT_USAGE)
        proof = ledger.prove_invoice_state(codes[0], int(number), public, witnesses)
    if proof is None:
        message = (
            "no commitment to current state is under a published checkpoint: a running service makes one "
            "at the interval of its configuration; try again"
        )
        raise FarechainError("E_NOT_PUBLISHED", message, EXIT_UNAVAILABLE)
    return proof
