"""Log lines: one object an event for collectors, plain words at a terminal, nothing of a person in either."""

import contextlib
import json
import logging
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from service_chain import Chain, Day, make_day

from farechain import keys
from farechain._core import LedgerError
from farechain.access.roles import Role
from farechain.access.tokens import Tokens
from farechain.cli import lines
from farechain.config import LineSettings
from farechain.config_file import to_toml
from farechain.errors import FarechainError
from farechain.party import Party
from farechain.private.key_files import open_store
from farechain.private.openings import Kind
from farechain.spool_lines import spool_line

CANARY = "金丝雀" + secrets.token_hex(4)
Captured = pytest.CaptureFixture[str]
log = logging.getLogger("farechain.test")
foreign = logging.getLogger("uvicorn.error")


@pytest.fixture(autouse=True)
def _hooks_are_put_back() -> Iterator[None]:
    hooks = sys.excepthook, threading.excepthook
    yield
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(False)
    logging.basicConfig(handlers=[logging.NullHandler()], level=logging.WARNING, force=True)


def told(capsys: Captured) -> dict[str, Any]:
    """The one line that was written."""
    (line,) = capsys.readouterr().err.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_line_has_its_fields(capsys: Captured) -> None:
    lines.configure(LineSettings(form="json", level="debug"))
    log.debug("block height=%d took=%.1f share=%s%% chain=%s of %s", 5, 0.25, None, "shenzhen/0", "all")
    line = told(capsys)
    assert list(line) == ["time", "level", "logger", "message", "fields"]
    assert line["message"] == "block height=5 took=0.2 share=None% chain=shenzhen/0 of all"
    assert line["fields"] == {"height": 5, "took": 0.25, "share": None, "chain": "shenzhen/0"}
    assert (line["level"], line["logger"]) == ("debug", "farechain.test")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", line["time"])


def test_what_is_no_terminal_gets_json_and_a_terminal_words(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines.configure(LineSettings())
    log.info("stopped height=%d", 3)
    assert told(capsys)["fields"] == {"height": 3}
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    lines.configure(LineSettings())
    log.info("stopped\nheight=%d", 3)
    assert capsys.readouterr().err.endswith(" INFO farechain.test: stopped height=3\n")


def test_libraries_are_heard_from_warnings_on_and_in_the_same_form(capsys: Captured) -> None:
    lines.configure(LineSettings(form="json", level="debug"))
    foreign.info("a request of %s", CANARY)
    foreign.warning("Invalid HTTP request received.")
    assert told(capsys)["message"] == "Invalid HTTP request received."
    logging.getLogger("asyncio").error("never retrieved\nfuture: <Task exception=%r>", ValueError(CANARY))
    assert told(capsys)["message"] == "never retrieved"
    warnings.warn("an old name", DeprecationWarning, stacklevel=1)
    assert told(capsys)["logger"] == "py.warnings"


def test_lines_are_bounded(capsys: Captured) -> None:
    lines.configure(LineSettings(form="json"))
    log.warning("why=%s", "x" * 100_000)
    assert len(capsys.readouterr().err) < 3 * lines.TEXT_MAX


def fail(depth: int) -> None:
    """Fails far below, over what was being worked on."""
    if depth:
        fail(depth - 1)
    raise ValueError(f"title {CANARY}\nplate")


@pytest.mark.parametrize("form", ["json", "plain"])
def test_an_error_is_one_line_without_what_was_worked_on(capsys: Captured, form: Any) -> None:
    lines.configure(LineSettings(form=form))
    try:
        try:
            fail(100)
        except ValueError as error:
            raise FarechainError("E_IO", "the disk is full") from error
    except FarechainError:
        foreign.exception("Exception in ASGI application\n")
    (line,) = capsys.readouterr().err.splitlines()
    assert CANARY not in line
    assert "E_IO: the disk is full" in line
    assert "ValueError" in line
    assert "unit/test_log_lines.py:" in line
    assert len(line) < 5000
    if form == "json":
        ours, cause = json.loads(line)["error"]
        assert (ours["type"], cause["type"]) == ("FarechainError", "ValueError")
        assert "message" not in cause
        assert len(cause["at"]) == lines.FRAMES_MAX


def test_of_the_ledger_and_the_system_the_message_is_told(capsys: Captured) -> None:
    lines.configure(LineSettings(form="json"))
    for error in (LedgerError("io", "no space"), OSError(28, "No space left on device", f"/{CANARY}")):
        log.error("stopped", exc_info=error)
    texts = [json.loads(line)["error"][0]["message"] for line in capsys.readouterr().err.splitlines()]
    assert texts == ["io: no space", "No space left on device"]


def test_what_nobody_caught_is_a_line_too(capsys: Captured) -> None:
    lines.configure(LineSettings(form="json"))
    thread = threading.Thread(target=fail, args=(0,))
    thread.start()
    thread.join()
    line = told(capsys)
    assert (line["level"], line["error"][0]["type"]) == ("critical", "ValueError")
    assert sys.excepthook is not sys.__excepthook__


# A real process ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return make_day(tmp_path_factory.mktemp("day"))


def test_a_run_at_debug_level_says_nothing_of_people_tokens_or_keys(
    tmp_path: Path, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spool = tmp_path / "spool"
    spool.mkdir()
    for file in day.spool.iterdir():
        (spool / file.name).write_bytes(file.read_bytes())
    with (spool / "payments.scenic-0.jsonl").open("ab") as out:
        count = len((day.spool / "payments.scenic-0.jsonl").read_text().splitlines())
        for number, value in enumerate((CANARY.encode(), json.dumps({"title": CANARY}).encode())):
            out.write(
                spool_line(
                    "payments.scenic",
                    0,
                    count + number,
                    1,
                    key=CANARY.encode(),
                    headers=[(CANARY, b"x"), ("fc-kid", CANARY.encode())],
                    value=value,
                )
            )
    chain = Chain(tmp_path, day, spool)
    private = chain.settings.private.model_copy(update={"interval_ms": 100, "orphan_age_s": 60})
    settings = chain.settings.model_copy(
        update={"private": private, "lines": LineSettings(level="debug"), "ledger": chain.settings.ledger}
    )
    chain.config.write_text(to_toml(settings))
    with open_store(settings.private_store, settings.private.key_file) as store:
        store.put(CANARY, Kind.TITLE, CANARY)
        store.put(CANARY, Kind.PLATE, CANARY)
    token = Tokens(settings.tokens_file).issue("91440300708461136T", Role.AGENT, 1, 10).token
    seeds = [keys.read_key(day.bureau_key.with_suffix(".key")), keys.read_key(settings.public_log.key_file)]
    seeds.append(keys.read_key(settings.private.key_file))
    command = [sys.executable, "-m", "farechain", "serve", "--config", str(chain.config), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stderr is not None
        written = [process.stderr.readline()]
        url = json.loads(written[0])["message"].removeprefix("listening on ")
        provoke(url, token, Party(tax_id="", seed=seeds[0], network="shenzhen"))
        process.send_signal(signal.SIGTERM)
        written += process.stderr.readlines()
    assert process.returncode == 0
    for line in written:
        found = json.loads(line)
        assert list(found)[:5] == ["time", "level", "logger", "message", "fields"]
    text = "".join(written)
    assert '"level": "debug"' in text
    assert any("stopped height=" in line for line in written)
    secrets_of = [CANARY, CANARY[3:], *token.split("_")[1:], *(seed.hex() for seed in seeds), "fct_"]
    for file in day.spool.glob("payments*"):
        secrets_of += re.findall(r"[A-Za-z0-9+/]{60,}", file.read_text())[:50]
    for secret in secrets_of:
        assert secret not in text
        assert json.dumps(secret)[1:-1] not in text


def provoke(url: str, token: str, bureau: Party) -> None:
    """Asks for many things with something secret in each place of a request."""
    secret = {"authorization": f"Bearer {token}", "cookie": f"farechain_session={token}"}
    with httpx.Client(base_url=url, headers=secret, timeout=30) as http:
        ready = False
        while not ready:
            threading.Event().wait(0.05)
            with contextlib.suppress(httpx.TransportError):
                ready = http.get("/readyz").status_code == 200
        for method, path in (
            ("GET", f"/{CANARY}"),
            ("GET", f"/v1/invoices/{CANARY}/1?check_code={CANARY}"),
            ("GET", f"/v1/payments/{CANARY}"),
            ("GET", f"/v1/dead-letters?cursor={CANARY}"),
            ("GET", f"/promise/{CANARY}"),
            ("POST", "/v1/wallet/trips"),
            ("POST", "/v1/invoices/lookup"),
            ("POST", "/v1/verify"),
            ("POST", "/v1/commands"),
            ("POST", "/login"),
            ("GET", "/my"),
            ("GET", "/clerk"),
        ):
            http.request(method, path, content=json.dumps({"title": CANARY, "token": token}).encode())
        signed = bureau.attest("CANARY", bytes(32), "canary")
        body = {"event": "x", "openings": [{"salt": "0" * 32, "text": CANARY}], "title": CANARY}
        headers = {
            "content-type": "application/vnd.farechain.command+json",
            "fc-kid": signed.kid,
            "fc-sig": signed.signature.hex(),
        }
        http.post("/v1/commands", json=body, headers=headers)
        headers["content-type"] = "application/cloudevents+json"
        assert http.post("/v1/commands", content=signed.value, headers=headers).status_code == 201
        http.post("/v1/commands", content=signed.value, headers=headers | {"fc-sig": CANARY.encode().hex()})
