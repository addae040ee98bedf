"""The rules and settings of ``deploy/prometheus`` with all durations divided: minutes take seconds."""

import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # it ships no types

DEPLOY = Path(__file__).parents[2] / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
DURATION = re.compile(r"(\d+)([smhd])")


def shorter(duration: str, factor: float) -> str:
    """``5m`` by 20 is ``15000ms``."""
    found = DURATION.fullmatch(duration)
    assert found is not None, duration
    return f"{max(1, round(int(found[1]) * UNIT_MS[found[2]] / factor))}ms"


def expression(text: str, factor: float) -> str:
    """Windows, and thresholds that are compared with seconds; the names of recorded series stay."""
    text = re.sub(r"\[(\d+[smhd])\]", lambda found: f"[{shorter(found[1], factor)}]", text)
    return re.sub(r"(_seconds\)?) > ([\d* ]+\d)", rf"\1 > \2 / {factor:g}", text)


def rules(name: str, factor: float) -> dict[str, Any]:
    """A file of rules."""
    loaded: dict[str, Any] = yaml.safe_load((PROMETHEUS / name).read_text())
    for group in loaded["groups"]:
        if "interval" in group:
            group["interval"] = shorter(group["interval"], factor)
        for rule in group["rules"]:
            rule["expr"] = expression(rule["expr"], factor)
            if "for" in rule:
                rule["for"] = shorter(rule["for"], factor)
    return loaded


def prometheus(factor: float, target: str, alertmanager: str | None) -> dict[str, Any]:
    """The configuration of Prometheus with another target and Alertmanager (host and port)."""
    loaded: dict[str, Any] = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    # A scrape may take as long as their distance, and a busy machine takes its time.
    loaded["global"]["scrape_interval"] = "1s"
    loaded["global"]["evaluation_interval"] = shorter(loaded["global"]["evaluation_interval"], factor)
    (scrape,) = loaded["scrape_configs"]
    scrape["static_configs"] = [{"targets": [target]}]
    loaded["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    if alertmanager is None:
        del loaded["alerting"]
    return loaded


def alertmanager(factor: float, webhook: str) -> dict[str, Any]:
    """The configuration of Alertmanager with a webhook for each receiver, its name behind the address."""
    loaded: dict[str, Any] = yaml.safe_load((PROMETHEUS / "alertmanager.yml").read_text())
    for route in (loaded["route"], *loaded["route"]["routes"]):
        for name in ("group_wait", "group_interval", "repeat_interval"):
            route[name] = shorter(route[name], factor)
    for receiver in loaded["receivers"]:
        receiver["webhook_configs"] = [{"url": f"{webhook}/{receiver['name']}"}]
    return loaded
