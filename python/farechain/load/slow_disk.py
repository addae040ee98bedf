"""A disk whose syncs take longer, without being root: a library before the C library's own, compiled here."""

import os
import shutil
import subprocess
from importlib import resources
from pathlib import Path

from farechain.errors import EXIT_UNAVAILABLE, FarechainError


class SlowDisk:
    """Delays ``fdatasync`` and ``fsync`` of processes that are started with ``environ``.

    Args:
        place: a directory for the library and for the file that says the delay.

    Raises:
        FarechainError: ``E_LOAD`` where there is no C compiler, or it refuses.
    """

    def __init__(self, place: Path) -> None:
        compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            message = "slow-disk needs a C compiler (cc) to delay syncs: install one, or take the fault out"
            raise FarechainError("E_LOAD", message, EXIT_UNAVAILABLE)
        place.mkdir(parents=True, exist_ok=True)
        library, self._delay = place / "slow_disk.so", place / "sync_delay_us"
        source = resources.files(__package__).joinpath("slow_disk.c").read_bytes()
        words = [compiler, "-O2", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library), "-ldl"]
        done = subprocess.run(words, input=source, capture_output=True, check=False)
        if done.returncode != 0:
            reason = done.stderr.decode(errors="replace").strip().splitlines()[:1]
            message = f"{compiler} does not compile slow_disk.c: {' '.join(reason)}"
            raise FarechainError("E_LOAD", message, EXIT_UNAVAILABLE)
        self.set(0)
        self.environ = {"LD_PRELOAD": str(library), "FARECHAIN_SYNC_DELAY": str(self._delay)}

    def set(self, delay_ms: int) -> None:
        """From now on each sync takes so much longer."""
        draft = self._delay.with_suffix(".new")
        draft.write_text(str(delay_ms * 1000))
        draft.replace(self._delay)
