"""Encryption of the store: a key a subject, wrapped under the key-encryption key, and texts under it.

ChaCha20-Poly1305 with random nonces (RFC 8439): a key wraps far fewer than 2^32 messages. Each message is
bound to where it stands, so that a row's content opens in no other row.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from farechain.private.openings import SALT_BYTES, Opening

KEY_BYTES = 32
NONCE_BYTES = 12
PADDED_BYTES = 64
"""An opening is padded to a multiple of it, so that its length tells little of a name's."""


class TamperedError(Exception):
    """The bytes were not written under this key for this place."""


def new_key() -> bytes:
    """32 bytes of the system's randomness."""
    return secrets.token_bytes(KEY_BYTES)


def seal(key: bytes, message: bytes, *place: bytes) -> bytes:
    """Nonce, ciphertext and tag; ``place`` names where it will stand, as parts."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + ChaCha20Poly1305(key).encrypt(nonce, message, framed(place))


def unseal(key: bytes, sealed: bytes, *place: bytes) -> bytes:
    """The message. Raises ``TamperedError`` for another key, another place or altered bytes."""
    try:
        return ChaCha20Poly1305(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], framed(place))
    except (InvalidTag, ValueError) as error:
        raise TamperedError from error


def packed(opening: Opening) -> bytes:
    """Salt, u16 length of the text in UTF-8, text, zeros."""
    text = opening.text.encode()
    plain = opening.salt + len(text).to_bytes(2, "big") + text
    return plain.ljust(-(-len(plain) // PADDED_BYTES) * PADDED_BYTES, b"\0")


def unpacked(plain: bytes) -> Opening:
    """The opening. Raises ``TamperedError`` for what ``packed`` did not write."""
    end = SALT_BYTES + 2 + int.from_bytes(plain[SALT_BYTES : SALT_BYTES + 2], "big")
    try:
        opening = Opening(plain[:SALT_BYTES], plain[SALT_BYTES + 2 : end].decode())
    except UnicodeDecodeError as error:
        raise TamperedError from error
    if packed(opening) != plain:
        raise TamperedError
    return opening


def framed(parts: tuple[bytes, ...]) -> bytes:
    """The parts, each with its u32 length before it: one spelling for one sequence."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
