"""Tells the C library's allocator what this process is like: few threads that hand each other large batches.

By default glibc gives each thread a heap of its own and keeps what others free in it, so that memory grows
to several times what is in use; with two heaps it stays near that. And it returns each large buffer to the
system, which clears the pages again for the next block: kept instead, they save 1 to 2 us of CPU an event (of
22 at the time), and the process is as large at its peak.
"""

import ctypes

M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -8, -3, -1
"""``mallopt(3)``; other C libraries have no such function or refuse it, and keep their own ways."""
ARENAS = 2
KEPT_FROM_BYTES = 32 << 20
"""A buffer from this size on is returned when it is freed; glibc allows no more."""
KEPT_BYTES = 64 << 20
"""Of a heap's free end, as many are kept: the buffers of a block on their way."""


def tell_allocator() -> bool:
    """Sets this process's allocator up; False where the C library cannot. Call it before threads start."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    wanted = ((M_ARENA_MAX, ARENAS), (M_MMAP_THRESHOLD, KEPT_FROM_BYTES), (M_TRIM_THRESHOLD, KEPT_BYTES))
    return mallopt is not None and all(mallopt(what, value) == 1 for what, value in wanted)
