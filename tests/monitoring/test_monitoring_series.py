"""What a service exports: names with their unit, few labels with few values, whoever sends what."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from farechain.observability.latency import EventLatency
from farechain.observability.metrics import Metrics
from farechain.observability.upkeep import PARTS
from farechain.pages.auditor.vocabulary import REJECTED
from monitoring.watched import Watched

UNITS = re.compile(
    r"_(total|seconds|bytes|ratio|info|records|payments|blocks|numbers|sellers|fds)(_bucket|_count|_sum)?$"
)
WITHOUT_UNIT = {"farechain_sealing_stopped", "farechain_audit_failed"}
"""States that are 0 or 1."""
CLOSED = {
    "verdict": {"issued", "reversed", "duplicate", "rejected", "recorded"},
    "code": set(REJECTED),
    "stage": {"prepare", "commit", "decide", "hash", "append", "index", "sync", "publish", "cosign"},
    "status": {f"{hundreds}xx" for hundreds in range(1, 6)},
    "part": {"api", "pages", *PARTS},
    "instructions": {"portable", "avx2", "avx512"},
}
"""Labels whose values are in the program."""
OF_THE_CHAIN = {"topic", "partition", "witness", "version", "reason", "route"}
"""Labels whose values are in its configuration, its routes, or the codes of its own errors."""


def families(metrics: Metrics) -> list[tuple[str, str, str]]:
    """Name, type and documentation of each family."""
    return [
        (each.name + ("_total" if each.type == "counter" else ""), each.type, each.documentation)
        for each in metrics.registry.collect()
    ]


def test_names_say_whose_they_are_and_their_unit() -> None:
    for name, kind, documentation in families(Metrics()):
        assert name.startswith(("farechain_", "process_")), name
        assert UNITS.search(name) or name in WITHOUT_UNIT, f"{name} says no unit"
        assert (kind == "counter") == name.endswith("_total"), name
        assert not re.search(r"_(ms|milliseconds|minutes|mb|percent)(_|$)", name), f"{name}: no base unit"
        assert documentation, name


def test_what_is_not_known_is_no_number() -> None:
    """A standby exports the same names; a zero would be a height, an age or a supply."""
    known = {
        "farechain_waiting_payments",
        "farechain_books_lag_blocks",
        "farechain_oldest_waiting_event_seconds",
        "farechain_replica_lag_blocks",
        "farechain_replica_answered_timestamp_seconds",
    }
    for family in Metrics().registry.collect():
        for sample in family.samples:
            if family.type == "gauge" and not family.name.startswith("process_") and family.name not in known:
                assert sample.value != 0, sample.name


def test_events_are_counted_and_not_blocks() -> None:
    registry = CollectorRegistry()
    latency = EventLatency("farechain_test_seconds", "A test", (1.0, 60.0), registry)
    latency.observe(0.5, 900)
    latency.observe(1.0, 90)
    latency.observe(61.0, 10)

    def value(suffix: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"farechain_test_seconds{suffix}", labels)

    assert [value("_bucket", le=bound) for bound in ("1.0", "60.0", "+Inf")] == [990, 990, 1000]
    assert (value("_count"), value("_sum")) == (1000, 0.5 * 900 + 90 + 610)


def test_a_partition_that_the_source_no_longer_has_is_gone() -> None:
    metrics = Metrics()
    both = {("payments.metro", "0"): 5, ("payments.road", "0"): 7}
    metrics.behind(both, {("payments.road", "0"): 4_000}, now_ms=10_000)

    def lag(topic: str, unit: str) -> float | None:
        labels = {"topic": topic, "partition": "0"}
        return metrics.registry.get_sample_value(f"farechain_consumer_lag_{unit}", labels)

    assert [lag("payments.road", unit) for unit in ("records", "seconds")] == [7, 6]
    assert [lag("payments.metro", unit) for unit in ("records", "seconds")] == [5, 0]
    metrics.behind({("payments.metro", "0"): 0}, {}, now_ms=11_000)
    assert [lag("payments.road", unit) for unit in ("records", "seconds")] == [None, None]


def scraped(chain: Watched) -> dict[str, set[tuple[tuple[str, str], ...]]]:
    """Series by family."""
    text = chain.http.get("/metrics").text
    return {
        family.name: {tuple(sorted(sample.labels.items())) for sample in family.samples}
        for family in text_string_to_metric_families(text)
    }


def hostile() -> list[tuple[bytes, list[tuple[str, bytes]], bytes]]:
    """Events that name devices, codes and keys of their own."""
    found = []
    for number in range(60):
        value = {
            "specversion": "1.0",
            "type": f"E_MADE_UP_{number}",
            "source": f"device-{number}",
            "id": f'{number}"}} 1\nfarechain_invoices_total 9',
            "data": {"kind": f"KIND{number}", "scene": f"SCENE{number}"},
        }
        headers = [("fc-kid", f"{number:032x}".encode()), ("fc-sig", bytes([number]) * 64)]
        found.append((f"key-{number}".encode(), headers, json.dumps(value).encode()))
    return found


def test_who_sends_what_ever_adds_no_series(chain: Watched, tmp_path: Path) -> None:
    chain.append(hostile())
    for number in range(20):
        assert chain.ask(f"/nothing/{number}") == 404
        assert chain.ask(f"/v1/invoices/{number:012d}/{number}") in {404, 422}
        assert chain.ask(f"/v1/payments/{number:064x}/proof?form=made-up-{number}") in {404, 422}
    chain.until_rejected(60)
    series = scraped(chain)
    routes = {labels for labels in series["farechain_http_requests"] if "nothing" in str(labels)}
    assert not routes
    assert len(series["farechain_http_requests"]) < 30
    allowed_reasons = re.compile(r"E_[A-Z_]+")
    topics = {topic.name for topic in chain.settings.source.topics} | {"http"}
    for name, labelled in series.items():
        for labels in labelled:
            for label, value in labels:
                if label in CLOSED:
                    assert value in CLOSED[label], f"{name}: {label}={value}"
                    continue
                assert label in {*OF_THE_CHAIN, "le"}, f"{name} has a label {label}"
                if label == "topic":
                    assert value in topics
                if label == "reason":
                    assert allowed_reasons.fullmatch(value)
                if label == "route":
                    assert value == "unmatched" or value.startswith("/")
    assert sum(len(labelled) for labelled in series.values()) < 800


@pytest.mark.parametrize("label", ["device", "kid", "invoice", "tax_id", "seller", "role", "party", "issuer"])
def test_nobody_is_named(label: str) -> None:
    sources = (Path(__file__).parents[2] / "python/farechain/observability").glob("*.py")
    for source in sources:
        assert f'"{label}"' not in source.read_text(), f"{source.name} has a label {label}"
