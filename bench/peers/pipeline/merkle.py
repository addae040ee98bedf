"""A block's Merkle tree over SHA-256 (RFC 6962, section 2): root, path, and the check of a path."""

from hashlib import sha256


def leaf_hash(content: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\x00" + content).digest()


def _levels(leaves: list[bytes]) -> list[list[bytes]]:
    levels = [leaves]
    while len(levels[-1]) > 1:
        level = levels[-1]
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
        levels.append(above if len(level) % 2 == 0 else [*above, level[-1]])
    return levels


def root(leaves: list[bytes]) -> bytes:
    """The root over leaf hashes, at least one."""
    return _levels(leaves)[-1][0]


def path(leaves: list[bytes], index: int) -> list[tuple[bool, bytes]]:
    """The siblings from a leaf up to the root, each with whether it stands on the left."""
    siblings = []
    for level in _levels(leaves)[:-1]:
        other = index ^ 1
        if other < len(level):
            siblings.append((other < index, level[other]))
        index //= 2
    return siblings


def climbed(leaf: bytes, siblings: list[tuple[bool, bytes]]) -> bytes:
    """The root that a leaf hash and its path lead to."""
    for left, other in siblings:
        leaf = sha256(b"\x01" + (other + leaf if left else leaf + other)).digest()
    return leaf
