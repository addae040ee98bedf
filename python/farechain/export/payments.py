"""What the ledger keeps of a payment: its day, and the canonical data that its first record came with."""

from dataclasses import dataclass
from typing import Any

from farechain import _core
from farechain._core import Ledger, LedgerError
from farechain.errors import FarechainError

MEMBERS = 15
"""Members of a payment's canonical data (docs/format.md, section 2)."""
KIND, SCENE, DETAIL = 1, 5, 14
TOPPED_UP = 3


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment or top-up. ``detail`` has the members that its scene's row allows."""

    dated_at_ms: int
    topped_up: bool
    scene: str
    data_leaf: bytes
    detail: dict[str, Any]


class Payments:
    """Reads payments."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def of(self, identity: bytes) -> Paid:
        """The payment of an identity.

        Raises ``FarechainError`` (``E_CORRUPT``) where its data cannot be read or is not what its record
        commits to: no document is made without it.
        """
        known = self.now(identity)
        paid = self.at(known["height"], known["index"])
        if paid is None:
            raise _unreadable(identity, "nothing came with its record")
        return paid

    def at(self, height: int, index: int) -> Paid | None:
        """The payment that an invoice's record came with; None where it had waited, and came before."""
        record = self._ledger.record(height, index)
        assert record is not None
        fields = _core.decode_record(record)
        identity: bytes = fields["identity"]
        try:
            annex = self._ledger.annex(height, index)
        except LedgerError as error:
            raise _unreadable(identity, str(error.args[1])) from error
        if not annex:
            return None
        if _core.leaf_hash(annex) != fields["payments_root"]:
            raise _unreadable(identity, "its data is not what its record commits to")
        data = _core.decode_canonical(annex)
        if len(data) != MEMBERS:
            raise _unreadable(identity, "its data has another form")
        topped_up = data[KIND] == TOPPED_UP
        return Paid(fields["dated_at_ms"], topped_up, data[SCENE], fields["payments_root"], data[DETAIL])

    def now(self, identity: bytes) -> dict[str, Any]:
        """As ``Ledger.payment``. Raises as ``of``."""
        try:
            known = self._ledger.payment(identity)
        except LedgerError as error:
            raise _unreadable(identity, str(error.args[1])) from error
        if known is None:
            raise _unreadable(identity, "it is nowhere in the ledger")
        return known


def _unreadable(identity: bytes, why: str) -> FarechainError:
    message = f"payment {identity.hex()} cannot be read: {why}; stop, and run `farechain audit`"
    return FarechainError("E_CORRUPT", message)
