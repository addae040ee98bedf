"""What passengers' app, companies and issuers know: their trips and invoices, as receipts told them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from zlib import crc32

import orjson

from farechain import _core
from farechain.data import Operator, Party, mandate_rows
from farechain.day.payers import Payers
from farechain.day.plan import COMMANDS, Signer
from farechain.wallet.rows import CHANNELS
from farechain.wallet.wallet import opens

_BLOCKS_AT_ONCE = 4


@dataclass(slots=True, eq=False)
class Trip:
    """A payment as whoever claims it knows it.

    ``opening`` opens its payer (none: nobody's whom the app knows); ``free_fen`` may be invoiced and is in no
    invoice.
    """

    key: bytes
    seller: Operator
    identity: bytes
    opening: bytes | None
    free_fen: int


@dataclass(slots=True, eq=False)
class Invoice:
    """A blue invoice: what is still live in it of each trip, who is named as its buyer, who holds it.

    ``made_at``: the offset of the command that made it, by which its receipt is found.
    """

    seller: Operator
    live: dict[Trip, int]
    buyer: Party | None
    holder: Signer | None
    made_at: int = -1
    code: str = ""
    number: int = 0
    claim_id: str = ""
    locker: Party | None = None
    used: bool = False

    @property
    def rest_fen(self) -> int:
        """What remains of it."""
        return sum(self.live.values())

    @property
    def trips(self) -> list[Trip]:
        """Those of which something is live in it, in its order."""
        return [trip for trip, fen in self.live.items() if fen > 0]

    @property
    def named(self) -> dict[str, str | int]:
        """How commands name it."""
        return {"code": self.code, "number": self.number}


def rate_of(seller: Operator) -> int | str:
    """The rate of the seller's mandate."""
    return mandate_rows(seller.mandate or "")[0]["rate"]


@dataclass(slots=True)
class Known:
    """Trips and automatic invoices of the day; ``automatic`` are whole still, their payer the app's."""

    claimable: dict[str, list[Trip]] = field(default_factory=dict)
    refunded: list[Trip] = field(default_factory=list)
    automatic: list[Invoice] = field(default_factory=list)


class Receipts:
    """Reads a ledger's receipts, each once, as a consumer of the receipts topic does."""

    def __init__(self) -> None:
        self._next_height = 1

    def _new(self, ledger: _core.Ledger) -> Iterator[tuple[bytes, bytes]]:
        while self._next_height <= ledger.height:
            self._next_height, messages = ledger.receipts(self._next_height, _BLOCKS_AT_ONCE)
            for key, value in messages:
                if key is not None:
                    yield key, value

    def of_the_day(
        self, ledger: _core.Ledger, sellers: dict[str, Operator], payers: Payers, wanted: int
    ) -> Known:
        """What can be claimed, and about ``wanted`` automatic invoices of all that the app's people paid."""
        known = Known()
        one_in = max(1, ledger.status()["issued"] // (4 * wanted))
        for key, value in self._new(ledger):
            if b'"state":"CLAIMABLE"' in value:
                self._claimable(ledger, sellers, payers, known, key)
            elif (
                b'"verdict":"ISSUED"' in value and crc32(key) % one_in == 0 and len(known.automatic) < wanted
            ):
                self._automatic(ledger, sellers, payers, known, key)
        return known

    def _claimable(
        self, ledger: _core.Ledger, sellers: dict[str, Operator], payers: Payers, known: Known, key: bytes
    ) -> None:
        trip = _trip(ledger, sellers, payers, key)
        if trip is not None and trip.free_fen > 0:
            known.claimable.setdefault(trip.seller.code, []).append(trip)
        elif trip is not None and trip.opening is not None:
            known.refunded.append(trip)

    def _automatic(
        self, ledger: _core.Ledger, sellers: dict[str, Operator], payers: Payers, known: Known, key: bytes
    ) -> None:
        trip = _trip(ledger, sellers, payers, key)
        if trip is None or trip.opening is None:
            return
        found = ledger.payment(trip.identity)
        if found is None or found["invoice"] is None or found["live_fen"] < found["invoiceable_fen"]:
            return
        code, number = found["invoice"]
        live = {trip: found["live_fen"]}
        known.automatic.append(Invoice(trip.seller, live, None, None, code=code, number=number))

    def numbers(self, ledger: _core.Ledger) -> dict[int, tuple[str, int]]:
        """Code and number of the invoices that commands made since the last time, by the command's offset."""
        made = {}
        for _key, value in self._new(ledger):
            if b'"verdict":"ISSUED"' in value:
                receipt = orjson.loads(value)
                topic, _partition, offset = receipt["subject"].split("/")
                if topic == COMMANDS:
                    invoice = receipt["data"]["invoice"]
                    made[int(offset)] = (invoice["code"], invoice["number"])
        return made


def _trip(ledger: _core.Ledger, sellers: dict[str, Operator], payers: Payers, key: bytes) -> Trip | None:
    """The payment with this Kafka key; None for a top-up, or a seller that has no part in this."""
    seller, channel, txn_id = key.split(b"|", 2)
    operator = sellers.get(seller.decode())
    identity = _core.identity([b"PAYMENT", seller, bytes([CHANNELS[channel.decode()]]), b"\x01", txn_id])
    found = ledger.payment(identity)
    if operator is None or found is None:
        return None
    opening = payers.opening(key)
    known = opens(found, opening)
    return Trip(key, operator, identity, opening if known else None, found["uninvoiced_fen"])
