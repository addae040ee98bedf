"""The command line: a module a verb, one line an error; exit codes as ``farechain.errors`` has them.

A verb's module has ``HELP``, ``arguments(parser)`` and ``run(args) -> int``; only the module of the verb that
is called is imported, so that a verb starts fast.
"""

import argparse
import importlib
import json
import logging
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from farechain.errors import EXIT_UNAVAILABLE, EXIT_USAGE, FarechainError

try:
    from farechain._core import VERSION, LedgerError
except ValueError as refused:  # FARECHAIN_INSTRUCTIONS asks for what this processor lacks
    print(f"farechain: E_USAGE: {refused}", file=sys.stderr)
    sys.exit(EXIT_USAGE)
from farechain.ledger_errors import as_failure

VERBS = (
    "init",
    "serve",
    "ingest",
    "api",
    "witness",
    "status",
    "generate",
    "adapt",
    "demo",
    "load",
    "broker",
    "command",
    "prove",
    "verify",
    "export",
    "audit",
    "reconcile",
    "replay",
    "dlq",
    "promise",
    "keys",
    "tokens",
    "wallet",
    "erase",
    "reapply",
    "private",
    "backup",
    "restore",
    "config",
)
"""Modules of this package, in the order of the help."""
EXIT_INTERRUPTED = 130
"""What shells expect of a process that ends by Ctrl-C."""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes are one line like all others."""

    def error(self, message: str) -> NoReturn:
        raise FarechainError("E_USAGE", f"{message}; see `{self.prog} --help`", EXIT_USAGE)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    wants_json = "--json" in words
    # Without a handler Python prints libraries' complaints itself; a verb that wants log lines sets its own.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        args = _parser(words).parse_args(words)
        code: int = args.run(args)
        sys.stdout.flush()
    except FarechainError as error:
        return _fail(error, wants_json)
    except LedgerError as error:
        return _fail(as_failure(error), wants_json)
    except BrokenPipeError:
        # Whoever read the output has left; Python must not complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_UNAVAILABLE
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _fail(
            FarechainError("E_IO", f"{place}{error.strerror or error}", EXIT_UNAVAILABLE), wants_json
        )
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return code


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="farechain",
        description="Signed payment events in, provable electronic invoices out.",
        epilog="Exit codes: 0 done, 1 the check failed, 2 wrong usage, 3 refused, 4 unavailable.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"farechain {VERSION}")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    called = [words[0]] if words and words[0] in VERBS else VERBS
    for name in called:
        module = _module(name)
        if module is None:
            continue
        verb = verbs.add_parser(name, help=module.HELP, description=module.HELP, allow_abbrev=False)
        module.arguments(verb)
        _add_json(verb)
    return parser


def _module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(f"farechain.cli.{name}")
    except ModuleNotFoundError as error:
        if error.name == f"farechain.cli.{name}":
            return None
        raise


def _add_json(parser: argparse.ArgumentParser) -> None:
    """Adds ``--json`` to a verb, or to each of its subcommands."""
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    targets = [each for action in nested for each in action.choices.values()] or [parser]
    for target in targets:
        target.add_argument("--json", action="store_true", help="print one JSON object on standard output")
        if target.get_default("run") is None:
            target.set_defaults(run=importlib.import_module(f"farechain.cli.{parser.prog.split()[-1]}").run)


def _fail(error: FarechainError, wants_json: bool) -> int:
    message = " ".join(error.message.split())
    print(f"farechain: {error.code}: {message}", file=sys.stderr)
    if wants_json:
        print(json.dumps({"ok": False, "code": error.code, "message": message, **error.details}))
    return error.exit_code
