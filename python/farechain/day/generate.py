"""Generates the day: deterministic from its seed, byte for byte.

A payment becomes an invoice at once (``AUTO``) or waits until somebody claims it (``ON_CLAIM``). The day that
benchmarks and operators get is ``AUTO``: one event, one invoice, so that figures stay comparable. Trips on
claim are an explicit share, ``on_claim``: they come on top, from a metro operator of their own, and wait;
``farechain.day.life`` claims most of them when the day is over, and takes invoices through the rest of their
life. Real metros merge most trips on claim; here they are the smaller part, since a claim of six trips is one
invoice, and a day that shows 170,000 invoices would need a million trips.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from farechain.data import ON_CLAIM_METRO
from farechain.day import sales
from farechain.day.bad import FIELDS, BadInputs
from farechain.day.bad_json import BAD_JSON
from farechain.day.collector import without_collector
from farechain.day.commands import commands
from farechain.day.duplicates import duplicates
from farechain.day.files import Manifest, write_day
from farechain.day.keyring import FULL_DAY, Keyring, derive, keep
from farechain.day.plan import PARTITIONS, Planned, PlannedSale, Refund, Sale
from farechain.day.refunds import Refunds, refund_before
from farechain.day.till import Calendar, Counter, Till, Transactions
from farechain.day.truth import Expected, Truth, count_issued
from farechain.errors import EXIT_CHECK_FAILED, EXIT_USAGE, FarechainError
from farechain.partition import partition_of

MIN_INVOICES = 1_000
MIN_ON_CLAIM = 400
"""Fewer trips do not have an invoice for everything that can become of one."""
_SHENZHEN = timezone(timedelta(hours=8))
_DUPLICATES = 0.03
_BAD = 0.001
_KINDS_OF_BAD = len(FIELDS) + len(BAD_JSON) + 22
_CREDIT_SALES = 60
"""Of the operator with a credit limit; the first 40 use it up."""
_KNOWN_ON_CLAIM = 0.92
"""Whoever rides an operator that invoices on claim pays by the app that can claim."""


@dataclass(frozen=True, slots=True)
class _Sold:
    """The day's sales by what becomes of them."""

    invoiced: list[PlannedSale]
    recorded: list[PlannedSale]
    credit: list[PlannedSale]
    lost: list[PlannedSale]
    returned: list[PlannedSale]


def yesterday() -> str:
    """Yesterday in Shenzhen, ``YYYY-MM-DD``: whatever is appended now was paid before."""
    return (datetime.now(_SHENZHEN) - timedelta(days=1)).date().isoformat()


def generate(
    out: Path, keys: Path, *, seed: int, invoices: int = FULL_DAY, date: str = "", on_claim: int = 0
) -> Manifest:
    """Writes a signed day and what must become of it.

    Args:
        out: gets ``spool/<topic>-<partition>.jsonl``, ``manifest.jsonl`` (a line an input) and
            ``manifest-summary.json``.
        keys: gets ``bureau.key``, ``bureau.pub``, everybody else's keys in directories by role, and
            ``devices.jsonl``; a bureau's key that is there is used.
        seed: the same seed, size, date and bureau's key give the same bytes.
        invoices: blue invoices that the day gives by itself, exactly; at least 1,000.
        date: the day, ``YYYY-MM-DD`` at +08:00; yesterday if empty.
        on_claim: metro trips beside these that wait for a claim; none, or at least 400.

    A payment that is a little ahead of the broker's clock (accepted and flagged) is not in the day: with the
    broker's append time it would depend on when the day is produced.

    Raises:
        FarechainError: ``E_USAGE``, ``E_KEY_FILE``, ``E_OUTPUT``.
    """
    calendar = _calendar(date or yesterday(), invoices)
    if on_claim and on_claim < MIN_ON_CLAIM:
        message = f"trips on claim are none or at least {MIN_ON_CLAIM}, so that everything becomes of some"
        raise FarechainError("E_USAGE", message, EXIT_USAGE)
    keyring = keep(derive(seed, invoices, on_claim), keys)
    with without_collector():
        manifest, told = _write(out, keyring, calendar, seed, (invoices, on_claim))
    if count_issued(told) != invoices:
        message = f"the day gives {count_issued(told)} invoices instead of {invoices}: take another seed"
        raise FarechainError("E_DAY", message, EXIT_CHECK_FAILED)
    return manifest


def _write(
    out: Path, keyring: Keyring, calendar: Calendar, seed: int, size: tuple[int, int]
) -> tuple[Manifest, list[Expected]]:
    invoices, _ = size
    rng = random.Random(f"farechain day {seed}")  # noqa: S311 - a simulation, not a secret
    planned = commands(keyring, calendar.start_ms, int(calendar.date[:4]), invoices)
    planned += _events(rng, calendar, keyring, size)
    devices = sum(len(signers) for signers in keyring.devices.values())
    manifest = Manifest(out / "manifest.jsonl", seed, calendar.date, devices)
    return manifest, write_day(out, _queues(planned), manifest, Truth())


def _calendar(date: str, invoices: int) -> Calendar:
    if invoices < MIN_INVOICES:
        message = f"a day has at least {MIN_INVOICES} invoices, so that every kind of input is in it"
        raise FarechainError("E_USAGE", message, EXIT_USAGE)
    try:
        day = datetime.strptime(date, "%Y-%m-%d").replace(tzinfo=_SHENZHEN)
    except ValueError as error:
        raise FarechainError("E_USAGE", f"{date!r} is not a date: write YYYY-MM-DD", EXIT_USAGE) from error
    if not 2020 <= day.year <= 2098:
        raise FarechainError(
            "E_USAGE", f"{date}: the rate table begins in 2020; take a later date", EXIT_USAGE
        )
    return Calendar(day.date().isoformat(), int(day.timestamp() * 1000))


def _events(rng: random.Random, calendar: Calendar, keyring: Keyring, size: tuple[int, int]) -> list[Planned]:
    invoices, _ = size
    sold = _sales(rng, calendar, keyring, size)
    counter = Counter(rng, calendar)
    refunds = Refunds(rng, counter, sold.invoiced, max(40, round(0.0085 * invoices)))
    planned: list[Planned] = refunds.plan(sold.recorded, sold.credit)
    conflicting = next(one for one in planned if one.case == "refund partial")
    for one in sold.lost:
        planned.append(refund_before(counter, one, one.fact.paid_fen, "refund before its payment, full"))
    for one in sold.returned:
        later_ms = one.fact.paid_ms + 60_000 + int(rng.random() * 3_600_000)
        planned.append(counter.refund(one, later_ms, one.fact.paid_fen, "refund full of a trip on claim"))
    planned = [*sold.invoiced, *sold.recorded, *sold.credit, *sold.lost, *sold.returned, *planned]
    acceptable = [
        one for one in planned if isinstance(one.fact, Sale | Refund) and "too much" not in one.case
    ]
    acceptable = [one for one in acceptable if not one.case.startswith("bad")]
    bad = _bad(rng, keyring, counter, sold.invoiced, len(planned))
    bad.conflicting_refund(conflicting)
    again = duplicates(rng, calendar, acceptable, round(_DUPLICATES * len(planned) / (1 - _DUPLICATES)))
    return planned + again + bad.planned


def _sales(rng: random.Random, calendar: Calendar, keyring: Keyring, size: tuple[int, int]) -> _Sold:
    invoices, on_claim = size
    tills = _tills(rng, calendar, keyring)
    scale = invoices / FULL_DAY

    def some(full_day: int) -> int:
        return max(6, round(full_day * scale))

    def at(code: str, seller: sales.Seller, count: int, case: str) -> list[PlannedSale]:
        return seller(rng, tills[code], count, case)

    shares = {one.code: round(invoices * one.share) for one in keyring.operators}
    issued_credit = 40
    topped_up = some(120)
    overtaken = at("metro-1", sales.metro, some(80), "metro ride, refunded before it came")
    lost = [one for one in overtaken if 7 * 3_600_000 < one.fact.paid_ms < 20 * 3_600_000]
    others = [one for one in overtaken if one not in lost]
    for one in others:
        one.case = "metro ride"
    shares["metro-1"] += invoices - sum(shares.values()) - issued_credit - len(others)
    invoiced = [
        *others,
        *at("metro-1", sales.metro, shares["metro-1"], "metro ride"),
        *at("metro-2", sales.metro_without_cards, shares["metro-2"] - topped_up, "metro ride"),
        *at("metro-2", sales.top_ups, topped_up, "top-up, invoiced"),
        *at("bus-1", sales.bus, shares["bus-1"], "bus ride"),
        *at("bus-2", sales.bus, shares["bus-2"], "bus ride, exempt"),
        *at("coach-1", sales.coach, shares["coach-1"], "coach ride"),
        *at("taxi-1", sales.taxi, shares["taxi-1"], "taxi ride"),
        *at("parking-1", sales.parking, shares["parking-1"], "stay"),
        *at("scenic-1", sales.scenic, shares["scenic-1"], "visit"),
    ]
    recorded = [
        *at("metro-1", sales.staff, some(540), "staff ride"),
        *at("metro-1", sales.top_ups, some(90), "top-up, rides invoiced"),
        *at("metro-2", sales.metro_by_card, some(900), "metro ride, covered by a top-up"),
        *at("taxi-2", sales.taxi, some(200), "taxi ride, no mandate"),
        *at("scenic-2", sales.scenic, some(340), "visit, on claim"),
    ]
    returned: list[PlannedSale] = []
    if on_claim:
        waiting = at(ON_CLAIM_METRO, sales.metro_without_cards, on_claim, "metro ride, on claim")
        daytime = [one for one in waiting if one.fact.paid_ms < 20 * 3_600_000]
        returned = rng.sample(daytime, max(6, on_claim // 200))
        recorded += [one for one in waiting if one not in returned]
    credit = at("parking-2", sales.parking_flat, _CREDIT_SALES, "stay, limited credit")
    for till in tills.values():
        till.close()
    _offline(rng, invoiced)
    return _Sold(invoiced, recorded, credit, lost, returned)


def _tills(rng: random.Random, calendar: Calendar, keyring: Keyring) -> dict[str, Till]:
    transactions, payers = Transactions(calendar), keyring.parties.payers
    tills = {}
    for one in keyring.operators:
        known = _KNOWN_ON_CLAIM if one.code == ON_CLAIM_METRO else 0.5
        tills[one.code] = Till(
            rng, calendar, transactions, one, keyring.devices[one.code], payers=payers, known=known
        )
    return tills


def _offline(rng: random.Random, invoiced: Sequence[PlannedSale]) -> None:
    """One ride in two hundred waits in a gate without a network for up to three hours."""
    for one in rng.sample(invoiced, len(invoiced) // 200):
        if one.fact.paid_ms < 19 * 3_600_000:
            one.arrival_ms += int(rng.random() * 3 * 3_600_000)


def _bad(
    rng: random.Random, keyring: Keyring, counter: Counter, invoiced: Sequence[PlannedSale], events: int
) -> BadInputs:
    rounds = max(1, round(_BAD * events / _KINDS_OF_BAD))
    count = rounds * _KINDS_OF_BAD
    daytime = [one for one in invoiced if 6 * 3_600_000 < one.fact.paid_ms < 20 * 3_600_000]
    rides = [one for one in daytime if one.fact.operator.code == "metro-1" and not one.fact.topped_up]
    elsewhere = [one for one in daytime if one.topic != "payments.metro"]
    bad = BadInputs(
        rng, keyring, counter, rng.sample(rides, count), rng.sample(elsewhere, min(count, len(elsewhere)))
    )
    bad.plan(rounds)
    return bad


def _queues(planned: Iterable[Planned]) -> dict[tuple[str, int], list[Planned]]:
    queues: dict[tuple[str, int], list[Planned]] = {
        (topic, partition): [] for topic, count in PARTITIONS.items() for partition in range(count)
    }
    for one in planned:
        partitions = PARTITIONS[one.topic]
        partition = partition_of(one.key, partitions) if partitions > 1 else 0
        queues[one.topic, partition].append(one)
    for queue in queues.values():
        queue.sort(key=lambda one: one.arrival_ms)
    return queues
