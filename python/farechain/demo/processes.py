"""Child processes of the demonstration: farechain verbs, what they cost, and their end."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from farechain.errors import EXIT_UNAVAILABLE, FarechainError

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 30.0
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took: CPU seconds of user and system, and its largest resident memory in MiB."""

    cpu_s: float
    rss_mb: float


class Child:
    """A verb of farechain in a process of its own; its lines go to a file.

    Attributes:
        pid: of the process.
        lines: the file of its lines.
    """

    def __init__(self, words: Sequence[str], lines: Path, environ: Mapping[str, str] | None = None) -> None:
        self._words = list(words)
        self.lines = lines
        self._output = lines.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "farechain", *words],
            stdout=subprocess.PIPE,
            stderr=self._output,
            env=None if environ is None else {**os.environ, **environ},
        )
        self.pid = self._process.pid
        self._most_kib = 0
        self._watching = threading.Thread(target=self._watch_memory, daemon=True)
        self._watching.start()

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal that ended it."""
        return self._process.poll()

    def wait_until_answering(self, url: str) -> None:
        """Waits for a 200 at ``url``. Raises ``FarechainError`` with its last line if it ends first."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if not self.running:
                raise self._failed()
            try:
                if httpx.get(url, timeout=2.0).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(POLL_S)
        raise FarechainError("E_DEMO", f"{url} did not answer: see {self.lines}", EXIT_UNAVAILABLE)

    def result(self) -> tuple[dict[str, Any], Cost]:
        """Waits for the end of a verb that was started with ``--json``: its result and its cost."""
        output, cost, code = self._finish()
        if code != 0:
            raise self._failed()
        return json.loads(output), cost

    def stop(self) -> Cost:
        """Ends it with SIGTERM, as a supervisor would."""
        if self.running:
            self._process.send_signal(signal.SIGTERM)
        _output, cost, _code = self._finish()
        return cost

    def pause(self) -> None:
        """Stops it with SIGSTOP, as a hanging machine would; ``kill`` ends it all the same."""
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """Ends it with SIGKILL, as a power cut would; does nothing if it has ended."""
        if self.running:
            self._process.kill()
        self._finish()

    def _watch_memory(self) -> None:
        """The largest resident memory; the kernel's own figure for a child starts with its parent's."""
        status = Path(f"/proc/{self._process.pid}/status")
        while (most := _most_resident_kib(status)) is not None:
            self._most_kib = max(self._most_kib, most)
            time.sleep(POLL_S)

    def _finish(self) -> tuple[bytes, Cost, int]:
        assert self._process.stdout is not None
        output = b"" if self._process.stdout.closed else self._process.stdout.read()
        cpu_s = 0.0  # of one that ended by itself and was asked about, nobody knows it any more
        if self._process.returncode is None:
            _pid, status, usage = os.wait4(self._process.pid, 0)
            self._process.returncode = os.waitstatus_to_exitcode(status)
            cpu_s = usage.ru_utime + usage.ru_stime
        self._process.stdout.close()
        self._output.close()
        return output, Cost(cpu_s, self._most_kib / 1024), self._process.returncode

    def _failed(self) -> FarechainError:
        told = self.lines.read_text("utf-8", "replace").strip().splitlines()
        last = told[-1] if told else "it said nothing"
        return FarechainError("E_DEMO", f"farechain {self._words[0]} ended: {last}", EXIT_UNAVAILABLE)


def _most_resident_kib(status: Path) -> int | None:
    """``VmHWM`` of a process; None once it has none."""
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), None)
