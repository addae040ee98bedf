"""Claims: trips merged into invoices under a title or none; and every way in which a claim is refused."""

import random
from collections.abc import Sequence
from typing import Any

from farechain import _core
from farechain.data import ON_CLAIM_METRO, Party
from farechain.day.life.expected import issued, refused
from farechain.day.life.known import Invoice, Known, Trip
from farechain.day.life.people import People
from farechain.day.life.share import Share
from farechain.day.life.turn import Turn
from farechain.day.plan import Signer

TRIPS_MAX = 12
_KEPT = 0.1
"""Part of the trips that nobody claims: they go on waiting."""
_TICKETS, _UNTITLED = "scenic-2", "taxi-2"
_COMPANY_OF_TEN = (True, True, False, True, False, True, True, False, True, False)


class Claims:
    """The app claims for its passengers, the desk for those whom no app knows.

    ``spare`` are trips of the app's passengers that stay unclaimed.
    """

    def __init__(self, turn: Turn, people: People, share: Share, rng: random.Random, known: Known) -> None:
        self._turn, self._people, self._share, self._rng, self._known = turn, people, share, rng, known
        trips = known.claimable.get(ON_CLAIM_METRO, [])
        self._metro = [trip for trip in trips if trip.opening is not None]
        self._strangers = [trip for trip in trips if trip.opening is None]
        tickets = known.claimable.get(_TICKETS, [])
        self._tickets = [trip for trip in tickets if trip.opening is not None]
        rng.shuffle(self._metro)
        self.made: list[Invoice] = []
        self.spare: list[Trip] = []

    def plan(self) -> None:
        """All claims, good ones first."""
        self._merge()
        self._each_alone()
        count = self._share.of(60, 2)
        for trips in _groups(self._strangers, count, 3):
            self._claim(self._people.desk, trips, self._company(), None)
        for trips in _groups(self._tickets, self._share.of(60, 2), 2):
            self._claim(self._people.app, trips, self._company(), self._people.app)
        for invoice in self.made[: self._share.of(5, 1)]:
            self._turn.again(invoice.made_at)
        self._refused_trips()
        self._refused_buyers()

    def _merge(self) -> None:
        """One to twelve trips each, under a title or none."""
        claims, left = self._share.of(1_400, 60), self._share.of(10_800, 250)
        metro = iter(self._metro[:left])
        for i in range(claims):
            most = max(1, min(TRIPS_MAX, 2 * left // (claims - i) - 1))
            size = min(self._rng.randint(1, most), left)
            left -= size
            trips = [next(metro) for _ in range(size)]
            if trips:
                self._claim(self._people.app, trips, *self._named(i))

    def _each_alone(self) -> None:
        """As most passengers do: a trip's invoice for itself, to nobody's name, kept in the app."""
        merged = self._share.of(10_800, 250)
        kept = round(_KEPT * len(self._metro))
        for trip in self._metro[merged : len(self._metro) - kept]:
            self._claim(self._people.app, [trip], None, self._people.app, titled=False)
        self.spare = self._metro[len(self._metro) - kept :]

    def _named(self, i: int) -> tuple[Party | None, Signer | None]:
        """Buyer and holder of the i-th claim: a company or nobody; a passenger, the app or nobody."""
        people = self._people
        company = self._company() if _COMPANY_OF_TEN[i % 10] else None
        if company is not None and i % 7 == 5:
            return company, None
        return company, people.holders[i % len(people.holders)] if i % 3 == 0 else people.app

    def _company(self) -> Party:
        return self._rng.choice(self._people.companies)

    def _claim(
        self,
        signer: Signer,
        trips: Sequence[Trip],
        buyer: Party | None,
        holder: Signer | None,
        *,
        titled: bool = True,
    ) -> None:
        invoice = Invoice(trips[0].seller, {trip: trip.free_fen for trip in trips}, buyer, holder)
        members = {**self._people.buyer(invoice, titled=titled), "payments": payments(trips)}
        invoice.made_at = self._turn.order(signer, "CLAIM", issued(invoice), **members)
        for trip in trips:
            trip.free_fen = 0
        self.made.append(invoice)

    def _refused_trips(self) -> None:
        """For each reason that lies in a trip."""
        spare, made, share = self.spare, self.made, self._share
        automatic, untitled = self._known.automatic, self._known.claimable.get(_UNTITLED, [])
        untitled = [trip for trip in untitled if trip.opening is not None]
        mixed = list(zip(spare, self._known.claimable.get(_TICKETS, []), strict=False))
        for i in range(share.of(10, 2)):
            spent = made[i].trips[0]
            self._refuse("E_PAYMENT_SPENT", payments([spare[i], spent]))
            stolen = {**payments([spare[i]])[0], "opening": _hex(spare[i + 1].opening)}
            self._refuse("E_ROLE", [stolen])
        for trip in self._known.refunded[: share.of(10, 2)]:
            self._refuse("E_PAYMENT_REFUNDED", payments([trip]))
        for one, other in mixed[: share.of(5, 1)]:
            self._refuse("E_SELLER_MIXED", payments([one, other]))
        for invoice in automatic[: share.of(5, 1)]:
            self._refuse("E_PAYMENT_SPENT", payments(invoice.trips))
        for trip in untitled[: share.of(5, 1)]:
            self._refuse("E_RATE_NOT_ALLOWED", payments([trip]))
        nowhere = _core.identity([b"nobody's payment"]).hex()
        self._refuse("E_PAYMENT_UNKNOWN", [{"payment": nowhere, "opening": None}])

    def _refused_buyers(self) -> None:
        """For each reason that lies in who asks, or for whom."""
        people, trip = self._people, self.spare[0]
        self._refuse("E_ROLE", payments([trip]), people.holders[0])
        self._refuse("E_ROLE", [{**payments([trip])[0], "opening": None}])
        self._refuse("E_KEY_UNKNOWN", payments([trip]), holder=people.keyring.special.unregistered.kid)
        self._refuse("E_ROLE", payments([trip]), holder=people.auditor.kid)
        self._refuse("E_TITLE_REQUIRED", payments([trip]), buyer="ORGANIZATION")
        taken = f"life-{self._turn.number}-1"
        members = {**self._nobody(), "payments": payments([trip])}
        self._turn.order_as(taken, people.app, "CLAIM", refused("E_STATE"), members)

    def _refuse(
        self, code: str, asked: list[dict[str, Any]], signer: Signer | None = None, **changes: str
    ) -> None:
        members = {**self._nobody(), **changes, "payments": asked}
        self._turn.order(signer or self._people.app, "CLAIM", refused(code), **members)

    def _nobody(self) -> dict[str, Any]:
        return {"buyer": "INDIVIDUAL", "buyer_tax_id": None, "title": None, "holder": None}


def claim_again(turn: Turn, people: People, trips: Sequence[Trip]) -> None:
    """What a red letter released is claimed again, each trip for itself."""
    for trip in trips:
        invoice = Invoice(trip.seller, {trip: trip.free_fen}, None, people.app)
        members = {**people.buyer(invoice), "payments": payments([trip])}
        turn.order(people.app, "CLAIM", issued(invoice), **members)
        trip.free_fen = 0


def payments(trips: Sequence[Trip]) -> list[dict[str, Any]]:
    """Trips as ``CLAIM`` names them."""
    return [{"payment": trip.identity.hex(), "opening": _hex(trip.opening)} for trip in trips]


def _hex(opening: bytes | None) -> str | None:
    return None if opening is None else opening.hex()


def _groups(trips: Sequence[Trip], count: int, size: int) -> list[Sequence[Trip]]:
    """``count`` groups of ``size`` trips, fewer where the trips do not suffice; half of them stay free."""
    enough = min(count, len(trips) // (2 * size))
    return [trips[i * size : (i + 1) * size] for i in range(enough)]
