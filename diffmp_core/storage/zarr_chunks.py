"""Chunks that a zarr store lacks: they read as the fill value of their array, and nobody is told."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import zarr

from diffmp_core.errors import DiffmpError

MAY_BE_EMPTY = frozenset({"qc", "qi", "SOLIN", "tend_T_mp", "tend_qv_mp", "land_fraction", "split", "time"})
"""What can be 0 all over a chunk (no cloud, night, all sea, the first time): zarr leaves out a chunk that is its fill
value all over, so that of these a missing chunk of zeros may be as it was written."""


def refuse_missing_chunks(
    path: Path, names: Iterable[str] | None = None, *, group: str = "", roles: Mapping[str, str] | None = None
) -> str:
    """Raise a :class:`DiffmpError` if an array of a zarr store lacks a chunk that its writer cannot have left out.

    The files are counted, not read. Anything but a zarr folder passes.

    Args:
        path: folder of the store.
        names: of the arrays; all of the group if None.
        group: of the arrays.
        roles: what an array is, where its name does not say it, for :data:`MAY_BE_EMPTY`.

    Returns:
        How many chunks are not there and pass as zeros, of which arrays, in words; '' if none.
    """
    passed = []
    for name, array in _arrays(path, group, None if names is None else set(names)):
        files = array.shards or array.chunks
        shape = tuple(-(-length // size) for length, size in zip(array.shape, files, strict=True))
        stored, count = _stored(path / group / name), math.prod(shape)
        if len(stored) >= count:
            continue
        missing = f"{count - len(stored)} of {count}"
        if np.all(np.asarray(array.fill_value or 0) == 0) and (roles or {}).get(name, name) in MAY_BE_EMPTY:
            passed.append(f"{name}: {missing}")
            continue
        keys = (array.metadata.encode_chunk_key(place) for place in itertools.product(*map(range, shape)))
        first = next(key for key in keys if key not in stored)
        raise DiffmpError(
            f"expected every chunk of {name} in {path.name}, found {missing} missing (first: {first}), read as "
            f"{array.fill_value}; copy the store again, or write all its chunks (write_empty_chunks) if some were left "
            "out on purpose"
        )
    return ", ".join(passed)


def _arrays(path: Path, group: str, names: set[str] | None) -> list[tuple[str, zarr.Array]]:
    """Arrays of one dim or more by name; none of what is no zarr store, of which whoever opens it says more."""
    if not path.is_dir():
        return []
    try:
        store = zarr.open_group(path, path=group, mode="r", use_consolidated=False)
        found = [(name, array) for name, array in store.arrays() if names is None or name in names]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return sorted((name, array) for name, array in found if array.ndim > 0 and array.size > 0)


def _stored(folder: Path) -> set[str]:
    """Keys of the chunks, or shards, of an array that are there: files whose names are numbers."""
    found: set[str] = set()
    for place, _, files in os.walk(folder):
        inside = os.path.relpath(place, folder).replace(os.sep, "/")
        found.update(name if inside == "." else f"{inside}/{name}" for name in files if name.replace(".", "").isdigit())
    return found
