"""Memory that was freed is kept for the next step instead of going back to the system, up to a limit."""

import ctypes
import functools
import os
import sys
from pathlib import Path

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # of malloc.h
EVERY = 4  # steps between two looks at what the process holds
LEAST = 1 << 30  # bytes that nobody minds
SHARE = 8  # what part of the machine's memory may be held before the first look back
STATM = Path("/proc/self/statm")  # pages: of the program, resident ...


@functools.cache
def keep_freed_memory() -> bool:
    """Tell the C library so, once a process; False where it is not glibc's. Nothing that is computed changes.

    By default every tensor above 32 MB is mapped anew and given back when it is freed, and the kernel clears its pages
    again at each step: at 2,000 pictures a batch that was a third of the time.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(MMAP_MAX, 0)) and bool(mallopt(TRIM_THRESHOLD, 1 << 30))


class Heap:
    """What the process holds, looked at now and then.

    Rows of unequal length need blocks of ever other sizes, and what is kept of the old ones fits none of the new: a
    translator that lives in 2 GB held 15 after 350 steps. Given back once in a while, it costs nothing that was seen.
    """

    def __init__(self) -> None:
        self.limit = max(LEAST, memory_bytes() // SHARE)
        self.kept = keep_freed_memory() and STATM.exists()

    def tidy(self, step: int) -> None:
        """Give free memory back to the system where the process has come to hold twice what it needed before."""
        if not self.kept or step % EVERY or held() <= self.limit:
            return
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        self.limit = max(self.limit, 2 * held())


def held() -> int:
    """Bytes of memory that are this process's now."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def memory_bytes() -> int:
    """The machine's main memory in bytes, or 0 where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0
