"""The four turns of the life, in order: each looks at the ledger, plans, and is written."""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from farechain import _core
from farechain.data import ON_CLAIM_METRO
from farechain.day.files import Manifest
from farechain.day.keyring import derive, keep
from farechain.day.life import books, reversals, titling
from farechain.day.life.claims import Claims, claim_again
from farechain.day.life.companies import Companies
from farechain.day.life.known import Invoice, Known, Receipts, Trip
from farechain.day.life.people import People
from farechain.day.life.share import Share
from farechain.day.life.shelf import Shelf, of_a_person, take
from farechain.day.life.titles import TitleOpening, Titles
from farechain.day.life.turn import Turn
from farechain.day.life.writing import Wave, write_turn
from farechain.day.plan import COMMANDS

TURNS = 4
WAITING_OF_EACH = 24
_QUEUING = "parking-2"
"""An operator whose payments wait: nothing of it is reversed at once."""


class Life:
    """The life of a generated day's invoices.

    Call ``next_turn`` with a ledger that has ingested everything up to now: first the day, then turn after
    turn, ``TURNS`` times.

    Args:
        manifest: of the day, as ``generate`` returned it; it grows with each turn.
        keys: the directory of the day's keys.
        seed, invoices, on_claim: as the day was generated, with trips on claim.
    """

    def __init__(self, manifest: Manifest, keys: Path, *, seed: int, invoices: int, on_claim: int) -> None:
        keyring = keep(derive(seed, invoices, on_claim), keys)
        self._manifest = manifest
        self._rng = random.Random(f"farechain life {seed}")  # noqa: S311 - a simulation, not a secret
        self._people = People(keyring, Titles(keyring.parties.auditor.seed))
        self._receipts = Receipts()
        self._known = Known()
        self._share = Share(on_claim)
        self._shelf = Shelf()
        self._asked = reversals.Requests()
        self._spare: list[Trip] = []
        self._cancelled: list[Invoice] = []
        self._made: list[Invoice] = []
        self._turn = 0
        self._counts: Counter[tuple[str, str]] = Counter()

    @property
    def openings(self) -> list[TitleOpening]:
        """Titles that commands have committed to so far: for the private store."""
        return self._people.titles.openings

    def wallets(self) -> dict[str, list[Trip]]:
        """Trips of each passenger with a key, by its id: of invoices that it holds, and some that wait."""
        holders = [holder.kid for holder in self._people.holders]
        trips: dict[str, list[Trip]] = {kid: [] for kid in holders}
        for invoice in [*self._shelf.free, *self._shelf.locked, *self._shelf.reimbursed, *self._shelf.posted]:
            if invoice.holder is not None and invoice.holder.kid in trips:
                trips[invoice.holder.kid] += [trip for trip in invoice.trips if trip.opening is not None]
        waiting = [trip for trip in self._spare if trip.free_fen > 0 and trip.opening is not None]
        for number, trip in enumerate(waiting[: WAITING_OF_EACH * len(holders)]):
            trips[holders[number % len(holders)]].append(trip)
        return trips

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """By command (``REFUND`` for refunds) and what becomes of it: verdict, state or code."""
        told: dict[str, dict[str, int]] = {}
        for (kind, outcome), count in sorted(self._counts.items()):
            told.setdefault(kind, {})[outcome] = count
        return told

    def next_turn(self, ledger: _core.Ledger) -> Wave:
        """Plans and writes the next turn.

        Raises:
            FarechainError: ``E_OUTPUT`` where it cannot be written.
            LedgerError: the ledger cannot be read.
        """
        offsets = {(topic, partition): end for topic, _, partition, end, _ in ledger.positions()}
        self._turn += 1
        turn = Turn(self._turn, ledger.status()["time_ms"], offsets[COMMANDS, 0])
        steps: list[Callable[[Turn, _core.Ledger], None]] = [
            self._claim,
            self._move,
            self._give_back,
            self._settle,
        ]
        steps[self._turn - 1](turn, ledger)
        self._counts += turn.counts
        return write_turn(self._manifest.path.parent, turn, self._manifest, offsets)

    def _claim(self, turn: Turn, ledger: _core.Ledger) -> None:
        keyring = self._people.keyring
        sellers = {one.tax_id: one for one in keyring.operators if one.code != _QUEUING}
        wanted = self._share.of(150, 20)
        self._known = self._receipts.of_the_day(ledger, sellers, keyring.parties.payers, wanted)
        claims = Claims(turn, self._people, self._share, self._rng, self._known)
        claims.plan()
        self._made, self._spare = claims.made, claims.spare
        books.apply_for_numbers(turn, self._people)

    def _move(self, turn: Turn, ledger: _core.Ledger) -> None:
        people, share, shelf = self._people, self._share, self._shelf
        self._learn_numbers(ledger)
        shelf.free, self._made = self._made, []
        shelf.bound = titling.bind(turn, people, share, self._known.automatic)
        individuals = shelf.take_free(share.of(90, 4), of_a_person) + take(shelf.bound, share.of(10, 1))
        shelf.retitled = titling.retitle(turn, people, individuals)
        self._made = list(shelf.retitled)
        changing = [one for one in shelf.free if of_a_person(one)][-share.of(100, 3) :]
        titling.transfer(turn, people, changing)
        books.freeze(turn, people, shelf)
        Companies(turn, people, share, shelf).plan()
        reversals.red_letters(turn, people, share, shelf)
        self._asked = reversals.requests(turn, people, share, shelf)
        books.answer_applications(turn, people)

    def _give_back(self, turn: Turn, ledger: _core.Ledger) -> None:
        self._learn_numbers(ledger)
        refunds = reversals.Refunds(turn, self._people, self._share, self._shelf, self._asked)
        refunds.plan(self._spare)
        self._cancelled = refunds.cancelled

    def _settle(self, turn: Turn, ledger: _core.Ledger) -> None:
        people, share, shelf = self._people, self._share, self._shelf
        books.declare(turn, people, ledger)
        companies = Companies(turn, people, share, shelf)
        for invoice in [*self._cancelled[: share.of(10, 1)], *take(shelf.retitled, share.of(30, 2))]:
            if invoice.rest_fen > 0:
                companies.lock(invoice, invoice.buyer or people.hosts[0])
        reversals.Answers(turn, people, self._asked).plan()
        claim_again(turn, people, [one for one in shelf.released if one.seller.code == ON_CLAIM_METRO])

    def _learn_numbers(self, ledger: _core.Ledger) -> None:
        numbers = self._receipts.numbers(ledger)
        for invoice in self._made:
            invoice.code, invoice.number = numbers[invoice.made_at]
