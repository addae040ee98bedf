"""Tells the C library's allocator what this process is like: few threads that hand each other large batches.

By default glibc gives each thread a heap of its own and keeps what others free in it, so that memory grows to
several times what is in use. With two heaps it stays near that.
"""

import ctypes

M_ARENA_MAX = -8
"""``mallopt(3)``; other C libraries have no such function or refuse it, and keep their own ways."""
ARENAS = 2


def limit_arenas() -> bool:
    """Limits the heaps of this process; False where the C library cannot. Call it before threads start."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(M_ARENA_MAX, ARENAS) == 1
