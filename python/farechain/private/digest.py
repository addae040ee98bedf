"""The identity digest of suite 1 (docs/format.md, section 1) for short parts: keyed BLAKE3 of one chunk.

The core has it and does not hand it out; ``tests/vectors/identities.json`` holds both to the same bytes.
Section numbers are those of the BLAKE3 paper (2020).
"""

import struct

CHUNK_BYTES = 1024
"""What fits one chunk, so that there is no tree. A title's parts have 250 bytes at most."""
KEY = struct.unpack("<8I", b"farechain/1 identity".ljust(32, b"\0"))

_IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A)
_PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
_COLUMNS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15))
_DIAGONALS = ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
_BLOCK_BYTES, _ROUNDS, _WORD = 64, 7, 0xFFFFFFFF
_CHUNK_START, _CHUNK_END, _ROOT, _KEYED = 1, 2, 8, 16

_Words = tuple[int, ...]


def identity(*parts: bytes) -> bytes:
    """32 bytes over the parts, each with its length before it. Raises ``ValueError`` over 1,024 bytes."""
    data = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    if len(data) > CHUNK_BYTES:
        raise ValueError(f"{len(data)} bytes are more than one chunk of {CHUNK_BYTES}")
    starts = range(0, len(data), _BLOCK_BYTES) or range(1)
    chain, flags = KEY, _KEYED | _CHUNK_START
    for start in starts:
        block = data[start : start + _BLOCK_BYTES]
        if start == starts[-1]:
            flags |= _CHUNK_END | _ROOT
        chain = _compress(chain, struct.unpack("<16I", block.ljust(_BLOCK_BYTES, b"\0")), len(block), flags)
        flags = _KEYED
    return struct.pack("<8I", *chain)


def _compress(chain: _Words, message: _Words, length: int, flags: int) -> _Words:
    """The compression function (2.2), its first eight words; the counter of the only chunk is 0."""
    state = [*chain, *_IV, 0, 0, length, flags]
    for _ in range(_ROUNDS):
        for place, words in enumerate((*_COLUMNS, *_DIAGONALS)):
            _mix(state, words, message[2 * place], message[2 * place + 1])
        message = tuple(message[each] for each in _PERMUTATION)
    return tuple(state[each] ^ state[each + 8] for each in range(8))


def _mix(state: list[int], words: _Words, first: int, second: int) -> None:
    a, b, c, d = words
    for message, right_d, right_b in ((first, 16, 12), (second, 8, 7)):
        state[a] = (state[a] + state[b] + message) & _WORD
        state[d] = _turned(state[d] ^ state[a], right_d)
        state[c] = (state[c] + state[d]) & _WORD
        state[b] = _turned(state[b] ^ state[c], right_b)


def _turned(word: int, right: int) -> int:
    return (word >> right | word << (32 - right)) & _WORD
