"""``farechain erase``: destroys what the private store keeps of a person, and has the ledger say so."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from farechain.cli import attesting
from farechain.cli.arguments import config_argument, settings_of, show

if TYPE_CHECKING:
    from farechain.private.store import Store

HELP = "Destroy key, salts, texts and documents of a person in the private store; every proof stays valid."
FROM_STDIN = "-"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    config_argument(parser)
    parser.add_argument(
        "subject",
        metavar="SUBJECT",
        nargs="?",
        help="the id under which the texts were given; - reads it from standard input, unseen by others",
    )
    parser.add_argument(
        "--list",
        action="store_true",
        help="erase nobody; print all erasures, to be kept where backups are not (`farechain reapply`)",
    )
    attesting.arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Runs the verb. The id is not repeated: what is printed may be kept."""
    from farechain.errors import EXIT_CHECK_FAILED, EXIT_USAGE, FarechainError
    from farechain.private.key_files import open_store
    from farechain.private.subjects import SUBJECT_BYTES_MAX

    settings = settings_of(args)
    if args.list == (args.subject is not None):
        message = "name a SUBJECT, or --list and no subject; see `farechain erase --help`"
        raise FarechainError("E_USAGE", message, EXIT_USAGE)
    if args.list:
        with open_store(settings.private_store, settings.private.key_file) as store:
            return _list(args, store)
    subject = sys.stdin.readline().rstrip("\r\n") if args.subject == FROM_STDIN else args.subject
    if not 1 <= len(subject.encode(errors="replace")) <= SUBJECT_BYTES_MAX:
        message = f"a subject's id has 1-{SUBJECT_BYTES_MAX} bytes; see `farechain erase --help`"
        raise FarechainError("E_USAGE", message, EXIT_USAGE)
    with open_store(settings.private_store, settings.private.key_file) as store:
        entries = store.erase(subject)
        if not entries:
            message = "nothing is kept under this id: erased before, or never given"
            raise FarechainError("E_SUBJECT_UNKNOWN", message, EXIT_CHECK_FAILED)
        digest = store.erasures()[-1].digest.hex()
        told, failure = _attested(args, store, digest)
    what = "1 text or document" if entries == 1 else f"{entries} texts and documents"
    text = f"erased {what} with key and salts; what the ledger has stays provable\n{told}"
    show(args, {"erased": entries, "digest": digest, "attested": failure == 0 and args.key is not None}, text)
    return failure


def _attested(args: argparse.Namespace, store: "Store", digest: str) -> tuple[str, int]:
    """What became of the attestation, and the exit code. The erasure is done whatever became of it."""
    from farechain.errors import FarechainError

    settings = settings_of(args)
    if args.key is not None:
        try:
            attesting.send_pending(store, settings, args.key, args.url)
        except FarechainError as error:
            waits = f"not attested yet ({error.code}: {error.message}); later: {attesting.later(args)}"
            return waits, error.exit_code
        return f"attested on the ledger: ERASURE {digest}", 0
    if settings.private.attest_key_file is not None:
        return f"the service attests it: ERASURE {digest}", 0
    return f"to be attested: ERASURE {digest}: {attesting.later(args)}", 0


def _list(args: argparse.Namespace, store: "Store") -> int:
    rows: list[dict[str, Any]] = [
        {"subject": one.subject.hex(), "at_ms": one.at_ms, "entries": one.entries} for one in store.erasures()
    ]
    if args.json:
        show(args, {"erasures": rows})
        return 0
    for row in rows:
        print(json.dumps(row))
    return 0
