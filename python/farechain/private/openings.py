"""Openings: what a commitment on the ledger hides (docs/format.md, section 8).

The salt is the secret: a plate has a few million values, and without 128 fresh bits anyone could try them
all.
"""

import hmac
import secrets
from enum import StrEnum
from typing import NamedTuple

from farechain import _core

SALT_BYTES = 16
COMMITMENT_BYTES = 32


class Kind(StrEnum):
    """What a text is; part of what is committed to, so that a plate never opens a title."""

    TITLE = "TITLE"
    NAME = "NAME"
    PLATE = "PLATE"


class Opening(NamedTuple):
    """16 random bytes and the text."""

    salt: bytes
    text: str

    def __repr__(self) -> str:
        return "Opening(...)"


def fresh_salt() -> bytes:
    """16 bytes of the system's randomness; every text has its own."""
    return secrets.token_bytes(SALT_BYTES)


def commitment_of(kind: Kind, salt: bytes, text: str) -> bytes:
    """32 bytes: ``identity(kind, salt, text in UTF-8)``. Raises ``ValueError`` for another length of salt."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    return _core.identity([kind.encode(), salt, text.encode()])


def verify_opening(commitment: bytes, salt: bytes, text: str, kind: Kind = Kind.TITLE) -> bool:
    """Whether salt and text are what was committed to; for whoever was shown them, without the store."""
    try:
        return hmac.compare_digest(commitment, commitment_of(kind, salt, text))
    except ValueError:
        return False
