"""Who paid, as the payment app alone knows it: a commitment in the event, an opening to claim with."""

from hashlib import sha256

from farechain.wallet.rows import payer_of

_OPENING = b"farechain development opening|"


class Payers:
    """The app's passengers.

    An opening is 32 bytes of one payment alone, so that trips cannot be linked. A real app draws and keeps
    them; here each follows from the app's secret and the payment's key, so that whoever has the app's key can
    act for the passengers of a generated day.

    Args:
        secret: the seed of the app's key.
    """

    def __init__(self, secret: bytes) -> None:
        self._prefix = _OPENING + secret

    def opening(self, key: bytes) -> bytes:
        """What opens the payer of the payment with this Kafka key (seller, channel, transaction id)."""
        return sha256(self._prefix + key).digest()

    def commitment(self, key: bytes) -> bytes:
        """The ``payer`` of that payment (``docs/format.md``, section 3)."""
        return payer_of(self.opening(key))
