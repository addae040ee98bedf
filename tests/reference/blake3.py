"""BLAKE3 (the paper of 2020, section 2): the hash and its keyed mode, one compression after the other."""

import struct

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
COLUMNS_AND_DIAGONALS = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)
CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED_HASH = 1, 2, 4, 8, 16
BLOCK_BYTES, CHUNK_BYTES = 64, 1024
MASK = 0xFFFFFFFF

Words = tuple[int, ...]
Node = tuple[Words, Words, int, int, int]
"""A compression that waits to know whether it is the root: chaining value, block, counter, length, flags."""


def _schedule() -> tuple[tuple[int, ...], ...]:
    order = tuple(range(16))
    rounds = [order]
    for _ in range(6):
        order = tuple(order[place] for place in PERMUTATION)
        rounds.append(order)
    return tuple(rounds)


SCHEDULE = _schedule()
"""Which message word each of the seven rounds takes, in order."""


def compress(node: Node) -> list[int]:
    """The first eight words of the compression function (section 2.2)."""
    chain, block, counter, length, flags = node
    v = [*chain, *IV[:4], counter & MASK, counter >> 32, length, flags]
    for order in SCHEDULE:
        word = 0
        for a, b, c, d in COLUMNS_AND_DIAGONALS:
            va, vb, vc, vd = v[a], v[b], v[c], v[d]
            va = (va + vb + block[order[word]]) & MASK
            vd ^= va
            vd = (vd >> 16 | vd << 16) & MASK
            vc = (vc + vd) & MASK
            vb ^= vc
            vb = (vb >> 12 | vb << 20) & MASK
            va = (va + vb + block[order[word + 1]]) & MASK
            vd ^= va
            vd = (vd >> 8 | vd << 24) & MASK
            vc = (vc + vd) & MASK
            vb ^= vc
            v[a], v[b], v[c], v[d] = va, (vb >> 7 | vb << 25) & MASK, vc, vd
            word += 2
    return [v[i] ^ v[i + 8] for i in range(8)]


def blake3(data: bytes, key: bytes | None = None) -> bytes:
    """32 bytes of BLAKE3, keyed where a 32-byte key is given."""
    start = IV if key is None else struct.unpack("<8I", key)
    mode = 0 if key is None else KEYED_HASH
    chain, block, counter, length, flags = _tree(data, 0, start, mode)
    return struct.pack("<8I", *compress((chain, block, counter, length, flags | ROOT)))


def _tree(data: bytes, first_chunk: int, key: Words, mode: int) -> Node:
    """The node over some chunks; the left subtree takes the largest power of two that leaves a rest."""
    if len(data) <= CHUNK_BYTES:
        return _chunk(data, first_chunk, key, mode)
    chunks = (len(data) - 1) // CHUNK_BYTES
    left = 1 << (chunks.bit_length() - 1)
    parts = [
        compress(_tree(data[: left * CHUNK_BYTES], first_chunk, key, mode)),
        compress(_tree(data[left * CHUNK_BYTES :], first_chunk + left, key, mode)),
    ]
    return key, tuple(parts[0] + parts[1]), 0, BLOCK_BYTES, mode | PARENT


def _chunk(data: bytes, counter: int, key: Words, mode: int) -> Node:
    chain, flags = key, mode | CHUNK_START
    blocks = [data[at : at + BLOCK_BYTES] for at in range(0, len(data), BLOCK_BYTES)] or [b""]
    for block in blocks[:-1]:
        chain = tuple(compress((chain, struct.unpack("<16I", block), counter, BLOCK_BYTES, flags)))
        flags = mode
    last = blocks[-1]
    return chain, struct.unpack("<16I", last.ljust(BLOCK_BYTES, b"\0")), counter, len(last), flags | CHUNK_END
