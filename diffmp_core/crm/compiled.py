"""The decorator of all compiled functions, with a cache on disk that knows every source a function depends on.

Numba's own cache looks at the file of one function only: a change in a function that it calls, or in a constant, would
go unseen and old machine code would run. Here the cache folder is named after a hash of the function's file and of all
files of this package that it imports, directly or not; other edits, of the climate or of a table, compile nothing anew.
"""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numba
import numpy as np
from numba import njit

FOLDER = Path(__file__).parent
PACKAGE = FOLDER.parent


def imported_files(path: Path) -> Iterator[Path]:
    """Files of this package that a source file imports anywhere in it, also inside functions."""
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module is not None:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            first, *rest = name.split(".")
            file = PACKAGE.joinpath(*rest).with_suffix(".py")
            if first == PACKAGE.name and rest and file.is_file():
                yield file


def sources(path: Path) -> list[Path]:
    """A source file and all files of this package that it depends on, sorted."""
    found, waiting = set(), {path}
    while waiting:
        found.add(file := waiting.pop())
        waiting |= set(imported_files(file)) - found
    return sorted(found)


@cache
def source_hash(path: Path) -> str:
    """Hash of the sources of a file and of the versions of what compiles them and reckons beside them."""
    total = hashlib.sha256(f"{numba.__version__} {np.__version__}".encode())
    for file in sources(path):
        total.update(file.name.encode() + b"\0" + file.read_bytes())
    return total.hexdigest()[:16]


def cache_folder(path: Path) -> Path:
    """NUMBA_CACHE_DIR if set, else beside the sources, else in the user's cache; below it one folder per hash."""
    if numba.config.CACHE_DIR:
        parent = Path(numba.config.CACHE_DIR)
    elif os.access(FOLDER, os.W_OK):
        parent = FOLDER / "__pycache__"
    else:
        parent = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "diffmp"
    return parent / f"numba-{source_hash(path)}"


def compiled(function: Callable | None = None, *, inline: str = "never") -> Callable:
    """Compile in nopython mode with the cache above; use as @compiled or @compiled(inline="always")."""
    if function is None:
        return lambda wrapped: compiled(wrapped, inline=inline)
    folder = str(cache_folder(Path(function.__code__.co_filename)))
    before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, folder
    try:
        return njit(error_model="numpy", cache=True, nogil=True, inline=inline)(function)
    finally:
        numba.config.CACHE_DIR = before
