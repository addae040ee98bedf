"""Gauges and probes of a service begin where the last process left, not at zero."""

from farechain._core import Ledger, PublicLog
from farechain.api.context import Liveness
from farechain.config import Settings
from farechain.observability.metrics import Metrics
from farechain.pipeline.ingest import ENGINE_SOURCES
from farechain.witness.client import cosigners

BLOCKS_MAX = 64
"""Blocks under no checkpoint whose events are counted from their arrival on; a start must not take long."""


def resume(
    ledger: Ledger,
    public_log: PublicLog,
    settings: Settings,
    *,
    metrics: Metrics,
    liveness: Liveness,
) -> None:
    """Shows what is there. Blocks for some reads of the ledger."""
    status = ledger.status()
    metrics.height.set(ledger.height)
    metrics.waiting.set(status["waiting"])
    metrics.last_progress.set(status["time_ms"] / 1000)
    metrics.checkpoint_size.set(public_log.published_size)
    committed = ledger.state_status()["committed"]
    stated = ledger.block(committed["block"] if committed else 0)
    metrics.state_time.set(stated["time_ms"] / 1000 if stated else 0)
    note = public_log.checkpoint()
    if note:
        vkeys = [member.vkey for member in settings.witnesses.members]
        liveness.cosigners = tuple(cosigners(note, vkeys))
        liveness.published_s = (settings.public_dir / "checkpoint").stat().st_mtime
        metrics.checkpoint_time.set(liveness.published_s)
    _show_unpublished(ledger, public_log.published_size, metrics)


def _show_unpublished(ledger: Ledger, size: int, metrics: Metrics) -> None:
    for height in range(size, min(ledger.height + 1, size + BLOCKS_MAX)):
        block = ledger.block(height)
        outcomes = block["outcomes"] if block else []
        events = [one["timestamp_ms"] for one in outcomes if one["source"] >= ENGINE_SOURCES]
        if events:
            metrics.unpublished(height, min(events), len(events))
