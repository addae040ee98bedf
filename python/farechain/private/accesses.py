"""Who looked at a person's data, when and why: rows chained by hash, so that none can go or change unseen.

A row's hash covers the hash before it; whoever keeps a head (the ledger, an auditor) can tell later whether
the rows up to it are still the same. Rows name commitments and case numbers, never a person.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from farechain import _core

_PURPOSE = re.compile(r"[!-~]([ -~]{0,62}[!-~])?")
_NAME = re.compile(r"[!-~]{1,64}")


class Officer(NamedTuple):
    """Who looks: tax id of the office, id of the token."""

    party: str
    token_id: str


@dataclass(frozen=True, slots=True)
class Access:
    """One look-up. ``number`` counts from 1 without gaps."""

    number: int
    at_ms: int
    by: Officer
    commitment: bytes
    purpose: str
    hash: bytes


class AccessHead(NamedTuple):
    """The number of a row and its hash; the number is also how many rows there are up to it."""

    number: int
    hash: bytes


EMPTY_HEAD = AccessHead(0, bytes(32))
"""Before the first row."""


def check_purpose(purpose: str) -> None:
    """Raises ``ValueError`` unless it can be a case number: 1-64 printable ASCII characters."""
    if not _PURPOSE.fullmatch(purpose):
        raise ValueError("a purpose is a case number: 1-64 printable ASCII characters")


def append(
    connection: sqlite3.Connection, at_ms: int, by: Officer, commitment: bytes, purpose: str
) -> Access:
    """Adds a row to an open transaction. Raises ``ValueError`` for a purpose or officer of the wrong form."""
    check_purpose(purpose)
    if not (_NAME.fullmatch(by.party) and _NAME.fullmatch(by.token_id)):
        raise ValueError("an officer has a party and a token id of 1-64 visible ASCII characters")
    last = connection.execute("SELECT number, hash FROM accesses ORDER BY number DESC LIMIT 1").fetchone()
    number, previous = (last[0] + 1, last[1]) if last else (1, EMPTY_HEAD.hash)
    row = Access(number, at_ms, by, commitment, purpose, b"")
    row = Access(number, at_ms, by, commitment, purpose, chained(previous, row))
    connection.execute(
        "INSERT INTO accesses VALUES (?, ?, ?, ?, ?, ?, ?)",
        (number, at_ms, by.party, by.token_id, commitment, purpose, row.hash),
    )
    return row


def chained(previous: bytes, row: Access) -> bytes:
    """A row's hash: ``identity("ACCESS", previous, number, at_ms, party, token id, commitment, purpose)``."""
    return _core.identity(
        [
            b"ACCESS",
            previous,
            row.number.to_bytes(8, "big"),
            row.at_ms.to_bytes(8, "big", signed=True),
            row.by.party.encode(),
            row.by.token_id.encode(),
            row.commitment,
            row.purpose.encode(),
        ]
    )


def rows_of(found: Iterable[tuple[int, int, str, str, bytes, str, bytes]]) -> Iterator[Access]:
    """Rows of the table as values."""
    for number, at_ms, party, token_id, commitment, purpose, digest in found:
        yield Access(number, at_ms, Officer(party, token_id), commitment, purpose, digest)


def first_broken(rows: Iterable[Access], head: AccessHead = EMPTY_HEAD) -> int | None:
    """The number of the first row that does not follow from those before it; None where all do.

    ``head`` is what stood before the first of the rows.
    """
    number, previous = head
    for row in rows:
        number += 1
        if row.number != number or row.hash != chained(previous, row):
            return number
        previous = row.hash
    return None
