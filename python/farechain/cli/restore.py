"""``farechain restore``: puts a backup back into an empty directory, or confirms one put back."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farechain.cli.arguments import config_argument, settings_of, show
from farechain.cli.backup import plain_http_argument

if TYPE_CHECKING:
    from farechain.backup.restoring import Erasures

HELP = (
    "Restore a backup into an empty directory; it seals nothing until it is known to be the newest history."
)
NOTE_BYTES_MAX = 64 * 1024
HTTP_TIMEOUT_S = 10.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    config_argument(parser)
    parser.add_argument(
        "words",
        nargs="+",
        metavar="TARGET DIR|confirm DIR",
        help="restore TARGET into DIR; or confirm a restored ledger in DIR, with one of the last two options",
    )
    parser.add_argument("--backup", type=int, metavar="NUMBER", help="this one (default: the latest)")
    private = parser.add_mutually_exclusive_group()
    private.add_argument(
        "--erasures",
        metavar="FILE",
        help="what `farechain erase --list` printed last; who is on it is erased again",
    )
    private.add_argument(
        "--no-erasures-since", action="store_true", help="state that nobody was erased since the backup"
    )
    private.add_argument(
        "--without-private", action="store_true", help="leave titles, names and wallets out, for good"
    )
    parser.add_argument(
        "--replica",
        type=Path,
        metavar="DIR",
        help="take the blocks behind the backup from this copy of the log",
    )
    plain_http_argument(parser)
    known = parser.add_mutually_exclusive_group()
    known.add_argument(
        "--known-checkpoint",
        metavar="FILE|URL",
        help="the highest checkpoint of this log that anybody has: the published one, or a proof's",
    )
    known.add_argument(
        "--none-beyond",
        action="store_true",
        help="state that nobody has a later checkpoint than the backup; if one has, the new blocks are "
        "a fork that witnesses refuse for ever",
    )


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    from farechain.errors import EXIT_USAGE, FarechainError

    if len(args.words) != 2:
        message = "say TARGET DIR, or confirm DIR; see `farechain restore --help`"
        raise FarechainError("E_USAGE", message, EXIT_USAGE)
    if args.words[0] == "confirm":
        return _confirm(args, Path(args.words[1]))
    return _restore(args, Path(args.words[1]))


def _restore(args: argparse.Namespace, place: Path) -> int:
    from farechain.backup import manifest
    from farechain.backup.making import PRIVATE
    from farechain.backup.restoring import restore
    from farechain.backup.target import open_target

    target = open_target(args.words[0], plain_http=args.plain_http)
    wanted = manifest.find(target, args.backup)
    put = restore(
        target,
        wanted,
        place,
        _private(args, there=wanted.file(PRIVATE) is not None),
        known=_known(args, wanted.keys.get("log", "")),
        none_beyond=args.none_beyond,
        replica=args.replica,
    )
    text = (
        f"backup {wanted.number} is in {place}: {put.blocks} blocks; {put.erased} texts erased again\n"
        "tokens that were revoked since are valid again: `farechain tokens ls`, then revoke them\n"
        "now `farechain audit`, then start the service: it seals nothing until the newest checkpoint is known"
    )
    show(
        args, {"number": wanted.number, "blocks": put.blocks, "bytes": put.bytes, "erased": put.erased}, text
    )
    return 0


def _private(args: argparse.Namespace, *, there: bool) -> "Erasures | None":
    from farechain.backup.restoring import Erasures
    from farechain.cli.reapply import read_erasures
    from farechain.errors import EXIT_USAGE, FarechainError

    if args.without_private or not there:
        return None
    if args.erasures is None and not args.no_erasures_since:
        message = (
            "the backup has people's texts: give --erasures FILE (`farechain erase --list`), or state "
            "--no-erasures-since, or leave them out --without-private"
        )
        raise FarechainError("E_ERASURES", message, EXIT_USAGE)
    erasures = None if args.erasures is None else read_erasures(args.erasures)
    return Erasures(settings_of(args).private.key_file, erasures)


def _confirm(args: argparse.Namespace, place: Path) -> int:
    from dataclasses import replace

    from farechain.backup import mark
    from farechain.errors import EXIT_USAGE, FarechainError

    if args.known_checkpoint is None and not args.none_beyond:
        message = "give --known-checkpoint FILE|URL, or state --none-beyond"
        raise FarechainError("E_USAGE", message, EXIT_USAGE)
    restored = mark.read_restored(place / "state")
    if restored is None:
        message = f"{place} is no restored ledger that waits to be confirmed; nothing was changed"
        raise FarechainError("E_RESTORED", message, EXIT_USAGE)
    vkey = place / "public" / "vkey"
    known = _known(args, vkey.read_text("utf-8").strip() if vkey.exists() else "")
    mark.write_restored(place / "state", replace(restored, known=known, none_beyond=args.none_beyond))
    show(args, {"confirmed": True}, "the service, running or when it starts, compares and goes on")
    return 0


def _known(args: argparse.Namespace, vkey: str) -> str:
    """The note that was named, its signature by the log compared; empty where none was."""
    from farechain._core import open_note
    from farechain.errors import EXIT_USAGE, FarechainError

    if args.known_checkpoint is None:
        return ""
    note = _fetched(args.known_checkpoint)
    try:
        open_note(note, [vkey])
    except ValueError as error:
        message = f"{args.known_checkpoint} is no checkpoint of this log: {error}"
        raise FarechainError("E_INPUT", message, EXIT_USAGE) from error
    return note


def _fetched(place: str) -> str:
    from farechain.errors import EXIT_USAGE, FarechainError

    try:
        content: Any = _over_http(place) if place.startswith(("http://", "https://")) else _from_file(place)
        return str(content, "utf-8")
    except (OSError, ValueError) as error:
        raise FarechainError("E_INPUT", f"cannot read {place}: {error}", EXIT_USAGE) from error


def _from_file(place: str) -> bytes:
    with Path(place).open("rb") as file:
        return file.read(NOTE_BYTES_MAX)


def _over_http(place: str) -> bytes:
    import httpx

    try:
        with httpx.stream("GET", place, timeout=HTTP_TIMEOUT_S, follow_redirects=False) as answer:
            answer.raise_for_status()
            content = b""
            for chunk in answer.iter_bytes():
                content += chunk
                if len(content) > NOTE_BYTES_MAX:
                    raise ValueError("larger than a checkpoint is")
            return content
    except httpx.HTTPError as error:
        raise ValueError(str(error)) from error
