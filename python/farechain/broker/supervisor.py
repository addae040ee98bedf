"""The parent of a development broker: writes its state file, ends it when told to or when its parent is gone.

Run as a file of its own and imports nothing of farechain, so that it stays small. Its argument: a JSON object
with ``command``, ``log``, ``state_file``, ``facts`` (what the state file says beside the pids), ``watch``
(standard input is a pipe; its end means that the parent is gone), ``stop_s`` and ``archive``
(``[draft, final]`` or null).
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """Asks Linux to kill the broker if this process is killed; elsewhere the pid file has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def started_ticks(pid: int) -> str:
    """When a process started, in clock ticks since boot: with the pid, its identity."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.read_text().rpartition(")")[2].split()[19] if stat.exists() else ""


class Supervisor:
    """Runs one broker to its end."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec = spec
        self._ending = threading.Lock()
        with open(spec["log"], "ab", buffering=0) as log:
            self._child = subprocess.Popen(
                spec["command"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 (no thread runs yet)
            )

    def run(self) -> int:
        """Returns the broker's exit code."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda _number, _frame: self._end_soon())
        self._write_state()
        if self._spec["watch"]:
            threading.Thread(target=self._watch_parent, daemon=True).start()
        code = self._child.wait()
        if self._spec["archive"]:
            draft, final = self._spec["archive"]
            with contextlib.suppress(FileNotFoundError):
                os.replace(draft, final)
        Path(self._spec["state_file"]).unlink(missing_ok=True)
        return code

    def _write_state(self) -> None:
        path = Path(self._spec["state_file"])
        pids = {"pid": self._child.pid, "started": started_ticks(self._child.pid), "supervisor": os.getpid()}
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(self._spec["facts"] | pids))
        draft.replace(path)

    def _watch_parent(self) -> None:
        while os.read(0, 64):
            pass
        self._end_soon()

    def _end_soon(self) -> None:
        if not self._ending.acquire(blocking=False):
            return
        self._child.terminate()
        timer = threading.Timer(self._spec["stop_s"], self._child.kill)
        timer.daemon = True
        timer.start()


if __name__ == "__main__":
    sys.exit(abs(Supervisor(json.loads(sys.argv[1])).run()))
