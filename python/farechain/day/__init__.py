"""The generated day: a signed day of payments, and the ground truth that the ledger is compared with."""

from farechain.day.files import Manifest
from farechain.day.generate import generate
from farechain.day.live import LIVE_TOPIC, live_rides
from farechain.day.plan import PARTITIONS
from farechain.day.reconcile import Reconciliation, reconcile

__all__ = ["LIVE_TOPIC", "PARTITIONS", "Manifest", "Reconciliation", "generate", "live_rides", "reconcile"]
