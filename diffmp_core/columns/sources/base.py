"""What a reader of a data set is, and the small pieces that every reader shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import xarray as xr
import zarr

from diffmp_core.columns.derived import Places, derive, hydrostatic_pressure
from diffmp_core.columns.levels import TOP_HEIGHT, nominal_pressure
from diffmp_core.columns.units import require_unit
from diffmp_core.errors import DiffmpError
from diffmp_core.schema import FORMAT, variables_attrs
from diffmp_core.storage.coordinates import check_coordinate, check_coordinates
from diffmp_core.storage.files import unreadable
from diffmp_core.storage.netcdf_handles import open_netcdf
from diffmp_core.variables import PAPER, ColumnVariables, Variable

Progress = Callable[[int, int, str], None]
"""Called with (done, total, what is being done)."""

SMALLEST_CLOUD = 1e-12
"""Cloud water and ice below this are set to exactly 0 [kg kg-1]: float32 subnormals and rounding, not clouds."""

CHUNK_VALUES = 2**18
"""Values of a profile variable in one chunk of a store: about 1 MB in float32."""


Read = Callable[..., xr.Dataset]
"""``read(path, *, choice, spacing_km, progress, **options)``: opens a source lazily, a column store without ``split``.

``choice`` is the :class:`diffmp_core.columns.choice.ColumnChoice` of variables and levels.
"""


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
        inputs, outputs: known variables that it can give by itself; those of :data:`DERIVED` it has besides.
        implied_by: the one of them that is given for this reader alone, so that nothing need be recognised.
    """

    name: str
    expects: str
    recognise: Callable[[Path], bool]
    read: Read
    gap_hours: float
    runs: bool = False
    options: frozenset[str] = frozenset()
    inputs: tuple[str, ...] = PAPER.inputs.names
    outputs: tuple[str, ...] = PAPER.outputs.names
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


def held_by_name(raw: xr.Dataset, variable: Variable, dims: tuple[str, ...], where: str) -> xr.DataArray:
    """A variable that raw data hold under its own name, in its own unit and with these dims.

    Raises:
        DiffmpError: they lack it, or have it otherwise.
    """
    require_variables(raw, [variable.name], where)
    require_unit(raw[variable.name], variable.unit, where)
    require_dims(raw[variable.name], dims, where)
    return raw[variable.name]


def clear_small(cloud: xr.DataArray) -> xr.DataArray:
    """Set cloud water or ice below :data:`SMALLEST_CLOUD` in magnitude to exactly 0; larger ones and NaN are left."""
    return cloud.where(~(np.abs(cloud) < SMALLEST_CLOUD), 0.0)


def chunks_of(cells: int, levels: int) -> dict[str, int]:
    """Chunk lengths of time and cell that hold about :data:`CHUNK_VALUES` values of a profile."""
    cell = min(cells, max(1, CHUNK_VALUES // levels))
    return {"time": max(1, CHUNK_VALUES // (cell * levels)), "cell": cell}


def assemble(
    inputs: Mapping[str, xr.DataArray],
    outputs: Mapping[str, xr.DataArray],
    *,
    variables: ColumnVariables,
    where: str,
    lat: np.ndarray,
    lon: np.ndarray,
    area: np.ndarray,
    land_fraction: np.ndarray,
    height: np.ndarray,
    layer_mass: np.ndarray,
    attrs: Mapping[str, object],
    pressure: np.ndarray | None = None,
    air_pressure: xr.DataArray | None = None,
    comments: Mapping[str, str] | None = None,
    whole: bool = False,
) -> xr.Dataset:
    """Put variables and coordinates together as the contract of a column store says; derive what is derived.

    Args:
        inputs, outputs: by name, dims (time, cell[, level]), SI, surface first, any float type; of the inputs those
            that :func:`diffmp_core.columns.derived.needed` names. More may be there.
        variables: those of the store.
        where: name of the source for messages.
        lat, lon: ``(cell,)`` degrees; longitudes are wrapped to -180..180.
        area: ``(cell,)`` sr.  land_fraction: ``(cell,)``.
        height: ``(level,)`` nominal height [m].  layer_mass: ``(cell, level)`` [kg m-2].
        attrs: global attributes; ``source`` and ``title`` at least.
        pressure: ``(level,)`` nominal pressure [Pa]; from the standard atmosphere if not given.
        air_pressure: (time, cell, level) [Pa]; from surface pressure and layer mass if not given.
        comments: CF ``comment`` of a variable, by its name in the store.
        whole: layer masses are those up to the top of the source, not up to 20 km.

    Raises:
        DiffmpError: a coordinate that is missing somewhere or that no globe has, or times out of order.
    """
    check_coordinate("lon", lon, where)  # before it is wrapped
    if pressure is None:
        pressure = nominal_pressure(height)
    time = next(iter(outputs.values()))["time"].values
    given = {name: _bare(array) for name, array in inputs.items()}
    top, places = float(pressure[-1]), Places(time, lat, lon, land_fraction)

    def pressure_on_levels() -> xr.DataArray:
        if air_pressure is None:
            return hydrostatic_pressure(given["Ps"], layer_mass, top)
        return _bare(air_pressure)

    comments = dict(comments or {})
    stored = {}
    for variable in variables.inputs:
        name = variables.stored_input(variable.name)
        if variable.name not in given:
            given[variable.name], comments[name] = derive(variable.name, given, pressure_on_levels, places)
        stored[name] = variable, given[variable.name]
    stored |= {variable.name: (variable, outputs[variable.name]) for variable in variables.outputs}
    arrays = {}
    for name, (variable, array) in stored.items():
        note = {"comment": comments[name]} if name in comments else {}
        array = array.transpose(*variable.dims).astype(np.float32)
        arrays[name] = xr.DataArray(array.data, dims=variable.dims, attrs=variable.attrs | note)
    nominal = "nominal: from the source's vertical coordinate and the ICAO standard atmosphere, not from the data"
    reach = "" if whole else f" below {TOP_HEIGHT / 1000:g} km"
    columns = xr.Dataset(
        arrays,
        coords={
            "time": ("time", time, {"standard_name": "time"}),
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
                            "comment": f"the sum of tendency times layer_mass is the column integral{reach}"}),
        },
        attrs={
            "Conventions": "CF-1.11", "diffmp_kind": "columns", "diffmp_format": FORMAT, **variables_attrs(variables),
            **attrs,
        },
    )  # fmt: skip
    check_coordinates(columns, where)
    return columns.chunk(chunks_of(columns.sizes["cell"], columns.sizes["level"]))


def _bare(array: xr.DataArray) -> xr.DataArray:
    """The array without coordinates, along which nothing is to be aligned."""
    return array.drop_vars(list(array.coords))
