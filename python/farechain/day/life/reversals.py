"""Red letters: by the seller alone, by refunds, and by both sides where an invoice was used or posted."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from farechain.day.life.expected import APPLIED, recorded, refused, reversed_by
from farechain.day.life.known import Invoice, Trip
from farechain.day.life.people import People
from farechain.day.life.share import Share
from farechain.day.life.shelf import Shelf, take
from farechain.day.life.turn import Turn
from farechain.day.plan import Signer

_REASONS = ("ISSUE_ERROR", "SALES_RETURN", "SERVICE_SUSPENSION", "SALES_DISCOUNT")


@dataclass(slots=True)
class Requests:
    """Red letters that one side asked for: what the request would take, and what is owed behind it."""

    by_company: list[tuple[Invoice, dict[Trip, int]]] = field(default_factory=list)
    by_seller: list[tuple[Invoice, dict[Trip, int]]] = field(default_factory=list)
    owed: set[int] = field(default_factory=set)
    """``id`` of invoices whose request a refund opened."""
    waiting: set[int] = field(default_factory=set)
    """Of those behind whose request another refund waits."""


def red_letters(turn: Turn, people: People, share: Share, shelf: Shelf) -> None:
    """Sellers reverse free invoices, half of them in part; what they release can be claimed again."""
    for i, invoice in enumerate(shelf.take_free(share.of(30, 4), lambda one: len(one.trips) > 1)):
        trips = invoice.trips if i % 2 else invoice.trips[: len(invoice.trips) // 2]
        taken = {trip: invoice.live[trip] for trip in trips}
        named = None if i % 2 else [trip.identity.hex() for trip in trips]
        signer = people.desk if i % 6 == 5 else people.issuer(invoice.seller)
        members = {**invoice.named, "reason": _REASONS[i % 4], "payments": named}
        if i == 0:
            turn.order(people.app, "RED_ISSUE", refused("E_ROLE"), **members)
            stranger = {**members, "payments": [shelf.free[0].trips[0].identity.hex()]}
            turn.order(signer, "RED_ISSUE", refused("E_PAYMENT_UNKNOWN"), **stranger)
        turn.order(signer, "RED_ISSUE", reversed_by(invoice, taken), **members)
        if i % 2:
            turn.order(signer, "RED_ISSUE", refused("E_STATE"), **members)
        for trip, fen in taken.items():
            trip.free_fen = fen
            if trip.opening is not None:
                shelf.released.append(trip)
    for invoice in [*shelf.posted[:2], *shelf.used[:1]]:
        members = {**invoice.named, "reason": "SALES_RETURN", "payments": None}
        turn.order(people.issuer(invoice.seller), "RED_ISSUE", refused("E_RED_NEEDS_CONFIRM"), **members)


def requests(turn: Turn, people: People, share: Share, shelf: Shelf) -> Requests:
    """A company asks for a trip of a posted invoice back; a seller for the whole of one that was used."""
    asked = Requests()
    for invoice in take(shelf.posted, share.of(6, 3)):
        trip = invoice.trips[0]
        signer = _company(people, invoice)
        _ask(turn, signer, invoice, "SALES_RETURN", [trip])
        turn.order(signer, "RED_CONFIRM", refused("E_ROLE"), **invoice.named)
        asked.by_company.append((invoice, {trip: invoice.live[trip]}))
    for invoice in take(shelf.used, share.of(4, 1)):
        _ask(turn, people.issuer(invoice.seller), invoice, "ISSUE_ERROR", None)
        turn.order(people.issuer(invoice.seller), "RED_REFUSE", refused("E_ROLE"), **invoice.named)
        asked.by_seller.append((invoice, dict(invoice.live)))
    free = shelf.free[0]
    members = {**free.named, "reason": "SALES_RETURN", "payments": None}
    turn.order(people.issuer(free.seller), "RED_REQUEST", refused("E_STATE"), **members)
    return asked


def _ask(turn: Turn, signer: Signer, invoice: Invoice, reason: str, trips: Sequence[Trip] | None) -> None:
    named = None if trips is None else [trip.identity.hex() for trip in trips]
    turn.order(signer, "RED_REQUEST", APPLIED, **invoice.named, reason=reason, payments=named)


def _company(people: People, invoice: Invoice) -> Signer:
    """The company's side: who locked it, else the buyer."""
    side = invoice.locker or invoice.buyer
    assert side is not None
    return people.of(side)


class Refunds:
    """Money back for trips whose invoices have moved on.

    ``cancelled``: invoices whose lock a refund took away.
    """

    def __init__(self, turn: Turn, people: People, share: Share, shelf: Shelf, asked: Requests) -> None:
        self._turn, self._people, self._share, self._shelf, self._asked = turn, people, share, shelf, asked
        self.cancelled: list[Invoice] = []

    def plan(self, spare: Sequence[Trip]) -> None:
        """Of locked, free, bound, retitled, reimbursed, used and posted invoices, and of trips in none."""
        shelf, share = self._shelf, self._share
        self.cancelled = take(shelf.locked, share.of(20, 2))
        for invoice in self.cancelled:
            invoice.locker, invoice.claim_id = None, ""
        reimbursed = [one for one in shelf.reimbursed if not one.used][-share.of(10, 2) :]
        by_themselves = [
            *self.cancelled,
            *shelf.free[: share.of(10, 1)],
            *shelf.bound[: share.of(10, 1)],
            *shelf.retitled[-share.of(5, 1) :],
            *reimbursed,
        ]
        for i, invoice in enumerate(by_themselves):
            trip = invoice.trips[-1]
            self._reverse(invoice, trip, invoice.live[trip] if i % 4 == 3 else invoice.live[trip] // 2)
        for i, invoice in enumerate(
            [*take(shelf.posted, share.of(14, 5)), *take(shelf.used, share.of(4, 1))]
        ):
            self._owe(invoice, twice=i % 4 == 1)
        for trip in spare[-share.of(10, 2) :]:
            self._turn.refund(self._device(trip), trip, trip.free_fen // 2, recorded("REDUCED"))
            trip.free_fen -= trip.free_fen // 2
            self._turn.refund(self._device(trip), trip, 1_000_000, refused("E_RED_EXCEEDS"))

    def _device(self, trip: Trip) -> Signer:
        return self._people.device(trip.seller)

    def _reverse(self, invoice: Invoice, trip: Trip, fen: int) -> None:
        self._turn.refund(self._device(trip), trip, fen, reversed_by(invoice, {trip: fen}))

    def _owe(self, invoice: Invoice, *, twice: bool) -> None:
        """The seller alone may not: the refund opens a request; the next one waits behind it."""
        trip = invoice.trips[0]
        fen = invoice.live[trip] // 3
        self._turn.refund(self._device(trip), trip, fen, recorded("RED_REQUESTED"))
        self._asked.by_seller.append((invoice, {trip: fen}))
        self._asked.owed.add(id(invoice))
        if twice:
            self._turn.refund(self._device(trip), trip, fen, recorded("RED_QUEUED"))
            self._asked.waiting.add(id(invoice))


class Answers:
    """The other side answers; some requests stay open, and what is still owed is asked for again."""

    def __init__(self, turn: Turn, people: People, asked: Requests) -> None:
        self._turn, self._people, self._asked = turn, people, asked

    def plan(self) -> None:
        """Companies answer sellers, sellers answer companies."""
        for i, (invoice, taken) in enumerate(self._asked.by_seller):
            seller, company = self._people.issuer(invoice.seller), _company(self._people, invoice)
            self._answer(i, (invoice, taken), asking=seller, answering=company)
        for i, (invoice, taken) in enumerate(self._asked.by_company):
            seller, company = self._people.issuer(invoice.seller), _company(self._people, invoice)
            self._answer(i, (invoice, taken), asking=company, answering=seller)

    def _answer(
        self, i: int, request: tuple[Invoice, dict[Trip, int]], *, asking: Signer, answering: Signer
    ) -> None:
        invoice, taken = request
        order, named = self._turn.order, invoice.named
        match i % 5:
            case 0 | 1:
                order(asking, "RED_CONFIRM", refused("E_ROLE"), **named)
                order(self._people.app, "RED_EXPIRE", refused("E_STATE"), **named)
                order(answering, "RED_CONFIRM", reversed_by(invoice, taken), **named)
                if id(invoice) in self._asked.waiting:
                    _ask(self._turn, asking, invoice, "SALES_RETURN", [])
            case 2:
                order(answering, "RED_REFUSE", APPLIED, **named)
                order(answering, "RED_REFUSE", refused("E_STATE"), **named)
                if id(invoice) in self._asked.owed and i % 2:
                    _ask(self._turn, asking, invoice, "SALES_RETURN", [])
            case 3:
                order(answering, "RED_WITHDRAW", refused("E_ROLE"), **named)
                order(asking, "RED_WITHDRAW", APPLIED, **named)
            case _:
                pass
