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
RUNBOOKS = ROOT / "docs" / "runbooks"
SECTIONS = ["## Look at", "## Do", "## Call somebody"]


def promtool(*arguments: str) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.fail("promtool is missing: apt-get install prometheus")
    done = subprocess.run([program, *arguments], check=False, cwd=PROMETHEUS, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def loaded(name: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / name).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def rules() -> list[dict[str, Any]]:
    return loaded("alerts.yml")


def names() -> set[str]:
    """Every name that a service exports, samples of histograms among them."""
    metrics = Metrics()
    found = {
        f"process_{name}" for name in ("start_time_seconds", "resident_memory_bytes", "cpu_seconds_total")
    }
    found |= {rule["record"] for rule in loaded("recording.yml")}
    for family in metrics.registry.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
        found |= {family.name + suffix for suffix in suffixes.get(family.type, [""])}
    return found


def test_promtool_accepts_the_configuration() -> None:
    promtool("check", "config", "prometheus.yml")


@pytest.mark.parametrize("name", ["alerts_test.yml", "alerts_of_days_test.yml"])
def test_each_alert_fires_on_its_fault_and_none_on_a_good_day(name: str) -> None:
    promtool("test", "rules", name)


def test_every_alert_is_tested() -> None:
    tested = (PROMETHEUS / "alerts_test.yml").read_text()
    for rule in rules():
        assert f'alertname="{rule["alert"]}"' in tested, f"{rule['alert']} is not seen firing"
        assert f"alertname: {rule['alert']}," in tested, f"{rule['alert']} is not seen silent"


def test_every_metric_in_the_rules_is_exported() -> None:
    for rule in rules() + loaded("recording.yml"):
        used = set(
            re.findall(r"\b(farechain_[a-z_]+|farechain:[a-z0-9_:]+|process_[a-z_]+|up)\b", rule["expr"])
        )
        assert used, rule
        assert used - FROM_ELSEWHERE <= names(), f"{rule}: {used - names()}"


def test_every_recorded_series_is_used() -> None:
    dashboards = "".join(
        file.read_text("utf-8") for file in (ROOT / "deploy/grafana/dashboards").glob("*.json")
    )
    expressions = "".join(rule["expr"] for rule in rules() + loaded("recording.yml")) + dashboards
    for rule in loaded("recording.yml"):
        assert re.search(rf"{rule['record']}\b", expressions), f"{rule['record']} is used by nothing"


def test_every_alert_has_its_page_in_the_runbook() -> None:
    listed = re.findall(
        r"^\| \[(\w+)\]\(runbooks/\1\.md\) \| (\w+) \|", (ROOT / "docs" / "operations.md").read_text(), re.M
    )
    assert listed == [(rule["alert"], rule["labels"]["severity"]) for rule in rules()]
    for rule in rules():
        page = RUNBOOKS / f"{rule['alert']}.md"
        assert rule["annotations"]["runbook"] == page.relative_to(ROOT).as_posix()
        assert rule["labels"]["severity"] in {"page", "ticket"}
        text = page.read_text("utf-8")
        assert text.startswith(f"# {rule['alert']}\n")
        places = [text.find(f"\n{section}\n") for section in SECTIONS]
        assert -1 not in places, f"{page.name} lacks a section"
        assert places == sorted(places), page.name
    assert {page.stem for page in RUNBOOKS.glob("*.md")} == {rule["alert"] for rule in rules()}


def test_every_metric_in_the_runbook_is_exported() -> None:
    histograms = {family.name for family in Metrics().registry.collect() if family.type == "histogram"}
    for page in [*RUNBOOKS.glob("*.md"), ROOT / "docs" / "operations.md"]:
        used = set(re.findall(r"\b(farechain_[a-z_]+[a-z]|farechain:[a-z0-9_:]+)\b", page.read_text("utf-8")))
        used -= {"farechain_party", "farechain_role"}  # claims of an ID token
        assert used <= names() | histograms, f"{page.name}: {used - names()}"
