"""Where the block log and the store of rejected inputs may be cut: behind whole frames (docs/adr/0002).

A frame's head is five big-endian numbers: magic, bytes of the body, CRC-32C of all behind it, kind, height. A
block is two frames, body and evidence; the next one is begun only when it is durable.
"""

import hashlib
import struct
from collections.abc import Iterator

from aiokafka.record.util import calc_crc32c

MAGIC = 0x4643_4C31
BLOCK, EVIDENCE, REJECTED = 1, 2, 3
HEAD_SAMPLE = 4096
"""So much of a segment's beginning stands for it: the first block's header is in it."""
_HEAD = struct.Struct(">IIIIQ")
_CRC_FROM = 12
"""The checksum is over kind, height and body."""


def frames(data: memoryview) -> Iterator[tuple[int, int, int]]:
    """The whole frames up to the first place that has none: kind, height, and where it ends."""
    at = 0
    while at + _HEAD.size <= len(data):
        magic, length, crc, kind, height = _HEAD.unpack_from(data, at)
        body_end = at + _HEAD.size + length
        end = (body_end + 7) // 8 * 8
        if magic != MAGIC or end > len(data) or calc_crc32c(data[at + _CRC_FROM : body_end]) != crc:
            return
        yield kind, height, end
        at = end


def blocks_end(data: memoryview, first_height: int) -> tuple[int, int]:
    """The end of the last whole block of a segment, and the height that comes next.

    Args:
        data: the segment.
        first_height: the height that its first block must have.
    """
    end, next_height, wanted = 0, first_height, BLOCK
    for kind, height, frame_end in frames(data):
        if kind != wanted or height != next_height:
            break
        if kind == BLOCK:
            wanted = EVIDENCE
        else:
            end, next_height, wanted = frame_end, height + 1, BLOCK
    return end, next_height


def rejected_end(data: memoryview) -> int:
    """The end of the last whole frame of a day of rejected inputs."""
    end = 0
    for kind, _height, frame_end in frames(data):
        if kind != REJECTED:
            break
        end = frame_end
    return end


def head_of(data: memoryview) -> str:
    """What stands for a segment and all before it: a digest of its first block's first bytes, else empty."""
    first = _HEAD.unpack_from(data) if len(data) >= _HEAD.size else (0, 0)
    if first[0] != MAGIC:
        return ""
    return hashlib.sha256(data[: min(_HEAD.size + first[1], HEAD_SAMPLE)]).hexdigest()


def genesis_of(data: memoryview) -> str:
    """The SHA-256 of block 0's frame: no other chain has it."""
    _kind, _height, end = next(frames(data), (0, 0, 0))
    return hashlib.sha256(data[:end]).hexdigest() if end else ""
