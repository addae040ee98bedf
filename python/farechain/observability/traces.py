"""Traces by configuration: spans of each block's way and of each HTTP request, sent to a collector.

OTLP over HTTP. The library is imported only where traces are configured. Spans are put into a bounded queue
and sent by a thread of its own: a collector that is away loses spans, and nothing waits for it. Names and
attributes are heights, counts and routes, never what is in an event or a request.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from farechain import _core
from farechain.errors import EXIT_USAGE, FarechainError
from farechain.pipeline.ingest import Sealed
from farechain.pipeline.publish import Published

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExportResult
    from opentelemetry.trace import Span

QUEUE_MAX = 4096
"""Spans that wait to be sent; of more the oldest are dropped."""
BATCH_MAX = 512
EVERY_MS = 1000
TIMEOUT_S = 5.0
CLOSE_S = 2.0
"""So long the end of the process waits for the last spans at most."""
UNPUBLISHED_MAX = 1024
"""Blocks whose trace waits for a checkpoint; of more the oldest end without one."""
FETCH_MS_MAX = 60_000
"""A trace begins so long before its block was sealed at most, however old its events are."""
REPEAT_S = 30.0
MODULES = ("opentelemetry", "requests", "google")

log = logging.getLogger(__name__)


def open_traces(endpoint: str | None, sample_ratio: float, service: str, chain: str) -> "Traces | Untraced":
    """Traces to a collector; nothing is imported where none is configured.

    Args:
        endpoint: the collector's base URL, as ``http://127.0.0.1:4318``.
        sample_ratio: of blocks and of requests, 0 to 1.
        service: which verb runs; ``chain`` is the chain's name.

    Raises:
        FarechainError: ``E_EXTRA``: the library is not installed.
    """
    if endpoint is None:
        return Untraced()
    try:
        return Traces(endpoint, sample_ratio, service, chain)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in MODULES:
            raise
        message = f"{error.name} is not installed: `pip install 'farechain[telemetry]'`"
        raise FarechainError("E_EXTRA", message, EXIT_USAGE) from error


class Untraced:
    """No traces: what ``Traces`` has, and does nothing."""

    def block(self, _sealed: Sealed) -> None:
        """Nothing."""

    def published(self, _published: Published) -> None:
        """Nothing."""

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application itself."""
        return app

    async def close(self) -> None:
        """Nothing."""


class Traces:
    """Makes spans of blocks and requests; used in the event loop.

    Spans of a block are made when it is durable and when it is published, from the times that ingest and
    publication measured: nothing is on their way.
    """

    def __init__(self, endpoint: str, sample_ratio: float, service: str, chain: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
        from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

        # It says of each span that it could not be sent; ours says it seldom.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)

        class Told(SpanExporter):
            """Sends, and tells a failure at once and then seldom."""

            def __init__(self) -> None:
                self._otlp = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=TIMEOUT_S)
                self._told = float("-inf")

            def export(self, spans: "Sequence[ReadableSpan]") -> "SpanExportResult":
                """Sends a batch."""
                result = self._otlp.export(spans)
                if result.name != "SUCCESS" and time.monotonic() - self._told > REPEAT_S:
                    self._told = time.monotonic()
                    log.warning("traces are not taken by %s, they are dropped spans=%d", endpoint, len(spans))
                return result

            def shutdown(self) -> None:
                """Ends a batch that is tried again."""
                self._otlp.shutdown()  # type: ignore[no-untyped-call]

        resource = {
            "service.name": "farechain",
            "service.version": _core.VERSION,
            "farechain.verb": service,
            "farechain.chain": chain,
        }
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(sample_ratio)),
            resource=Resource(resource),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                Told(),
                max_queue_size=QUEUE_MAX,
                schedule_delay_millis=EVERY_MS,
                max_export_batch_size=BATCH_MAX,
            )
        )
        self._tracer = self._provider.get_tracer("farechain", _core.VERSION)
        self._within = set_span_in_context
        self._server = SpanKind.SERVER
        self._failed = Status(StatusCode.ERROR)
        self._unpublished: deque[tuple[int, Span]] = deque()

    # Blocks --------------------------------------------------------------------------------------

    def block(self, sealed: Sealed) -> None:
        """A block became durable: its trace, up to here."""
        now, block = time.time_ns(), sealed.committed
        fetched = now - max(0, time.monotonic_ns() - int(sealed.fetched_s * 1e9))
        prepared = fetched + int(sealed.prepare_s * 1e9)
        own_ns = block.decide_ns + block.hash_ns + block.append_ns + block.index_ns + block.sync_ns
        oldest = sealed.oldest_ms * 1_000_000 or fetched
        began = min(fetched, max(oldest, fetched - FETCH_MS_MAX * 1_000_000))
        root = self._tracer.start_span(
            "block",
            start_time=began,
            attributes={
                "farechain.height": block.height,
                "farechain.inputs": block.inputs,
                "farechain.records": block.records,
                "farechain.rejected": sum(block.rejected.values()),
                "farechain.bytes": block.bytes,
                "farechain.oldest_event_age_ms": max(0, (fetched - oldest) // 1_000_000),
            },
        )
        if not root.is_recording():
            return
        self._span(root, "fetch", began, fetched)
        self._span(root, "prepare", fetched, prepared, decode=sealed.decode_ns, verify=sealed.verify_ns)
        self._span(
            root,
            "commit",
            max(prepared, now - own_ns),
            now,
            decide=block.decide_ns,
            hash=block.hash_ns,
            append=block.append_ns,
            index=block.index_ns,
            sync=block.sync_ns,
        )
        self._unpublished.append((block.height, root))
        if len(self._unpublished) > UNPUBLISHED_MAX:
            self._unpublished.popleft()[1].end()

    def published(self, published: Published) -> None:
        """A checkpoint is in place: the traces of the blocks that it covers first end here."""
        now = time.time_ns()
        cosigned = now - int(published.rename_s * 1e9)
        asked = cosigned - int(published.cosign_s * 1e9)
        began = now - int((published.publish_s + published.cosign_s) * 1e9)
        while self._unpublished and self._unpublished[0][0] < published.size:
            _height, root = self._unpublished.popleft()
            self._span(root, "publish", began, now)
            self._span(root, "cosign", asked, cosigned)
            root.set_attribute("farechain.checkpoint_size", published.size)
            root.end(end_time=now)

    def _span(self, root: "Span", name: str, began: int, ended: int, **parts_ns: int) -> None:
        attributes = {f"farechain.{part}_ms": value / 1e6 for part, value in parts_ns.items()}
        span = self._tracer.start_span(
            name, context=self._within(root), start_time=began, attributes=attributes
        )
        span.end(end_time=max(began, ended))

    # Requests ------------------------------------------------------------------------------------

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application with a span around each request, named after its route."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            with self._request(scope) as span:

                async def sent(message: Message) -> None:
                    if message["type"] == "http.response.start":
                        span.set_attribute("http.response.status_code", message["status"])
                        if message["status"] >= 500:
                            span.set_status(self._failed)
                    await send(message)

                await app(scope, receive, sent)

        return traced

    @contextmanager
    def _request(self, scope: Scope) -> "Iterator[Span]":
        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        span = self._tracer.start_span(method, kind=self._server, attributes={"http.request.method": method})
        try:
            yield span
        except Exception as error:
            # Its type alone: its text may hold what was asked for.
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(self._failed)
            raise
        finally:
            route: Any = getattr(scope.get("route"), "path", None)
            if route is not None:
                span.set_attribute("http.route", route)
                span.update_name(f"{method} {route}")
            span.end()

    async def close(self) -> None:
        """Sends what waits, for a moment at most."""
        for _height, root in self._unpublished:
            root.end()
        closing = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        closing.start()
        await asyncio.to_thread(closing.join, CLOSE_S)


METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
"""Others are what a client made up."""
