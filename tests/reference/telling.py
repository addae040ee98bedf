"""Stories told to a ledger: signed inputs one after the other, and what became of each in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from . import ed25519, events
from .block import Block
from .cbor import decode
from .errors import CODES
from .inputs import PAYLOAD_TYPE, ROTATE_TYPE, Headers, Input, kid_of, pae
from .replay import Replay

VERDICTS = ["ISSUED", "RECORDED", "REVERSED", "APPLIED", "DRAINED", "DUPLICATE", "REJECTED"]
START_MS = 1_772_323_200_000
"""2026-03-01T08:00:00+08:00."""

BUREAU, ISSUER, DEVICE, OTHER_ISSUER, OTHER_DEVICE, SPARE = (bytes([n]) * 32 for n in range(1, 7))
AGENT, HOLDER, OTHER_HOLDER, REIMBURSER, OTHER_REIMBURSER, AUDITOR = (bytes([n]) * 32 for n in range(7, 13))
"""Seeds."""

SOURCES = [
    ("farechain.commands", bytes(16), 0),
    ("payments.metro", b"m" * 16, 0),
    ("payments.metro", b"m" * 16, 1),
]


class Telling:
    """Source 1 is commands, 2 and 3 are payments. What waits is sealed by ``next_block``."""

    replay: Replay

    def __init__(self) -> None:
        self.offsets = [0, 0, 0, 0]
        self.time_ms = START_MS
        self.commands = 0

    def put_in(self, item: Input) -> None:
        """Puts an input behind what waits."""
        raise NotImplementedError

    def seal(self, count: int, time_ms: int) -> Block | None:
        """Seals the oldest inputs; None where nothing was sealed."""
        raise NotImplementedError

    def signature(self, seed: bytes, value: bytes) -> bytes:
        return ed25519.sign(seed, pae(PAYLOAD_TYPE, value))

    def say(
        self,
        data: Mapping[str, Any] | bytes,
        seed: bytes = DEVICE,
        *,
        source: int = 2,
        timestamp_ms: int | None = None,
    ) -> None:
        """One signed input."""
        value = data if isinstance(data, bytes) else events.value(data)
        headers: Headers = [("fc-kid", kid(seed).encode()), ("fc-sig", self.signature(seed, value))]
        self.put(value, headers, source=source, timestamp_ms=timestamp_ms)

    def put(
        self,
        value: bytes | None,
        headers: Headers,
        *,
        source: int = 2,
        timestamp_ms: int | None = None,
    ) -> None:
        """One input as it is."""
        offset = self.offsets[source]
        self.offsets[source] += 1
        at = self.time_ms if timestamp_ms is None else timestamp_ms
        self.put_in(Input(source, offset, at, b"key", value, headers))

    def order(self, command: Mapping[str, Any], seed: bytes = BUREAU) -> None:
        """One command with an id of its own."""
        self.commands += 1
        self.say({**command, "command_id": f"order-{self.commands}"}, seed, source=1)

    def next_block(self, after_ms: int = 1000) -> list[str]:
        """Seals all that waits; what became of each input, in words: verdict, and state or code."""
        self.time_ms += after_ms
        sealed = self.seal(10_000, self.time_ms)
        return [] if sealed is None else described(sealed)

    def does(self, command: Mapping[str, Any], seed: bytes = BUREAU, after_ms: int = 1000) -> str:
        """What becomes of one command in a block of its own."""
        self.order(command, seed)
        return self.next_block(after_ms)[-1]

    @property
    def last(self) -> list[list[Any]]:
        """The records of the latest block."""
        return [decode(record) for record in self.replay.blocks[-1].records]

    def rates(self) -> list[dict[str, Any]]:
        """Rows of the rate table as they are set up."""
        return list(RATES)

    def set_up(self, *, limit: int | None = None, numbers: int = 1000, **mandate: Any) -> None:
        """An issuer with keys, tables, a mandate and numbers."""
        self.order(
            events.command("ADMIT_ISSUER", tax_id=events.SELLER, name="深圳地铁", credit_limit_fen=limit)
        )
        self.order(key(ISSUER, "ISSUER"))
        self.order(key(DEVICE, "DEVICE", scenes=["METRO", "BUS"]))
        self.order(events.command("SCENE_TABLE", rows=SCENES))
        self.order(events.command("RATE_TABLE", rows=RATES))
        self.order(events.command("MANDATE", rows=[row("METRO", **mandate), row("BUS", **mandate)]), ISSUER)
        if numbers:
            self.order(events.grant("144032609110", 1, numbers))
        assert set(self.next_block()) == {"APPLIED"}

    def set_up_second_seller(self) -> None:
        self.order(
            events.command("ADMIT_ISSUER", tax_id=events.OTHER_SELLER, name="b", credit_limit_fen=None)
        )
        self.order(key(OTHER_ISSUER, "ISSUER", tax_id=events.OTHER_SELLER))
        self.order(key(OTHER_DEVICE, "DEVICE", tax_id=events.OTHER_SELLER, scenes=["METRO"]))
        self.order(events.command("MANDATE", rows=[row("METRO")]), OTHER_ISSUER)
        assert set(self.next_block()) == {"APPLIED"}

    def set_up_parties(self) -> None:
        """An agent with two holders of its own, two reimbursers, an auditor."""
        self.order(events.command("ADMIT_ISSUER", tax_id=events.APP, name="app", credit_limit_fen=0))
        self.order(key(AGENT, "AGENT", tax_id=events.APP))
        self.order(key(HOLDER, "HOLDER", tax_id=events.APP))
        self.order(key(OTHER_HOLDER, "HOLDER", tax_id=events.APP))
        self.order(key(REIMBURSER, "REIMBURSER", tax_id=events.BUYER))
        self.order(key(OTHER_REIMBURSER, "REIMBURSER", tax_id=events.OTHER_BUYER))
        self.order(key(AUDITOR, "AUDITOR", tax_id=events.APP))
        assert set(self.next_block()) == {"APPLIED"}


class Alone(Telling):
    """A story told to the reference alone."""

    def __init__(self, **genesis: Any) -> None:
        super().__init__()
        self.waiting: list[Input] = []
        self.replay = Replay(**{**genesis_of(public_key(BUREAU)), **genesis})

    def put_in(self, item: Input) -> None:
        self.waiting.append(item)

    def seal(self, count: int, time_ms: int) -> Block | None:
        taken, self.waiting = self.waiting[:count], self.waiting[count:]
        if not taken and not self.replay.has_work(time_ms):
            return None
        return self.replay.apply(taken, {}, time_ms)


def genesis_of(bureau: bytes, sources: Sequence[tuple[str, bytes, int]] = tuple(SOURCES)) -> dict[str, Any]:
    """The usual beginning."""
    return {
        "network": "shenzhen",
        "chain": "shenzhen/0",
        "bureau": bureau,
        "sources": list(sources),
        "regions": ["4403"],
        "time_ms": START_MS,
    }


@lru_cache
def public_key(seed: bytes) -> bytes:
    return ed25519.public_key(seed)


def kid(seed: bytes) -> str:
    """A key's id as it is written."""
    return kid_of(public_key(seed)).hex()


SCENES = [
    {
        "code": "METRO",
        "name": "地铁",
        "detail": [
            {"name": "gate", "type": "TEXT", "required": False},
            {"name": "line", "type": "INTEGER", "required": False},
        ],
    },
    {"code": "BUS", "name": "公交", "detail": [{"name": "line", "type": "TEXT", "required": True}]},
    {"code": "TAXI", "name": "出租", "detail": []},
]
RATES = [
    {"scene": scene, "tax_code": events.METRO, "rate": rate, "from": "2016-05-01", "to": end}
    for scene in ("METRO", "BUS")
    for rate, end in ((300, None), ("NONTAXABLE", None), ("EXEMPT", "2026-03-01"), (900, None))
]


def row(scene: str, **changes: Any) -> dict[str, Any]:
    """A mandate's row."""
    usual = {"policy": "AUTO", "stored_value": "AT_RIDE", "tax_code": events.METRO, "rate": 300}
    return {"scene": scene, **usual, **changes}


def key(
    seed: bytes, role: str, *, tax_id: str = events.SELLER, scenes: Sequence[str] = (), **heights: Any
) -> dict[str, Any]:
    """A key's registration."""
    public = public_key(seed).hex()
    span = {"from_height": 0, "to_height": None, **heights}
    return events.command(
        "REGISTER_KEY", public_key=public, role=role, tax_id=tax_id, scenes=list(scenes), **span
    )


def rotation(old: bytes, new: bytes) -> dict[str, Any]:
    """The replacement of a key by another that consents."""
    statement = kid_of(public_key(old)) + public_key(new)
    proof = ed25519.sign(new, pae(ROTATE_TYPE, statement))
    return events.command("ROTATE_KEY", public_key=public_key(new).hex(), proof=proof.hex())


def described(sealed: Block) -> list[str]:
    """A block's outcomes in words: ``RECORDED 4``, ``RECORDED OWED 1``, ``REJECTED E_ROLE``."""
    words = []
    for outcome in sealed.outcomes:
        verdict = VERDICTS[outcome[0] - 1]
        if verdict == "REJECTED":
            verdict += " " + CODES[outcome[1] - 1]
        elif verdict == "RECORDED":
            record = decode(sealed.records[int.from_bytes(outcome[20:28], "big")])
            owed = "OWED " if record[1] == 7 else ""
            verdict += f" {owed}{record[5] if record[1] == 3 else record[3]}"
        elif verdict == "DRAINED":
            verdict += f" {int.from_bytes(outcome[28:32], 'big')}"
        words.append(verdict)
    return words
