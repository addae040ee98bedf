"""Load tests on the real broker: an owner killed under load, and a run against a cluster that is there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from farechain.cli import main
from farechain.load.cluster import LocalCluster
from farechain.load.scenario import Scenario

pytestmark = pytest.mark.kafka
KILLED = """
about = "The owner is killed under load, and the standby takes over."
warm_up_s = 1
steady_s = 7
services = 2
devices_of_day = 2_000
[rate]
per_s = 100
[[faults]]
at_s = 2
do = "kill-owner"
[promises]
p99_ms = 10_000
slip_p99_ms = 5000
back_within_s = 5
"""
SHORT = """
about = "A short run against a cluster that is there."
warm_up_s = 0
steady_s = 3
[rate]
per_s = 200
[promises]
p99_ms = 20_000
slip_p99_ms = 10_000
"""


def report(out: Path) -> dict[str, object]:
    facts: dict[str, object] = json.loads((out / "report.json").read_text())
    promises = facts["promises"]
    assert isinstance(promises, list)
    assert [promise for promise in promises if not promise["kept"]] == []
    return facts


def test_an_owner_killed_under_load_loses_and_doubles_nothing(tmp_path: Path) -> None:
    told = tmp_path / "killed.toml"
    told.write_text(KILLED)
    code = main(["load", str(told), "--local", str(tmp_path / "cluster"), "--generators", "2"])
    facts = report(tmp_path / "cluster" / "load")
    assert code == 0
    events, faults, generators, memory = (
        facts[name] for name in ("events", "faults", "generators", "memory_mb")
    )
    assert isinstance(events, dict)
    assert isinstance(faults, list)
    assert isinstance(generators, list)
    assert isinstance(memory, dict)
    assert events["sent"] == events["by_verdict"]["ISSUED"] > 400
    assert [fault["do"] for fault in faults] == ["kill-owner"]
    assert len(generators) == 2
    assert {"service", "broker", "generator 1", "generator 2"} <= set(memory)
    assert "kill-owner" in (tmp_path / "cluster" / "load" / "report.html").read_text()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A cluster that somebody runs: its directory and its service's address."""
    scenario = Scenario(about="a cluster", steady_s=1, devices_of_day=2_000)
    cluster = LocalCluster(tmp_path / "cluster", scenario)
    try:
        cluster.prepare()
        cluster.start()
        found = re.search(
            r"listening on (http://[0-9.:]+)", (tmp_path / "cluster/log/serve-1.log").read_text()
        )
        assert found is not None
        yield tmp_path / "cluster", found[1]
    finally:
        cluster.close()


def test_a_cluster_that_runs_is_loaded_and_judged_by_its_receipts(
    running: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, url = running
    told = tmp_path / "short.toml"
    told.write_text(SHORT)
    cluster = ["--config", str(place / "farechain.toml"), "--keys", str(place / "keys"), "--url", url]
    assert main(["load", str(told), *cluster, "--generator", "2/3", "--out", str(tmp_path / "out")]) == 0
    facts = report(tmp_path / "out")
    events = facts["events"]
    assert isinstance(events, dict)
    assert events["sent"] == events["by_verdict"]["ISSUED"] > 100
    assert events["issued_fen"] == events["sent_fen"]
    assert main(["load", "owner-killed", *cluster]) == 2
    assert "E_SCENARIO" in capsys.readouterr().err
