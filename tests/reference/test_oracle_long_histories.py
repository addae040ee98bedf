"""Longer histories from seeds: numbers and credit run dry, red letters wait, drains come."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from . import events
from .events import OTHER_SELLER, SELLER, payment, refund
from .telling import BUREAU, DEVICE, ISSUER, OTHER_DEVICE, OTHER_ISSUER, key, row
from .twin import Story

SEEDS = range(24)
STEPS = 60
MONTH_MS = 31 * 24 * 3_600_000
CODES = ["144032609110", "144032609120", "144032609130"]
DEVICES = {SELLER: DEVICE, OTHER_SELLER: OTHER_DEVICE}
MUST_COME = {
    *("APPLIED", "ISSUED", "REVERSED", "DUPLICATE", "DRAINED"),
    *(f"RECORDED {state}" for state in range(1, 8)),
    *(
        "REJECTED E_RED_EXCEEDS",
        "REJECTED E_PAYMENT_CONFLICT",
        "REJECTED E_NUMBER_REUSED",
        "REJECTED E_STATE",
    ),
}


class History:
    """One seed's story."""

    def __init__(self, seed: int, path: Path) -> None:
        self.rng = random.Random(seed)
        self.story = Story(path, drain_max=self.rng.choice([1, 3, 1024]))
        self.seen: Counter[str] = Counter()
        self.transactions: list[tuple[str, str]] = []
        self.grants: list[tuple[str, int]] = []
        self.next_number = dict.fromkeys(CODES, 1)

    def run(self) -> Counter[str]:
        limit = self.rng.choice([None, 600, 2000])
        self.story.set_up(limit=limit, numbers=0, stored_value=self.rng.choice(["AT_RIDE", "AT_TOPUP"]))
        self.story.order(events.command("ADMIT_ISSUER", tax_id=OTHER_SELLER, name="b", credit_limit_fen=900))
        self.story.order(key(OTHER_ISSUER, "ISSUER", tax_id=OTHER_SELLER))
        self.story.order(key(OTHER_DEVICE, "DEVICE", tax_id=OTHER_SELLER, scenes=["METRO"]))
        self.story.order(events.command("MANDATE", rows=[row("METRO")]), OTHER_ISSUER)
        acts: list[Callable[[], object]] = [self.pay, self.refund, self.grant, self.other, self.seal]
        for act in self.rng.choices(acts, weights=[9, 6, 3, 1.5, 4], k=STEPS):
            act()
        while self.seal(MONTH_MS):
            pass
        self.story.ledger.close()
        return self.seen

    def pay(self) -> None:
        rng = self.rng
        seller, txn = rng.choice([SELLER, SELLER, OTHER_SELLER]), f"T{rng.randrange(25)}"
        self.transactions.append((seller, txn))
        paid = rng.choice([0, 50, 100, 100, 100, 333])
        data = payment(
            kind=rng.choice(["PAID", "PAID", "PAID", "TOPPED_UP"]),
            channel="CARD" if txn.endswith("7") else "WECHAT",
            txn_id=txn,
            gross_fen=400,
            paid_fen=paid,
            invoiceable_fen=rng.choice([paid, paid, paid // 2]),
            seller_tax_id=seller,
        )
        for _ in range(rng.choice([1, 1, 1, 2])):
            self.story.say(data, DEVICES[seller])

    def refund(self) -> None:
        rng = self.rng
        known = self.transactions[-6:] or [(SELLER, "T1")]
        seller, txn = rng.choice(known) if rng.random() < 0.9 else (SELLER, f"T{rng.randrange(25)}")
        data = refund(
            channel="CARD" if txn.endswith("7") else "WECHAT",
            txn_id=txn,
            refund_id=f"R{rng.randrange(60)}",
            refund_fen=rng.choice([1, 20, 50, 60, 100, 200]),
            seller_tax_id=seller,
        )
        self.story.say(data, DEVICES[seller], source=3)

    def grant(self) -> None:
        rng = self.rng
        code = rng.choice(CODES)
        first = max(1, self.next_number[code] - (rng.random() < 0.1))
        last = first + rng.choice([0, 1, 2, 5, 9])
        self.next_number[code] = last + 1
        self.grants.append((code, first))
        self.story.order(events.grant(code, first, last, rng.choice([None, None, SELLER, OTHER_SELLER])))

    def other(self) -> None:
        rng = self.rng
        choice = rng.randrange(3)
        if choice == 0 and self.grants:
            code, first = rng.choice(self.grants)
            self.story.order(events.close(first, code))
        elif choice == 1:
            limit = rng.choice([None, 300, 1000, 5000])
            admit = events.command("ADMIT_ISSUER", tax_id=SELLER, name="a", credit_limit_fen=limit)
            self.story.order(admit, BUREAU)
        else:
            policy, stored = rng.choice(["AUTO", "AUTO", "ON_CLAIM"]), rng.choice(["AT_RIDE", "AT_TOPUP"])
            rows = [row("METRO", policy=policy, stored_value=stored, rate=rng.choice([300, 900, "EXEMPT"]))]
            self.story.order(events.command("MANDATE", rows=rng.choice([rows, rows, rows, []])), ISSUER)

    def seal(self, after_ms: int | None = None) -> bool:
        after_ms = after_ms or self.rng.choice([1, 1000, 1000, 1000, MONTH_MS])
        outcomes = self.story.next_block(after_ms)
        self.seen.update(outcome if not outcome.startswith("DRAINED") else "DRAINED" for outcome in outcomes)
        if self.rng.random() < 0.1:
            self.story.reopen(rebuild=self.rng.random() < 0.5)
        return bool(outcomes)


def test_long_histories_give_the_same_bytes(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    for seed in SEEDS:
        seen.update(History(seed, tmp_path / str(seed)).run())
    missing = MUST_COME - seen.keys()
    assert not missing, seen
