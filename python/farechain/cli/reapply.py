"""``farechain reapply``: after a restore of the private store, erases again who was erased since."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from farechain.cli.arguments import config_argument, settings_of, show

if TYPE_CHECKING:
    from farechain.private.subjects import Erasure

HELP = "After a restore of the private store, erase again who was erased since the backup was made."
FROM_STDIN = "-"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    config_argument(parser)
    parser.add_argument(
        "file", metavar="FILE", help="what `farechain erase --list` printed; - for standard input"
    )


def run(args: argparse.Namespace) -> int:
    """Runs the verb. The whole list is read before anything is erased; doing it twice changes nothing."""
    from farechain.private.key_files import open_store

    settings = settings_of(args)
    erasures = read_erasures(args.file)
    with open_store(settings.private_store, settings.private.key_file) as store:
        before = len(store.erasures())
        entries = store.reapply(erasures)
        added = len(store.erasures()) - before
    text = f"{added} of {len(erasures)} erasures were not known here; {entries} texts and documents erased"
    show(args, {"erasures": len(erasures), "applied": added, "erased": entries}, text)
    return 0


def read_erasures(file: str) -> "list[Erasure]":
    """The erasures of a list. Raises ``FarechainError`` (``E_INPUT``) that names the line."""
    from farechain.errors import EXIT_USAGE, FarechainError

    try:
        text = sys.stdin.read() if file == FROM_STDIN else Path(file).read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise FarechainError("E_INPUT", f"cannot read {file}: {error}", EXIT_USAGE) from error
    return [_erasure(file, number, line) for number, line in enumerate(text.splitlines(), 1)]


def _erasure(file: str, number: int, line: str) -> "Erasure":
    from farechain.errors import EXIT_USAGE, FarechainError
    from farechain.private.subjects import Erasure

    try:
        fields = json.loads(line)
        erasure = Erasure(bytes.fromhex(fields.pop("subject")), fields.pop("at_ms"), fields.pop("entries"))
        numbers = type(erasure.at_ms) is int and type(erasure.entries) is int
        if fields or len(erasure.subject) != 32 or not numbers or not 0 <= erasure.entries < 2**53:
            raise ValueError
        if not abs(erasure.at_ms) < 2**53:
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        message = f"{file}: line {number} is no erasure of `farechain erase --list`; nothing was erased"
        raise FarechainError("E_INPUT", message, EXIT_USAGE) from error
    return erasure
