"""Random lives of few invoices: inputs of every kind by every party, mostly sensible, cut anyhow."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from . import events, orders
from .events import BUYER, OTHER_BUYER, payment, refund
from .invoice import CONFIRMED, FREE, LOCKED, POSTED, RED_PENDING, REIMBURSED, REVERSED, SELLER_SIDE, Invoice
from .orders import CODE, OPENING, PAYER, Order
from .telling import (
    AGENT,
    AUDITOR,
    BUREAU,
    DEVICE,
    HOLDER,
    ISSUER,
    OTHER_HOLDER,
    OTHER_ISSUER,
    OTHER_REIMBURSER,
    REIMBURSER,
    SPARE,
    Telling,
    kid,
    row,
)

TRIPS = [f"T{n}" for n in range(60)]
HOLDERS = [HOLDER, OTHER_HOLDER, AGENT]
TAX_IDS = {REIMBURSER: BUYER, OTHER_REIMBURSER: OTHER_BUYER}
STEPS_MS = [1, 1000, 1000, 3_600_000, 40 * 3_600_000, 31 * 24 * 3_600_000]
Said = tuple[Order, bytes]
"""A command and who gives it."""


class Life:
    """One seed's. What was said before is read from the replay's state."""

    def __init__(self, story: Telling, seed: int) -> None:
        self.story = story
        self.rng = random.Random(seed)
        self.seen: Counter[str] = Counter()
        self.next_number = 1
        self.refunds = 0
        self.paid: list[str] = []
        """Transactions."""

    def run(self, steps: int) -> Counter[str]:
        self.begin()
        return self.go_on(steps)

    def begin(self) -> None:
        policy = self.rng.choice(["AUTO", "ON_CLAIM", "ON_CLAIM"])
        self.story.set_up(numbers=0, policy=policy, stored_value=self.rng.choice(["AT_RIDE", "AT_TOPUP"]))
        self.story.set_up_second_seller()
        self.story.set_up_parties()
        self.story.order(orders.policy(accepts_individuals=True), REIMBURSER)
        self.grant()

    def go_on(self, steps: int) -> Counter[str]:
        says: list[tuple[Callable[[], object], float]] = [
            (self.pay, 5),
            (self.give_back, 6),
            (self.claim, 6),
            (self.change, 24),
            (self.batch, 2),
            (self.rule, 1),
            (self.declare, 1),
            (self.grant, 3),
            (self.seal, 14),
        ]
        acts, weights = zip(*says, strict=True)
        for act in self.rng.choices(acts, weights, k=steps):
            act()
        while self.seal():
            pass
        return self.seen

    def seal(self) -> bool:
        outcomes = self.story.next_block(self.rng.choice(STEPS_MS))
        self.seen.update(one if not one.startswith("DRAINED") else "DRAINED" for one in outcomes)
        return bool(outcomes)

    def pay(self) -> None:
        """A trip is always paid in the same way, so that most repetitions are duplicates."""
        txn_id = self.rng.choice(TRIPS)
        own = random.Random(txn_id)
        paid, bus = own.choice([100, 200, 333]), own.random() < 0.2
        more: dict[str, Any] = {"scene": "BUS", "detail": {"line": "M1"}} if bus else {}
        self.paid.append(txn_id)
        self.story.say(
            payment(
                kind=own.choice(["PAID"] * 5 + ["TOPPED_UP"]),
                txn_id=txn_id,
                gross_fen=400,
                paid_fen=paid + (self.rng.random() < 0.03),
                invoiceable_fen=own.choice([paid, paid, 100]),
                payer=own.choice([PAYER, ...]),
                **more,
            )
        )

    def give_back(self) -> None:
        self.refunds += 1
        used = [one for one in self.story.replay.state.invoices.values() if one.used_or_posted]
        trips = self.some(self.rng.choice(used)) if used and self.rng.random() < 0.5 else self.paid or TRIPS
        fen, txn_id = self.rng.choice([1, 30, 50, 100, 200]), self.rng.choice(trips)
        self.story.say(refund(txn_id=txn_id, refund_id=f"R{self.refunds}", refund_fen=fen), source=3)

    def grant(self) -> None:
        first, self.next_number = self.next_number, self.next_number + self.rng.randint(1, 6)
        self.story.order(events.grant(CODE, first, self.next_number - 1))

    def claiming(self) -> Order:
        payments = self.story.replay.state.payments
        named = {trip: payments.get(bytes.fromhex(orders.payment_id(trip))) for trip in TRIPS}
        free = [trip for trip, paid in named.items() if paid and paid.live == 0 and paid.left > 0]
        trips = free if len(free) > 3 and self.rng.random() < 0.85 else TRIPS
        trips = self.rng.sample(trips, self.rng.choice([1, 1, 2, 3]))
        opened = [(trip, OPENING) if self.rng.random() < 0.7 else trip for trip in trips]
        return orders.claim(*opened, **self.buyer())

    def buyer(self) -> Order:
        holder = self.rng.choice([None, *HOLDERS])
        if self.rng.random() < 0.3:
            return orders.individual(holder)
        named = None if holder is None else kid(holder)
        return orders.buyer(buyer_tax_id=self.rng.choice([BUYER, BUYER, OTHER_BUYER]), holder=named)

    def claim(self) -> None:
        self.seal()
        self.story.order(self.claiming(), self.rng.choice([ISSUER, ISSUER, ISSUER, AGENT, OTHER_ISSUER]))

    def change(self) -> None:
        if self.rng.random() < 0.5:
            self.seal()
        if not self.story.replay.state.invoices:
            self.pay()
            return
        order, seed = self.changing()
        stranger = self.rng.choice([AUDITOR, DEVICE, SPARE, OTHER_ISSUER])
        self.story.order(order, seed if self.rng.random() < 0.95 else stranger)

    def changing(self) -> Said:
        """A change of a young invoice, mostly one that is possible as it stands."""
        invoices = list(self.story.replay.state.invoices.values())
        blue = [invoice for invoice in invoices if invoice.fiscal != REVERSED or self.rng.random() < 0.05]
        if not blue or self.rng.random() < 0.03:
            return orders.of("CONFIRM_USE", self.rng.randint(1, 30)), REIMBURSER
        invoice = self.rng.choice(blue[-4:])
        return self.rng.choice(self.sensible(invoice) if self.rng.random() < 0.85 else self.any_of(invoice))

    def reimburser(self, invoice: Invoice) -> bytes:
        tax_id = invoice.locker or invoice.buyer
        return OTHER_REIMBURSER if tax_id == OTHER_BUYER else REIMBURSER

    def holder(self, invoice: Invoice) -> bytes | None:
        return next((seed for seed in HOLDERS if bytes.fromhex(kid(seed)) == invoice.holder), None)

    def sensible(self, invoice: Invoice) -> list[Said]:
        number, who, holder = invoice.number, self.reimburser(invoice), self.holder(invoice)
        if invoice.frozen:
            return [(orders.of("UNFREEZE", number), BUREAU)]
        if invoice.fiscal == RED_PENDING:
            asked_by_seller = invoice.request is not None and invoice.request.side == SELLER_SIDE
            own, other = (ISSUER, who) if asked_by_seller else (who, ISSUER)
            kinds = {"RED_CONFIRM": other, "RED_REFUSE": other, "RED_WITHDRAW": own, "RED_EXPIRE": own}
            said = [(orders.of(kind, number), seed) for kind, seed in kinds.items()]
            return [*said, said[0]]
        if invoice.used_or_posted:
            trips = self.some(invoice)
            asked = [orders.red("RED_REQUEST", number, trips) for trips in (None, [], [], trips)]
            return [*((order, self.rng.choice([who, ISSUER])) for order in asked), *self.expenses(invoice)]
        choices = self.expenses(invoice)
        choices.append((orders.red("RED_ISSUE", number, self.rng.choice([None, self.some(invoice)])), ISSUER))
        if invoice.holder is None:
            choices.append((orders.bind(number, self.rng.choice(HOLDERS)), ISSUER))
        elif holder is not None and invoice.claim == FREE:
            choices.append((orders.transfer(number, self.rng.choice(HOLDERS)), holder))
            choices.append((orders.retitle(number, **self.buyer()), self.rng.choice([ISSUER, AGENT])))
        return choices

    def some(self, invoice: Invoice) -> list[str]:
        """A trip that the invoice holds something of."""
        live = [txn_id for txn_id in TRIPS if bytes.fromhex(orders.payment_id(txn_id)) in invoice.live]
        return self.rng.sample(live or TRIPS, 1)

    def expenses(self, invoice: Invoice) -> list[Said]:
        number, who, holder = invoice.number, self.reimburser(invoice), self.holder(invoice)
        fen = self.rng.randint(1, invoice.remaining + 1)
        if self.rng.random() < 0.1:
            holder = self.rng.choice(HOLDERS)
        nobody_s = holder is None and invoice.buyer is None
        locked = [] if nobody_s else [orders.lock(number, holder, tax_id=TAX_IDS[who])] * 4
        next_: dict[int, list[Order]] = {
            FREE: locked,
            LOCKED: [*[orders.reimburse(number, fen)] * 4, orders.unlock(number)],
            REIMBURSED: [orders.post(number)] * 4,
            POSTED: [orders.of("UNPOST", number)],
        }
        used = [] if invoice.use == CONFIRMED or invoice.buyer is None else [orders.of("CONFIRM_USE", number)]
        said = [*next_[invoice.claim], *used] or [orders.of("CONFIRM_USE", number)]
        return [(order, who) for order in said]

    def any_of(self, invoice: Invoice) -> list[Said]:
        number, rng = invoice.number, self.rng
        who, seller_s = rng.choice([REIMBURSER, OTHER_REIMBURSER]), rng.choice([ISSUER, AGENT])
        red = [rng.choice(["RED_CONFIRM", "RED_REFUSE", "RED_WITHDRAW", "RED_EXPIRE"]) for _ in range(2)]
        return [
            (orders.bind(number, rng.choice([*HOLDERS, SPARE]), rng.choice([None, OPENING])), seller_s),
            (orders.transfer(number, rng.choice(HOLDERS)), rng.choice(HOLDERS)),
            (orders.retitle(number, **self.buyer()), seller_s),
            (orders.lock(number, rng.choice([None, *HOLDERS]), tax_id=TAX_IDS[who]), who),
            (orders.unlock(number, rng.choice(["T-1", "T-2"])), rng.choice([who, BUREAU])),
            (orders.reimburse(number, rng.choice([1, 100, 999])), who),
            (orders.post(number), who),
            (orders.of("UNPOST", number), who),
            (orders.of("CONFIRM_USE", number), who),
            (orders.red("RED_ISSUE", number, rng.sample(TRIPS, 1), reason="ISSUE_ERROR"), seller_s),
            (orders.red("RED_ISSUE", number), seller_s),
            (orders.red("RED_REQUEST", number, rng.choice([None, []])), rng.choice([who, seller_s])),
            *((orders.of(kind, number), rng.choice([who, seller_s])) for kind in red),
            (orders.freeze(number), BUREAU),
        ]

    def batch(self) -> None:
        pairs = [self.changing() for _ in range(self.rng.randint(1, 3))]
        inner = [order for order, seed in pairs if seed == pairs[0][1] or self.rng.random() < 0.3]
        if pairs[0][1] == ISSUER and self.rng.random() < 0.5:
            inner.insert(0, self.claiming())
        self.story.order(orders.batch(*inner), pairs[0][1])

    def rule(self) -> None:
        """Delegations, policies, the mandate."""
        rng = self.rng
        scenes, until = rng.choice([["METRO"], ["METRO", "BUS"], []]), len(self.story.replay.blocks) + 5
        terms = {"policy": rng.choice(["AUTO", "ON_CLAIM", "ON_CLAIM"]), "rate": rng.choice([300, 900])}
        rows = [row("METRO", **terms), row("BUS", **terms)]
        policy = orders.policy(accepts_individuals=rng.random() < 0.7)
        choices: list[Said] = [
            (orders.delegate(*scenes, to_height=rng.choice([None, until])), ISSUER),
            (policy, rng.choice([REIMBURSER, OTHER_REIMBURSER])),
            (events.command("MANDATE", rows=rows), ISSUER),
        ]
        self.story.order(*rng.choice(choices))

    def declare(self) -> None:
        """What is right, as far as is sealed."""
        state = self.story.replay.state
        last = state.last_declared(events.SELLER)
        period = state.month(self.story.time_ms) - 1 if last is None else last + 1
        found = state.months.get((events.SELLER, period))
        sums = (0, 0, 0) if found is None else (found.invoiced, found.uninvoiced, found.red)
        below = max(0, -sums[1])
        written = f"{period // 12}-{period % 12 + 1:02}"
        self.story.order(orders.declare(written, sums[0], max(0, sums[1]), sums[2] + below), ISSUER)
        self.story.order(orders.acknowledge(written), self.rng.choice([BUREAU, ISSUER]))
