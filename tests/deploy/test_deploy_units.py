"""The systemd units, read by systemd itself: every unit that lies in deploy/."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(path.name for path in DEPLOY.iterdir() if path.suffix in {".service", ".timer", ".socket"})
SERVICES = [name for name in UNITS if name.endswith(".service")]
EXPOSURE_MAX = 1.5
"""Of 10; what is left is the network, which these services are for."""


def analyze(*arguments: str) -> str:
    program = shutil.which("systemd-analyze")
    assert program is not None, "systemd-analyze is missing: apt-get install systemd"
    done = subprocess.run([program, *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_takes_the_units_without_a_word(tmp_path: Path) -> None:
    """The program is not installed here: in copies another stands for it. Nothing else is changed."""
    for name in UNITS:
        text = (DEPLOY / name).read_text()
        (tmp_path / name).write_text(text.replace("/opt/farechain/bin/farechain", "/bin/true"))
    assert analyze("verify", "--man=no", *(str(tmp_path / name) for name in UNITS)) == ""


@pytest.mark.parametrize("name", SERVICES)
def test_little_of_the_machine_is_exposed(name: str) -> None:
    said = analyze("security", "--offline=yes", f"--threshold={round(EXPOSURE_MAX * 10)}", str(DEPLOY / name))
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert exposure is not None, said
    assert float(exposure[1]) <= EXPOSURE_MAX


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_says_whose_it_is_and_what_it_may_write(name: str) -> None:
    text = (DEPLOY / name).read_text()
    assert re.search(r"^User=farechain", text, re.M)
    assert re.search(r"^UMask=00[27]7$", text, re.M)
    assert re.search(r"^StateDirectory=farechain|^ReadWritePaths=/var/lib/farechain", text, re.M)
    assert "/var/run" not in text
