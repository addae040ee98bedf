"""A histogram that counts events: each observation is of as many as a block has."""

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector


class EventLatency(Collector):
    """Seconds that events took, without labels; `prometheus_client`'s own can only count one at a time.

    Args:
        name: ends with ``_seconds``.
        buckets: rising upper bounds, seconds; one without bound follows.
    """

    def __init__(
        self, name: str, documentation: str, buckets: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._bounds = (*buckets, float("inf"))
        self._counts = [0] * len(self._bounds)
        self._sum_s = 0.0
        registry.register(self)

    def observe(self, seconds: float, events: int) -> None:
        """So many events took so long."""
        place = next(at for at, bound in enumerate(self._bounds) if seconds <= bound)
        self._counts[place] += events
        self._sum_s += seconds * events

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """As ``prometheus_client`` asks for it."""
        counts = [sum(self._counts[: place + 1]) for place in range(len(self._counts))]
        buckets = [(_le(bound), count) for bound, count in zip(self._bounds, counts, strict=True)]
        yield HistogramMetricFamily(self._name, self._documentation, buckets=buckets, sum_value=self._sum_s)


def _le(bound: float) -> str:
    return "+Inf" if bound == float("inf") else str(bound)
