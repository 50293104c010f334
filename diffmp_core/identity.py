"""Which columns these are: an identity of values, places, times and of what made them; and which emulator.

An id of columns is ``LAYOUT-VALUES``. LAYOUT (12 hexadecimal digits) is of source, spacing, number of cells, heights
and times, reads no value, and is the whole of an id that an older version wrote. VALUES (16 digits) is of all values of
the store's variables, of the places, and of grid, start, seed, sea table and scheme of simulator runs. Two ids are of
the same columns where what both have is equal (:func:`same_columns`). ``layer_mass`` is in neither: it is a mean over
whatever times were prepared together, and a choice of times would not know itself again.

Values are digested time by time. ``diffmp prepare`` keeps the digests in the store, so that any choice of its times has
its id without being read. A split is a choice of times: ``columns_id(select_split(columns, "train"))``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.schema import variables_of
from diffmp_core.stores import CELLS_READ_AT_ONCE, read_values
from diffmp_core.variables import PAPER

DIGEST = "digest"
"""Variable ``digest(time)`` of a column store: int64, the first half of a SHA-256 of the values of each time."""

SEAL = "seal"
"""Section of an emulator's ``config.yaml`` with the SHA-256 of its files (:mod:`diffmp_core.models.seal`)."""

_PLACES = ("lat", "lon", "area", "land_fraction", "height", "pressure")
_ORIGIN = ("grid", "start", "seed", "sea_table", "scheme")


def columns_id(columns: xr.Dataset, *, trust: bool = True) -> str:
    """Identity of columns; reads them all unless they keep their digests.

    Args:
        columns: column store, or a choice of its times and cells.
        trust: take digests that the columns keep, where those of their places and of their first time are right.
    """
    digest = hashlib.sha256()
    digest.update(_places(columns).encode())
    digest.update(json.dumps(_origin(columns.attrs)).encode())
    digest.update(_names(columns).encode())
    digest.update(time_digests(columns, trust=trust).astype("<i8").tobytes())
    return f"{layout_id(columns)}-{digest.hexdigest()[:16]}"


def emulator_id(config: Mapping[str, Any]) -> str | None:
    """Identity of what answers, from ``config.yaml``: options of the model, sealed weights and normalisation.

    None for a folder without a seal, or with one that DIFF-MP has not written.
    """
    seal = config.get(SEAL)
    sealed = seal.get("sha256") if isinstance(seal, Mapping) else None
    if not isinstance(sealed, Mapping):
        return None
    files = {name: sha for name, sha in sealed.items() if str(name).split(".")[0] in ("weights", "normalization")}
    if not files:
        return None
    try:
        made = json.dumps([config.get("model"), files], sort_keys=True)
    except TypeError:  # dates, or names that are numbers
        return None
    return hashlib.sha256(made.encode()).hexdigest()[:12]


def kept_id(columns: xr.Dataset) -> str:
    """As :func:`columns_id`, but without VALUES for columns that keep no digests; only wrong digests make it read."""
    return columns_id(columns) if DIGEST in columns.variables else layout_id(columns)


def layout_id(columns: xr.Dataset) -> str:
    """First part of an id: source, spacing, number of cells, heights and times; no values."""
    digest = hashlib.sha256()
    for key in ("source", "spacing_km"):
        digest.update(str(columns.attrs.get(key)).encode())
    digest.update(str(columns.sizes["cell"]).encode())
    digest.update(np.round(np.asarray(columns["height"], dtype=float), 1).tobytes())
    digest.update(" ".join(map(str, columns["time"].values)).encode())
    return digest.hexdigest()[:12]


def same_columns(first: str, second: str) -> bool:
    """Whether two ids are of the same columns, as far as both tell: older ones know no values."""
    return all(one == other for one, other in zip(first.split("-"), second.split("-"), strict=False))


def time_digests(columns: xr.Dataset, *, trust: bool = True) -> NDArray[np.int64]:
    """Digest of the values of each time ``(time,)``; ``trust`` as in :func:`columns_id`."""
    kept = _kept_digests(columns) if trust else None
    return np.concatenate([np.empty(0, np.int64), *_digests(columns)]) if kept is None else kept


def with_digests(columns: xr.Dataset) -> xr.Dataset:
    """The same columns with their digests to keep: computed with the values where these are lazy (dask)."""
    stored = variables_of(columns).stored
    cell_level = [[dim for dim in variable.dims if dim != "time"] for variable in stored.values()]
    digests = xr.apply_ufunc(
        _digest_times,
        *(columns[name].reset_coords(drop=True) for name in stored),
        input_core_dims=cell_level,
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True},
        output_dtypes=[np.int64],
    )
    digests.attrs = {
        "long_name": "digest of the values of all columns of the time (diffmp_core/identity.py)",
        "places": _places(columns),
    }
    kept = columns.drop_vars(DIGEST, errors="ignore").assign_coords({DIGEST: digests.variable})
    kept.attrs.pop("columns_id", None)  # of the columns that these were chosen from
    return kept


def time_labels(columns: xr.Dataset) -> list[str]:
    """Times to the second, ``2005-04-02T13:00:00``, of whatever calendar."""
    return [label(time) for time in columns["time"].values]


def label(time: object) -> str:
    """A time, or its text in a configuration, as :func:`time_labels` writes it."""
    return str(time).replace(" ", "T")[:19]


def run_labels(columns: xr.Dataset) -> list[str]:
    """The simulator run that each time is of, in words; '' where the columns name none.

    Columns of several runs list ``start`` and ``seed``; a time is of the run that began last before it.
    """
    known = {key: np.atleast_1d(np.asarray(columns.attrs.get(f"simulation_{key}", ""))) for key in _ORIGIN}
    times = columns["time"].values
    if not all(str(known[key][0]) for key in ("grid", "start", "seed")):
        return [""] * len(times)
    begun = [latest_run(known["start"], time) for time in times]
    tables = {str(table): hashlib.sha256(str(table).encode()).hexdigest()[:8] for table in known["sea_table"]}

    def words(run: int) -> str:
        start, seed, table = (str(known[key][min(run, known[key].size - 1)]) for key in ("start", "seed", "sea_table"))
        return f"{known['grid'][0]} {start} seed {seed}" + (f" sea table {tables[table]}" if table else "")

    return [words(run) for run in begun]


def latest_run(starts: NDArray[Any], time: np.datetime64) -> int:
    """Index of the run that a time is of: the one that began last before it, the first if none did."""
    begun = [run for run, start in enumerate(starts) if np.datetime64(str(start)) < time]
    return max(begun, key=lambda run: np.datetime64(str(starts[run])), default=0)


def _kept_digests(columns: xr.Dataset) -> NDArray[np.int64] | None:
    """Digests that columns keep; None where there are none, or they are of other cells or of other values."""
    if DIGEST not in columns.variables or columns[DIGEST].attrs.get("places") != _places(columns):
        return None
    kept = read_values(columns[DIGEST])
    first = time_digests(columns.isel(time=slice(1)), trust=False)
    return kept if (kept[:1] == first).all() else None


def _digests(columns: xr.Dataset) -> Iterator[NDArray[np.int64]]:
    """Digests of some times after others, read in blocks of at most a few ten megabytes."""
    times = max(1, CELLS_READ_AT_ONCE // max(columns.sizes["cell"], 1))
    for first in range(0, columns.sizes["time"], times):
        part = columns.isel(time=slice(first, first + times))
        stored = variables_of(columns).stored
        yield _digest_times(*(read_values(part[name].transpose(*variable.dims)) for name, variable in stored.items()))


def _digest_times(*values: NDArray[np.floating]) -> NDArray[np.int64]:
    """Digest of each time ``(time,)`` of the variables in the order of the store's, each ``(time, cell[, level])``."""
    found = np.empty(len(values[0]), dtype=np.int64)
    for time in range(len(found)):
        digest = hashlib.sha256()
        for array in values:
            digest.update(np.ascontiguousarray(array[time], dtype="<f4").data)
        found[time] = int.from_bytes(digest.digest()[:8], "little", signed=True)
    return found


def _places(columns: xr.Dataset) -> str:
    """Digest of where the columns are, hexadecimal."""
    digest = hashlib.sha256()
    for name in _PLACES:
        if name in columns.variables:
            digest.update(name.encode() + np.ascontiguousarray(read_values(columns[name]), dtype="<f4").tobytes())
    return digest.hexdigest()[:16]


def _names(columns: xr.Dataset) -> str:
    """What the values are of, in their order; '' for the paper's choice, which ids had not to tell from another."""
    found, paper = ((of.inputs.names, of.outputs.names) for of in (variables_of(columns), PAPER))
    return "" if found == paper else json.dumps(found)


def _origin(attrs: dict[Any, Any]) -> dict[str, list[str]]:
    """What made simulated columns, alike however a file keeps lists and numbers; empty for others."""
    found = {key: attrs.get(f"simulation_{key}") for key in _ORIGIN}
    return {
        key: [str(each) for each in np.atleast_1d(np.asarray(value)).tolist()]
        for key, value in found.items()
        if value is not None
    }
