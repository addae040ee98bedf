"""Stops the worker threads of a process, as a disk that never answers does; its event loop goes on."""

import ctypes
import os
from pathlib import Path

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000
"""``ptrace(2)``, ``waitpid(2)``. All calls must come from one thread."""
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long


def stop_workers(pid: int) -> list[int]:
    """Stops all threads but the first. Raises ``OSError`` where that is not allowed."""
    stopped = []
    for thread in sorted(int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()):
        if thread == pid:
            continue
        for request in (SEIZE, INTERRUPT):
            if LIBC.ptrace(request, thread, None, None) != 0:
                raise OSError(ctypes.get_errno(), "ptrace")
        os.waitpid(thread, WALL)
        stopped.append(thread)
    return stopped


def let_go(threads: list[int]) -> None:
    """They go on."""
    for thread in threads:
        LIBC.ptrace(DETACH, thread, None, None)
