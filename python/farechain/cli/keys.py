"""``farechain keys``: makes a key file, and shows what may be told of one."""

import argparse
from pathlib import Path

from farechain.cli.arguments import show

HELP = "Make a key file, or show the public key, key id and verifier key of one."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    new = actions.add_parser("new", help="make a key file (mode 0600); never overwrites one")
    new.add_argument("file", type=Path)
    new.add_argument("--public", type=Path, metavar="FILE", help="write the public key there")
    new.set_defaults(run=run, action="new")
    shown = actions.add_parser("show", help="show what may be told of a key file")
    shown.add_argument("file", type=Path)
    shown.set_defaults(run=run, action="show")
    for each in (new, shown):
        each.add_argument("--name", help="name of the log or witness, for its verifier key")
        each.add_argument(
            "--witness", action="store_true", help="the verifier key is a witness's (cosignature/v1)"
        )


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    from farechain import _core, keys

    if args.action == "new":
        public_key = _core.public_key(keys.new_key(args.file))
        if args.public is not None:
            keys.write_public_key(args.public, public_key)
    else:
        public_key = _core.public_key(keys.read_key(args.file))
    result = {"public_key": public_key.hex(), "kid": _core.kid(public_key)}
    if args.name:
        form = _core.vkey_cosignature if args.witness else _core.vkey_ed25519
        result["vkey"] = form(args.name, public_key)
    show(args, result)
    return 0
