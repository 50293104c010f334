"""Opening, checking, reading and writing stores of columns, ensembles and scores.

A store is a zarr folder (work) or one netCDF file (what is shipped); both hold the same xarray dataset.
Writing is atomic: a store appears whole under its name or not at all.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from diffmp_core.errors import DiffmpError
from diffmp_core.schema import variables_of
from diffmp_core.storage.coordinates import check_coordinates
from diffmp_core.storage.files import refuse_devices, whole
from diffmp_core.storage.netcdf_handles import open_netcdf
from diffmp_core.storage.unreadable_data import unreadable_data
from diffmp_core.storage.zarr_chunks import refuse_missing_chunks
from diffmp_core.variables import Channels, ColumnVariables, Variable

SPLITS = ("train", "validation", "test", "gap")
"""Meaning of the values 0, 1, 2, 3 of the flag variable ``split(time)`` of a column store."""


CELLS_READ_AT_ONCE = 32_768
"""Cells of one time that are read from a store at once: 40 MB for the paper's variables on 30 levels."""


def open_store(path: Path | str, *, decode_times: bool = True) -> xr.Dataset:
    """Open a zarr folder or a netCDF file lazily.

    Args:
        path: of the store.
        decode_times: whether times become dates; if not they stay as the file has them.

    Raises:
        DiffmpError: nothing there, or not a store, and why.
    """
    path = Path(path)
    refuse_devices(path)
    try:
        if path.is_dir():
            return xr.open_zarr(path, chunks=None, consolidated=False, decode_times=decode_times)
        if path.exists():
            return open_netcdf(path, decode_times=decode_times)
    except Exception as error:
        raise unreadable_data(path, error) from error
    raise DiffmpError(f"expected a store at {path}, found nothing; check the path")


def real_path(path: Path | str) -> Path:
    """The path, absolute, without links and dots, whatever is there: circular links stay as they are."""
    return Path(os.path.realpath(path))


def open_columns(path: Path | str) -> xr.Dataset:
    """Open a column store and check it against its schema (:func:`validate_columns`); every chunk must be there."""
    refuse_missing_chunks(Path(path))
    columns = open_store(path)
    places = {name: array.copy(data=read_values(array)) for name, array in columns.coords.items() if array.ndim < 2}
    columns = columns.assign_coords(places)
    validate_columns(columns, where=str(path))
    return columns


def read_values(array: xr.DataArray) -> np.ndarray:
    """Values of an array of a store, which was opened before they were read.

    Raises:
        DiffmpError: what is stored there cannot be read.
    """
    try:
        return array.values
    except (OSError, RuntimeError, ValueError, TypeError, LookupError, EOFError) as error:  # of netCDF, zarr, codecs
        reason = " ".join(str(error).split()) or "no reason given"
        raise DiffmpError(
            f"expected values of {array.name} that can be read, found {type(error).__name__}: {reason} "
            f"({array.encoding.get('source', 'zarr store')}); make the store again"
        ) from error


def validate_columns(columns: xr.Dataset, where: str) -> None:
    """Check a dataset against its own schema: variables, dims, units, level order, coordinates.

    Values of variables are not read here; :func:`iterate_columns` checks them as they pass.

    Raises:
        DiffmpError: the first thing that is missing or wrong.
    """
    kind = columns.attrs.get("diffmp_kind", "columns")
    if kind != "columns":
        raise DiffmpError(
            f"expected a column store, found a store of kind {kind!r} at {where}; run 'diffmp prepare' on it"
        )
    for dim in ("time", "cell"):
        if columns.sizes.get(dim) == 0:
            raise DiffmpError(f"expected columns in {where}, found none: no {dim}; prepare the columns again")
    for name, variable in variables_of(columns).stored.items():
        if name not in columns:
            raise DiffmpError(
                f"expected variable {name!r} in {where}, found {sorted(map(str, columns.data_vars))}; "
                "prepare the columns again with 'diffmp prepare'"
            )
        array = columns[name]
        if tuple(array.dims) != variable.dims:
            raise DiffmpError(f"expected dims {variable.dims} of {name} in {where}, found {array.dims}; transpose it")
        unit = array.attrs.get("units")
        if unit != variable.unit:
            raise DiffmpError(f"expected unit {variable.unit!r} of {name} in {where}, found {unit!r}; convert it")
    for name in ("height", "pressure"):
        if name in columns.variables and columns[name].dims != ("level",):
            raise DiffmpError(
                f"expected dims ('level',) of {name} in {where}, found {columns[name].dims}; prepare again"
            )
    for name in ("height", "pressure", "lat", "lon"):
        if name not in columns.coords and name not in columns:
            raise DiffmpError(f"expected coordinate {name!r} in {where}, found none; prepare the columns again")
    height = np.asarray(columns["height"], dtype=float)
    if not (np.diff(height) > 0).all():
        raise DiffmpError(
            f"expected levels from the surface upward in {where}, found heights {height[0]} ... {height[-1]}; flip them"
        )
    check_coordinates(columns, where)


def select_split(columns: xr.Dataset, name: str) -> xr.Dataset:
    """Times of one split (``train``, ``validation``, ``test``, ``gap`` or ``all``) of a column store.

    Raises:
        DiffmpError: an unknown name, a store without ``split``, or a split without times.
    """
    if name == "all":
        return columns
    if name not in SPLITS:
        raise DiffmpError(f"expected a split among {('all', *SPLITS)}, found {name!r}; choose one")
    if "split" not in columns:
        raise DiffmpError(
            "expected a 'split' coordinate in the column store, found none; use 'all' or prepare it again"
        )
    chosen = np.flatnonzero(np.asarray(columns["split"]) == SPLITS.index(name))
    if chosen.size == 0:
        raise DiffmpError(f"expected times in split {name!r}, found none; use 'all' or prepare more times")
    return columns.isel(time=chosen)


def count_splits(columns: xr.Dataset) -> dict[str, int]:
    """Number of times in each split of a column store."""
    return {name: int((np.asarray(columns["split"]) == value).sum()) for value, name in enumerate(SPLITS)}


@dataclass(frozen=True, eq=False)
class ColumnBatch:
    """Some columns of a store in physical units, float32.

    Attributes:
        rows: slice into the flattened (time, cell) order of the store.
        inputs: ``(column, input, level)``; single values are repeated over the levels, as in the paper (Section 2).
        outputs: ``(column, output, level)``, likewise.
        variables: which channel is what.
    """

    rows: slice
    inputs: np.ndarray
    outputs: np.ndarray
    variables: ColumnVariables

    def __len__(self) -> int:
        return len(self.inputs)

    def input(self, name: str) -> np.ndarray:
        """An input ``(column, level)``; raises DiffmpError where there is none of that name."""
        return self.inputs[:, self.variables.inputs.channel(name)]

    def output(self, name: str) -> np.ndarray:
        """An output ``(column, level)``; raises DiffmpError where there is none of that name."""
        return self.outputs[:, self.variables.outputs.channel(name)]


def stack_inputs(columns: xr.Dataset, inputs: Channels | None = None) -> np.ndarray:
    """Inputs ``(column, input, level)`` float32 of a column store, all or those named, columns in (time, cell) order.

    Single values are repeated over the levels, as in the paper (Section 2).

    Raises:
        DiffmpError: an input that the store lacks; a value that is not finite, with its variable, time and cell.
    """
    variables = variables_of(columns)
    chosen = variables.inputs if inputs is None else inputs
    return _stack(columns, {variables.stored_input(variables.inputs.named(v.name).name): v for v in chosen})


def stack_outputs(columns: xr.Dataset, outputs: Channels | None = None) -> np.ndarray:
    """Outputs ``(column, output, level)``, as :func:`stack_inputs`."""
    variables = variables_of(columns)
    chosen = variables.outputs if outputs is None else outputs
    return _stack(columns, {variables.outputs.named(v.name).name: v for v in chosen})


def _stack(columns: xr.Dataset, variables: Mapping[str, Variable]) -> np.ndarray:
    """Values ``(column, channel, level)`` of the variables of these names in the store."""
    count = columns.sizes["time"] * columns.sizes["cell"]
    stacked = np.empty((count, len(variables), columns.sizes["level"]), dtype=np.float32)
    for channel, name in enumerate(variables):
        values = np.asarray(read_values(columns[name]), dtype=np.float32)
        flat = values.reshape(count, -1)
        bad = ~np.isfinite(flat).all(axis=1)
        if bad.any():
            time, cell = np.unravel_index(int(np.argmax(bad)), (columns.sizes["time"], columns.sizes["cell"]))
            raise DiffmpError(
                f"expected finite values of {name}, found NaN or infinity in {int(bad.sum())} columns "
                f"(first: time index {time}, cell index {cell}); repair or drop them"
            )
        stacked[:, channel] = flat
    return stacked


def iterate_columns(
    columns: xr.Dataset, batch: int, *, variables: ColumnVariables | None = None
) -> Iterator[ColumnBatch]:
    """Walk over a column store with bounded memory: batches of at most ``batch`` columns, each within one time.

    Of one time up to ``CELLS_READ_AT_ONCE`` cells are read.

    Args:
        variables: those wanted, in the order wanted; all of the store by default.
    """
    wanted = variables_of(columns) if variables is None else variables
    cells = columns.sizes["cell"]
    block = max(batch, CELLS_READ_AT_ONCE // batch * batch)
    for time in range(columns.sizes["time"]):
        for first in range(0, cells, block):
            part = columns.isel(time=slice(time, time + 1), cell=slice(first, min(first + block, cells)))
            inputs, outputs = stack_inputs(part, wanted.inputs), stack_outputs(part, wanted.outputs)
            for offset in range(0, len(inputs), batch):
                start, some = time * cells + first + offset, slice(offset, offset + batch)
                rows = slice(start, start + len(inputs[some]))
                yield ColumnBatch(rows, inputs[some], outputs[some], wanted)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_store(dataset: xr.Dataset, path: Path | str, encoding: dict | None = None) -> Path:
    """Write a dataset whole or not at all: zarr, or netCDF if the name ends in ``.nc``.

    An existing store of that name is replaced only when the new one is complete.

    Raises:
        DiffmpError: the disk is full or the folder cannot be written.
    """
    path = Path(path)
    netcdf = path.suffix == ".nc"
    with whole(path, folders=not netcdf) as (part,):
        if netcdf:
            dataset.to_netcdf(part, engine="netcdf4", encoding=encoding)
        else:
            with _own_threads():
                dataset.to_zarr(part, mode="w", consolidated=False, encoding=encoding, write_empty_chunks=True)
    return path


@contextmanager
def _own_threads() -> Iterator[None]:
    """Dask's chunks pass through threads that have come to rest at the end.

    It tells of the first chunk that fails while those at work elsewhere go on, and would write into what is removed.
    """
    import dask  # 0.3 s, which not every command needs
    from dask.system import CPU_COUNT

    with ThreadPoolExecutor(CPU_COUNT) as pool, dask.config.set(pool=pool):
        yield
