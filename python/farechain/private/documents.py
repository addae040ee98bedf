"""Documents of a subject: what a person's wallet remembers, under that person's key, erased with it.

A document has a kind, which stands in the file, and a name, which does not: a row has its keyed hash under
the subject's key, so that neither a trip nor its payment can be read or tried out from the file.
"""

import hmac
import re
import sqlite3
from typing import NamedTuple

from farechain.errors import EXIT_REFUSED, FarechainError
from farechain.private.database import Database
from farechain.private.sealing import PADDED_BYTES, TamperedError, framed, seal, unseal

DOCUMENT_BYTES_MAX = 64 * 1024
NAME_BYTES_MAX = 256
DOCUMENTS_MAX = 100_000
"""Of one subject: fifty trips a day for five years; bounds what one person's reading costs."""
_KIND = re.compile(r"[A-Z][A-Z0-9_]{0,31}")


def check_kind(kind: str) -> None:
    """Raises ``ValueError`` unless it can be a kind: 1-32 of ``A-Z 0-9 _``, first a letter."""
    if not _KIND.fullmatch(kind):
        raise ValueError("a kind of documents has 1-32 of A-Z 0-9 _, first a letter")


def check(kind: str, name: bytes, document: bytes = b"") -> None:
    """Raises ``ValueError`` for a kind, name or document of the wrong form or length."""
    check_kind(kind)
    if not 1 <= len(name) <= NAME_BYTES_MAX:
        raise ValueError(f"a document's name has 1-{NAME_BYTES_MAX} bytes, not {len(name)}")
    if len(document) > DOCUMENT_BYTES_MAX:
        raise ValueError(f"a document has at most {DOCUMENT_BYTES_MAX} bytes, not {len(document)}")


class Shelf(NamedTuple):
    """A subject's documents of one kind: the subject's hash, its data key, the kind."""

    owner: bytes
    key: bytes
    kind: str


def keep(connection: sqlite3.Connection, shelf: Shelf, name: bytes, document: bytes) -> None:
    """Writes a document in an open transaction; one of the same kind and name is replaced where it stood.

    Raises:
        FarechainError: ``E_DOCUMENTS_FULL``: the subject has ``DOCUMENTS_MAX`` already.
    """
    owner, key, kind = shelf
    at = _place(shelf, name)
    sealed = seal(key, _packed(name, document), *_row(shelf, at))
    replaced = connection.execute(
        "UPDATE documents SET sealed = ? WHERE subject = ? AND kind = ? AND name = ?",
        (sealed, owner, kind, at),
    )
    if replaced.rowcount:
        return
    count = connection.execute("SELECT count(*) FROM documents WHERE subject = ?", (owner,)).fetchone()[0]
    if count >= DOCUMENTS_MAX:
        message = f"a person has {DOCUMENTS_MAX} documents at most: forget some"
        raise FarechainError("E_DOCUMENTS_FULL", message, EXIT_REFUSED)
    connection.execute(
        "INSERT INTO documents (subject, kind, name, sealed) VALUES (?, ?, ?, ?)", (owner, kind, at, sealed)
    )


def forget(connection: sqlite3.Connection, shelf: Shelf, name: bytes) -> bool:
    """Deletes a document in an open transaction; whether there was one."""
    return bool(
        connection.execute(
            "DELETE FROM documents WHERE subject = ? AND kind = ? AND name = ?",
            (shelf.owner, shelf.kind, _place(shelf, name)),
        ).rowcount
    )


def all_of(database: Database, shelf: Shelf) -> list[tuple[bytes, bytes]]:
    """(name, document) of all of a kind, in the order in which they were first kept.

    Raises:
        FarechainError: ``E_PRIVATE_STORE`` where one was altered.
    """
    rows = database.read(
        "SELECT name, sealed FROM documents WHERE subject = ? AND kind = ? ORDER BY number",
        shelf.owner,
        shelf.kind,
    )
    try:
        found = [(at, *_unpacked(unseal(shelf.key, sealed, *_row(shelf, at)))) for at, sealed in rows]
        if any(at != _place(shelf, name) for at, name, _document in found):
            raise TamperedError
    except TamperedError as error:
        raise database.damaged(f"a document of kind {shelf.kind} is not the one that was written") from error
    return [(name, document) for _at, name, document in found]


def _place(shelf: Shelf, name: bytes) -> bytes:
    return hmac.digest(shelf.key, framed((b"NAME", shelf.kind.encode(), name)), "sha256")


def _row(shelf: Shelf, at: bytes) -> tuple[bytes, ...]:
    """Where a document stands: nothing of another row opens there."""
    return b"DOCUMENT", shelf.owner, shelf.kind.encode(), at


def _packed(name: bytes, document: bytes) -> bytes:
    """Name and document, each with its u32 length before it, then zeros: lengths tell little."""
    plain = framed((name, document))
    return plain.ljust(-(-len(plain) // PADDED_BYTES) * PADDED_BYTES, b"\0")


def _unpacked(plain: bytes) -> tuple[bytes, bytes]:
    """Raises ``TamperedError`` for what ``_packed`` did not write."""
    middle = 4 + int.from_bytes(plain[:4], "big")
    end = middle + 4 + int.from_bytes(plain[middle : middle + 4], "big")
    name, document = plain[4:middle], plain[middle + 4 : end]
    if _packed(name, document) != plain:
        raise TamperedError
    return name, document
