"""Where the block log and the store of rejected inputs may be cut: behind whole frames (docs/adr/0002).

A frame's head is five big-endian numbers: magic, bytes of the body, CRC-32C of all behind it, kind, height. A
block is two frames, body and evidence; the next one is begun only when it is durable.
"""

import hashlib
import struct
from collections.abc import Iterator
from typing import NamedTuple

from aiokafka.record.util import calc_crc32c

MAGIC = 0x4643_4C31
BLOCK, EVIDENCE, REJECTED = 1, 2, 3
HEAD_SAMPLE = 4096
"""So much of a segment's beginning stands for it: the first block's header is in it."""
_HEAD = struct.Struct(">IIIIQ")
_CRC_FROM = 12
"""The checksum is over kind, height and body."""


class Frame(NamedTuple):
    """A whole frame, its checksum compared: where it begins and where the next one does."""

    kind: int
    height: int
    start: int
    end: int


def frames(data: memoryview) -> Iterator[Frame]:
    """The whole frames from the beginning on, up to the first place that has none."""
    at = 0
    while at + _HEAD.size <= len(data):
        magic, length, crc, kind, height = _HEAD.unpack_from(data, at)
        body_end = at + _HEAD.size + length
        end = at + (_HEAD.size + length + 7) // 8 * 8
        if magic != MAGIC or end > len(data) or calc_crc32c(data[at + _CRC_FROM : body_end]) != crc:
            return
        yield Frame(kind, height, at, end)
        at = end


def blocks_end(data: memoryview, first_height: int) -> tuple[int, int]:
    """The end of the last whole block of a segment, and the height that comes next.

    Args:
        data: the segment.
        first_height: the height that its first block must have.
    """
    end, height, body = 0, first_height, False
    for frame in frames(data):
        if (frame.kind, frame.height) != (EVIDENCE if body else BLOCK, height):
            break
        body = not body
        if not body:
            end, height = frame.end, height + 1
    return end, height


def rejected_end(data: memoryview) -> int:
    """The end of the last whole frame of a day of rejected inputs."""
    end = 0
    for frame in frames(data):
        if frame.kind != REJECTED:
            break
        end = frame.end
    return end


def head_of(data: memoryview) -> str:
    """What stands for a segment and all before it: a digest of its first block's first bytes, else empty."""
    first = _HEAD.unpack_from(data) if len(data) >= _HEAD.size else (0, 0)
    if first[0] != MAGIC:
        return ""
    return hashlib.sha256(data[: min(_HEAD.size + first[1], HEAD_SAMPLE)]).hexdigest()


def genesis_of(data: memoryview) -> str:
    """The SHA-256 of block 0's frame: no other chain has it."""
    frame = next(frames(data), None)
    return hashlib.sha256(data[: frame.end]).hexdigest() if frame else ""
