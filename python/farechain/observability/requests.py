"""The metrics of the HTTP interface: how many requests, how they ended, how long the first byte took."""

from prometheus_client import CollectorRegistry, Counter, Histogram

REQUEST_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class RequestMetrics:
    """Requests by the template of their route, never by what somebody wrote in the address."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "farechain_http_requests_total",
            "Requests by route template and class of status",
            ["route", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "farechain_http_request_seconds",
            "From a request to the first byte of its answer",
            ["part"],
            buckets=REQUEST_BUCKETS_S,
            registry=registry,
        )

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Counts one request.

        Args:
            route: its template, or ``unmatched``.
            status: of HTTP.
            seconds: until the answer began: a stream may go on for minutes.
        """
        self.requests.labels(route, f"{status // 100}xx").inc()
        self.seconds.labels("api" if route.startswith("/v1/") else "pages").observe(seconds)
