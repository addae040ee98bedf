"""What a service's ``/metrics`` says: values, sums, and quantiles of what is between two scrapes."""

import math
from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]


class Scrape:
    """One reading of a service's metrics; what is not a number says nothing.

    Args:
        text: the text format of Prometheus.

    Raises:
        ValueError: it is no such text.
    """

    def __init__(self, text: str) -> None:
        self._samples: dict[str, dict[Labels, float]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = frozenset(sample.labels.items())
                if not math.isnan(sample.value):
                    self._samples.setdefault(sample.name, {})[labels] = float(sample.value)

    def by(self, name: str, label: str) -> dict[str, float]:
        """Sums of a metric by one of its labels; empty where nobody says it."""
        found: dict[str, float] = {}
        for labels, value in self._samples.get(name, {}).items():
            key = dict(labels).get(label, "")
            found[key] = found.get(key, 0.0) + value
        return found

    def lines(self, name: str, *labels: str) -> dict[str, float]:
        """The values of a metric, each under the values of these labels with ``/`` between them."""
        samples = self._samples.get(name, {}).items()
        return {"/".join(dict(own).get(label, "") for label in labels): value for own, value in samples}

    def values(self, name: str) -> list[float]:
        """All values of a metric."""
        return list(self._samples.get(name, {}).values())

    def total(self, name: str) -> float | None:
        """The sum of a metric over its labels; None where nobody says it."""
        values = self.values(name)
        return sum(values) if values else None

    def most(self, name: str) -> float | None:
        """The largest value of a metric; None where nobody says it."""
        return max(self.values(name), default=None)

    def counts(self, name: str) -> dict[float, float]:
        """A histogram's cumulative counts by the upper bound of their bucket."""
        found: dict[float, float] = {}
        for labels, value in self._samples.get(f"{name}_bucket", {}).items():
            bound = float(dict(labels)["le"])
            found[bound] = found.get(bound, 0.0) + value
        return found

    def quantile(self, name: str, q: float, since: "Scrape | None" = None) -> float | None:
        """A quantile of what a histogram has counted since another scrape; None where that is nothing.

        As ``histogram_quantile`` of Prometheus: linear within a bucket; in the last one its lower bound.
        A service that started again in between counts from its start.
        """
        now, before = self.counts(name), since.counts(name) if since is not None else {}
        if any(before.get(bound, 0.0) > count for bound, count in now.items()):
            before = {}
        return _quantile([(bound, now[bound] - before.get(bound, 0.0)) for bound in sorted(now)], q)


def _quantile(counts: Iterable[tuple[float, float]], q: float) -> float | None:
    buckets = list(counts)
    if not buckets or buckets[-1][1] <= 0:
        return None
    wanted, low, below = q * buckets[-1][1], 0.0, 0.0
    for bound, count in buckets:
        if count >= wanted:
            if math.isinf(bound):
                return low
            return low + (bound - low) * ((wanted - below) / (count - below) if count > below else 0.0)
        low, below = bound, count
    return low
