"""A signed CloudEvent as the ledger takes it, from Kafka and over HTTP alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from farechain import _core
from farechain.errors import EXIT_USAGE, FarechainError


@dataclass(frozen=True, slots=True)
class SignedEvent:
    """A Kafka record that the ledger takes: key, signature headers, value. Send all three as they are."""

    key: bytes
    headers: tuple[tuple[str, bytes], ...]
    value: bytes

    @property
    def kid(self) -> str:
        """The signing key's id, 32 hex digits."""
        return dict(self.headers)["fc-kid"].decode()

    @property
    def signature(self) -> bytes:
        """64 bytes."""
        return dict(self.headers)["fc-sig"]


def sign_event(
    seed: bytes, data: Mapping[str, Any], *, kind: str, source: str, event_id: str, key: bytes
) -> SignedEvent:
    """Wraps ``data`` (``docs/format.md``, section 2) into a CloudEvent and signs it.

    Args:
        seed: the signer's 32-byte key.
        kind: the event's type, such as ``farechain.command.v1``.
        source: who signs, 1-256 bytes.
        event_id: 1-128 bytes.
        key: the record's key in Kafka.

    Raises:
        FarechainError: with the ledger's own ``E_*`` code where it would refuse the event.
    """
    value = orjson.dumps({"specversion": "1.0", "type": kind, "source": source, "id": event_id, "data": data})
    try:
        _core.decode_event(value)
    except ValueError as error:
        code = str(error)
        raise FarechainError(code, f"the ledger would refuse this event: {code}", EXIT_USAGE) from error
    kid = _core.kid(_core.public_key(seed))
    return SignedEvent(key, (("fc-kid", kid.encode()), ("fc-sig", _core.sign(seed, value))), value)
