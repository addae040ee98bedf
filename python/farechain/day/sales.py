"""What people pay at each scene: fares, amounts, channels, and the details of ride, stay or visit."""

import random
from bisect import bisect
from collections.abc import Callable
from hashlib import sha256

from farechain.data import places
from farechain.day.curve import at_the_gate, moments
from farechain.day.plan import PlannedSale
from farechain.day.till import Till

Seller = Callable[[random.Random, Till, int, str], list[PlannedSale]]
"""(rng, till, count, case) -> sales in the order of time."""

_METRO_CHANNELS = ("WECHAT", "ALIPAY", "UNIONPAY", "CARD", "CASH")
_CAB_CHANNELS = ("WECHAT", "ALIPAY", "CASH")
_CUMULATIVE = {
    "with cards": (0.42, 0.72, 0.80, 0.97),
    "without cards": (0.50, 0.86, 0.97, 0.97),
    "cards only": (0.0, 0.0, 0.0, 1.0),
}
"""Where each channel but the last ends, between 0 and 1."""


_COUPON_EVERY = 40
"""Of the rides by WeChat, one in so many is paid with a coupon of one yuan, which is not to be invoiced."""


def _channel(rng: random.Random, mix: str) -> str:
    return _METRO_CHANNELS[bisect(_CUMULATIVE[mix], rng.random())]


def metro_fare_fen(stations: int) -> int:
    """2 yuan for the first stations, then a yuan more for every three, 9 yuan at most."""
    return min(900, 200 + stations // 3 * 100)


def metro(
    rng: random.Random, till: Till, count: int, case: str, mix: str = "with cards"
) -> list[PlannedSale]:
    """Rides that end at a gate just after a train came in; 95 % of the fare by card and in most apps."""
    names = places()
    lines = [(line, names.lines[line]) for line in names.operator_lines[till.operator.code]]
    stations = [(line, stops, i) for line, stops in lines for i in range(len(stops))]
    gates = len(till.devices)
    passed = []
    for moment in moments(rng, "METRO", count):
        gate = int(rng.random() * gates)
        station = gate % len(stations)
        passed.append((at_the_gate(rng, moment, station), gate, station))
    passed.sort()
    sales, by_wechat = [], 0
    for moment, gate, station in passed:
        line, stops, exit_at = stations[station]
        entry_at = int(rng.random() * len(stops))
        gross_fen = metro_fare_fen(abs(exit_at - entry_at))
        channel = _channel(rng, mix)
        discount = channel == "CARD" or (channel in ("WECHAT", "ALIPAY") and rng.random() < 0.8)
        paid_fen = gross_fen * 95 // 100 if discount else gross_fen
        detail = f'"line":"{line}","exit":"{stops[exit_at]}"'
        if rng.random() < 0.98:
            detail += f',"entry":"{stops[entry_at]}"'
        by_wechat += channel == "WECHAT"
        coupon = channel == "WECHAT" and by_wechat % _COUPON_EVERY == 0
        invoiceable_fen = paid_fen - 100 if coupon else None
        sales.append(
            till.sell(
                moment, gate, channel, (gross_fen, paid_fen), (detail, case), invoiceable_fen=invoiceable_fen
            )
        )
    return sales


def metro_without_cards(rng: random.Random, till: Till, count: int, case: str) -> list[PlannedSale]:
    """Rides of an operator whose cards are invoiced when topped up: those with an invoice of their own."""
    return metro(rng, till, count, case, "without cards")


def metro_by_card(rng: random.Random, till: Till, count: int, case: str) -> list[PlannedSale]:
    """Rides paid with a stored-value card."""
    return metro(rng, till, count, case, "cards only")


def staff(rng: random.Random, till: Till, count: int, case: str) -> list[PlannedSale]:
    """Staff rides: the fare is there, nothing is paid."""
    sales = []
    for moment in moments(rng, "METRO", count):
        gate = int(rng.random() * len(till.devices))
        sales.append(
            till.sell(moment, gate, "CARD", (metro_fare_fen(gate % 25), 0), ('"exit":"车辆段"', case))
        )
    return sales


def top_ups(rng: random.Random, till: Till, count: int, case: str) -> list[PlannedSale]:
    """Money put on a stored-value card: 50 to 200 yuan."""
    sales = []
    for moment in moments(rng, "METRO", count):
        machine = int(rng.random() * len(till.devices))
        fen = rng.choice((5_000, 10_000, 10_000, 20_000))
        channel = rng.choice(("WECHAT", "ALIPAY", "CASH"))
        sales.append(till.sell(moment, machine, channel, (fen, fen), ("", case), topped_up=True))
    return sales


def bus(rng: random.Random, till: Till, count: int, case: str) -> list[PlannedSale]:
    """2 yuan flat, 1.60 by card."""
    names = places()
    sales = []
    for moment in moments(rng, "BUS", count):
        bus_at = int(rng.random() * len(till.devices))
        channel = _channel(rng, "with cards")
        route = names.bus_routes[bus_at % len(names.bus_routes)]
        stop = names.bus_stops[int(rng.random() * len(names.bus_stops))]
        paid_fen = 160 if channel == "CARD" else 200
        detail = f'"route":"{route}","stop":"{stop}"'
        sales.append(till.sell(moment, bus_at, channel, (200, paid_fen), (detail, case)))
    return sales


def coach(rng: random.Random, till: Till, count: int, case: str) -> list[PlannedSale]:
    """20 to 30 yuan a seat, to the airport or from it."""
    names = places()
    sales = []
    for moment in moments(rng, "AIRPORT_COACH", count):
        ends = [names.coach_ends[int(rng.random() * len(names.coach_ends))], names.airport]
        rng.shuffle(ends)
        seats = 2 if rng.random() < 0.1 else 1
        fen = rng.choice((2_000, 2_500, 3_000)) * seats
        detail = f'"from":"{ends[0]}","to":"{ends[1]}","seats":{seats}'
        coach_at = int(rng.random() * len(till.devices))
        sales.append(till.sell(moment, coach_at, rng.choice(_CAB_CHANNELS), (fen, fen), (detail, case)))
    return sales


def taxi(rng: random.Random, till: Till, count: int, case: str) -> list[PlannedSale]:
    """13 yuan for the first two kilometres, to about 90."""
    sales = []
    for moment in moments(rng, "TAXI", count):
        cab = int(rng.random() * len(till.devices))
        distance_m = min(28_000, 800 + int(rng.expovariate(1 / 7_000)))
        fen = 1_300 + max(0, distance_m - 2_000) * 27 // 100 // 10 * 10
        detail = f'"vehicle":"粤BD{10_000 + cab * 37 % 90_000}","distance_m":{distance_m}'
        sales.append(till.sell(moment, cab, rng.choice(_CAB_CHANNELS), (fen, fen), (detail, case)))
    return sales


def _stay(rng: random.Random, till: Till, moment: int, device: int, hours: int) -> str:
    names = places()
    lot = names.parking_lots[device % len(names.parking_lots)]
    entered = f"{max(0, moment // 3_600_000 - hours):02d}:{int(rng.random() * 60):02d}"
    plate = sha256(f"{till.operator.code}{rng.random()}".encode()).hexdigest()[:32]
    stay_id = f"{device:03d}-{rng.getrandbits(32):08x}"
    return f'"lot":"{lot}","stay_id":"{stay_id}","entered":"{entered}","plate":"{plate}"'


def parking(rng: random.Random, till: Till, count: int, case: str) -> list[PlannedSale]:
    """5 yuan an hour, 60 at most."""
    sales = []
    for moment in moments(rng, "PARKING", count):
        device = int(rng.random() * len(till.devices))
        hours = 1 + int(rng.expovariate(1 / 2.5))
        fen = min(6_000, 500 * hours)
        channel = rng.choice(("WECHAT", "WECHAT", "ALIPAY", "UNIONPAY"))
        sales.append(
            till.sell(moment, device, channel, (fen, fen), (_stay(rng, till, moment, device, hours), case))
        )
    return sales


def parking_flat(rng: random.Random, till: Till, count: int, case: str) -> list[PlannedSale]:
    """10 yuan a stay, whatever its length."""
    sales = []
    for moment in moments(rng, "PARKING", count):
        device = int(rng.random() * len(till.devices))
        detail = _stay(rng, till, moment, device, 2)
        sales.append(till.sell(moment, device, "WECHAT", (1_000, 1_000), (detail, case)))
    return sales


def scenic(rng: random.Random, till: Till, count: int, case: str) -> list[PlannedSale]:
    """30 to 220 yuan a ticket."""
    names = places()
    sales = []
    for moment in moments(rng, "SCENIC", count):
        booth = int(rng.random() * len(till.devices))
        visitors = 1 + (rng.random() < 0.4) + (rng.random() < 0.1)
        fen = rng.choice((3_000, 6_000, 9_000, 12_000, 18_000, 22_000))
        detail = (
            f'"park":"{names.parks[booth % len(names.parks)]}",'
            f'"ticket":"{names.tickets[int(rng.random() * len(names.tickets))]}","visitors":{visitors}'
        )
        channel = rng.choice(("WECHAT", "ALIPAY", "UNIONPAY", "CASH"))
        total = fen * visitors
        sales.append(till.sell(moment, booth, channel, (total, total), (detail, case)))
    return sales
