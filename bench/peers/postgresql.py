"""A PostgreSQL server for the pipeline: Debian's package, a fresh cluster, a socket and no port."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "wal_buffers": "64MB",
}
"""Tuned for loading; ``fsync`` and ``synchronous_commit`` stay on, and the pipeline checks that they are."""
START_S = 30


class DatabaseError(Exception):
    """PostgreSQL cannot be had; the message says why."""


def binaries() -> Path:
    """The directory of ``initdb`` and ``postgres``; installs Debian's package where this process may."""
    for attempt in ("found", "installed"):
        places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if places:
            return places[-1].parent
        if attempt == "found":
            _install()
    raise DatabaseError("PostgreSQL's package has no initdb")


def _install() -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise DatabaseError("PostgreSQL is not installed, and only root may: apt-get install postgresql")
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "postgresql"]):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(["apt-get", "-qq", *words], env=environment, capture_output=True, check=False)
        if done.returncode:
            raise DatabaseError(f"apt-get {words[0]} failed: {done.stderr.decode().strip()[-200:]}")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. ``path`` has its data and its socket."""

    pid: int
    path: Path


@contextmanager
def server() -> Iterator[Server]:
    """A fresh server, removed with all its data in the end. PostgreSQL refuses root: then it is ``postgres``.

    Raises:
        DatabaseError: where it cannot be had.
    """
    programs, user = binaries(), "postgres" if os.geteuid() == 0 else None
    # In /var/tmp, which is on a disk and which another user can reach; a socket's path must be short, too.
    place = Path(tempfile.mkdtemp(prefix="farechain-peers-", dir="/var/tmp"))
    try:
        if user:
            shutil.chown(place, user, user)
        data = place / "data"
        made = subprocess.run(
            [programs / "initdb", "--auth=trust", "--username=postgres", "--no-sync", "-D", data],
            user=user,
            capture_output=True,
            check=False,
        )
        if made.returncode:
            raise DatabaseError(f"initdb failed: {made.stderr.decode().strip()[-200:]}")
        settings = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        words = [str(programs / "postgres"), "-D", str(data), "-k", str(place), *settings]
        with (place / "log").open("wb") as log:
            running = subprocess.Popen(words, user=user, stdout=log, stderr=log)
        try:
            _wait(running, place)
            yield Server(running.pid, place)
        finally:
            running.terminate()
            try:
                running.wait(START_S)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _wait(running: "subprocess.Popen[bytes]", place: Path) -> None:
    deadline = time.monotonic() + START_S
    while not list(place.glob(".s.PGSQL.*")):
        if running.poll() is not None or time.monotonic() > deadline:
            raise DatabaseError(f"the server does not start: {(place / 'log').read_text()[-200:]}")
        time.sleep(0.1)
