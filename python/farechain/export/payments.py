"""What the ledger keeps of a payment: its day, and the canonical data that its first record came with.

The ledger answers by identity where a payment stands, not where it was recorded; that is found by time, since
a payment is recorded soon after it is made. One that came late costs a search through the blocks after it.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import cbor2

from farechain import _core
from farechain._core import Ledger, LedgerError
from farechain.errors import FarechainError
from farechain.export.selection import first_block_at

BLOCKS_KEPT = 16
"""Blocks whose payments are remembered, 20 MB if full: an invoice's payments are often neighbours."""
SKEW_MS = 600_000
"""How far the clocks of a gate, a broker and the ledger may be apart before the search takes long."""
RECORDS = {"PAYMENT", "BLUE"}
"""The kinds of record that a payment can begin with."""
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
    """Finds payments; belongs to one thread."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._kept: OrderedDict[int, dict[bytes, int]] = OrderedDict()

    def of(self, identity: bytes, before: int) -> Paid:
        """The payment of an identity, which an invoice at the height ``before`` holds.

        Raises ``FarechainError`` (``E_CORRUPT``) where its data cannot be read or is not what its record
        commits to: no document is made without it.
        """
        for height, index in self._places(identity, before):
            paid = self._read(height, index)
            if paid is not None:
                return paid
        raise _unreadable(identity, "it is nowhere in the ledger")

    def at(self, height: int, index: int) -> Paid | None:
        """The payment that an invoice's record came with; None where it had waited, and came before."""
        return self._read(height, index)

    def now(self, identity: bytes) -> dict[str, Any]:
        """As ``Ledger.payment``. Raises as ``of``."""
        try:
            known = self._ledger.payment(identity)
        except LedgerError as error:
            raise _unreadable(identity, str(error.args[1])) from error
        if known is None:
            raise _unreadable(identity, "it is nowhere in the ledger")
        return known

    def _read(self, height: int, index: int) -> Paid | None:
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
        data = cbor2.loads(annex)
        if len(data) != MEMBERS:
            raise _unreadable(identity, "its data has another form")
        topped_up = data[KIND] == TOPPED_UP
        return Paid(fields["dated_at_ms"], topped_up, data[SCENE], fields["payments_root"], data[DETAIL])

    def _places(self, identity: bytes, before: int) -> Iterator[tuple[int, int]]:
        """Where records of this payment stand, the likeliest first."""
        for height, found in list(self._kept.items()):
            if identity in found:
                yield height, found[identity]
        dated_at_ms = self.now(identity)["dated_at_ms"]
        start = first_block_at(self._ledger, dated_at_ms - SKEW_MS, before)
        for height in chain(range(start, before + 1), range(start - 1, 0, -1)):
            found = self._block(height)
            if identity in found:
                yield height, found[identity]

    def _block(self, height: int) -> dict[bytes, int]:
        """The first record of each payment in a block."""
        if height in self._kept:
            self._kept.move_to_end(height)
            return self._kept[height]
        found: dict[bytes, int] = {}
        count = _core.decode_header(self._ledger.headers(height, 1)[0])["record_count"]
        for index in range(count):
            record = self._ledger.record(height, index)
            assert record is not None
            fields = _core.decode_record(record)
            if fields["kind"] in RECORDS:
                found.setdefault(fields["identity"], index)
        self._kept[height] = found
        if len(self._kept) > BLOCKS_KEPT:
            self._kept.popitem(last=False)
        return found


def _unreadable(identity: bytes, why: str) -> FarechainError:
    message = f"payment {identity.hex()} cannot be read: {why}; stop, and run `farechain audit`"
    return FarechainError("E_CORRUPT", message)
