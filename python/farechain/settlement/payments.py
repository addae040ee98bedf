"""One payment or refund, from a row of a settlement file or from a record of the ledger, in one form."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from farechain import _core
from farechain.adapt.convert import Rejected, look_up, member
from farechain.settlement.mapping import SettlementRules

CHANNELS = ("", "WECHAT", "ALIPAY", "UNIONPAY", "CARD", "CASH")
"""By their number in canonical data (docs/format.md, section 2)."""
PAID, REFUNDED, TOPPED_UP = 1, 2, 3
KINDS = {"PAID": PAID, "REFUNDED": REFUNDED, "TOPPED_UP": TOPPED_UP}
KIND_NAMES = {number: name for name, number in KINDS.items()}
NO_MONEY_MOVED = "NONE"
DAY_MS = 86_400_000
_PAYMENT_MEMBERS, _REFUND_MEMBERS = 15, 12


@dataclass(frozen=True, slots=True)
class Moved:
    """Money that moved once.

    Attributes:
        kind: ``PAID``, ``REFUNDED`` or ``TOPPED_UP`` as a number.
        own_id: of a refund its own id, else ``txn_id``.
        at_ms: milliseconds since 1970.
        fen: what was paid or given back.
    """

    kind: int
    channel: int
    own_id: str
    txn_id: str
    seller: str
    at_ms: int
    fen: int

    @property
    def key(self) -> bytes:
        """16 bytes, equal where file and ledger speak of the same; a file tells no top-up from a ride."""
        side = "R" if self.kind == REFUNDED else "P"
        text = f"{self.seller}|{self.channel}|{side}|{self.own_id}"
        return hashlib.blake2b(text.encode(), digest_size=16).digest()

    @property
    def signed_fen(self) -> int:
        """A refund below zero."""
        return -self.fen if self.kind == REFUNDED else self.fen

    def identities(self) -> list[bytes]:
        """Under which the ledger may know it (docs/format.md, section 2)."""
        kinds = (REFUNDED,) if self.kind == REFUNDED else (PAID, TOPPED_UP)
        return [identity_of(self.seller, self.channel, kind, self.own_id) for kind in kinds]

    def day(self, utc_offset_min: int) -> int:
        """Its day by the ledger's zone, days since 1970."""
        return (self.at_ms + utc_offset_min * 60_000) // DAY_MS


def identity_of(seller: str, channel: int, kind: int, own_id: str) -> bytes:
    """The identity of a payment, top-up or refund."""
    return _core.identity([b"PAYMENT", seller.encode(), bytes([channel]), bytes([kind]), own_id.encode()])


def from_cells(cells: Mapping[str, Any], rules: SettlementRules) -> Moved | None:
    """What a row says; ``None`` where no money moved.

    Raises:
        Rejected: a cell cannot be converted, or a member is missing.
    """
    said: dict[str, Any] = dict(rules.constants)
    for name, how in rules.fields.items():
        if (value := member(name, how, look_up(cells, how.source))) is not None:
            said[name] = value
    kind = said.get("kind")
    if kind == NO_MONEY_MOVED:
        return None
    if kind not in KINDS:
        raise Rejected("E_SCHEMA", f"kind: {kind!r} is none of {', '.join(KINDS)}, {NO_MONEY_MOVED}")
    own, fen = ("refund_id", "refund_fen") if kind == "REFUNDED" else ("txn_id", "paid_fen")
    missing = [
        name for name in ("channel", "txn_id", own, fen, "paid_at", "seller_tax_id") if name not in said
    ]
    if missing:
        raise Rejected("E_SCHEMA", f"no value for {missing[0]}")
    if said["channel"] not in CHANNELS[1:]:
        raise Rejected("E_SCHEMA", f"channel: {said['channel']!r} is none of {', '.join(CHANNELS[1:])}")
    try:
        _core.check_uscc(said["seller_tax_id"])
    except ValueError as error:
        raise Rejected(str(error), f"seller_tax_id: {said['seller_tax_id']!r}") from error
    return Moved(
        KINDS[kind],
        CHANNELS.index(said["channel"]),
        said[own],
        said["txn_id"],
        said["seller_tax_id"],
        _milliseconds(said["paid_at"]),
        said[fen],
    )


def _milliseconds(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Rejected("E_SCHEMA", f"paid_at: {text!r} is not a time") from error
    if at.tzinfo is None:
        raise Rejected("E_TIME_NO_OFFSET", f"paid_at: {text!r} has no offset")
    return round(at.timestamp() * 1000)


def from_canonical(data: Any) -> Moved | None:
    """What canonical data says (docs/format.md, section 2); ``None`` for a command's."""
    if len(data) == _REFUND_MEMBERS and data[1] == REFUNDED:
        channel, txn_id, refund_id, _order, _scene, fen, at_ms, _offset, seller = data[2:11]
        return Moved(REFUNDED, channel, refund_id, txn_id, seller, at_ms, fen)
    if len(data) == _PAYMENT_MEMBERS and data[1] in (PAID, TOPPED_UP):
        _version, kind, channel, txn_id, _order, _scene, _gross, fen, _invoiceable, at_ms, _offset, seller = (
            data[:12]
        )
        return Moved(kind, channel, txn_id, txn_id, seller, at_ms, fen)
    return None


def from_annex(annex: bytes | None) -> Moved | None:
    """What came with a record; ``None`` for nothing, a command, or a record of a drain."""
    if annex is None:
        return None
    data = _core.decode_canonical(annex)
    if not isinstance(data[0], int):
        if data[0] is None:
            return None
        data = _core.decode_canonical(data[0])
    return from_canonical(data)


def recorded(ledger: _core.Ledger, first: int, last: int) -> Iterator[tuple[int, Moved | None]]:
    """Payments, top-ups and refunds of blocks ``first`` to ``last``, each once: (height, what moved).

    After each block also (height, ``None``), so that whoever reads can tell how far it is.
    """
    for height in range(first, last + 1):
        headers = ledger.headers(height, 1)
        for index in range(_core.decode_header(headers[0])["record_count"] if headers else 0):
            moved = from_annex(ledger.annex(height, index))
            if moved is not None:
                yield height, moved
        yield height, None


def first_block_at(ledger: _core.Ledger, time_ms: int) -> int:
    """The first block after genesis whose time is not before ``time_ms``; one beyond the head if none is."""
    low, high = 1, ledger.height + 1
    while low < high:
        middle = (low + high) // 2
        if _core.decode_header(ledger.headers(middle, 1)[0])["time_ms"] < time_ms:
            low = middle + 1
        else:
            high = middle
    return low
