"""Whether the blocks here are those of a checkpoint."""

import hashlib

from farechain import _core


def has_root(ledger: _core.Ledger, log: _core.PublicLog, size: int, root: bytes) -> bool:
    """Whether the first ``size`` entries of a log have this root.

    Args:
        ledger: the log's blocks.
        log: at least ``size`` entries of it are in tiles, at least 1.
        root: 32 bytes, of a checkpoint that was verified.
    """
    # Block 0 alone is a tree whose root is a leaf's hash, so a proof of consistency with it gives any other
    # root.
    first = hashlib.sha256(b"\0" + ledger.headers(0, 1)[0]).digest()
    if size == 1:
        return root == first
    try:
        _core.verify_consistency(1, first, size, root, log.consistency(1, size))
    except ValueError:
        return False
    return True
