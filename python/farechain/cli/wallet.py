"""``farechain wallet``: hands in passengers' trips, and makes a presentation with a passenger's own key."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING

from farechain.cli.arguments import config_argument, settings_of, show
from farechain.errors import EXIT_CHECK_FAILED, EXIT_REFUSED, EXIT_USAGE, FarechainError

if TYPE_CHECKING:
    from farechain.wallet.rows import TripRow
    from farechain.wallet.wallet import Wallet

HELP = "Tell the pages which payments are whose; present an invoice with one's own key."
LINE_BYTES_MAX = 1024
FROM_STDIN = "-"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of this verb."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    add = actions.add_parser("add", help="keep trips in the private store: one JSON object a line")
    config_argument(add)
    add.add_argument(
        "file",
        metavar="FILE",
        help='lines of {"holder", "seller", "channel", "txn_id", "opening"}; - for standard input',
    )
    present = actions.add_parser("present", help="sign a presentation: the text for the company's clerk")
    present.add_argument("invoice", metavar="CODE-NUMBER")
    present.add_argument("reimburser", metavar="TAX-ID", help="the company that it is presented to")
    present.add_argument("claim_id", metavar="CLAIM", help="the company's claim number")
    present.add_argument("--key", type=Path, required=True, metavar="SEED", help="file with the holder's key")
    for action, does in ((add, _add), (present, _present)):
        action.set_defaults(run=run, does=does)


def run(args: argparse.Namespace) -> int:
    """Runs the verb. Exit code 1 where a line was not kept; the others are."""
    code: int = args.does(args)
    return code


def _add(args: argparse.Namespace) -> int:
    from farechain import keys
    from farechain.private.store import Store
    from farechain.service import opening
    from farechain.wallet.wallet import Wallet

    settings = settings_of(args)
    ledger = opening.open_ledger(settings, readonly=True)
    try:
        with Store.open(settings.private_store, keys.read_key(settings.private.key_file)) as store:
            kept, refused = _kept(Wallet(store, ledger), _lines(args.file))
    finally:
        ledger.close()
    show(args, {"kept": kept, "refused": refused}, f"kept {kept} trips, refused {refused}")
    return EXIT_CHECK_FAILED if refused else 0


def _kept(wallet: "Wallet", lines: Iterator[tuple[int, bytes]]) -> tuple[int, int]:
    """Keeps them in the order in which they come; says on standard error which line was refused."""
    from farechain.wallet.rows import ROWS_MAX

    kept = refused = 0
    while part := list(islice(lines, ROWS_MAX)):
        rows: list[tuple[int, TripRow]] = []
        for number, line in part:
            try:
                rows.append((number, _row(line)))
            except FarechainError as error:
                refused += _told(number, error)
        done = _added(wallet, rows)
        kept, refused = kept + done, refused + len(rows) - done
    return kept, refused


def _added(wallet: "Wallet", rows: "list[tuple[int, TripRow]]") -> int:
    """How many were kept: all of them at once, or each for itself where one is refused."""

    try:
        return wallet.add([row for _number, row in rows]).kept
    except FarechainError as error:
        if len(rows) > 1 and error.exit_code == EXIT_REFUSED:
            return sum(_added(wallet, [one]) for one in rows)
        _told(rows[0][0], error)
        return 0


def _told(number: int, error: FarechainError) -> int:
    """One refused line; raises what is no refusal."""
    if error.exit_code != EXIT_REFUSED:
        raise error
    print(f"farechain: line {number}: {error.code}: {error.message}", file=sys.stderr)
    return 1


def _row(line: bytes) -> "TripRow":
    from pydantic import ValidationError

    from farechain.wallet.rows import TripRow

    try:
        return TripRow.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "line"
        raise FarechainError("E_INPUT", f"{where}: {first['msg']}") from None


def _lines(file: str) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers, the empty ones left out."""
    try:
        with nullcontext(sys.stdin.buffer) if file == FROM_STDIN else Path(file).open("rb") as opened:
            for number in count(1):
                line = opened.readline(LINE_BYTES_MAX + 1)
                if not line:
                    return
                if len(line) > LINE_BYTES_MAX:
                    message = f"line {number} has more than {LINE_BYTES_MAX} bytes; those before may be kept"
                    raise FarechainError("E_SIZE", message, EXIT_USAGE)
                if line.strip():
                    yield number, line
    except OSError as error:
        raise FarechainError("E_INPUT", f"cannot read {file}: {error.strerror}", EXIT_USAGE) from error


def _present(args: argparse.Namespace) -> int:
    from farechain import presentation
    from farechain._core import check_uscc
    from farechain.keys import read_key
    from farechain.orders import Invoice
    from farechain.party import Party
    from farechain.presentation import Presentation

    try:
        invoice = Invoice.parse(args.invoice)
        check_uscc(args.reimburser)
        holder = Party(tax_id="", seed=read_key(args.key), network="")
        signature = holder.present(invoice, args.reimburser, args.claim_id)
        text = presentation.encode(Presentation(invoice, args.reimburser, args.claim_id, signature))
    except ValueError as error:
        raise FarechainError("E_USAGE", f"not CODE-NUMBER, tax id and claim: {error}", EXIT_USAGE) from error
    show(args, {"presentation": text}, text)
    return 0
