"""What a reader of a data set is, and the small pieces that every reader shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import xarray as xr
import zarr

from diffmp_core.columns.levels import nominal_pressure
from diffmp_core.errors import DiffmpError
from diffmp_core.storage.coordinates import check_coordinate, check_coordinates
from diffmp_core.storage.files import unreadable
from diffmp_core.storage.netcdf_handles import open_netcdf
from diffmp_core.variables import INPUTS, OUTPUTS

Progress = Callable[[int, int, str], None]
"""Called with (done, total, what is being done)."""

SMALLEST_CLOUD = 1e-12
"""Cloud water and ice below this are set to exactly 0 [kg kg-1]: float32 subnormals and rounding, not clouds."""

CHUNK_VALUES = 2**18
"""Values of a profile variable in one chunk of a store: about 1 MB in float32."""


Read = Callable[..., xr.Dataset]
"""``read(path, *, spacing_km, progress, **options)``: opens a source lazily, as a column store without its split."""


@dataclass(frozen=True)
class Source:
    """One kind of raw data.

    Attributes:
        name: on the command line, and in the columns made.
        expects: what a path of this kind looks like, for error messages.
        recognise: whether a path is of this kind; never raises.
        read: opens it lazily (dask) as a column store without ``split``.
        gap_hours: times of different splits lie at least this far apart.
        runs: the data are continuous runs, each of which is cut into the splits; else scattered times are dealt out.
        options: further keyword options of ``prepare`` that the reader takes.
        implied_by: the one of them that is given for this reader alone, so that nothing need be recognised.
    """

    name: str
    expects: str
    recognise: Callable[[Path], bool]
    read: Read
    gap_hours: float
    runs: bool = False
    options: frozenset[str] = frozenset()
    implied_by: str = ""


def stored_kind(path: Path) -> str | None:
    """The attribute ``diffmp_kind`` of a store, None for anything else.

    Raises:
        DiffmpError: it may not be read.
    """
    try:
        if path.is_dir():
            return cast(str | None, zarr.open_group(path, mode="r").attrs.get("diffmp_kind"))
        return open_netcdf(path, decode_times=False).attrs.get("diffmp_kind")
    except PermissionError as error:
        raise unreadable(path, error, "") from error
    except (OSError, ValueError, KeyError):
        return None


def require_variables(dataset: xr.Dataset, names: Iterable[str], where: str) -> None:
    """Raise a :class:`DiffmpError` that names the first variable that a raw dataset lacks."""
    for name in names:
        if name not in dataset.variables:
            raise DiffmpError(
                f"expected variable {name!r} in {where}, found {sorted(map(str, dataset.variables))}; "
                "add it or name another file"
            )
        if np.asarray(dataset[name][(slice(1),) * dataset[name].ndim]).dtype.kind in "US":
            raise DiffmpError(f"expected numbers of {name!r} in {where}, found text; name another file")


def require_dims(array: xr.DataArray, dims: tuple[str, ...], where: str) -> None:
    """Raise a :class:`DiffmpError` unless the array has exactly these dims, in any order."""
    if set(array.dims) != set(dims):
        raise DiffmpError(f"expected dims {dims} of {array.name} in {where}, found {array.dims}; name another file")


def clear_small(cloud: xr.DataArray) -> xr.DataArray:
    """Set cloud water or ice below :data:`SMALLEST_CLOUD` in magnitude to exactly 0; larger ones and NaN are left."""
    return cloud.where(~(np.abs(cloud) < SMALLEST_CLOUD), 0.0)


def chunks_of(cells: int, levels: int) -> dict[str, int]:
    """Chunk lengths of time and cell that hold about :data:`CHUNK_VALUES` values of a profile."""
    cell = min(cells, max(1, CHUNK_VALUES // levels))
    return {"time": max(1, CHUNK_VALUES // (cell * levels)), "cell": cell}


def assemble(
    fields: Mapping[str, xr.DataArray],
    *,
    where: str,
    lat: np.ndarray,
    lon: np.ndarray,
    area: np.ndarray,
    land_fraction: np.ndarray,
    height: np.ndarray,
    layer_mass: np.ndarray,
    attrs: Mapping[str, object],
    pressure: np.ndarray | None = None,
    comments: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """Put the ten variables and the coordinates together as the contract of a column store says.

    Args:
        fields: the variables of the table by name, dims (time, cell[, level]), SI, surface first, any float type.
        where: name of the source for messages.
        lat, lon: ``(cell,)`` degrees; longitudes are wrapped to -180..180.
        area: ``(cell,)`` sr.  land_fraction: ``(cell,)``.
        height: ``(level,)`` nominal height [m].  layer_mass: ``(cell, level)`` [kg m-2].
        attrs: global attributes; ``source`` and ``title`` at least.
        pressure: ``(level,)`` nominal pressure [Pa]; from the standard atmosphere if not given.
        comments: CF ``comment`` of a variable, by name.

    Raises:
        DiffmpError: a coordinate that is missing somewhere or that no globe has, or times out of order.
    """
    comments = comments or {}
    check_coordinate("lon", lon, where)  # before it is wrapped
    variables = {}
    for variable in INPUTS + OUTPUTS:
        array = fields[variable.name].transpose(*variable.dims).astype(np.float32)
        note = {"comment": comments[variable.name]} if variable.name in comments else {}
        variables[variable.name] = xr.DataArray(array.data, dims=variable.dims, attrs=variable.attrs | note)
    if pressure is None:
        pressure = nominal_pressure(height)
    nominal = "nominal: from the source's vertical coordinate and the ICAO standard atmosphere, not from the data"
    columns = xr.Dataset(
        variables,
        coords={
            "time": ("time", fields["T"]["time"].values, {"standard_name": "time"}),
            "lat": ("cell", np.asarray(lat, float), {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ("cell", (np.asarray(lon, float) + 180.0) % 360.0 - 180.0,
                    {"units": "degrees_east", "standard_name": "longitude"}),
            "area": ("cell", np.asarray(area, float), {"units": "sr", "long_name": "solid angle of the cell"}),
            "land_fraction": ("cell", np.asarray(land_fraction, np.float32),
                              {"units": "1", "standard_name": "land_area_fraction"}),
            "height": ("level", np.asarray(height, float),
                       {"units": "m", "positive": "up", "long_name": "height above the surface", "comment": nominal}),
            "pressure": ("level", np.asarray(pressure, float),
                         {"units": "Pa", "standard_name": "air_pressure", "comment": nominal}),
            "layer_mass": (("cell", "level"), np.asarray(layer_mass, np.float32),
                           {"units": "kg m-2", "long_name": "mass of air that a level stands for",
                            "comment": "the sum of tendency times layer_mass is the column integral below 20 km"}),
        },
        attrs={"Conventions": "CF-1.11", "diffmp_kind": "columns", **attrs},
    )  # fmt: skip
    check_coordinates(columns, where)
    return columns.chunk(chunks_of(columns.sizes["cell"], columns.sizes["level"]))
