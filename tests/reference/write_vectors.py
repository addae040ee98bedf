"""Writes the chains of tests/vectors: ``PYTHONPATH=tests python -m reference.write_vectors``.

A changed vector is a changed format: it needs a new version in records and headers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import events, orders, vector_story
from .cbor import decode as read
from .inputs import Input
from .telling import DEVICE, HOLDER, ISSUER, REIMBURSER, SPARE, START_MS, Alone, Telling, kid, rotation, row

FOLDER = Path(__file__).parents[1] / "vectors"


def written(item: Input) -> dict[str, Any]:
    return {"source": item.source, "timestamp_ms": item.timestamp_ms, "bytes": item.canonical.hex()}


class Recorded(Alone):
    """A story that keeps what was sealed."""

    def __init__(self, **genesis: Any) -> None:
        super().__init__(**genesis)
        self.sealed: list[dict[str, Any]] = []

    def next_block(self, after_ms: int = 1000) -> list[str]:
        inputs = list(self.waiting)
        outcomes = super().next_block(after_ms)
        block = self.replay.blocks[-1]
        self.sealed.append(
            {
                "time_ms": self.time_ms,
                "inputs": [written(item) for item in inputs],
                "records": [record.hex() for record in block.records],
                "outcomes": [outcome.hex() for outcome in block.outcomes],
                "header": block.header.hex(),
                "hash": block.hash.hex(),
            }
        )
        return outcomes


def payments(story: Telling) -> None:
    """A few blocks that have every verdict and every kind of record but most of commands'."""
    story.set_up(limit=4000, numbers=4, stored_value="AT_TOPUP")
    story.say(events.payment(detail={"gate": "A1", "line": 3}, payer="ab" * 32, device_seq=7))
    story.say(events.payment(kind="TOPPED_UP", txn_id="up"))
    story.say(events.refund(refund_fen=165))
    story.say(events.payment(txn_id="T2"), timestamp_ms=START_MS - 5000)
    story.say(events.payment(detail={"line": 3, "gate": "A1"}, payer="ab" * 32, device_seq=7))
    story.say(events.payment())
    story.say(events.payment(txn_id="T3"))
    story.say(events.payment(txn_id="early"), SPARE)
    story.say(events.refund(txn_id="later", refund_id="R2"))
    story.next_block()
    story.order(events.grant("144032609120", 1, 3, events.SELLER))
    story.order(events.close(1, "144032609110"))
    story.say(rotation(DEVICE, SPARE), DEVICE, source=1)
    story.say(events.payment(txn_id="later"), SPARE)
    story.order(events.command("RETIRE_KEY", kid="00" * 16))
    story.next_block()
    story.say(events.refund(refund_id="R3", refund_fen=500), SPARE)
    story.order(events.command("MANDATE", rows=[]), ISSUER)
    story.next_block()
    story.say(events.payment(txn_id="last", channel="CARD"), SPARE)
    story.next_block()
    live_on(story)


def live_on(story: Telling) -> None:
    """An invoice of two trips is held, reimbursed, posted, reversed by both sides, and titled anew."""
    code = "144032609130"
    story.set_up_parties()
    story.order(events.grant(code, 1, 20))
    story.order(events.command("MANDATE", rows=[row("METRO", policy="ON_CLAIM")]), ISSUER)
    for txn_id in ("A", "B"):
        story.say(events.payment(txn_id=txn_id, gross_fen=200, paid_fen=200), SPARE)
    story.next_block()
    story.order(orders.claim("A", "B", holder=kid(HOLDER)), ISSUER)
    story.order(orders.lock(1, HOLDER, code=code), REIMBURSER)
    story.order({**orders.reimburse(1, 400), "code": code}, REIMBURSER)
    story.order({**orders.post(1), "code": code}, REIMBURSER)
    story.say(events.refund(txn_id="A", refund_id="RA", refund_fen=50), SPARE)
    story.order(orders.of("RED_CONFIRM", 1, code), REIMBURSER)
    story.next_block()
    story.order(orders.of("UNPOST", 1, code), REIMBURSER)
    red = {**orders.red("RED_ISSUE", 1, ["B"]), "code": code}
    story.order(orders.batch(red, orders.claim("B", **orders.individual(HOLDER))), ISSUER)
    story.order(orders.retitle(4, code), ISSUER)
    story.next_block()


CHAINS: dict[str, Callable[[Telling], None]] = {"chain": payments, "chain_lifecycle": vector_story.tell}


def chain_vectors(tell: Callable[[Telling], None]) -> dict[str, Any]:
    story = Recorded(drain_max=2)
    genesis = story.replay.blocks[0]
    tell(story)
    _, _, _, network, chain, utc_offset_min, bureau, drain_max, regions, sources = read(genesis.records[0])
    return {
        "provenance": "Made by tests/reference/write_vectors.py from docs/format.md, in plain Python.",
        "genesis": {
            "network": network,
            "chain": chain,
            "utc_offset_min": utc_offset_min,
            "bureau": bureau.hex(),
            "drain_max": drain_max,
            "regions": regions,
            "sources": [[topic, topic_id.hex(), partition] for topic, topic_id, partition in sources[1:]],
            "time_ms": START_MS,
            "record": genesis.records[0].hex(),
            "header": genesis.header.hex(),
        },
        "blocks": story.sealed,
    }


def vector(name: str) -> Path:
    """A chain's file."""
    return FOLDER / f"{name}.json"


def text(name: str) -> str:
    """Its text."""
    return json.dumps(chain_vectors(CHAINS[name]), indent=1) + "\n"


if __name__ == "__main__":
    for chain in CHAINS:
        vector(chain).write_text(text(chain))
