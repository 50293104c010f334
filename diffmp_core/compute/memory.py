"""Memory of long computations: tensors of every step are freed and asked for again."""

from __future__ import annotations

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_KEPT_BYTES = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let this process keep freed memory for its next tensors, instead of giving it back and clearing new pages.

    Training becomes a fifth faster on a CPU. Holds for the whole process, which then stays as large as it ever was.
    Only the GNU C library has the switch (mallopt(3)); elsewhere nothing happens.

    Returns:
        Whether it was done.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_M_MMAP_THRESHOLD, 2**30) and mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES))
