"""The files that an operator installs agree with the program."""

import os
import subprocess
import sys
from pathlib import Path

from farechain import _core
from farechain.config import Settings
from farechain.config_file import load, to_toml

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_the_example_explains_every_setting_and_is_what_the_program_takes() -> None:
    text = (DEPLOY / "farechain.toml").read_text()
    header = "".join(line for line in text.splitlines(keepends=True)[:4] if line.startswith("#"))
    wanted = to_toml(Settings(), explained=True)
    assert text == f"{header}\n{wanted}\n", "run `farechain config example` and put it below the header"
    load(DEPLOY / "farechain.toml", {})


def unit(name: str) -> dict[str, list[str]]:
    """The keys of a systemd unit; a key may stand more than once."""
    keys: dict[str, list[str]] = {}
    for line in (DEPLOY / name).read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            keys.setdefault(key, []).append(value)
    return keys


def test_the_unit_leaves_time_to_drain_and_starts_no_hopeless_case_again() -> None:
    service = unit("farechain.service")
    drain_s = Settings().limits.drain_deadline_s
    assert drain_s + 5 <= float(service["TimeoutStopSec"][0]) <= drain_s + 30
    assert service["KillSignal"] == ["SIGTERM"]
    assert service["Restart"] == ["on-failure"]
    assert service["RestartPreventExitStatus"] == ["2 3"]


def test_the_units_give_up_what_they_do_not_need() -> None:
    for name in ("farechain.service", "farechain-witness.service", "farechain-backup.service"):
        service = unit(name)
        for key in (
            "NoNewPrivileges",
            "PrivateDevices",
            "ProtectHome",
            "MemoryDenyWriteExecute",
            "PrivateTmp",
        ):
            assert service[key] == ["yes"], f"{name}: {key}"
        assert service["ProtectSystem"] == ["strict"]
        assert service["CapabilityBoundingSet"] == [""]
        assert service["User"] != ["root"]


def test_setup_makes_a_sound_deployment_once(tmp_path: Path) -> None:
    """Keys, witnesses whose verifier keys are in the configuration, genesis; a second run changes nothing."""
    state = tmp_path / "state"
    state.mkdir()
    (tmp_path / "spool").mkdir()
    farechain = f"{sys.executable} -m farechain"
    environment = os.environ | {
        "FARECHAIN": farechain,
        "FARECHAIN_SOURCE_KIND": "spool",
        "FARECHAIN_SOURCE_DIRECTORY": str(tmp_path / "spool"),
        "WITNESS_URL": "http://127.0.0.1:9101/@",
    }
    command = ["sh", str(DEPLOY / "setup.sh"), str(state), str(DEPLOY / "farechain.toml")]
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    settings = load(state / "farechain.toml", {})
    assert settings.witnesses.threshold == 2
    assert [member.url for member in settings.witnesses.members] == [
        f"http://127.0.0.1:9101/{name}" for name in ("bureau", "holders", "reimbursers")
    ]
    for secret in (state / "keys" / f"{name}.key" for name in ("log", "bureau", "private")):
        assert secret.stat().st_mode & 0o077 == 0, f"{secret.name} can be read by others"
    ledger = _core.Ledger.open(str(settings.ledger.path), readonly=True)
    assert (ledger.chain, ledger.height) == ("shenzhen/0", 0)
    ledger.close()
    before = (state / "farechain.toml").read_bytes()
    again = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert again.returncode == 0
    assert "nothing to do" in again.stderr
    assert (state / "farechain.toml").read_bytes() == before
