"""Whether the ledger has an event, told from its bytes by the identity that it occupies."""

from farechain import _core
from farechain._core import Ledger

CHANNEL_NAMES = ("", "WECHAT", "ALIPAY", "UNIONPAY", "CARD", "CASH")
_KINDS_OF_PAYMENT = (1, 3)


class Known:
    """Asks one view of a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def has(self, key: bytes | None, value: bytes | None, kid: str | None) -> bool | None:
        """Whether an event with its identity was accepted; ``None`` where it does not tell its identity.

        Args:
            key: of the record; a payment's names it where the value cannot be read.
            kid: the key that it names: a command is its signer's.
        """
        wanted = self._identities(key, value, kid)
        return any(self._ledger.occupant(identity) is not None for identity in wanted) if wanted else None

    def _identities(self, key: bytes | None, value: bytes | None, kid: str | None) -> list[bytes]:
        try:
            event = _core.decode_event(value) if value is not None else None
        except ValueError:
            event = None
        if event is None:
            return _of_key(key)
        identity: bytes = event["identity"]
        if event["kind"] in {"PAID", "REFUNDED", "TOPPED_UP"}:
            return [identity]
        signer = self._ledger.key(kid) if kid is not None else None
        return [_core.identity([b"SIGNER", signer["tax_id"].encode(), identity])] if signer else []


def _of_key(key: bytes | None) -> list[bytes]:
    """A payment's key is its seller, channel and transaction id (``farechain.client.record_key``)."""
    parts = (key or b"").split(b"|")
    names = [name.encode() for name in CHANNEL_NAMES[1:]]
    if len(parts) != 3 or parts[1] not in names:
        return []
    channel = bytes([names.index(parts[1]) + 1])
    return [
        _core.identity([b"PAYMENT", parts[0], channel, bytes([kind]), parts[2]]) for kind in _KINDS_OF_PAYMENT
    ]
