"""A transparency log of a few entries, as slow and obvious as RFC 6962 writes it, for tests of witnesses."""

import base64
import hashlib
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from farechain import _core


def root(entries: Sequence[bytes]) -> bytes:
    """RFC 6962, section 2.1."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    k = split(len(entries))
    return hashlib.sha256(b"\1" + root(entries[:k]) + root(entries[k:])).digest()


def split(n: int) -> int:
    """The largest power of two below ``n``."""
    return 1 << (n - 1).bit_length() - 1


def subproof(m: int, entries: Sequence[bytes], whole: bool) -> list[bytes]:
    """RFC 6962, section 2.1.2."""
    if m == len(entries):
        return [] if whole else [root(entries)]
    k = split(len(entries))
    if m <= k:
        return [*subproof(m, entries[:k], whole), root(entries[k:])]
    return [*subproof(m - k, entries[k:], False), root(entries[:k])]


class LittleLog:
    """Entries, and checkpoints over the first of them signed by the log's key."""

    def __init__(
        self, entries: Sequence[bytes], origin: str = "shenzhen/0", seed: bytes = b"\1" * 32
    ) -> None:
        self.entries = list(entries)
        self.origin = origin
        self.seed = seed
        self.vkey = _core.vkey_ed25519(origin, _core.public_key(seed))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the first ``old`` entries begin the first ``new``."""
        return subproof(old, self.entries[:new], True)

    def checkpoint(self, size: int) -> str:
        """The signed note for the first ``size`` entries."""
        body = f"{self.origin}\n{size}\n{base64.b64encode(root(self.entries[:size])).decode()}\n"
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(body.encode())
        key_id = bytes.fromhex(self.vkey.split("+")[1])
        return f"{body}\n— {self.origin} {base64.b64encode(key_id + signature).decode()}\n"

    def request(self, old: int, new: int) -> bytes:
        """The body of an ``add-checkpoint`` request."""
        proof = self.consistency(old, new) if old else []
        lines = "".join(base64.b64encode(node).decode() + "\n" for node in proof)
        return f"old {old}\n{lines}\n{self.checkpoint(new)}".encode()


def entries(count: int, branch: bytes = b"") -> list[bytes]:
    """``count`` different entries; another ``branch`` gives others."""
    return [b"entry %d" % number + branch for number in range(count)]
