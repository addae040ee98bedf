"""``farechain verify``: checks a proof with nothing but the file and the keys."""

import argparse
from pathlib import Path
from typing import Any

from farechain.cli.arguments import show

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

    witnesses = [_vkey(each) for each in args.witness]
    threshold = len(witnesses) if args.threshold is None else args.threshold
    proof = args.file.read_bytes()
    try:
        proven = _core.verify_proof(proof, _vkey(args.vkey), witnesses, threshold)
    except ValueError as error:
        raise FarechainError("E_PROOF", f"{args.file}: {error}", EXIT_CHECK_FAILED) from error
    fields: dict[str, Any] = proven["fields"]
    what = (
        f"{fields['kind']} {fields['code']}-{fields['number']:08d}" if "number" in fields else fields["kind"]
    )
    text = (
        f"the proof holds: {what} is in {proven['origin']} under its checkpoint of {proven['size']} blocks, "
        f"cosigned by {', '.join(proven['cosigners']) or 'no witness that was asked for'}"
    )
    show(args, proven, text)
    return 0


def _vkey(text: str) -> str:
    path = Path(text)
    return path.read_text("utf-8").strip() if path.is_file() else text
