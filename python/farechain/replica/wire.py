"""What goes between an owner and its replica: frames, each with a MAC under a key of this connection.

The replica sends ``MAGIC`` and 32 random bytes; the owner answers with 32 of its own and a MAC over both
under the shared secret, which shows that it has it. All that follows is framed::

    u32 payload bytes · u8 kind · payload · 32 bytes MAC

The MAC (HMAC-SHA-256) is over the frame's number from 0 in eight bytes and all before it, under a key for
each direction of this connection alone: nothing is repeated, left out, turned round or made up unseen.
Integers are big-endian. That nobody reads along is TLS's part, around all of it.
"""

import hmac
import struct
from enum import IntEnum

from farechain.errors import EXIT_REFUSED, FarechainError

MAGIC = b"farechain-replica/1\n"
NONCE_BYTES = 32
MAC_BYTES = 32
HEAD = struct.Struct(">IB")
PAYLOAD_BYTES_MAX = 2 << 30
"""Far above a block: what is longer is no frame."""
STANDING = struct.Struct(">Q32s")
"""A height and the hash of the block there."""


class Kind(IntEnum):
    """What a frame is."""

    GENESIS = 1
    """Owner: a copy of block 0; says which chain it is."""
    STANDING = 2
    """Replica: its head. It is the answer to ``GENESIS``, ``BLOCK`` and ``PING``."""
    BLOCK = 3
    """Owner: a copy of the next block; answered once it is durable."""
    STATE = 4
    """Owner: u8 length of a name, the name, and the content of that file of positions; not answered."""
    PING = 5
    """Owner: nothing to send; are you there?"""
    REFUSED = 6
    """Replica: why it takes no more; the connection ends."""


class WireError(OSError):
    """The other side does not speak as agreed, or does not have the secret: connect again."""


def proof(secret: bytes, challenge: bytes, nonce: bytes) -> bytes:
    """What an owner answers to a replica's random bytes: shows that it has the secret."""
    return hmac.digest(secret, b"owner" + challenge + nonce, "sha256")


class Channel:
    """Seals and opens the frames of one connection, in order.

    Args:
        secret: 32 bytes that both have.
        challenge: the replica's random bytes.
        nonce: the owner's.
        owner: whether this side is the owner.
    """

    def __init__(self, secret: bytes, challenge: bytes, nonce: bytes, *, owner: bool) -> None:
        keys = [
            hmac.digest(secret, way + challenge + nonce, "sha256") for way in (b"to replica", b"to owner")
        ]
        self._out, self._in = keys if owner else reversed(keys)
        self._sent = self._received = 0

    def seal(self, kind: Kind, payload: bytes) -> tuple[bytes, bytes, bytes]:
        """A frame in three pieces, the payload where it is."""
        head = HEAD.pack(len(payload), kind)
        mac = _mac(self._out, self._sent, head, payload)
        self._sent += 1
        return head, payload, mac

    def open(self, head: bytes, payload: bytes, mac: bytes) -> tuple[Kind, bytes]:
        """The next frame. Raises ``WireError`` where it is not what the other side sent next."""
        if not hmac.compare_digest(_mac(self._in, self._received, head, payload), mac):
            raise WireError("a frame was changed on its way, or made with another secret")
        self._received += 1
        try:
            return Kind(head[-1]), payload
        except ValueError:
            raise WireError(f"a frame of unknown kind {head[-1]}") from None


def payload_bytes(head: bytes) -> int:
    """How long a frame's payload is. Raises ``WireError`` for what is too long to be one."""
    length: int = HEAD.unpack(head)[0]
    if length > PAYLOAD_BYTES_MAX:
        raise WireError(f"a frame of {length} bytes")
    return length


def parse_place(place: str) -> tuple[str, int]:
    """Host and port of ``host:port``, the host in brackets where it is an IPv6 address.

    Raises:
        FarechainError: ``E_CONFIG``.
    """
    host, colon, port = place.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65_535:
        raise FarechainError("E_CONFIG", f"{place} is no host:port", EXIT_REFUSED)
    return host.strip("[]"), int(port)


def _mac(key: bytes, number: int, head: bytes, payload: bytes) -> bytes:
    made = hmac.new(key, number.to_bytes(8, "big") + head, "sha256")
    made.update(payload)
    return made.digest()
