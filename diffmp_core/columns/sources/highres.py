"""Reader of high-resolution fields of other models on any unstructured mesh, given with a map from cells to points.

The file (netCDF or zarr) has dims ``time``, ``z`` (or ``lev``) and ``point``, and holds

* ``T, qv, w, tend_T_mp, tend_qv_mp, qc, qi`` (time, z, point) on levels of constant height, ``Ps, SHF, LHF, SOLIN``
  (time, point), all in SI units, and the coordinate ``z`` [m above the surface], rising;
* the map, ``cell_of_point(point)`` (-1: in no cell) or ``points_of_cell(cell, n)`` (-1: padding);
* ``lat``, ``lon`` of the points or of the cells, and, if known, ``area`` [sr] and ``land_fraction`` likewise.

Equations (1) to (5) of the paper are applied as printed. The fluxes are differentiated on all levels of the file; then
30 levels below 20 km are chosen, or, where it has fewer, interpolated linearly in height.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from diffmp_core.coarse_grain import (
    flux_tendency,
    gather,
    horizontal_mean,
    points_of_cell,
    subgrid_heating,
    subgrid_moistening,
    subgrid_vertical_flux,
)
from diffmp_core.columns.levels import (
    TOP_HEIGHT,
    choose_levels,
    layer_air_mass,
    nominal_pressure,
    stretched_heights,
)
from diffmp_core.columns.sources.base import (
    Progress,
    Source,
    assemble,
    clear_small,
    require_dims,
    require_unit,
    require_variables,
)
from diffmp_core.constants import REFERENCE_PRESSURE
from diffmp_core.errors import DiffmpError
from diffmp_core.stores import open_store
from diffmp_core.variables import LEVELS

LOWEST_TOP = 18_000.0
"""The levels of the file must reach this height [m] for 30 levels below 20 km to be meant."""

_BLOCK_VALUES = 2**23
"""Values of a field that are read at a time, at least all points of one level."""

_PROFILES = {
    "T": "K",
    "qv": "kg kg-1",
    "w": "m s-1",
    "tend_T_mp": "K s-1",
    "tend_qv_mp": "kg kg-1 s-1",
    "qc": "kg kg-1",
    "qi": "kg kg-1",
}
_SURFACE = {"Ps": "Pa", "SHF": "W m-2", "LHF": "W m-2", "SOLIN": "W m-2"}
_MAPS = ("cell_of_point", "points_of_cell")


def recognise(path: Path) -> bool:
    """Whether the path is a file with a vertical velocity and a map from cells to points."""
    try:
        with open_store(path) as raw:
            return "w" in raw and any(name in raw.variables for name in _MAPS)
    except DiffmpError:
        return False


def read(path: Path, *, spacing_km: int, progress: Progress | None = None) -> xr.Dataset:
    """Open high-resolution fields lazily as a column store without ``split``.

    Args:
        path: netCDF file or zarr folder.
        spacing_km: width of the cells of the map, as a label.
        progress: not used; opening takes no time.

    Raises:
        DiffmpError: a missing variable or map, a wrong unit or dims, heights or times that do not rise, a low top.
    """
    raw = open_store(path)
    if "lev" in raw.dims:
        raw = raw.swap_dims(lev="z") if "z" in raw.variables else raw.rename(lev="z")
    where = path.name
    require_variables(raw, ["z", "lat", "lon", *_PROFILES, *_SURFACE], where)
    for name, unit in _PROFILES.items():
        require_unit(raw[name], unit, where)
        require_dims(raw[name], ("time", "z", "point"), where)
    for name, unit in _SURFACE.items():
        require_unit(raw[name], unit, where)
        require_dims(raw[name], ("time", "point"), where)
    require_unit(raw["z"], "m", where)
    heights = raw["z"].values.astype(float)
    _check_axes(heights, raw["time"].values, where)
    points = _table(raw, where)
    levels_at_once = max(1, _BLOCK_VALUES // raw.sizes["point"])
    raw = raw.chunk({"time": 1, "z": min(levels_at_once, len(heights)), "point": -1})
    mean = {name: _mean(raw[name], points) for name in (*_PROFILES, *_SURFACE) if name != "w"}
    heating, moistening = (_flux_tendency(raw[name], raw["w"], points, heights) for name in ("T", "qv"))
    profiles = {
        "T": mean["T"],
        "qv": mean["qv"],
        "tend_T_sgs": xr.apply_ufunc(subgrid_heating, mean["tend_T_mp"], heating, dask="allowed"),
        "tend_qv_sgs": xr.apply_ufunc(subgrid_moistening, mean["tend_qv_mp"], moistening, dask="allowed"),
        "qc": clear_small(mean["qc"]),
        "qi": clear_small(mean["qi"]),
    }
    level_heights = _level_heights(heights)
    fields = {name: _on_levels(profile, heights, level_heights) for name, profile in profiles.items()}
    fields |= {name: mean[name] for name in _SURFACE}
    lat, lon = _centres(raw, points)
    count = len(points)
    return assemble(
        fields,
        lat=lat,
        lon=lon,
        area=_of_cells(raw, "area", points, np.full(count, 4.0 * np.pi / count), total=True),
        land_fraction=_of_cells(raw, "land_fraction", points, np.zeros(count), total=False),
        height=level_heights,
        layer_mass=_layer_mass(level_heights, mean["Ps"].mean("time").values),
        attrs={
            "title": str(raw.attrs.get("title", "High-resolution fields, coarse-grained")),
            "source": f"highres: {raw.attrs.get('source', 'high-resolution model')}",
            "spacing_km": spacing_km,
            "comment": "layer_mass from the standard atmosphere, scaled by the mean surface pressure of the cell",
        },
        comments={"SOLIN": str(raw["SOLIN"].attrs.get("long_name", "as the source says"))},
    )


def _check_axes(heights: np.ndarray, times: np.ndarray, where: str) -> None:
    if len(times) == 0:
        raise DiffmpError(f"expected at least one time in {where}, found none; name another file")
    if not (np.diff(heights) > 0).all():
        raise DiffmpError(f"expected heights z that rise from the surface in {where}, found others; flip dimension z")
    if heights[0] < 0 or heights[-1] < LOWEST_TOP:
        raise DiffmpError(
            f"expected heights z from the surface to {LOWEST_TOP / 1000:g} km or more in {where}, found "
            f"{heights[0]:g} to {heights[-1]:g} m; convert the unit or use data with a higher top"
        )
    if len(times) > 1 and not (np.diff(times) > times[0] - times[0]).all():
        raise DiffmpError(f"expected rising times in {where}, found others; sort them")


def _table(raw: xr.Dataset, where: str) -> np.ndarray:
    """Points of each cell ``(cell, n)``, padded with -1."""
    if "points_of_cell" in raw.variables:
        points = raw["points_of_cell"].transpose("cell", ...).values.astype(np.int64)
    elif "cell_of_point" in raw.variables:
        points = points_of_cell(raw["cell_of_point"].values)
    else:
        raise DiffmpError(f"expected a map {' or '.join(_MAPS)} in {where}, found neither; add it")
    if (points < 0).all(axis=1).any() or points.max() >= raw.sizes["point"]:
        raise DiffmpError(
            f"expected points below {raw.sizes['point']}, at least one a cell, in the map of {where}, found others; "
            "mend the map"
        )
    return points


def _mean(field: xr.DataArray, points: np.ndarray) -> xr.DataArray:
    """Equation (1), block by block: (..., point) -> (..., cell)."""
    return _by_cell(lambda a: horizontal_mean(gather(a[..., None], points), where=points >= 0)[..., 0], points, field)


def _flux_tendency(field: xr.DataArray, w: xr.DataArray, points: np.ndarray, heights: np.ndarray) -> xr.DataArray:
    """Equations (2) and (3): (time, z, point) -> (time, cell, z)."""

    def flux(*blocks: np.ndarray) -> np.ndarray:
        scalar, velocity = (gather(block[..., None], points) for block in blocks)
        return subgrid_vertical_flux(scalar, velocity, where=points >= 0)[..., 0]

    coarse = _by_cell(flux, points, field, w).transpose("time", "cell", "z").chunk({"z": -1})
    return xr.apply_ufunc(
        flux_tendency, coarse, kwargs={"heights": heights}, input_core_dims=[["z"]], output_core_dims=[["z"]],
        dask="parallelized", output_dtypes=[np.float64],
    )  # fmt: skip


def _by_cell(function, points: np.ndarray, *fields: xr.DataArray) -> xr.DataArray:
    return xr.apply_ufunc(
        function, *(field.astype(np.float64) for field in fields), input_core_dims=[["point"]] * len(fields),
        output_core_dims=[["cell"]], dask="parallelized", output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"cell": len(points)}},
    )  # fmt: skip


def _level_heights(heights: np.ndarray) -> np.ndarray:
    """Heights of the 30 levels: the file's own where it has enough below 20 km, else of layers that thicken upward."""
    below = heights[heights < TOP_HEIGHT]
    return below[choose_levels(len(below))] if len(below) >= LEVELS else stretched_heights()


def _on_levels(profile: xr.DataArray, heights: np.ndarray, level_heights: np.ndarray) -> xr.DataArray:
    """Linear interpolation in height, constant beyond the ends; exact where levels are chosen."""
    position = np.interp(level_heights, heights, np.arange(len(heights)))
    below = np.floor(position).astype(int)
    above = np.minimum(below + 1, len(heights) - 1)
    weight = xr.DataArray(position - below, dims="level")
    low, high = (profile.drop_vars("z", errors="ignore").isel(z=xr.DataArray(i, dims="level")) for i in (below, above))
    return low * (1.0 - weight) + high * weight


def _layer_mass(level_heights: np.ndarray, surface_pressure: np.ndarray) -> np.ndarray:
    """Mass ``(cell, level)`` between the middles of neighbouring levels, from the ground to 20 km."""
    middles = 0.5 * (level_heights[1:] + level_heights[:-1])
    interfaces = np.concatenate([[0.0], middles, [TOP_HEIGHT]])
    return layer_air_mass(nominal_pressure(interfaces)) * surface_pressure[:, None] / REFERENCE_PRESSURE


def _centres(raw: xr.Dataset, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latitudes and longitudes of the cells; from points by the mean of their directions."""
    if "cell" in raw["lat"].dims:
        return raw["lat"].values, raw["lon"].values
    lat, lon = np.radians(raw["lat"].values), np.radians(raw["lon"].values)
    direction = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    x, y, z = (horizontal_mean(gather(d[:, None], points), where=points >= 0)[:, 0] for d in direction)
    return np.degrees(np.arctan2(z, np.hypot(x, y))), np.degrees(np.arctan2(y, x))


def _of_cells(raw: xr.Dataset, name: str, points: np.ndarray, default: np.ndarray, *, total: bool) -> np.ndarray:
    """A coordinate of the cells: as given, mean or total over the points, or the default where the file has none."""
    if name not in raw.variables:
        return default
    if "cell" in raw[name].dims:
        return raw[name].values
    inside = points >= 0
    mean = horizontal_mean(gather(raw[name].values[:, None], points), where=inside)[:, 0]
    return mean * inside.sum(axis=1) if total else mean


SOURCE = Source(
    kind="highres",
    expects="a file with w(time, z, point) and a map cell_of_point or points_of_cell",
    recognise=recognise,
    read=read,
    gap_hours=3.0,
)
