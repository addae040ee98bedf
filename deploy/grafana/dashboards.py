"""Writes the dashboards: ``python deploy/grafana/dashboards.py``. Grafana reads JSON, people this file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLACE = Path(__file__).parent / "dashboards"
SOURCE = {"type": "prometheus", "uid": "farechain"}
COLUMNS, HEIGHT = 24, 7


@dataclass(frozen=True)
class Panel:
    """One panel: a figure (``stat``) or lines over time; each expression with the legend of its series."""

    title: str
    unit: str
    expressions: dict[str, str]
    kind: str = "timeseries"
    width: int = 8
    red_from: float | None = None
    """The value from which a figure is red; below where ``red_below``."""
    red_below: float | None = None

    def as_json(self, number: int, x: int, y: int) -> dict[str, Any]:
        """As Grafana reads it."""
        steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
        if self.red_from is not None:
            steps.append({"color": "red", "value": self.red_from})
        if self.red_below is not None:
            steps = [{"color": "red", "value": None}, {"color": "green", "value": self.red_below}]
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "datasource": SOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": HEIGHT if self.kind == "timeseries" else 4},
            "fieldConfig": {
                "defaults": {"unit": self.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}},
                "overrides": [],
            },
            "targets": [
                {"refId": chr(65 + at), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
                for at, (legend, expression) in enumerate(self.expressions.items())
            ],
        }


def figure(title: str, unit: str, expression: str, **limits: float) -> Panel:
    """A figure an instance."""
    return Panel(title, unit, {"{{instance}}": expression}, "stat", 4, **limits)


EVENTS = "farechain_event_to_checkpoint_seconds_bucket"
OVERVIEW = [
    figure("Oldest event that waits", "s", "farechain_oldest_waiting_event_seconds", red_from=60),
    figure(
        "Under a checkpoint within a minute, 3 days",
        "percentunit",
        "1 - farechain:late_minute:ratio_rate3d",
        red_below=0.999,
    ),
    figure(
        "Within a second, 1 hour", "percentunit", "1 - farechain:late_second:ratio_rate1h", red_below=0.99
    ),
    figure(
        "Requests answered, 1 hour",
        "percentunit",
        "1 - farechain:requests_failed:ratio_rate1h",
        red_below=0.999,
    ),
    figure("Checkpoint is old", "s", "time() - farechain_checkpoint_timestamp_seconds"),
    figure(
        "Blocks under no checkpoint",
        "short",
        "farechain_height_blocks + 1 - farechain_checkpoint_blocks",
        red_from=600,
    ),
    figure("Audit is old", "s", "time() - farechain_audit_timestamp_seconds", red_from=35 * 86400),
    figure("Audit failed", "short", "farechain_audit_failed", red_from=1),
    figure("Append conflicts, 1 day", "short", "increase(farechain_append_conflicts_total[1d])", red_from=1),
    figure("Payments that wait", "short", "farechain_waiting_payments", red_from=1),
    figure("Numbers last", "s", "farechain_numbers_last_seconds", red_below=30 * 86400),
    figure("Numbers left", "short", "farechain_available_numbers"),
    Panel("Alerts that fire", "short", {"{{alertname}}": 'ALERTS{alertstate="firing"}'}),
    Panel(
        "Event to checkpoint",
        "s",
        {
            f"{{{{instance}}}} {words}": f"histogram_quantile({share}, "
            f"sum by (instance, le) (rate({EVENTS}[5m])))"
            for words, share in (("median", 0.5), ("99 of 100", 0.99), ("999 of 1000", 0.999))
        },
    ),
    Panel(
        "Oldest event in no block",
        "s",
        {"{{instance}} {{topic}}": "max by (instance, topic) (farechain_consumer_lag_seconds)"},
    ),
    Panel("Inputs", "cps", {"{{verdict}}": "sum by (verdict) (rate(farechain_inputs_total[5m]))"}),
    Panel("Refused, and why", "cps", {"{{code}}": "sum by (code) (rate(farechain_rejected_total[5m]))"}),
    Panel(
        "Cosignatures",
        "cps",
        {
            "{{witness}}": "sum by (witness) (rate(farechain_witness_cosignatures_total[5m]))",
            "refused rounds": "sum(rate(farechain_witness_refused_total[5m]))",
        },
    ),
]
DETAIL = [
    figure("Headroom of ingest", "percentunit", "1 - farechain:busy:ratio_rate5m", red_below=0.2),
    figure("Inputs", "cps", "farechain:inputs:rate5m"),
    figure("Inputs possible", "cps", "farechain:inputs_possible:rate5m"),
    figure("CPU an input", "s", "farechain:cpu_seconds_per_input:ratio_rate5m"),
    figure("Ledger on disk", "bytes", "farechain:ledger_bytes:sum"),
    figure(
        "Disk free", "percentunit", "farechain_disk_free_bytes / farechain_disk_size_bytes", red_below=0.05
    ),
    Panel("Stage at work", "percentunit", {"{{stage}}": "rate(farechain_busy_seconds_total[5m])"}),
    Panel(
        "Stages of a block, 99 of 100",
        "s",
        {
            "{{stage}}": "histogram_quantile(0.99, "
            "sum by (stage, le) (rate(farechain_stage_seconds_bucket[5m])))"
        },
    ),
    Panel("Blocks", "cps", {"{{instance}}": "rate(farechain_blocks_total[5m])"}),
    Panel(
        "Taken",
        "cps",
        {"{{topic}}": "sum by (topic) (rate(farechain_records_consumed_total[5m]))"},
    ),
    Panel("Not fetched yet", "short", {"{{topic}} {{partition}}": "farechain_consumer_lag_records"}),
    Panel(
        "What follows is behind",
        "short",
        {
            "{{topic}}": "farechain_relay_lag_blocks",
            "books": "farechain_books_lag_blocks",
            "state": "farechain_state_behind_blocks",
        },
    ),
    Panel(
        "CPU",
        "percentunit",
        {"{{instance}}": 'rate(process_cpu_seconds_total{job="farechain"}[5m])'},
    ),
    Panel("Memory", "bytes", {"{{instance}}": 'process_resident_memory_bytes{job="farechain"}'}),
    Panel("Ledger on disk by part", "bytes", {"{{part}}": "sum by (part) (farechain_ledger_bytes)"}),
    Panel(
        "Requests",
        "reqps",
        {
            "{{route}} {{status}}": "topk(10, "
            "sum by (route, status) (rate(farechain_http_requests_total[5m])))"
        },
    ),
    Panel(
        "Request to first byte, 99 of 100",
        "s",
        {
            "{{part}}": "histogram_quantile(0.99, "
            "sum by (part, le) (rate(farechain_http_request_seconds_bucket[5m])))"
        },
    ),
    Panel("Version", "short", {"{{instance}} {{version}} {{instructions}}": "farechain_build_info"}),
]
DASHBOARDS = {
    "overview": ("farechain: overview", "Is a passenger waiting? Is the chain healthy?", OVERVIEW),
    "ingest": ("farechain: ingest and cost", "Will it fall behind? What does it cost?", DETAIL),
}


def dashboard(name: str) -> dict[str, Any]:
    """The whole of one, as Grafana's provisioning takes it; panels from left to right."""
    title, description, panels = DASHBOARDS[name]
    shown, x, y, row = [], 0, 0, 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > COLUMNS or (x and panel.kind != panels[number - 2].kind):
            x, y, row = 0, y + row, 0
        made = panel.as_json(number, x, y)
        shown.append(made)
        x, row = x + panel.width, max(row, made["gridPos"]["h"])
    return {
        "uid": f"farechain-{name}",
        "title": title,
        "description": description,
        "tags": ["farechain"],
        "schemaVersion": 39,
        "refresh": "10s",
        "time": {"from": "now-3h", "to": "now"},
        "panels": shown,
    }


def written(name: str) -> str:
    """The file's content."""
    return json.dumps(dashboard(name), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for each in DASHBOARDS:
        (PLACE / f"{each}.json").write_text(written(each), "utf-8")
