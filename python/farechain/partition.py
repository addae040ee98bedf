"""The partition of a key: murmur2, as Kafka's producers have it, so that a duplicate lands with its first."""

from functools import lru_cache
from struct import unpack_from

_M = 0x5BD1E995
_MASK = 0xFFFFFFFF
_PREFIX_BYTES = 36
"""A key begins with the seller and the channel: what they mix to is remembered."""


def _mix(state: int, data: bytes, start: int, words: int) -> int:
    for word in unpack_from(f"<{words}I", data, start):
        k = word * _M & _MASK
        k = (k ^ k >> 24) * _M & _MASK
        state = (state * _M & _MASK) ^ k
    return state


@lru_cache(maxsize=4096)
def _after_prefix(prefix: bytes, length: int) -> int:
    return _mix(0x9747B28C ^ length, prefix, 0, len(prefix) // 4)


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that Kafka's default partitioner gives a key."""
    length = len(key)
    start = min(_PREFIX_BYTES, length & ~3)
    state = _after_prefix(key[:start], length)
    state = _mix(state, key, start, (length - start) // 4)
    tail = key[length & ~3 :]
    if tail:
        state = ((state ^ int.from_bytes(tail, "little")) * _M) & _MASK
    state = (state ^ state >> 13) * _M & _MASK
    state ^= state >> 15
    return (state & 0x7FFFFFFF) % partitions
