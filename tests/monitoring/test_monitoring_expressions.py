"""Every expression of dashboards, recorded series and alerts, asked of Prometheus about a real service."""

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types

from monitoring import scaling
from monitoring.programs import Prometheus, prometheus
from monitoring.watched import Watched

FACTOR = 20
GRAFANA = scaling.DEPLOY / "grafana"
SELECTOR = re.compile(r"\b((?:farechain|process)_[a-z_]+|farechain:[a-z0-9_:]+|up\b)(\{[^}]*\})?")
EMPTY_WHILE_HEALTHY = {
    'farechain_http_requests_total{route!~"/livez|/readyz|/metrics", status="5xx"}',
    "farechain_sealing_stopped",
    "farechain_relay_lag_blocks",  # this service sends nothing to a broker
    'ALERTS{alertstate="firing"}',
}


@pytest.fixture(scope="module")
def asked(chain: Watched, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    place = tmp_path_factory.mktemp("prometheus") / "prometheus"
    with prometheus(place, chain.target, factor=FACTOR) as asked:

        def has_seen_it_move(asked: Prometheus) -> bool:
            chain.ride()
            chain.ask()
            recorded = (
                "farechain:late_minute:ratio_rate3d",
                "farechain:requests_failed:ratio_rate3d",
                "farechain:inputs_possible:rate5m",
            )
            return all(
                any(float(series["value"][1]) >= 0 for series in asked.query(name)) for name in recorded
            )

        asked.until(has_seen_it_move)
        yield asked


def of_dashboards() -> list[str]:
    files = sorted((GRAFANA / "dashboards").glob("*.json"))
    assert len(files) == 2
    return [
        target["expr"]
        for file in files
        for panel in json.loads(file.read_text("utf-8"))["panels"]
        for target in panel["targets"]
    ]


def of_rules(name: str, kind: str) -> list[str]:
    groups = yaml.safe_load((scaling.PROMETHEUS / name).read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"] if kind in rule]


def test_the_dashboards_are_what_their_program_writes() -> None:
    program = runpy.run_path(str(GRAFANA / "dashboards.py"))
    for name in program["DASHBOARDS"]:
        written = (GRAFANA / "dashboards" / f"{name}.json").read_text("utf-8")
        assert written == program["written"](name), "run deploy/grafana/dashboards.py"


def test_panels_do_not_lie_upon_each_other() -> None:
    for file in (GRAFANA / "dashboards").glob("*.json"):
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(file.read_text("utf-8"))["panels"]:
            at = panel["gridPos"]
            cells = {
                (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
            }
            assert not cells & taken, panel["title"]
            assert at["x"] + at["w"] <= 24
            taken |= cells


@pytest.mark.parametrize("text", of_dashboards() + of_rules("recording.yml", "record"))
def test_each_expression_returns_series(asked: Prometheus, text: str) -> None:
    found = asked.query(scaling.expression(text, FACTOR))
    assert found or any(each in text for each in EMPTY_WHILE_HEALTHY), f"{text} returns nothing"


@pytest.mark.parametrize("text", of_rules("alerts.yml", "alert"))
def test_each_alert_asks_for_series_that_are_there(asked: Prometheus, text: str) -> None:
    asked.query(scaling.expression(text, FACTOR))
    selectors = {name + labels for name, labels in SELECTOR.findall(text)}
    assert selectors
    for selector in selectors - EMPTY_WHILE_HEALTHY:
        assert asked.query(selector), f"{selector} returns nothing"


def test_what_is_rightly_empty_is_still_asked_for() -> None:
    asked_for = " ".join(
        of_dashboards() + of_rules("recording.yml", "record") + of_rules("alerts.yml", "alert")
    )
    for selector in EMPTY_WHILE_HEALTHY:
        assert selector in asked_for


def test_recorded_series_say_what_is_true(chain: Watched, asked: Prometheus) -> None:
    """A healthy service: nothing late, nothing failed, some room, some cost."""
    chain.ride()

    def is_healthy(asked: Prometheus) -> bool:
        def value(name: str) -> float:
            return float(asked.query(name)[0]["value"][1])

        return (
            value("farechain:late_minute:ratio_rate5m") == 0
            and value("farechain:requests_failed:ratio_rate5m") == 0
            and 0 < value("farechain:busy:ratio_rate5m") < 1
            and value("farechain:inputs_possible:rate5m") > value("farechain:inputs:rate5m") > 0
            and value("farechain:cpu_seconds_per_input:ratio_rate5m") > 0
            and value("farechain:ledger_bytes:sum") > 1_000_000
        )

    def moves(asked: Prometheus) -> bool:
        chain.ride()
        chain.ask()
        return bool(asked.query("farechain:inputs:rate5m")) and is_healthy(asked)

    asked.until(moves)


def test_provisioning_names_the_source_that_the_panels_ask() -> None:
    sources = yaml.safe_load((GRAFANA / "provisioning/datasources/farechain.yaml").read_text())["datasources"]
    files = [Path(file).read_text("utf-8") for file in (GRAFANA / "dashboards").glob("*.json")]
    for text in files:
        asked_of = {panel["datasource"]["uid"] for panel in json.loads(text)["panels"]}
        assert asked_of == {source["uid"] for source in sources}
