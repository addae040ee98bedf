"""``farechain private``: the private store beside the ledger: attests, verifies, replaces its key."""

import argparse
from typing import TYPE_CHECKING

from farechain.cli import attesting
from farechain.cli.arguments import config_argument, settings_of, show

if TYPE_CHECKING:
    from farechain.config import Settings

HELP = "Attest erasures and look-ups on the ledger, verify them, or replace the private store's key."
BLOCKS_AT_ONCE = 1024


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    attest = actions.add_parser("attest", help="put erasures and the head of look-ups onto the ledger")
    attesting.arguments(attest)
    verify = actions.add_parser(
        "verify", help="check that erasures and look-ups are those that the ledger has; 1 if not"
    )
    verify.add_argument(
        "--kid",
        action="append",
        metavar="KID",
        help="count attestations of this key alone; may be repeated (default: anybody's)",
    )
    rotated = actions.add_parser("rotate-key", help="wrap every person's key under a new key")
    for name, action, run in (
        ("attest", attest, _attest),
        ("verify", verify, _verify),
        ("rotate-key", rotated, _rotate),
    ):
        action.set_defaults(run=run, action=name)
        config_argument(action)


def _attest(args: argparse.Namespace) -> int:
    from farechain.errors import EXIT_USAGE, FarechainError
    from farechain.private.key_files import open_store

    settings = settings_of(args)
    key_file = args.key or settings.private.attest_key_file
    if key_file is None:
        message = "name the key that attests: --key, or private.attest_key_file"
        raise FarechainError("E_USAGE", message, EXIT_USAGE)
    with open_store(settings.private_store, settings.private.key_file) as store:
        count = attesting.send_pending(store, settings, key_file, args.url)
    show(args, {"attested": count}, f"attested {count} on the ledger" if count else "nothing to attest")
    return 0


def _verify(args: argparse.Namespace) -> int:
    from farechain.errors import EXIT_CHECK_FAILED, FarechainError
    from farechain.private.accesses import EMPTY_HEAD
    from farechain.private.key_files import open_store

    settings = settings_of(args)
    erased, last = _attested(settings, set(args.kid) if args.kid else None)
    with open_store(settings.private_store, settings.private.key_file) as store:
        head = EMPTY_HEAD if last is None else store.access_of(last)
        if head is None:
            message = "the ledger's last head of look-ups is none of this store's: look-ups were cut off"
            raise FarechainError("E_ACCESS_CHAIN", message, EXIT_CHECK_FAILED)
        look_ups = store.verify_accesses(head)
        erasures = store.erasures()
    missing = [one for one in erasures if one.digest not in erased]
    if missing:
        message = f"{len(missing)} of {len(erasures)} erasures are not on the ledger: {attesting.later(args)}"
        raise FarechainError("E_NOT_ATTESTED", message, EXIT_CHECK_FAILED)
    result = {"erasures": len(erasures), "look_ups": look_ups, "attested_look_ups": head.number}
    text = (
        f"all {len(erasures)} erasures are on the ledger; {look_ups} look-ups are an unbroken chain, "
        f"{head.number} of them attested"
    )
    show(args, result, text)
    return 0


def _attested(settings: "Settings", kids: set[str] | None) -> tuple[set[bytes], bytes | None]:
    """The digests of erasures on the ledger, and of the last head of look-ups; of these keys alone."""
    from farechain.private.on_ledger import ACCESS, ERASURE
    from farechain.service.opening import open_ledger

    erased, last = set[bytes](), None
    ledger = open_ledger(settings, readonly=True)
    try:
        height = 0
        while height <= ledger.height:
            height, _titles, attestations = ledger.references(height, BLOCKS_AT_ONCE)
            for _height, _index, kid, subject, digest in attestations:
                if kids is not None and kid.hex() not in kids:
                    continue
                if subject == ERASURE:
                    erased.add(digest)
                elif subject == ACCESS:
                    last = digest
    finally:
        ledger.close()
    return erased, last


def _rotate(args: argparse.Namespace) -> int:
    from farechain.private.key_files import old_of, rotate

    settings = settings_of(args)
    key_file = settings.private.key_file
    count = rotate(settings.private_store, key_file)
    text = (
        f"{count} persons' keys are under the new key in {key_file}: start services again\n"
        f"the old one is in {old_of(key_file)}: backups from before need it; destroy it when they are gone"
    )
    show(args, {"rewrapped": count, "key_file": str(key_file), "old": str(old_of(key_file))}, text)
    return 0
