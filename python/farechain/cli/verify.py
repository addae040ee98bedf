"""``farechain verify``: checks a proof with nothing but the file and the keys."""

import argparse
import time
from pathlib import Path
from typing import Any

from farechain.cli.arguments import show, verifier_key

HELP = "Verify a proof, offline: nothing is needed but the file and the log's verifier key."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a proof, JSON or compact")
    parser.add_argument(
        "--vkey", required=True, metavar="FILE|VKEY", help="the log's verifier key, or a file of it"
    )
    parser.add_argument(
        "--witness",
        action="append",
        default=[],
        metavar="FILE|VKEY",
        help="the verifier key of a witness to believe (repeatable); without, the log's key decides alone",
    )
    parser.add_argument(
        "--threshold", type=int, help="how many witnesses must have cosigned (default: all given)"
    )


def run(args: argparse.Namespace) -> int:
    """Runs the verb; exit code 1 where the proof does not hold."""
    from farechain import _core
    from farechain.errors import EXIT_CHECK_FAILED, FarechainError

    witnesses = [verifier_key(each) for each in args.witness]
    threshold = len(witnesses) if args.threshold is None else args.threshold
    proof = args.file.read_bytes()
    of_state = _core.is_state_proof(proof)
    verify = _core.verify_state_proof if of_state else _core.verify_proof
    try:
        proven = verify(proof, verifier_key(args.vkey), witnesses, threshold)
    except ValueError as error:
        raise FarechainError("E_PROOF", f"{args.file}: {error}", EXIT_CHECK_FAILED) from error
    show(args, proven, _told_state(proven) if of_state else _told(proven))
    return 0


def _told_state(proven: dict[str, Any]) -> str:
    if proven["payment"] is not None:
        whom = f"payment {proven['payment'].hex()}"
    else:
        code, number = proven["asked"]
        whom = f"invoice {code}-{number:08d}"
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(proven["header"]["time_ms"] / 1000))
    return (
        f"the proof holds: {whom} is {proven['words']}, "
        f"after block {proven['height']} of {proven['origin']}, "
        f"committed to in block {proven['header']['height']} at {when} "
        f"under its checkpoint of {proven['size']} blocks, cosigned by {_cosigners(proven)}"
    )


def _told(proven: dict[str, Any]) -> str:
    fields: dict[str, Any] = proven["fields"]
    what = (
        f"{fields['kind']} {fields['code']}-{fields['number']:08d}" if "number" in fields else fields["kind"]
    )
    return (
        f"the proof holds: {what} is in {proven['origin']} under its checkpoint of {proven['size']} blocks, "
        f"cosigned by {_cosigners(proven)}"
    )


def _cosigners(proven: dict[str, Any]) -> str:
    return ", ".join(proven["cosigners"]) or "no witness that was asked for"
