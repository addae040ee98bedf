"""One run of one line: a process bounded in time, its line of JSON, and what it left on the disk."""

import json
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path


class RunError(Exception):
    """A run or a build that gave no figures; the message says why."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a run tells. CPU is that of all its processes and of its database's server, not of the broker."""

    events: int
    accepted: int
    wall_s: float
    cpu_s: float
    disk_bytes: int
    proved: int = 0
    broker_cpu_s: float = 0.0
    rss_mb: float = 0.0


def output(command: list[str], *, cwd: Path | None = None, timeout_s: float) -> str:
    """What a command prints. One that takes longer is killed with all its processes.

    Raises:
        RunError: it could not be started, failed, or took too long.
    """
    try:
        running = subprocess.Popen(
            command,
            cwd=cwd,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path.cwd())},
            start_new_session=True,
        )
    except OSError as error:
        raise RunError(f"{command[0]}: {error.strerror}") from error
    try:
        printed, complaint = running.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        raise RunError(f"took longer than {timeout_s:.0f} s") from error
    if running.returncode:
        last = complaint.strip().splitlines()[-1:] or [f"ended with {running.returncode}"]
        raise RunError(last[0][:200])
    return printed


def disk_bytes(path: Path) -> int:
    """What the files below a directory take on disk."""
    return sum(each.stat().st_blocks * 512 for each in path.rglob("*") if each.is_file())


def run(command: list[str], path: Path, kept: Path, *, timeout_s: float) -> Told:
    """Runs a command on an empty directory ``path``. ``kept``: where its data goes, counted as what it adds.

    Raises:
        RunError: see ``output``.
    """
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    before = disk_bytes(kept)
    try:
        told = json.loads(output(command, timeout_s=timeout_s))
        return Told(**told, disk_bytes=disk_bytes(kept) - before)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def built(source: Path, program: Path) -> Path:
    """Builds a Go program from its pinned modules.

    Raises:
        RunError: there is no Go, or a module cannot be had.
    """
    if shutil.which("go") is None:
        raise RunError("Go is not installed")
    program.parent.mkdir(parents=True, exist_ok=True)
    words = ["go", "build", "-mod=readonly", "-buildvcs=false", "-o", str(program.resolve()), "."]
    output(words, cwd=source, timeout_s=300)
    return program
