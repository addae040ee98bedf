"""Real faults of a real service reach whoever is on call, and so does their end."""

import shutil
import subprocess
from pathlib import Path

import pytest

from monitoring import scaling
from monitoring.programs import Prometheus, Told, alertmanager, prometheus
from monitoring.watched import Watched, riding

FACTOR = 30


def test_amtool_accepts_the_configuration_and_routes_by_severity() -> None:
    program = shutil.which("amtool")
    if program is None:
        pytest.fail("amtool is missing: apt-get install prometheus-alertmanager")
    file = str(scaling.PROMETHEUS / "alertmanager.yml")
    checked = subprocess.run([program, "check-config", file], check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for severity, receiver in (("page", "pager"), ("ticket", "tickets")):
        words = ["config", "routes", "test", f"--config.file={file}", f"severity={severity}"]
        routed = subprocess.run([program, *words], check=True, capture_output=True, text=True)
        assert routed.stdout.strip() == receiver


def test_a_killed_service_and_a_lost_witness_are_told_and_their_repair_too(
    chain: Watched, tmp_path: Path
) -> None:
    told = Told()
    with (
        alertmanager(tmp_path / "alertmanager", told, factor=FACTOR) as address,
        prometheus(tmp_path / "prometheus", chain.target, factor=FACTOR, alertmanager=address) as asked,
        riding(chain, per_s=5),
    ):
        asked.until(is_up)
        assert chain.service is not None
        chain.service.kill()
        seen = told.wait_for("pager", "FarechainDown", "firing")
        chain.start()
        seen = told.wait_for("pager", "FarechainDown", "resolved", after=seen)

        chain.witnesses["w0"].kill()
        seen = told.wait_for("pager", "FarechainTooFewCosignatures", "firing", after=seen)
        chain.start_witnesses()
        told.wait_for("pager", "FarechainTooFewCosignatures", "resolved", after=seen)


def is_up(asked: Prometheus) -> bool:
    return any(series["value"][1] == "1" for series in asked.query("up"))
