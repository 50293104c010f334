"""The score store on disk: fields are written while the ensembles pass, averages when they have passed.

One netCDF file. Fields keep five significant bits (within 1.6 %, BitRound, Klöwer et al. 2021,
doi:10.1038/s43588-021-00156-2) and are compressed without further loss; averages are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import netCDF4
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.errors import DiffmpError
from diffmp_core.experiments import PLACES
from diffmp_core.scores.maps import MAPS
from diffmp_core.scores.moments import Array
from diffmp_core.scores.score import SCORES
from diffmp_core.scores.statistics import LEAST_TIMES
from diffmp_core.variables import Channels

SIGNIFICANT_BITS = 5
CELLS_IN_CHUNK = 4096


class ScoreStore:
    """A score store in the making; use it in a ``with`` statement, which closes the file."""

    def __init__(
        self, path: Path, columns: xr.Dataset, outputs: Channels, *, fields: Sequence[str] | None = None
    ) -> None:
        """Lay out the file for the columns to be scored.

        Args:
            path: of the file.
            columns: to be scored.
            outputs: of the emulator.
            fields: of the maps, those kept; all by default.

        Raises:
            DiffmpError: an unknown field.
        """
        known = {score.stored: score for score in MAPS.values()}
        self.path, self.fields = path, tuple(known if fields is None else fields)
        if unknown := sorted(set(self.fields) - known.keys()):
            raise DiffmpError(f"expected fields among {', '.join(known)}, found {unknown[0]!r}; name those to keep")
        coordinates = {
            name: columns[name].variable.drop_encoding().load() for name in PLACES if name in columns.variables
        }
        frame = xr.Dataset(coords={"variable": list(outputs.names), **coordinates})
        frame.attrs = {key: columns.attrs[key] for key in ("source", "spacing_km") if key in columns.attrs}
        frame.to_netcdf(path, engine="netcdf4")
        self._file = netCDF4.Dataset(path, "a")
        cells, levels = columns.sizes["cell"], columns.sizes["level"]
        chunk = (1, levels, min(cells, CELLS_IN_CHUNK))
        for name in self.fields:
            score = known[name]
            dims = ("time", "variable", "level", "cell")
            self._create(name, dims, (1, *chunk), score.stored_unit, flag=score.flag)
        self._cell_scores = tuple(SCORES) if columns.sizes["time"] >= LEAST_TIMES else ()
        for name in self._cell_scores:
            self._create(f"cell_{name}", ("variable", "level", "cell"), chunk, SCORES[name].unit)

    def _create(
        self, name: str, dims: tuple[str, ...], chunk: tuple[int, ...], unit: str, *, flag: bool = False
    ) -> None:
        variable = self._file.createVariable(
            name,
            "i1" if flag else "f4",
            dims,
            compression="zlib",
            shuffle=True,
            chunksizes=chunk,
            significant_digits=None if flag else SIGNIFICANT_BITS,
            quantize_mode="BitRound",
            fill_value=None if flag else np.nan,
        )
        variable.units = unit

    def write_columns(self, time: int, cells: slice, fields: Mapping[str, NDArray]) -> None:
        """Write fields ``(cell, variable, level)`` of some cells at one time."""
        for name in self.fields:
            self._file[name][time, :, :, cells] = np.moveaxis(fields[name], 0, -1)

    def write_cells(self, cells: slice, scores: Mapping[str, Array]) -> None:
        """Write scores over the times ``(cell, variable, level)`` of some cells."""
        for name in self._cell_scores:
            self._file[f"cell_{name}"][:, :, cells] = np.moveaxis(scores[name], 0, -1)

    def finish(self, averages: xr.Dataset) -> None:
        """Add what holds for all columns, and close the file."""
        self._file.close()
        packed = {name: {"zlib": True} for name in averages.data_vars if "histogram" in str(name)}
        averages.to_netcdf(self.path, mode="a", engine="netcdf4", encoding=packed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file.isopen():
            with nullcontext() if error is None else suppress(RuntimeError):  # of a full disk, as the error before
                self._file.close()
