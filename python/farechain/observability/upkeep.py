"""The metrics of what changes slowly: numbers that are left, the last audit, disk and memory."""

import math
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge

PARTS = ("blocks", "index", "public", "rejected", "state", "state-map", "private", "other")
"""What of a ledger takes place on the disk: directories by name; ``other`` is all that is none of them."""


class UpkeepMetrics:
    """Gauges that a service looks at now and then; not a number (NaN) until the first look."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, documentation: str) -> Gauge:
            made = Gauge(name, documentation, registry=registry)
            made.set(math.nan)
            return made

        self.numbers_left = gauge("farechain_available_numbers", "Numbers of open grants that are left")
        self.numbers_last = gauge(
            "farechain_numbers_last_seconds",
            "How long the numbers last of the seller who is first to run dry, at its pace; +Inf: unused",
        )
        self.short_sellers = gauge(
            "farechain_numbers_short_sellers",
            "Sellers whose numbers last for less than 30 days; those without own numbers count as one",
        )
        self.audit_time = gauge(
            "farechain_audit_timestamp_seconds", "When the last audit ended; of genesis while there was none"
        )
        self.audit_failed = gauge("farechain_audit_failed", "1 where the last audit found something wrong")
        self.free = gauge("farechain_disk_free_bytes", "Free on the ledger's file system, for this user")
        self.size = gauge("farechain_disk_size_bytes", "Size of the ledger's file system")
        self.tables = gauge(
            "farechain_tables_memory_bytes", "Memory that index and verifier need; grows with the ledger"
        )
        self.ledger_bytes = Gauge(
            "farechain_ledger_bytes", "Bytes of the ledger on disk, by part", ["part"], registry=registry
        )

    def show_parts(self, parts: Mapping[str, int]) -> None:
        """Bytes by names of directories; those that are in no list count as ``other``."""
        sums = dict.fromkeys(PARTS, 0)
        for name, count in parts.items():
            sums[name if name in sums else "other"] += count
        for name, count in sums.items():
            self.ledger_bytes.labels(name).set(count)
