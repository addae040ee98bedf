"""``farechain prove``: the proof of an invoice, which needs no server afterwards."""

import argparse
import sys
from pathlib import Path
from typing import Any

from farechain.cli.arguments import config_argument, settings_of, show

HELP = "Write the proof of an invoice, or of where it or a payment stands."
HASH_DIGITS = 64
NUMBER_DIGITS = 8
CODE_DIGITS, ALL_DIGITAL_DIGITS = 12, 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    config_argument(parser)
    parser.add_argument(
        "invoice",
        metavar="NUMBER|HASH",
        help="144032619110-00000042, 42, 20 digits, or the 64 hex digits of its record's hash",
    )
    parser.add_argument(
        "--state",
        action="store_true",
        help="where it stands as of the latest commitment to current state; 64 hex digits name a payment",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the file; standard output if absent"
    )
    parser.add_argument(
        "--compact", action="store_true", help="the binary form, under 2 KiB for a day's ledger"
    )


def run(args: argparse.Namespace) -> int:
    """Runs the verb. Exit code 3 where there is no such invoice, 4 where it is not published yet."""
    if args.state:
        from farechain.cli.prove_state import run as run_state

        return run_state(args)
    from farechain import _core
    from farechain.service import opening

    settings = settings_of(args)
    ledger = opening.open_ledger(settings, readonly=True)
    try:
        found = find(ledger, args.invoice)
        witnesses = [member.vkey for member in settings.witnesses.members]
        proof = ledger.prove(found["height"], found["index"], str(settings.public_dir), witnesses)
    finally:
        ledger.close()
    data = proof if args.compact else _core.proof_to_json(proof)
    if args.output is None:
        sys.stdout.buffer.write(data)
        return 0
    args.output.write_bytes(data)
    fields = found["fields"]
    result = {
        "file": str(args.output),
        "bytes": len(data),
        "code": fields["code"],
        "number": f"{fields['number']:08d}",
        "check_code": found["check_code"],
        "hash": found["hash"].hex(),
        "vkey": (settings.public_dir / "vkey").read_text("utf-8").strip(),
    }
    show(args, result, f"proof of {result['code']}-{result['number']} in {args.output}, {len(data)} bytes")
    return 0


def find(ledger: Any, invoice: str) -> dict[str, Any]:
    """An invoice by what a person calls it. Raises ``FarechainError``: 2 if unclear, 3 if not there."""
    from farechain.errors import EXIT_REFUSED, EXIT_USAGE, FarechainError

    lower = invoice.lower()
    if len(lower) == HASH_DIGITS and all(digit in "0123456789abcdef" for digit in lower):
        found = ledger.invoice_by_hash(bytes.fromhex(lower))
    else:
        code, number = code_and_number(invoice)
        digits = number.isascii() and number.isdecimal() and len(number) <= NUMBER_DIGITS
        if not digits or (code and not code.isdecimal()):
            message = f"{invoice} is no invoice: give CODE-NUMBER, NUMBER, or the 64 hex digits of its hash"
            raise FarechainError("E_USAGE", message, EXIT_USAGE)
        codes = [code] if code else ledger.codes()
        matches = [match for each in codes if (match := ledger.invoice(each, int(number))) is not None]
        if len(matches) > 1:
            named = ", ".join(f"{match['fields']['code']}-{int(number):08d}" for match in matches)
            raise FarechainError("E_USAGE", f"several codes have this number, say which: {named}", EXIT_USAGE)
        found = matches[0] if matches else None
    if found is None:
        raise FarechainError("E_NOT_FOUND", f"no invoice {invoice} in this ledger", EXIT_REFUSED)
    result: dict[str, Any] = found
    return result


def code_and_number(text: str) -> tuple[str, str]:
    """The parts of CODE-NUMBER, NUMBER, or of the twenty digits of an all-digital invoice; checks nothing."""
    if len(text) == ALL_DIGITAL_DIGITS and text.isdecimal():
        return text[:CODE_DIGITS], text[CODE_DIGITS:]
    code, _, number = text.rpartition("-")
    return code, number
