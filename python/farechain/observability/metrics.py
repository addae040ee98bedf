"""The metrics of a service: names, units, buckets, and how a block or a checkpoint moves them."""

import math
import time
from collections import deque
from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from farechain import _core
from farechain.observability.latency import EventLatency
from farechain.observability.requests import RequestMetrics
from farechain.observability.upkeep import UpkeepMetrics
from farechain.pipeline.ingest import Sealed
from farechain.pipeline.publish import Published

STAGE_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
LATENCY_BUCKETS_S = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 15.0, 60.0)

UNPUBLISHED_MAX = 65_536
"""Blocks that wait for a checkpoint and are measured; no more, so that absent witnesses cost no memory."""


class Metrics:
    """All metrics of one service in a registry of their own.

    What belongs to one part is a class in a file of its own here, made with ``registry`` below. A gauge of
    what a process may not know, as a standby or a reader, is not a number (NaN) until it does: no alert
    compares with it.
    """

    def __init__(self, version: str = _core.VERSION) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series that nobody reads
        self.registry = CollectorRegistry()
        r = self.registry
        self.records_consumed = Counter(
            "farechain_records_consumed_total",
            "Kafka records in durable blocks",
            ["topic", "partition"],
            registry=r,
        )
        self.inputs = Counter(
            "farechain_inputs_total", "Inputs by what became of them", ["verdict"], registry=r
        )
        self.rejected = Counter("farechain_rejected_total", "Rejected inputs by code", ["code"], registry=r)
        self.rejected.labels("E_PAYMENT_CONFLICT")  # there from the start, or its first would be no increase
        self.invoices = Counter("farechain_invoices_total", "Blue invoices issued", registry=r)
        self.red_letters = Counter("farechain_red_letters_total", "Red-letter invoices issued", registry=r)
        self.blocks = Counter("farechain_blocks_total", "Durable blocks", registry=r)
        self.append_conflicts = Counter(
            "farechain_append_conflicts_total",
            "Batches refused because positions or head had moved",
            registry=r,
        )
        self.lag = Gauge(
            "farechain_consumer_lag_records",
            "Records behind the topic's end",
            ["topic", "partition"],
            registry=r,
        )
        self.lag_seconds = Gauge(
            "farechain_consumer_lag_seconds",
            "Age of the oldest event that is in no block, 0 where none waits",
            ["topic", "partition"],
            registry=r,
        )
        self.busy = Counter(
            "farechain_busy_seconds_total",
            "Time that a stage of ingest was at work: a second a second is all there is",
            ["stage"],
            registry=r,
        )
        self.stage = Histogram(
            "farechain_stage_seconds",
            "Time of a stage per block",
            ["stage"],
            buckets=STAGE_BUCKETS_S,
            registry=r,
        )
        self.event_to_checkpoint = EventLatency(
            "farechain_event_to_checkpoint_seconds",
            "Events by the time from the broker's append of their block's oldest to the published checkpoint",
            LATENCY_BUCKETS_S,
            r,
        )
        self.oldest_waiting = Gauge(
            "farechain_oldest_waiting_event_seconds",
            "Age of the oldest event that is under no checkpoint, 0 where none waits",
            registry=r,
        )
        self.oldest_waiting.set_function(self._oldest_waiting_s)
        self.last_progress = Gauge(
            "farechain_last_progress_timestamp_seconds", "When the last block became durable", registry=r
        )
        self.waiting = Gauge(
            "farechain_waiting_payments", "Payments that wait for numbers or credit", registry=r
        )
        self.cosignatures = Counter(
            "farechain_witness_cosignatures_total", "Cosignatures by witness", ["witness"], registry=r
        )
        self.refused_rounds = Counter(
            "farechain_witness_refused_total", "Rounds with too few cosignatures", registry=r
        )
        self.checkpoint_size = Gauge(
            "farechain_checkpoint_blocks", "Blocks under the published checkpoint", registry=r
        )
        self.checkpoint_time = Gauge(
            "farechain_checkpoint_timestamp_seconds", "When the last checkpoint was published", registry=r
        )
        self.state_behind = Gauge(
            "farechain_state_behind_blocks",
            "Blocks since the state that was committed to changed",
            registry=r,
        )
        self.state_time = Gauge(
            "farechain_state_timestamp_seconds", "When state was last committed to", registry=r
        )
        self.height = Gauge("farechain_height_blocks", "Height of the last durable block", registry=r)
        self.sealing_stopped = Gauge(
            "farechain_sealing_stopped", "1 while no block is sealed, by reason", ["reason"], registry=r
        )
        self.relay_lag = Gauge(
            "farechain_relay_lag_blocks", "Blocks whose messages were not sent yet", ["topic"], registry=r
        )
        self.replica_lag = Gauge(
            "farechain_replica_lag_blocks",
            "Blocks that are durable here and not known to be at the replica",
            registry=r,
        )
        self.replica_answered = Gauge(
            "farechain_replica_answered_timestamp_seconds",
            "When the replica last answered; 0 where there is none",
            registry=r,
        )
        self.books_lag = Gauge(
            "farechain_books_lag_blocks", "Durable blocks that are not in the books yet", registry=r
        )
        self.books_failures = Counter(
            "farechain_books_failures_total", "Steps of the books that failed and are tried again", registry=r
        )
        self.backup_time = Gauge(
            "farechain_backup_timestamp_seconds", "When the last completed backup began; 0: none", registry=r
        )
        build = Gauge("farechain_build_info", "Always 1", ["version", "instructions"], registry=r)
        build.labels(version, _core.INSTRUCTIONS).set(1)
        ProcessCollector(registry=r)
        self.requests = RequestMetrics(r)
        self.upkeep = UpkeepMetrics(r)
        self._unpublished: deque[tuple[int, int, int]] = deque(maxlen=UNPUBLISHED_MAX)
        self._unsealed_ms: int | None = None
        for unknown in (
            self.backup_time,
            self.height,
            self.checkpoint_size,
            self.checkpoint_time,
            self.last_progress,
            self.state_behind,
            self.state_time,
        ):
            unknown.set(math.nan)

    def block(self, sealed: Sealed) -> None:
        """Counts a durable block."""
        block = sealed.committed
        rejected = sum(block.rejected.values())
        self.inputs.labels("issued").inc(block.invoices)
        self.inputs.labels("reversed").inc(block.red_letters)
        self.inputs.labels("duplicate").inc(block.duplicates)
        self.inputs.labels("rejected").inc(rejected)
        other = block.inputs - block.invoices - block.red_letters - block.duplicates - rejected
        self.inputs.labels("recorded").inc(max(0, other))
        for code, count in block.rejected.items():
            self.rejected.labels(code).inc(count)
        self.invoices.inc(block.invoices)
        self.red_letters.inc(block.red_letters)
        self.blocks.inc()
        self.height.set(block.height)
        self.waiting.set(block.waiting)
        self.last_progress.set_to_current_time()
        self.stage.labels("prepare").observe(sealed.prepare_s)
        self.busy.labels("prepare").inc(sealed.prepare_s)
        self.busy.labels("commit").inc(sealed.commit_s)
        for stage, nanoseconds in (
            ("decide", block.decide_ns),
            ("hash", block.hash_ns),
            ("append", block.append_ns),
            ("index", block.index_ns),
            ("sync", block.sync_ns),
        ):
            self.stage.labels(stage).observe(nanoseconds / 1e9)
        if sealed.with_state:
            self.state_time.set_to_current_time()
        if sealed.oldest_ms:
            self.unpublished(block.height, sealed.oldest_ms, block.inputs)

    def unpublished(self, height: int, oldest_ms: int, events: int) -> None:
        """A durable block is under no checkpoint: its events wait, the oldest since ``oldest_ms``."""
        self._unpublished.append((height, oldest_ms, events))

    def published(self, published: Published) -> None:
        """Counts a checkpoint, and the latency of the blocks that it covers for the first time."""
        now_ms = time.time() * 1000
        while self._unpublished and self._unpublished[0][0] < published.size:
            _height, oldest_ms, events = self._unpublished.popleft()
            self.event_to_checkpoint.observe(max(0.0, now_ms - oldest_ms) / 1000, events)
        self.checkpoint_size.set(published.size)
        self.checkpoint_time.set_to_current_time()
        self.stage.labels("publish").observe(published.publish_s)
        self.stage.labels("cosign").observe(published.cosign_s)

    def behind(
        self, records: Mapping[tuple[str, str], int], oldest_ms: Mapping[tuple[str, str], int], now_ms: int
    ) -> None:
        """Shows how far each partition of a source is behind; a partition that it no longer has is gone.

        Args:
            records: not fetched yet, by topic and partition.
            oldest_ms: when the oldest event that is in no block was appended, of those that have one.
            now_ms: Unix time.
        """
        self.lag.clear()
        self.lag_seconds.clear()
        for names, count in records.items():
            self.lag.labels(*names).set(count)
            age_ms = max(0, now_ms - oldest_ms[names]) if names in oldest_ms else 0
            self.lag_seconds.labels(*names).set(age_ms / 1000)
        self._unsealed_ms = min(oldest_ms.values(), default=None)

    def _oldest_waiting_s(self) -> float:
        unpublished = [self._unpublished[0][1]] if self._unpublished else []
        unsealed = [] if self._unsealed_ms is None else [self._unsealed_ms]
        oldest_ms = min(unpublished + unsealed, default=None)
        return 0.0 if oldest_ms is None else max(0.0, time.time() - oldest_ms / 1000)
