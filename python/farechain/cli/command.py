"""``farechain command``: signs one command from JSON data and gives it over HTTP."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from farechain.cli.arguments import show
from farechain.errors import EXIT_USAGE, FarechainError

HELP = "Sign a command and give it to a service over HTTP; prints what became of it, or what is allowed."
FILE_BYTES_MAX = 64 * 1024


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    parser.add_argument(
        "file", metavar="FILE", help="the command as JSON, `kind` and its members; - for standard input"
    )
    parser.add_argument("--key", type=Path, required=True, metavar="SEED", help="file with the signer's key")
    parser.add_argument(
        "--url",
        required=True,
        help="the service, as http://127.0.0.1:8800; an owner and its standbys with commas",
    )
    parser.add_argument(
        "--network",
        default="shenzhen",
        help="the network that is signed for, where FILE names none (default: shenzhen)",
    )
    parser.add_argument(
        "--id", help="the command's id, where FILE names none; the same id and content is done once"
    )


def run(args: argparse.Namespace) -> int:
    """Runs the verb. A refusal is exit code 3, a service that is away 4."""
    import asyncio

    from farechain.http_client import HttpClient
    from farechain.keys import read_key
    from farechain.party import Party

    order = _order(args.file)
    network = str(order.pop("network", args.network))
    command_id = order.pop("command_id", args.id)
    signer = Party(tax_id="", seed=read_key(args.key), network=network, source="farechain command")
    command = signer.command(order, None if command_id is None else str(command_id))

    async def sent() -> dict[str, Any]:
        async with HttpClient(args.url) as client:
            return await client.send(command)

    try:
        answer = asyncio.run(sent())
    except FarechainError as error:
        if error.code != "E_UNAVAILABLE":
            raise
        message = f"{error.message} (--id {command.key.decode()})"
        raise FarechainError(error.code, message, error.exit_code) from error
    show(args, {"command_id": command.key.decode(), **answer}, _text(answer))
    return 0


def _order(file: str) -> dict[str, Any]:
    try:
        if file == "-":
            text = sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
        else:
            with Path(file).open("rb") as opened:
                text = opened.read(FILE_BYTES_MAX + 1)
        if len(text) > FILE_BYTES_MAX:
            raise FarechainError("E_SIZE", f"{file} has more than {FILE_BYTES_MAX} bytes", EXIT_USAGE)
        order = json.loads(text)
    except OSError as error:
        raise FarechainError("E_INPUT", f"cannot read {file}: {error.strerror}", EXIT_USAGE) from error
    except (ValueError, RecursionError) as error:
        raise FarechainError("E_INPUT", f"{file} is not JSON: {error}", EXIT_USAGE) from error
    if not isinstance(order, dict) or not isinstance(order.get("kind"), str):
        raise FarechainError("E_INPUT", f"{file} is no object with a `kind`", EXIT_USAGE)
    return order


def _text(answer: dict[str, Any]) -> str:
    """A line for the command, and one for each invoice that it moved or made."""
    again = ", recorded before" if answer["duplicate"] else ""
    lines = [f"{answer['verdict']} in block {answer['height']}{again}"]
    for invoice in answer["invoices"]:
        standing = invoice["standing"]
        axes = " ".join(str(standing[axis]) for axis in ("fiscal", "claim", "use"))
        frozen = " FROZEN" if standing["frozen"] else ""
        lines.append(
            f"{invoice['code']}-{invoice['number']}: {axes}{frozen}, {standing['remaining_fen']} fen; "
            f"allowed now: {', '.join(invoice['allowed']) or 'nothing'}"
        )
    return "\n".join(lines)
