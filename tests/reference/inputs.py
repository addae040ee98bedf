"""An input's canonical bytes, and its signature's key id and signed bytes (docs/format.md, section 2)."""

import hashlib
import re
from dataclasses import dataclass

from .digests import input_digest

PAYLOAD_TYPE = b"application/cloudevents+json"
ROTATE_TYPE = b"application/vnd.farechain.rotate"
PRESENT_TYPE = b"application/vnd.farechain.present"
NULL = b"\xff\xff\xff\xff"

Headers = list[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Input:
    """What a source held at an offset. ``source`` is the index into genesis' list."""

    source: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def canonical(self) -> bytes:
        named = [sized(name.encode()) + sized(value) for name, value in self.headers]
        return (
            self.offset.to_bytes(8, "big")
            + sized(self.key)
            + len(named).to_bytes(4, "big")
            + b"".join(named)
            + sized(self.value)
        )

    @property
    def digest(self) -> bytes:
        return input_digest(self.canonical)

    def header(self, name: str) -> bytes | None:
        """The first header of the name."""
        return next((value for found, value in self.headers if found == name), None)

    @property
    def kid(self) -> bytes | None:
        """The 16 bytes of a well-formed ``fc-kid``."""
        written = self.header("fc-kid")
        if written is None or re.fullmatch(rb"[0-9a-f]{32}", written) is None:
            return None
        return bytes.fromhex(written.decode())

    @property
    def signature(self) -> bytes | None:
        """The 64 bytes of a well-formed ``fc-sig``."""
        written = self.header("fc-sig")
        return written if written is not None and len(written) == 64 else None


def from_canonical(source: int, timestamp_ms: int, data: bytes) -> Input:
    """The input whose canonical bytes these are."""
    offset, at = int.from_bytes(data[:8], "big"), 8
    key, at = take(data, at)
    count, at = int.from_bytes(data[at : at + 4], "big"), at + 4
    headers: Headers = []
    for _ in range(count):
        name, at = take(data, at)
        value, at = take(data, at)
        headers.append(((name or b"").decode(), value))
    value, at = take(data, at)
    assert at == len(data), "bytes are left over"
    return Input(source, offset, timestamp_ms, key, value, headers)


def sized(part: bytes | None) -> bytes:
    return NULL if part is None else len(part).to_bytes(4, "big") + part


def take(data: bytes, at: int) -> tuple[bytes | None, int]:
    size = data[at : at + 4]
    if size == NULL:
        return None, at + 4
    end = at + 4 + int.from_bytes(size, "big")
    return data[at + 4 : end], end


def pae(payload_type: bytes, body: bytes) -> bytes:
    """DSSE's pre-authentication encoding (protocol.md of secure-systems-lab/dsse)."""
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type, len(body), body)


def kid_of(public_key: bytes) -> bytes:
    return hashlib.sha256(public_key).digest()[:16]
