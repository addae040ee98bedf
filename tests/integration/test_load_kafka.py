"""Load tests on the real broker: the smoke scenario, with a second run beside the first cluster, and a kill."""

import json
from pathlib import Path

import pytest

from farechain.cli import main

pytestmark = pytest.mark.kafka
KILLED = """
about = "The owner is killed under load, and the standby takes over."
warm_up_s = 1
steady_s = 9
services = 2
devices_of_day = 2_000
[rate]
per_s = 100
[[faults]]
at_s = 3
do = "kill-owner"
[promises]
p99_ms = 10_000
slip_p99_ms = 5000
back_within_s = 6
"""


def kept(out: Path) -> dict[str, bool]:
    facts = json.loads((out / "report.json").read_text())
    return {promise["name"]: promise["kept"] for promise in facts["promises"]}


def test_an_owner_killed_under_load_loses_and_doubles_nothing(tmp_path: Path) -> None:
    told = tmp_path / "killed.toml"
    told.write_text(KILLED)
    code = main(["load", str(told), "--local", str(tmp_path / "cluster"), "--generators", "2"])
    out = tmp_path / "cluster" / "load"
    facts = json.loads((out / "report.json").read_text())
    assert (code, [promise for promise in facts["promises"] if not promise["kept"]]) == (0, [])
    assert facts["events"]["sent"] == facts["events"]["by_verdict"]["ISSUED"] > 500
    assert [fault["do"] for fault in facts["faults"]] == ["kill-owner"]
    assert len(facts["generators"]) == 2
    assert {"service", "broker", "generator 1", "generator 2"} <= set(facts["memory_mb"])
    assert "kill-owner" in (out / "report.html").read_text()
