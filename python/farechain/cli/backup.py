"""``farechain backup``: copies a ledger while it runs; lists and verifies the copies."""

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from farechain.cli.arguments import config_argument, settings_of, show

if TYPE_CHECKING:
    from farechain.backup.manifest import Manifest
    from farechain.config import Settings

HELP = "Back up a running ledger to a directory or s3://bucket/prefix: what is new since the last backup."
ACTIONS = ("ls", "verify")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    config_argument(parser)
    parser.add_argument(
        "words",
        nargs="+",
        metavar="[ls|verify] TARGET",
        help="back up to TARGET, or list its backups, or read and compare every object of one",
    )
    parser.add_argument(
        "--keep", type=int, metavar="N", help="keep the latest N backups, remove what only older ones need"
    )
    parser.add_argument(
        "--backup", type=int, metavar="NUMBER", help="for verify: this one (default: the latest)"
    )
    plain_http_argument(parser)


def plain_http_argument(parser: argparse.ArgumentParser) -> None:
    """Adds ``--plain-http``."""
    parser.add_argument(
        "--plain-http",
        action="store_true",
        help="take an S3 endpoint without TLS that is not on this machine",
    )


def run(args: argparse.Namespace) -> int:
    """Runs the verb; exit code 1 where ``verify`` finds an object that is missing or changed."""
    from farechain.backup.target import open_target
    from farechain.errors import EXIT_USAGE, FarechainError

    action = args.words[0] if len(args.words) == 2 else "make"
    wrong_keep = args.keep is not None and (args.keep < 1 or action != "make")
    if len(args.words) > 2 or action not in (*ACTIONS, "make") or wrong_keep:
        message = "say TARGET, ls TARGET or verify TARGET; --keep is 1 or more; see `farechain backup --help`"
        raise FarechainError("E_USAGE", message, EXIT_USAGE)
    target = open_target(args.words[-1], plain_http=args.plain_http)
    actions = {"ls": _list, "verify": _verify, "make": _make}
    return actions[action](args, target)


def _make(args: argparse.Namespace, target: Any) -> int:
    from farechain.backup.making import back_up

    settings = settings_of(args)
    made = back_up(settings.ledger.path, target, settings.ledger.chain, _keys_of(settings), keep=args.keep)
    result = made.manifest.described() | {
        "new_objects": made.new_objects,
        "new_bytes": made.new_bytes,
        "removed_objects": made.removed_objects,
    }
    text = (
        f"backup {made.manifest.number}: {made.manifest.blocks} blocks, {_mb(made.manifest.total_bytes)}; "
        f"new are {made.new_objects} objects, {_mb(made.new_bytes)}\n"
        "no key file is in it: keep keys/ elsewhere, and `farechain erase --list` where this copy is not"
    )
    show(args, result, text)
    return 0


def _keys_of(settings: "Settings") -> dict[str, str]:
    """The public keys without which a copy cannot be checked, by what they are."""
    from farechain import keys
    from farechain.errors import FarechainError

    named = {f"witness {member.name}": member.vkey for member in settings.witnesses.members}
    try:
        named["bureau"] = keys.read_public_key(settings.ledger.bureau_key_file).hex()
    except FarechainError as error:
        print(f"farechain: the backup does not name the bureau's key: {error.message}", file=sys.stderr)
    return named


def _list(args: argparse.Namespace, target: Any) -> int:
    from farechain.backup import manifest

    listed = [manifest.read(target, name) for name in manifest.names(target)]
    lines = [_line(one) for one in listed] or ["no backup is there"]
    show(args, {"backups": [one.described() for one in listed]}, "\n".join(lines))
    return 0


def _line(one: "Manifest") -> str:
    made = datetime.fromtimestamp(one.made_ms / 1000, UTC)
    return (
        f"{one.number:8}  {made:%Y-%m-%d %H:%M:%S}Z  {one.chain}  {one.blocks} blocks  {_mb(one.total_bytes)}"
    )


def _verify(args: argparse.Namespace, target: Any) -> int:
    from farechain.backup import manifest
    from farechain.backup.restoring import verify
    from farechain.errors import EXIT_CHECK_FAILED, FarechainError

    checked = manifest.find(target, args.backup)
    wrong = verify(target, checked)
    if wrong:
        message = (
            f"backup {checked.number}: {len(wrong)} objects are missing or not what was written: {wrong[0]}"
        )
        raise FarechainError("E_BACKUP_DAMAGED", message, EXIT_CHECK_FAILED)
    count, size = len(checked.objects()), checked.total_bytes
    text = f"backup {checked.number}: {count} objects are what was written, {_mb(size)}"
    show(args, {"number": checked.number, "objects": count, "bytes": size}, text)
    return 0


def _mb(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
