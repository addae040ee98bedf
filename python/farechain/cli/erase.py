"""``farechain erase``: destroys what the private store keeps of a person."""

import argparse
import sys

from farechain.cli.arguments import config_argument, settings_of, show

HELP = "Destroy key, salts and texts of a person in the private store; every proof stays valid."
FROM_STDIN = "-"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    config_argument(parser)
    parser.add_argument(
        "subject",
        metavar="SUBJECT",
        help="the id under which the texts were given; - reads it from standard input, unseen by others",
    )


def run(args: argparse.Namespace) -> int:
    """Runs the verb. The id is not repeated: what is printed may be kept."""
    from farechain import keys
    from farechain.errors import EXIT_CHECK_FAILED, EXIT_USAGE, FarechainError
    from farechain.private.store import Store
    from farechain.private.subjects import SUBJECT_BYTES_MAX

    settings = settings_of(args)
    subject = sys.stdin.readline().rstrip("\r\n") if args.subject == FROM_STDIN else args.subject
    if not 1 <= len(subject.encode(errors="replace")) <= SUBJECT_BYTES_MAX:
        message = f"a subject's id has 1-{SUBJECT_BYTES_MAX} bytes; see `farechain erase --help`"
        raise FarechainError("E_USAGE", message, EXIT_USAGE)
    with Store.open(settings.private_store, keys.read_key(settings.private.key_file)) as store:
        entries = store.erase(subject)
    if not entries:
        message = "nothing is kept under this id: erased before, or never given"
        raise FarechainError("E_SUBJECT_UNKNOWN", message, EXIT_CHECK_FAILED)
    what = "1 text" if entries == 1 else f"{entries} texts"
    show(args, {"erased": entries}, f"erased {what} with key and salts; what the ledger has stays provable")
    return 0
