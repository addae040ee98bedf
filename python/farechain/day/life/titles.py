"""Titles of invoices: commitments that commands sign, and the openings that never leave the private store."""

from dataclasses import dataclass
from hashlib import sha256

from farechain import _core


@dataclass(frozen=True, slots=True)
class TitleOpening:
    """What a commitment hides. ``subject`` may ask for its erasure: a holder's key id, an app's customer."""

    subject: str
    salt: bytes
    text: str


class Titles:
    """Commits to titles, each with a salt of its own: from a secret, so that a day can be made again."""

    def __init__(self, secret: bytes) -> None:
        self._prefix = b"farechain development salt|" + secret
        self.openings: list[TitleOpening] = []

    def commitment(self, subject: str, text: str) -> str:
        """The ``title`` of a command (``docs/format.md``, section 8), 64 hex digits."""
        salt = sha256(self._prefix + len(self.openings).to_bytes(4, "big")).digest()[:16]
        self.openings.append(TitleOpening(subject, salt, text))
        return _core.identity([b"TITLE", salt, text.encode()]).hex()
