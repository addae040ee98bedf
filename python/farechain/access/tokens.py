"""Tokens: issued once, checked on every call, revoked at any time.

``fct_<id>_<secret>``: 16 hex digits that may be told, 64 that may not. A secret has 256 random bits, so a
plain SHA-256 of it tells nothing. Safe to use from any thread; blocks for a file.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from farechain import _core
from farechain.access import token_file
from farechain.access.matrix import permits
from farechain.access.roles import Role, Verb
from farechain.access.token_file import TokenRow, Version
from farechain.errors import EXIT_CHECK_FAILED, EXIT_REFUSED, EXIT_USAGE, FarechainError

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
_BEARER = re.compile(r"(?i:bearer) fct_([0-9a-f]{16})_([0-9a-f]{64})")
_KID = re.compile(r"[0-9a-f]{32}")
_NOBODYS = "0" * 64
"""Compared with where no such token is, so that the answer takes as long."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: its party (a tax id; of a HOLDER a key id), role, token and when that ends."""

    party: str
    role: Role
    token_id: str
    expires_ms: int

    def may(self, verb: Verb, subject_party: str | None, acting_for: Collection[str] = ()) -> bool:
        """``permits`` for this caller."""
        return permits(self.role, verb, self.party, subject_party, acting_for)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token, whole, for the one time that it is shown; and what is kept of it."""

    token: str
    row: TokenRow

    def __repr__(self) -> str:
        return f"Issued({self.row.id})"


class Tokens:
    """The tokens of one file, which another process may change at any time.

    Raises:
        FarechainError: ``E_TOKENS`` from every method where the file cannot be trusted: let nobody in.
    """

    def __init__(self, path: Path, clock_ms: Callable[[], int] | None = None) -> None:
        self._path = path
        self._clock_ms = clock_ms or (lambda: time.time_ns() // 1_000_000)
        self._read: tuple[Version | None, Mapping[str, TokenRow]] = (None, {})

    def issue(self, party: str, role: Role, days: int, active_max: int, *, hours: int = 0) -> Issued:
        """Makes a token; it is durable when this returns.

        Args:
            party: tax id; of a HOLDER the key id (32 hex digits).
            days: until it expires, with ``hours``.
            active_max: how many may be active; beyond it ``E_TOKENS_FULL``. Of those that ended as many are
                listed, the latest.

        Raises:
            FarechainError: ``E_USAGE`` for a party of the wrong form or the role ANONYMOUS.
        """
        _check_party(party, role)
        now_ms = self._clock_ms()
        secret = secrets.token_hex(32)
        with token_file.replacing(self._path) as rows:
            if sum(row.state(now_ms) == "ACTIVE" for row in rows.values()) >= active_max:
                message = f"{active_max} tokens are active: revoke some, or raise access.tokens_max"
                raise FarechainError("E_TOKENS_FULL", message, EXIT_REFUSED)
            token_id = secrets.token_hex(8)
            while token_id in rows:
                token_id = secrets.token_hex(8)
            row = TokenRow(
                token_id, party, role, _digest(secret), now_ms, now_ms + days * DAY_MS + hours * HOUR_MS
            )
            rows[token_id] = row
            ended = [each.id for each in rows.values() if each.state(now_ms) != "ACTIVE"]
            for each in ended[:-active_max]:
                del rows[each]
        return Issued(f"fct_{token_id}_{secret}", row)

    def rows(self) -> list[TokenRow]:
        """All tokens ever issued, oldest first."""
        return list(token_file.read(self._path).values())

    def revoke(self, token_id: str) -> TokenRow:
        """Ends a token for every process that checks it. Again: changes nothing.

        Raises:
            FarechainError: ``E_TOKEN_UNKNOWN``.
        """
        with token_file.replacing(self._path) as rows:
            row = rows.get(token_id)
            if row is None:
                message = f"no token {token_id!r}: `farechain tokens ls` lists their ids"
                raise FarechainError("E_TOKEN_UNKNOWN", message, EXIT_CHECK_FAILED)
            if row.revoked_ms is None:
                row = rows[token_id] = replace(row, revoked_ms=self._clock_ms())
        return row

    def check(self, header_value: str | None) -> Caller | None:
        """Who shows this ``Authorization`` header; None for none, and for a token that is not good."""
        shown = _BEARER.fullmatch(header_value or "")
        if shown is None:
            return None
        row = self._current().get(shown[1])
        same = hmac.compare_digest(_digest(shown[2]), row.sha256 if row else _NOBODYS)
        if row is None or not same or row.state(self._clock_ms()) != "ACTIVE":
            return None
        return Caller(row.party, row.role, row.id, row.expires_ms)

    def _current(self) -> Mapping[str, TokenRow]:
        """What the file says now; read again only when it was replaced."""
        version, rows = self._read
        found = token_file.version_of(self._path)
        if found != version or found is None:
            rows = token_file.read(self._path)
            self._read = (found, rows)
        return rows


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _check_party(party: str, role: Role) -> None:
    try:
        if role is Role.ANONYMOUS:
            raise ValueError("the anonymous have no token")
        if role is not Role.HOLDER:
            _core.check_uscc(party)
        elif not _KID.fullmatch(party):
            raise ValueError("a HOLDER's party is a key id of 32 hex digits")
    except ValueError as error:
        raise FarechainError("E_USAGE", f"party {party!r} of a {role}: {error}", EXIT_USAGE) from error
