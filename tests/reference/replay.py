"""A chain from its genesis and its sealed inputs: every record, outcome and header, byte for byte."""

from collections.abc import Mapping, Sequence

from . import block, cbor, drain, records, state_keys, state_map
from .block import Block, Range
from .command import ROLES
from .decide import Decision, decide
from .digests import ZERO
from .inputs import Input, kid_of
from .records import Entry
from .state import Key, State
from .verdicts import DRAINED, DUPLICATE, REJECTED

SYSTEM = ("system", bytes(16), 0)


class Replay:
    """A chain built again. ``sources`` are genesis' without the engine's own, which becomes source 0."""

    def __init__(
        self,
        *,
        network: str,
        chain: str,
        bureau: bytes,
        sources: Sequence[tuple[str, bytes, int]],
        regions: Sequence[str],
        time_ms: int,
        utc_offset_min: int = 480,
        drain_max: int = 1024,
    ) -> None:
        self.chain = chain
        self.drain_max = drain_max
        self.state = State(network, utc_offset_min, list(regions))
        self.state.keys[kid_of(bureau)] = Key(bureau, ROLES["BUREAU"], None, (), 0, None)
        listed = [SYSTEM, *sources]
        self.ranges = [Range(0, 0) for _ in listed]
        record = records.genesis(network, chain, utc_offset_min, bureau, drain_max, list(regions), listed)
        self.time_ms = time_ms
        self.blocks = [block.build(chain, 0, ZERO, time_ms, [record], [None], [], self.ranges)]

    def has_work(self, time_ms: int) -> bool:
        """Whether a block without inputs would issue something that waits."""
        return drain.drainable(self.state, time_ms) is not None

    def apply(
        self,
        inputs: Sequence[Input],
        next_offsets: Mapping[int, int],
        time_ms: int,
        *,
        state_height: int | None = None,
    ) -> Block:
        """Decides one sealed batch. ``next_offsets``: the position after it, of the sources that moved.

        With ``state_height`` the block commits to the state after the block of that height.
        """
        self._height, self.time_ms = len(self.blocks), time_ms
        self._records: list[bytes] = []
        self._annexes: list[bytes | None] = []
        self._outcomes: list[bytes] = []
        self.ranges = [Range(one.next_offset, one.next_offset, one.last_digest) for one in self.ranges]
        if state_height is not None:
            self._commit_to(state_height, time_ms)
        if self.has_work(time_ms):
            engine = drain.engine_input(self.ranges[0].next_offset, self.drain_max, time_ms)
            self._conclude(engine, drain.drain(self.state, self.drain_max, time_ms))
        for item in inputs:
            decision = decide(self.state, item, self._height, len(self._records), time_ms)
            self._conclude(item, decision)
        for source, position in next_offsets.items():
            self.ranges[source].next_offset = position
        built = block.build(
            self.chain, self._height, self.blocks[-1].hash, time_ms,
            self._records, self._annexes, self._outcomes, self.ranges,
        )  # fmt: skip
        self.blocks.append(built)
        return built

    def _commit_to(self, height: int, time_ms: int) -> None:
        assert height < self._height
        value = cbor.encode([1, "STATE", height])
        engine = Input(0, self.ranges[0].next_offset, time_ms, None, value, [])
        entries = self.entries(height)
        record = records.state(state_map.root(entries), len(entries), height)
        self._conclude(engine, Decision(DRAINED, (Entry(record, None),)))

    def entries(self, height: int) -> dict[bytes, bytes]:
        """The map of current state after the block of a height."""
        held: dict[bytes, bytes] = {}
        for one in self.blocks[: height + 1]:
            state_keys.apply(held, zip(one.records, one.annexes, strict=True))
        return held

    def _conclude(self, item: Input, decision: Decision) -> None:
        link = len(self._records)
        if decision.verdict == DUPLICATE:
            assert decision.first is not None
            link = block.link_to(decision.first)
        elif decision.verdict == REJECTED:
            link = 0
        digest = item.digest
        where = (item.source, item.offset, item.timestamp_ms)
        count = len(decision.entries)
        self._outcomes.append(block.outcome(decision.verdict, decision.code, *where, link, count, digest))
        self._records.extend(entry.record for entry in decision.entries)
        self._annexes.extend(entry.annex for entry in decision.entries)
        moved = self.ranges[item.source]
        moved.next_offset, moved.last_digest = item.offset + 1, digest
