"""What one run of the service did: counts, and the time of each stage."""

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from farechain.pipeline.ingest import Sealed
from farechain.pipeline.publish import Published


@dataclass
class Totals:
    """Sums over a run. Stage times are seconds: of CPU from decode to index, of waiting for the others."""

    blocks: int = 0
    inputs: int = 0
    invoices: int = 0
    red_letters: int = 0
    duplicates: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    checkpoints: int = 0
    stage_s: dict[str, float] = field(default_factory=dict)
    started_s: float = field(default_factory=time.monotonic)
    last_durable_s: float = 0.0
    last_published_s: float = 0.0

    def block(self, sealed: Sealed) -> None:
        """A block became durable."""
        block = sealed.committed
        self.blocks += 1
        self.inputs += block.inputs
        self.invoices += block.invoices
        self.red_letters += block.red_letters
        self.duplicates += block.duplicates
        for code, count in block.rejected.items():
            self.rejected[code] = self.rejected.get(code, 0) + count
        self._add("prepare", sealed.prepare_s)
        for stage, nanoseconds in (
            ("decode", sealed.decode_ns),
            ("verify", sealed.verify_ns),
            ("decide", block.decide_ns),
            ("hash", block.hash_ns),
            ("append", block.append_ns),
            ("index", block.index_ns),
            ("sync", block.sync_ns),
        ):
            self._add(stage, nanoseconds / 1e9)
        self.last_durable_s = time.monotonic() - self.started_s

    def published(self, published: Published) -> None:
        """A checkpoint is in place."""
        self.checkpoints += 1
        self._add("publish", published.publish_s)
        self._add("cosign", published.cosign_s)
        self.last_published_s = time.monotonic() - self.started_s

    def printable(self) -> dict[str, Any]:
        """The sums as JSON has them; times since the start of ingest in seconds."""
        shown = asdict(self)
        del shown["started_s"]
        shown["stage_s"] = {stage: round(seconds, 6) for stage, seconds in self.stage_s.items()}
        return shown

    def _add(self, stage: str, seconds: float) -> None:
        self.stage_s[stage] = self.stage_s.get(stage, 0.0) + seconds


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did and how it stands at its end."""

    height: int
    published_size: int
    relay_lag_blocks: dict[str, int]
    totals: Totals
    refused: str | None

    def unfinished(self) -> str | None:
        """What is durable but was not published or sent, and why; None when nothing is."""
        if self.published_size <= self.height:
            reason = self.refused or "stopped before"
            return f"blocks {self.published_size} to {self.height} are durable but not published: {reason}"
        waiting = {topic: blocks for topic, blocks in self.relay_lag_blocks.items() if blocks}
        if waiting:
            topic, blocks = next(iter(waiting.items()))
            return f"{blocks} blocks are not sent to {topic} yet: see the log lines; run it again"
        return None

    def printable(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "height": self.height,
            "published_size": self.published_size,
            "relay_lag_blocks": self.relay_lag_blocks,
            "refused": self.refused,
            **self.totals.printable(),
        }
