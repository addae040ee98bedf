"""A passenger's trips: what was paid, where and when, and what became of each in words."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from farechain._core import Ledger
from farechain.api.problems import Problem
from farechain.export.contents import PLACES
from farechain.export.payments import Payments
from farechain.export.sheets import SCENES
from farechain.orders import Invoice
from farechain.pages.language import Words
from farechain.pages.passenger.person import Person
from farechain.wallet.wallet import KnownTrip, opens

LISTED_MAX = 50
"""Trips on one page."""
LOOKED_AT_MAX = 2000
"""Trips that are looked through for one page: a person may have a hundred thousand."""
ENGLISH = {
    "METRO": "Metro",
    "BUS": "Bus",
    "AIRPORT_COACH": "Airport coach",
    "TAXI": "Taxi",
    "PARKING": "Parking",
    "SCENIC": "Scenic park",
}
TOP_UP = Words("Top-up", "充值")
UNNAMED = Words("Payment", "付款")


class State(NamedTuple):
    """What became of a trip: a name for programs, words, and a tone (``good``, ``bad``, ``plain``)."""

    name: str
    words: Words
    tone: str = "plain"


OPEN = State("open", Words("Can be invoiced", "可开票"), "good")
INVOICED = State("invoiced", Words("In your invoice", "已开入您的发票"))
AUTOMATIC = State("automatic", Words("Invoiced automatically", "已自动开票"), "good")
ELSEWHERE = State("elsewhere", Words("In an invoice that you do not hold", "已开入他人持有的发票"))
UNKNOWN = State("unknown", Words("Not on the ledger yet", "尚未入账"))
BY_RECORD = {
    "WAITING_GRANT": State("waiting", Words("Waits for invoice numbers", "等待发票号码")),
    "WAITING_CREDIT": State("waiting", Words("Waits for the seller's monthly limit", "等待销售方开票额度")),
    "NOTHING_TO_INVOICE": State("nothing", Words("Nothing to invoice", "无需开票")),
    "COVERED_BY_TOPUP": State("nothing", Words("Invoiced with the card's top-up", "已随充值开票")),
    "INVOICED_AT_RIDE": State("nothing", Words("Invoiced ride by ride", "按次乘车开票")),
}
REFUNDED = State("refunded", Words("Refunded", "已退款"))


@dataclass(frozen=True, slots=True)
class Trip:
    """A payment of a passenger. Amounts are fen.

    Attributes:
        known: its identity and opening.
        at_ms: when; None for one that the ledger does not know yet.
        what: the scene in words.
        way: stations or the place; empty where nothing is known.
        paid_fen, open_fen: what was paid, and what may still be invoiced.
        invoice: that holds it.
        may_take: whether the invoice has no holder and may get one.
    """

    known: KnownTrip
    state: State
    at_ms: int | None = None
    what: Words = UNNAMED
    way: str = ""
    seller: str = ""
    scene: str = ""
    topped_up: bool = False
    paid_fen: int = 0
    open_fen: int = 0
    invoice: Invoice | None = None
    may_take: bool = False

    @property
    def name(self) -> str:
        """Its identity, 64 hex digits: names it in a form."""
        return self.known.payment.hex()


class TripPage(NamedTuple):
    """A part of the list, the latest first; ``older`` asks for what follows, None at the end."""

    trips: Sequence[Trip]
    older: int | None


class Trips:
    """Reads a person's trips. Every method blocks."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._ledger: Ledger = person.ledger
        self._payments = Payments(person.ledger)

    def page(self, wanted: Callable[[Trip], bool], before: int | None, limit: int = LISTED_MAX) -> TripPage:
        """Trips that are wanted.

        Args:
            before: ``TripPage.older`` of the page before.
        """
        known = self._person.wallet.trips(self._person.kid)
        place = len(known) if before is None else min(before, len(known))
        end = max(0, place - LOOKED_AT_MAX)
        found: list[Trip] = []
        while place > end and len(found) < limit:
            place -= 1
            trip = self._trip(known[place])
            if trip is not None and wanted(trip):
                found.append(trip)
        found.sort(key=lambda trip: -(trip.at_ms or 1 << 62))
        return TripPage(found, place or None)

    def chosen(self, names: Iterable[str]) -> list[Trip]:
        """This person's trips among those that a form names, each once, in its order.

        Raises:
            Problem: 404 ``E_NOT_FOUND``: one is not theirs.
        """
        mine = {trip.payment.hex(): trip for trip in self._person.wallet.trips(self._person.kid)}
        found = [self._trip(mine[name]) if name in mine else None for name in dict.fromkeys(names)]
        trips = [trip for trip in found if trip is not None]
        if len(trips) != len(found):
            raise Problem(404, "E_NOT_FOUND", "a trip is not among yours: choose again")
        return trips

    def _trip(self, known: KnownTrip) -> Trip | None:
        """None for a payment of somebody else."""
        payment = self._ledger.payment(known.payment)
        if payment is None:
            return Trip(known, UNKNOWN)
        if not opens(payment, known.opening):
            return None
        paid = self._payments.of(known.payment)
        scene = Words(ENGLISH.get(paid.scene, paid.scene), SCENES.get(paid.scene, paid.scene))
        state, may_take = self._state(payment)
        return Trip(
            known,
            state,
            at_ms=paid.dated_at_ms,
            what=TOP_UP if paid.topped_up else scene,
            way=_way(paid.scene, paid.detail),
            seller=payment["seller"],
            scene=paid.scene,
            topped_up=paid.topped_up,
            paid_fen=payment["paid_fen"],
            open_fen=payment["uninvoiced_fen"],
            invoice=Invoice(*payment["invoice"]) if payment["invoice"] else None,
            may_take=may_take,
        )

    def _state(self, payment: dict[str, Any]) -> tuple[State, bool]:
        if payment["invoice"] is None:
            by_record = BY_RECORD.get(payment["state"])
            return by_record or (OPEN if payment["uninvoiced_fen"] else REFUNDED), False
        invoice = self._ledger.invoice(*payment["invoice"])
        assert invoice is not None
        holder = invoice["standing"]["holder"]
        if self._person.holds(holder):
            return INVOICED, False
        if holder is None and invoice["fields"]["kind"] == "BLUE":
            return AUTOMATIC, "BIND" in invoice["allowed"]
        return ELSEWHERE, False


def is_open(trip: Trip) -> bool:
    """Whether it can be invoiced."""
    return trip.state is OPEN


def is_automatic(trip: Trip) -> bool:
    """Whether the ledger invoiced it by itself and nobody holds the invoice."""
    return trip.state is AUTOMATIC


def anyhow(_trip: Trip) -> bool:
    """All of them."""
    return True


SHOWN: dict[str, Callable[[Trip], bool]] = {"all": anyhow, "open": is_open, "automatic": is_automatic}


def _way(scene: str, detail: dict[str, Any]) -> str:
    """``line · from → to``, of what is known."""
    origin, destination, service = (
        str(detail[name]) if name in detail else "" for name in PLACES.get(scene, ("", "", ""))
    )
    stations = " → ".join(place for place in (origin, destination) if place)
    return " · ".join(part for part in (service, stations) if part)
