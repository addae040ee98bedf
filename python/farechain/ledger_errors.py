"""What the ledger says, as the operator's one line with an exit code."""

from farechain._core import LedgerError
from farechain.errors import EXIT_REFUSED, EXIT_UNAVAILABLE, EXIT_USAGE, FarechainError

FAILURES = {
    "missing": ("E_LEDGER_MISSING", EXIT_USAGE),
    "exists": ("E_LEDGER_EXISTS", EXIT_REFUSED),
    "locked": ("E_LOCKED", EXIT_UNAVAILABLE),
    "conflict": ("E_CONFLICT", EXIT_REFUSED),
    "poisoned": ("E_POISONED", EXIT_UNAVAILABLE),
    "io": ("E_IO", EXIT_UNAVAILABLE),
    "corrupt": ("E_CORRUPT", EXIT_REFUSED),
    "format": ("E_FORMAT", EXIT_REFUSED),
    "batch": ("E_BATCH", EXIT_REFUSED),
    "rollback": ("E_ROLLBACK", EXIT_REFUSED),
    "invalid": ("E_INVALID", EXIT_USAGE),
    "replica": ("E_REPLICA", EXIT_UNAVAILABLE),
    "archive": ("E_ARCHIVE", EXIT_UNAVAILABLE),
}


def as_failure(error: LedgerError) -> FarechainError:
    """The error with the code and exit code of its kind."""
    kind, message = error.args
    code, exit_code = FAILURES.get(kind, ("E_LEDGER", EXIT_REFUSED))
    return FarechainError(code, str(message), exit_code)
