"""The command line: one line an error, the right exit code, the same help as yesterday."""

import json
import logging
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from farechain import _core
from farechain.cli import VERBS, main

HELP_SNAPSHOT = Path(__file__).parent / "cli_help.txt"
SPOOL = '[source]\nkind = "spool"\ndirectory = "spool"\n[outputs]\nenabled = false\n'


@pytest.fixture(autouse=True)
def _log_lines_go_where_they_went() -> Iterator[None]:
    """A verb sends its log lines to the standard error of its test; the next test has another one."""
    yield
    logging.basicConfig(handlers=[logging.NullHandler()], level=logging.WARNING, force=True)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a configuration over a spool, and the bureau's key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for name in [name for name in os.environ if name.startswith("FARECHAIN_")]:
        monkeypatch.delenv(name)
    (tmp_path / "spool").mkdir()
    (tmp_path / "farechain.toml").write_text(SPOOL)
    assert main(["keys", "new", "bureau.key", "--public", "keys/bureau.pub"]) == 0
    return tmp_path


def failing(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit code and the one line on standard error."""
    capsys.readouterr()
    code = main(words)
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    errors = [line for line in lines if line.startswith("farechain: E_")]
    assert len(errors) == 1, captured.err
    assert not any("Traceback" in line for line in lines)
    return code, errors[0]


def test_the_help_is_the_one_that_was_agreed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ""
    for words in (
        [],
        *(
            [verb]
            for verb in (
                "init",
                "serve",
                "ingest",
                "api",
                "witness",
                "status",
                "keys",
                "tokens",
                "erase",
                "reapply",
                "private",
                "promise",
                "config",
            )
        ),
    ):
        with pytest.raises(SystemExit) as leaving:
            main([*words, "--help"])
        assert leaving.value.code == 0
        told += f"$ farechain {' '.join([*words, '--help'])}\n{capsys.readouterr().out}\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        HELP_SNAPSHOT.write_text(told)
    assert told == HELP_SNAPSHOT.read_text()


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_json(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main([verb, "--help"])
    assert leaving.value.code == 0
    out = capsys.readouterr().out
    if verb not in {"keys", "tokens", "wallet", "private", "promise", "config", "dlq", "replica"}:
        assert "--json" in out


def test_python_m_farechain_is_the_same_program(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "farechain", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"farechain {_core.VERSION}\n"
    done = subprocess.run(
        [sys.executable, "-m", "farechain", "nosuch"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "words", [["nosuch"], [], ["serve", "--prt", "1"], ["keys"], ["serve", "--port", "http"]]
)
def test_wrong_usage_is_one_line_and_2(
    place: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    code, line = failing(capsys, *words)
    assert code == 2
    assert line.startswith("farechain: E_USAGE: ")
    assert "--help" in line


def test_errors_are_json_too(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["keys", "show", "nosuch.key", "--json"]) == 2
    captured = capsys.readouterr()
    failure = json.loads(captured.out)
    assert (failure["ok"], failure["code"]) == (False, "E_KEY_FILE")
    assert captured.err == f"farechain: E_KEY_FILE: {failure['message']}\n"


# Keys and configuration -------------------------------------------------------------------------


def test_keys_are_made_shown_and_never_overwritten(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert stat.S_IMODE((place / "bureau.key").stat().st_mode) == 0o600
    capsys.readouterr()
    assert main(["keys", "show", "bureau.key", "--json", "--name", "w1", "--witness"]) == 0
    shown = json.loads(capsys.readouterr().out)
    public_key = bytes.fromhex((place / "keys/bureau.pub").read_text())
    assert shown["kid"] == _core.kid(public_key)
    assert shown["vkey"] == _core.vkey_cosignature("w1", public_key)
    assert failing(capsys, "keys", "new", "bureau.key")[0] == 2


def test_the_example_configuration_is_sound(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["config", "example"]) == 0
    (place / "example.toml").write_text(capsys.readouterr().out)
    assert main(["config", "check", "--config", "example.toml"]) == 0
    assert main(["config", "show", "--config", "example.toml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["blocks"]["max_inputs"] == 8192


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ('[ledger]\nbureau_key_file = "nosuch.pub"\n', "nosuch.pub"),
        ('[ledger]\nbureau_key_file = "farechain.toml"\n', "public key"),
        ('[source]\nkind = "spool"\ndirectory = "nosuch"\n', "source.directory"),
        ('[kafka]\nprotocol = "SSL"\nca_file = "nosuch.pem"\n', "nosuch.pem"),
        (
            '[[witnesses.members]]\nname = "w"\nurl = "http://127.0.0.1:1"\nvkey = "w+00000000+AAAA"\n',
            "witness w",
        ),
    ],
)
def test_config_check_reads_what_is_named(
    place: Path, capsys: pytest.CaptureFixture[str], changed: str, told: str
) -> None:
    (place / "farechain.toml").write_text(changed)
    code, line = failing(capsys, "config", "check")
    assert code == 2
    assert told in line


def test_a_missing_configuration(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("serve", "ingest", "api", "status", "init"):
        code, line = failing(capsys, verb, "--config", "nosuch.toml")
        assert code == 2
        assert "nosuch.toml" in line
        assert "--config" in line


# Operators' mistakes ----------------------------------------------------------------------------


def test_init_makes_a_ledger_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["init", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["vkey"].startswith("shenzhen/0+")
    assert stat.S_IMODE((place / "keys/log.key").stat().st_mode) == 0o600
    code, line = failing(capsys, "init")
    assert (code, "E_LEDGER_EXISTS" in line) == (3, True)
    capsys.readouterr()
    assert main(["status", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["chain"], status["height"], status["checkpoint"]["size"]) == ("shenzhen/0", 0, 0)
    assert status["positions"]["farechain.commands/0"] == 0


def test_there_is_no_ledger(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "new", "keys/log.key"]) == 0
    for words in (["status"], ["ingest"], ["api", "--port", "0"], ["serve", "--port", "0"]):
        code, line = failing(capsys, *words)
        assert code == 2
        assert "E_LEDGER_MISSING" in line
        assert "farechain init" in line


def test_a_wrong_key_file(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    (place / "keys/log.key").chmod(0o644)
    code, line = failing(capsys, "ingest", "--until-end")
    assert (code, "chmod 600" in line) == (2, True)
    (place / "keys/log.key").chmod(0o600)
    (place / "keys/log.key").write_text("not a key\n")
    code, line = failing(capsys, "ingest", "--until-end")
    assert (code, "E_KEY_FILE" in line) == (2, True)


def test_a_busy_port(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        for words in (["serve"], ["api"]):
            code, line = failing(capsys, *words, "--port", port)
            assert code == 4
            assert f"E_PORT: cannot listen on 127.0.0.1:{port}" in line


def test_an_unwritable_directory(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A file where a directory should be fails for root too, whom permissions do not stop.
    (place / "var").write_text("a file\n")
    code, line = failing(capsys, "init")
    assert code == 4
    assert "var/ledger" in line


def test_a_missing_broker(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "farechain.toml").write_text('[kafka]\nbootstrap = "127.0.0.1:1"\n')
    code, line = failing(capsys, "init")
    assert code == 4
    assert "E_BROKER" in line
    assert "127.0.0.1:1" in line


def test_other_topics_than_genesis(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    text = SPOOL.replace(
        "[outputs]", 'first = []\n[[source.topics]]\nname = "payments.metro"\npartitions = 5\n[outputs]'
    )
    (place / "farechain.toml").write_text(text)
    code, line = failing(capsys, "ingest", "--until-end")
    assert code == 2
    assert "differs from genesis" in line


# Witness ----------------------------------------------------------------------------------------


def test_a_witness_is_made_once_and_prints_its_key(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = _core.vkey_ed25519("shenzhen/0", _core.public_key(b"\1" * 32))
    (place / "vkey").write_text(log + "\n")
    words = ["witness", "--state", "w", "--init", "--name", "bureau.example/w1"]
    capsys.readouterr()
    assert main([*words, "--log", "vkey", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["vkey"].startswith("bureau.example/w1+")
    assert json.loads((place / "w/witness.json").read_text())["logs"] == {"shenzhen/0": [log]}
    code, line = failing(capsys, *words)
    assert (code, "E_WITNESS_EXISTS" in line) == (3, True)


def test_a_witness_refuses_another_key_of_a_log(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (_core.vkey_ed25519("shenzhen/0", _core.public_key(bytes([n]) * 32)) for n in (1, 2))
    assert main(["witness", "--state", "w", "--init", "--name", "w1", "--log", first]) == 0
    code, line = failing(capsys, "witness", "--state", "w", "--port", "0", "--log", second)
    assert (code, "E_WITNESS_LOG" in line) == (3, True)
    code, line = failing(capsys, "witness", "--state", "w", "--port", "0", "--log", "nonsense")
    assert (code, "E_WITNESS_LOG" in line) == (2, True)


def test_a_witness_that_lost_its_memory_does_not_start(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = _core.vkey_ed25519("shenzhen/0", _core.public_key(b"\1" * 32))
    assert main(["witness", "--state", "w", "--init", "--name", "w1", "--log", log]) == 0
    (state,) = (place / "w").glob("log-*.json")
    state.unlink()
    code, line = failing(capsys, "witness", "--state", "w", "--port", "0", "--log", log)
    assert (code, "E_WITNESS_STATE" in line) == (3, True)


def test_no_witness_there(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, line = failing(capsys, "witness", "--state", "nosuch")
    assert (code, "--init" in line) == (2, True)
    code, line = failing(capsys, "witness", "--state", "w", "--init")
    assert (code, "--name" in line) == (2, True)


def test_instructions_that_are_not_there_are_one_line() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "farechain", "--help"],
        env=os.environ | {"FARECHAIN_INSTRUCTIONS": "abacus"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 2
    assert told.stderr.startswith('farechain: E_USAGE: FARECHAIN_INSTRUCTIONS="abacus"')
    assert told.stderr.count("\n") == 1
