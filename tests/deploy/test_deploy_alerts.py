"""The alert rules: each fires on its fault, is about an existing metric, and has a page in the runbook."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types

from farechain.observability.metrics import Metrics

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
FROM_ELSEWHERE = {"up", "ALERTS"}
UNITS = ("_total", "_seconds", "_records", "_payments", "_blocks", "_bytes", "_info", "_fds")
WITHOUT_UNIT = {"farechain_sealing_stopped"}
"""A state that is 0 or 1."""


def promtool(*arguments: str) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.fail("promtool is missing: apt-get install prometheus")
    done = subprocess.run([program, *arguments], check=False, cwd=PROMETHEUS, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def names() -> set[str]:
    """Every name that a service exports, samples of histograms among them."""
    metrics = Metrics()
    found = {"process_start_time_seconds", "process_resident_memory_bytes"}
    for family in metrics.registry.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
        found |= {family.name + suffix for suffix in suffixes.get(family.type, [""])}
    return found


def test_promtool_accepts_the_configuration() -> None:
    promtool("check", "config", "prometheus.yml")


def test_each_alert_fires_on_its_fault_and_none_on_a_good_day() -> None:
    promtool("test", "rules", "alerts_test.yml")


def test_every_alert_is_tested() -> None:
    tested = (PROMETHEUS / "alerts_test.yml").read_text()
    for rule in rules():
        assert f'alertname="{rule["alert"]}"' in tested, f"{rule['alert']} is not seen firing"
        assert f"alertname: {rule['alert']}," in tested, f"{rule['alert']} is not seen silent"


def test_every_metric_in_the_rules_is_exported() -> None:
    for rule in rules():
        used = set(re.findall(r"\b(farechain_[a-z_]+|process_[a-z_]+|up)\b", rule["expr"]))
        assert used, rule["alert"]
        assert used - FROM_ELSEWHERE <= names(), f"{rule['alert']}: {used - names()}"


def test_every_alert_has_its_page_in_the_runbook() -> None:
    headings = re.findall(r"^#+ (\S+)", (ROOT / "docs" / "operations.md").read_text(), re.M)
    for rule in rules():
        assert rule["alert"] in headings, f"docs/operations.md has no section {rule['alert']}"
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_metric_names_say_whose_they_are_and_their_unit() -> None:
    for family in Metrics().registry.collect():
        name = family.name + ("_total" if family.type == "counter" else "")
        assert name.startswith(("farechain_", "process_")), name
        assert name.endswith(UNITS) or name in WITHOUT_UNIT, f"{name} says no unit"
        assert family.documentation
        assert "_milliseconds" not in name
        assert "_ms" not in name


def test_labels_are_few_and_bounded() -> None:
    """A label's values are partitions, codes, stages, witnesses: never an invoice, a device or a caller."""
    allowed = {
        "topic",
        "partition",
        "verdict",
        "code",
        "stage",
        "witness",
        "reason",
        "version",
        "instructions",
    }
    source = (ROOT / "python/farechain/observability/metrics.py").read_text()
    for listed in re.findall(r"\[((?:\"[a-z]+\"(?:, )?)+)\]", source):
        assert set(re.findall(r"[a-z]+", listed)) <= allowed, listed
