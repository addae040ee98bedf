"""What can go wrong, and what the caller then does: retry, reject, or stop."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

EXIT_CHECK_FAILED = 1
EXIT_USAGE = 2
EXIT_REFUSED = 3
EXIT_UNAVAILABLE = 4


class FarechainError(Exception):
    """Stops the command: one line for the operator that says what to change.

    Args:
        code: a stable ``E_*`` name for logs and JSON.
        message: one line, what is wrong and what to do.
        exit_code: 1 the check failed, 2 wrong usage, 3 refused by the ledger, 4 unavailable.
        details: further members of the object that ``--json`` prints.
    """

    def __init__(
        self,
        code: str,
        message: str,
        exit_code: int = EXIT_REFUSED,
        details: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.exit_code = exit_code
        self.details = details
