"""Trips become invoices: one a seller, shown with its amounts and tax first, then each claimed by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from farechain import _core, orders
from farechain.api.problems import Problem
from farechain.export.amounts import percent
from farechain.export.naming import line_name
from farechain.orders import Claimed, Invoice
from farechain.pages.language import Words
from farechain.pages.passenger.person import Person, reading
from farechain.pages.passenger.titles import Chosen, buyer_of
from farechain.pages.passenger.trips import Trip

TRIPS_MAX = 200
"""Of one form; a claim takes 256."""
RATES = {"EXEMPT": Words("exempt", "免税"), "NONTAXABLE": Words("not taxable", "不征税")}


@dataclass(frozen=True, slots=True)
class DraftLine:
    """A line of an invoice to be. Amounts are fen."""

    name: str
    rate: Words
    count: int
    net_fen: int
    tax_fen: int
    total_fen: int


@dataclass(frozen=True, slots=True)
class Draft:
    """An invoice to be: trips of one seller. Without lines it cannot be made.

    ``without_rate`` are trips that the seller has no rate for now: they are not in it.
    """

    seller: str
    seller_name: str
    trips: Sequence[Trip]
    without_rate: Sequence[Trip]
    lines: Sequence[DraftLine]

    @property
    def net_fen(self) -> int:
        """Without tax."""
        return sum(line.net_fen for line in self.lines)

    @property
    def tax_fen(self) -> int:
        """The tax in it."""
        return sum(line.tax_fen for line in self.lines)

    @property
    def total_fen(self) -> int:
        """What is invoiced."""
        return sum(line.total_fen for line in self.lines)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a claim: an invoice, or the reason why there is none."""

    seller_name: str
    invoice: Invoice | None
    total_fen: int
    problem: Problem | None


def drafts(trips: Sequence[Trip], issuers: Sequence[Mapping[str, Any]]) -> list[Draft]:
    """One invoice a seller, as the ledger would make it now (docs/format.md, section 3, ``CLAIM``).

    Args:
        issuers: of the registry (``Ledger.registry``).
    """
    known = {issuer["tax_id"]: issuer for issuer in issuers}
    made = []
    for seller, own in by_seller(trips).items():
        issuer = known.get(seller, {"name": seller, "mandate": []})
        rows = {row["scene"]: row for row in issuer["mandate"]}
        rated = [trip for trip in own if trip.scene in rows]
        without = [trip for trip in own if trip.scene not in rows]
        made.append(Draft(seller, issuer["name"], rated, without, _lines(rated, rows)))
    return made


def by_seller(trips: Sequence[Trip]) -> dict[str, list[Trip]]:
    """The trips of each seller, in their order."""
    groups: dict[str, list[Trip]] = {}
    for trip in trips:
        groups.setdefault(trip.seller, []).append(trip)
    return groups


async def claim(person: Person, trips: Sequence[Trip], chosen: Chosen, once: str) -> list[Result]:
    """Claims the trips, each seller's in a command of its own; one that is refused stops no other.

    Args:
        chosen: whom the invoices are for, checked.
        once: of the form: sent twice, it claims nothing more.

    Raises:
        Problem: 403: nobody signs for this person here.
    """
    agent = await person.agent()
    names = {issuer["tax_id"]: issuer["name"] for issuer in await issuers_of(person)}
    results = []
    for seller, own in by_seller(trips).items():
        command_id = f"{once}-{seller}"
        buyer = await reading(partial(buyer_of, person, chosen, command_id))
        payments = [Claimed(trip.known.payment, trip.known.opening) for trip in own]
        name = names.get(seller, seller)
        try:
            answer = await person.site.signing.give(agent, orders.claim(payments, buyer), command_id)
        except Problem as problem:
            results.append(Result(name, None, 0, problem))
            continue
        made = answer.records[0].fields
        results.append(Result(name, Invoice(made["code"], made["number"]), made["total_fen"], None))
    return results


async def issuers_of(person: Person) -> Sequence[Mapping[str, Any]]:
    """The issuers of the registry."""
    issuers: Sequence[Mapping[str, Any]] = (await person.site.shared.registry.now()).registry["issuers"]
    return issuers


def _lines(trips: Sequence[Trip], rows: Mapping[str, Mapping[str, Any]]) -> list[DraftLine]:
    groups: dict[tuple[str, int | str], list[Trip]] = {}
    for trip in trips:
        row = rows[trip.scene]
        rate = "NONTAXABLE" if trip.topped_up else row["rate"]
        groups.setdefault((row["tax_code"], rate), []).append(trip)
    return [_line(tax_code, rate, own) for (tax_code, rate), own in groups.items()]


def _line(tax_code: str, rate: int | str, trips: Sequence[Trip]) -> DraftLine:
    total_fen = sum(trip.open_fen for trip in trips)
    net_fen, tax_fen = _core.split_tax(total_fen, rate)  # type: ignore[arg-type]  # the registry's own
    short_name, item = line_name(tax_code, [(trip.scene, trip.topped_up) for trip in trips])
    words = RATES[rate] if isinstance(rate, str) else Words(f"{percent(rate)}%", f"{percent(rate)}%")
    return DraftLine(f"*{short_name}*{item}", words, len(trips), net_fen, tax_fen, total_fen)
