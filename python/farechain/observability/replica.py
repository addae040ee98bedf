"""The metrics of the second copy; there only where a ledger has one."""

from prometheus_client import CollectorRegistry, Gauge, Histogram

from farechain.observability.metrics import STAGE_BUCKETS_S
from farechain.replica.owner import ReplicaLink


def taken_seconds(registry: CollectorRegistry) -> Histogram:
    """How long blocks take to be durable at the replica."""
    return Histogram(
        "farechain_replica_seconds",
        "From a block's sync here to its sync at the replica, as the owner hears of it",
        buckets=STAGE_BUCKETS_S,
        registry=registry,
    )


def show(registry: CollectorRegistry, link: ReplicaLink) -> None:
    """Gauges that ask the link when they are read."""
    lag = Gauge(
        "farechain_replica_lag_blocks",
        "Blocks that are durable here and not known to be at the replica",
        registry=registry,
    )
    lag.set_function(lambda: link.lag_blocks)
    answered = Gauge(
        "farechain_replica_answered_timestamp_seconds", "When the replica last answered", registry=registry
    )
    answered.set_function(lambda: link.answered_s)
