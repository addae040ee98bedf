"""Random small histories: whatever is said, in whatever order, cut anyhow, ledger and reference agree."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from farechain import _core

from . import events
from .events import OTHER_SELLER, SELLER, payment, refund
from .telling import (
    BUREAU,
    DEVICE,
    ISSUER,
    OTHER_DEVICE,
    OTHER_ISSUER,
    SPARE,
    key,
    rotation,
    row,
)
from .twin import Story

MONTH_MS = 31 * 24 * 3_600_000
CODES = ["144032609110", "144032609120"]
SELLERS = {SELLER: (ISSUER, DEVICE), OTHER_SELLER: (OTHER_ISSUER, OTHER_DEVICE)}
SEEDS = [BUREAU, ISSUER, DEVICE, OTHER_ISSUER, OTHER_DEVICE, SPARE]

ids = st.sampled_from(["1", "2", "3"])
fens = st.sampled_from([0, 1, 2, 50, 99, 100, 101, 200])
seller = st.sampled_from([SELLER, SELLER, SELLER, OTHER_SELLER])
paid = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["PAID", "PAID", "PAID", "TOPPED_UP"]),
        "txn_id": ids,
        "channel": st.sampled_from(["WECHAT", "WECHAT", "CARD"]),
        "paid_fen": fens,
        "invoiceable_fen": st.sampled_from([..., ..., 0, 50, 100]),
        "gross_fen": st.just(200),
        "seller_tax_id": seller,
        "paid_at": st.sampled_from(["2026-03-01T08:00:00+08:00", "2026-03-02T08:00:01+08:00"]),
    }
)
back = st.fixed_dictionaries(
    {
        "refund_id": ids,
        "txn_id": ids,
        "refund_fen": st.sampled_from([1, 30, 50, 100, 200]),
        "seller_tax_id": seller,
    }
)
order = st.one_of(
    st.builds(
        events.grant,
        st.sampled_from(CODES),
        st.sampled_from([1, 2, 4, 7]),
        st.sampled_from([2, 3, 6, 9]),
        st.sampled_from([None, None, SELLER, OTHER_SELLER]),
    ),
    st.builds(events.close, st.sampled_from([1, 2, 4]), st.sampled_from(CODES)),
    st.builds(
        events.command,
        st.just("ADMIT_ISSUER"),
        tax_id=seller,
        name=st.just("name"),
        credit_limit_fen=st.sampled_from([None, 0, 100, 250, 1000]),
    ),
    st.builds(
        events.command, st.just("RETIRE_KEY"), kid=st.sampled_from(SEEDS).map(_core.public_key).map(_core.kid)
    ),
    st.builds(rotation, st.sampled_from(SEEDS), st.sampled_from(SEEDS)),
    st.builds(
        lambda **changes: events.command("MANDATE", rows=[row("METRO", **changes)]),
        policy=st.sampled_from(["AUTO", "AUTO", "AUTO", "ON_CLAIM"]),
        stored_value=st.sampled_from(["AT_RIDE", "AT_TOPUP"]),
        rate=st.sampled_from([300, 900, "EXEMPT", 100]),
    ),
    st.builds(key, st.sampled_from(SEEDS), st.sampled_from(["DEVICE", "ISSUER", "AUDITOR"]), tax_id=seller),
)
step = st.one_of(
    st.tuples(st.just("pay"), paid),
    st.tuples(st.just("pay"), paid),
    st.tuples(st.just("refund"), back),
    st.tuples(st.just("order"), order, st.sampled_from([BUREAU, BUREAU, ISSUER, OTHER_ISSUER, DEVICE])),
    st.tuples(st.just("seal"), st.sampled_from([1, 1000, 1000, MONTH_MS])),
    st.tuples(st.just("cut"), st.integers(1, 3)),
)


def take(story: Story, chosen: tuple[Any, ...]) -> None:
    """One step of a history."""
    what, detail, *rest = chosen
    if what == "pay":
        if detail["invoiceable_fen"] is not ... and detail["invoiceable_fen"] > detail["paid_fen"]:
            detail = {**detail, "invoiceable_fen": detail["paid_fen"]}
        story.say(payment(**detail), SELLERS[detail["seller_tax_id"]][1])
    elif what == "refund":
        story.say(refund(**detail), SELLERS[detail["seller_tax_id"]][1], source=3)
    elif what == "order":
        story.order(detail, rest[0])
    elif what == "cut":
        story.time_ms += 1
        story.seal(detail, story.time_ms)
    else:
        for outcome in story.next_block(detail):
            event(outcome)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(step, min_size=5, max_size=30),
    st.sampled_from([1, 2, 1024]),
    st.sampled_from([0, 1, 5]),
    st.sampled_from([None, None, 150]),
)
def test_any_history_gives_the_same_bytes(
    steps: list[tuple[Any, ...]], drain_max: int, numbers: int, limit: int | None
) -> None:
    with tempfile.TemporaryDirectory() as base:
        story = Story(Path(base) / "ledger", drain_max=drain_max)
        story.set_up(limit=limit, numbers=numbers, stored_value="AT_TOPUP")
        story.order(events.command("ADMIT_ISSUER", tax_id=OTHER_SELLER, name="other", credit_limit_fen=None))
        story.order(key(OTHER_ISSUER, "ISSUER", tax_id=OTHER_SELLER))
        story.order(key(OTHER_DEVICE, "DEVICE", tax_id=OTHER_SELLER, scenes=["METRO"]))
        story.order(events.command("MANDATE", rows=[row("METRO")]), OTHER_ISSUER)
        for chosen in steps:
            take(story, chosen)
        while story.next_block():
            pass
        digest = story.ledger.state_digest()
        story.ledger.close()
        again = _core.Ledger.open(str(Path(base) / "ledger"), readonly=True)
        assert (again.head, again.state_digest()) == (story.replay.blocks[-1].hash, digest)
        again.close()
