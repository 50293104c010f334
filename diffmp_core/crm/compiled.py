"""The decorator of all compiled functions, with a cache on disk that knows the whole source of the simulator.

Numba's own cache looks at the file of one function only: a change in a function that it calls, or in a constant, would
go unseen and old machine code would run. Here the cache folder is named after a hash of all sources.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numba
from numba import njit

FOLDER = Path(__file__).parent


def source_hash() -> str:
    """Hash of every source file that compiled code can depend on."""
    total = hashlib.sha256(numba.__version__.encode())
    for path in [*sorted(FOLDER.glob("*.py")), FOLDER.parent / "constants.py"]:
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


def cache_folder() -> Path:
    """NUMBA_CACHE_DIR if set, else beside the sources, else in the user's cache; below it one folder per hash."""
    if numba.config.CACHE_DIR:
        parent = Path(numba.config.CACHE_DIR)
    elif os.access(FOLDER, os.W_OK):
        parent = FOLDER / "__pycache__"
    else:
        parent = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "diffmp"
    return parent / f"numba-{source_hash()}"


CACHE = str(cache_folder())


def compiled(function: Callable | None = None, *, inline: str = "never") -> Callable:
    """Compile in nopython mode with the cache above; use as @compiled or @compiled(inline="always")."""
    if function is None:
        return lambda wrapped: compiled(wrapped, inline=inline)
    before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, CACHE
    try:
        return njit(error_model="numpy", cache=True, nogil=True, inline=inline)(function)
    finally:
        numba.config.CACHE_DIR = before
