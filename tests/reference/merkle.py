"""Trees of the shape of RFC 6962, section 2.1, over suite 1 digests."""

from collections.abc import Sequence

from .digests import empty_root, leaf_hash, node_hash


def split(count: int) -> int:
    """The largest power of two below ``count`` (at least 2)."""
    return 1 << (count - 1).bit_length() - 1


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf data."""
    return _root([leaf_hash(leaf) for leaf in leaves]) if leaves else empty_root()


def _root(hashes: list[bytes]) -> bytes:
    if len(hashes) == 1:
        return hashes[0]
    left = split(len(hashes))
    return node_hash(_root(hashes[:left]), _root(hashes[left:]))


def path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The inclusion proof of a leaf (RFC 6962, section 2.1.1), lowest sibling first."""
    if len(leaves) == 1:
        return []
    left = split(len(leaves))
    if index < left:
        return [*path(leaves[:left], index), root(leaves[left:])]
    return [*path(leaves[left:], index - left), root(leaves[:left])]
