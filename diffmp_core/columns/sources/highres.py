"""Reader of high-resolution fields of other models: groups of fine points become columns by equations (1) to (5).

Two ways lead here. A run as it comes, on a UGRID, MPAS, ICON or regular latitude-longitude grid, is described by a YAML
file (:mod:`diffmp_core.columns.sources.foreign_fields`), and its points are grouped here. Or a file (netCDF or zarr)
brings its own map from cells to points; it has dims ``time``, ``z`` (or ``lev``) and ``point``, and holds

* ``T, qv, w, tend_T_mp, tend_qv_mp, qc, qi`` (time, z, point) on levels of constant height, ``Ps, SHF, LHF, SOLIN``
  (time, point), all in SI units, and the coordinate ``z`` [m above the surface], rising;
* the map, ``cell_of_point(point)`` (-1: in no cell) or ``points_of_cell(cell, n)`` (-1: padding);
* ``lat``, ``lon`` of the points or of the cells, and, if known, ``area`` [sr] and ``land_fraction`` likewise;
* what else is wanted by its name as an input or an output, which becomes the mean of the points: ``u``, ``v`` ...

Equations (1) to (5) of the paper are applied as printed. The fluxes are differentiated on all levels of the file; then
levels below 20 km are chosen, or, where it has fewer than wanted, interpolated linearly in height. On levels that
follow the terrain a level counts as the mean height of its group, and its nominal height is the mean over all groups.

Fields pass through in blocks of all points of some levels of one time, each read once and gathered for some cells at a
time, so that memory holds a few such blocks for each thread and does not grow with the run.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import xarray as xr

from diffmp_core.columns.choice import ALL, PAPER_COLUMNS, ColumnChoice
from diffmp_core.columns.coarse_fields import PROFILES, SURFACE, coarse_flux_tendency, coarse_grain, coarse_mean
from diffmp_core.columns.dates import decode_dates
from diffmp_core.columns.derived import needed
from diffmp_core.columns.grouping import form_groups
from diffmp_core.columns.levels import (
    TOP_HEIGHT,
    Levels,
    choose_levels,
    layer_air_mass,
    nominal_pressure,
    refuse_disordered,
    stretched_heights,
)
from diffmp_core.columns.mesh import Mesh, direction_of, place_of
from diffmp_core.columns.plausibility import POINT_LIMITS, with_checks
from diffmp_core.columns.sources.base import (
    Progress,
    Source,
    assemble,
    clear_small,
    held_by_name,
    require_dims,
    require_variables,
)
from diffmp_core.columns.sources.foreign_fields import ForeignFields, load_foreign_fields
from diffmp_core.columns.sources.foreign_run import BLOCK_VALUES, ZEROS, as_mixing_ratio, open_fields
from diffmp_core.columns.units import require_unit
from diffmp_core.constants import EARTH_RADIUS, REFERENCE_PRESSURE
from diffmp_core.errors import DiffmpError
from diffmp_core.physics.coarse_grain import (
    gather,
    horizontal_mean,
    points_of_cell,
    subgrid_heating,
    subgrid_moistening,
)
from diffmp_core.storage.coordinates import check_coordinate, check_places, check_times
from diffmp_core.storage.zarr_chunks import refuse_missing_chunks
from diffmp_core.stores import open_store
from diffmp_core.variables import PAPER, PAPER_LEVELS, Variable

LOWEST_TOP = 18_000.0
"""The levels of the file must reach this height [m] for levels up to 20 km to be meant."""

_MAPS = ("cell_of_point", "points_of_cell")
_READ = (*PROFILES, *SURFACE, *_MAPS, "time", "z", "lat", "lon", "area", "land_fraction")


def recognise(path: Path) -> bool:
    """Whether the path is a file with a vertical velocity and a map from cells to points."""
    try:
        with open_store(path) as raw:
            return "w" in raw and any(name in raw.variables for name in _MAPS)
    except DiffmpError:
        return False


def read(
    path: Path,
    *,
    choice: ColumnChoice = PAPER_COLUMNS,
    spacing_km: int,
    progress: Progress | None = None,
    fields: Path | None = None,
) -> xr.Dataset:
    """Open high-resolution fields lazily as a column store without ``split``.

    Args:
        path: netCDF file or zarr folder; with ``fields`` also a folder of netCDF files.
        choice: variables and levels. What equations (1) to (5) do not give is looked for under its own name.
        spacing_km: width of the cells of the map, as a label; with ``fields`` it follows from the area of the groups.
        progress: told what is being done; forming groups takes time on large meshes.
        fields: YAML file that says how a run of another model is laid out; None for a file with a map.

    Raises:
        DiffmpError: a missing variable, map or mesh, a wrong unit or dims, heights or times that do not rise, a low
            top, or no group of the wanted number of points.
    """
    layout = None if fields is None else load_foreign_fields(fields)
    if layout is None:
        raw = _open_with_map(path)
        points = _table(raw, path.name)
        attrs: dict[str, object] = {"spacing_km": spacing_km}
    else:
        raw, points, attrs = _open_and_group(path, layout, progress)
    source = f"highres: {raw.attrs.get('source', 'high-resolution model')}{attrs.pop('groups', '')}"
    heights, cell_heights = _heights(raw, points)
    _check_axes(heights, raw["time"].values, path.name)
    variables, given = choice.variables, (*PROFILES, *SURFACE)
    names = needed(variables.inputs.names, PAPER.inputs.names)
    held = [variables.inputs.named(name) for name in names if name not in PAPER.inputs]
    held_outputs = [variable for variable in variables.outputs if variable.name not in PAPER.outputs]
    _require_held(raw, (*held, *held_outputs), path.name)
    checked = dict.fromkeys((*given, *(variable.name for variable in (*held, *held_outputs))))
    raw = with_checks(raw, {name: name for name in checked}, path.name, limits=POINT_LIMITS, points=points)
    if layout is not None and layout.humidity == "specific":
        raw = as_mixing_ratio(raw)
    mean, flux = coarse_grain(raw, points)
    heating, moistening = (coarse_flux_tendency(flux[name], cell_heights) for name in ("T", "qv"))
    level_heights = _level_heights(heights, choice.levels or PAPER_LEVELS)

    def on_levels(profile: xr.DataArray) -> xr.DataArray:
        return _on_levels(profile, heights, level_heights)

    def mean_of(variable: Variable) -> xr.DataArray:
        mean = coarse_mean(raw[variable.name], points)
        return on_levels(mean) if variable.profile else mean

    inputs = {"T": on_levels(mean["T"]), "qv": on_levels(mean["qv"])} | {name: mean[name] for name in SURFACE}
    outputs = {
        "tend_T_sgs": on_levels(xr.apply_ufunc(subgrid_heating, mean["tend_T_mp"], heating, dask="allowed")),
        "tend_qv_sgs": on_levels(xr.apply_ufunc(subgrid_moistening, mean["tend_qv_mp"], moistening, dask="allowed")),
        "qc": on_levels(clear_small(mean["qc"])),
        "qi": on_levels(clear_small(mean["qi"])),
    }
    lat, lon = _centres(raw, points, path.name)
    count = len(points)
    return assemble(
        inputs | {variable.name: mean_of(variable) for variable in held},
        outputs | {variable.name: mean_of(variable) for variable in held_outputs},
        variables=variables,
        where=path.name,
        lat=lat,
        lon=lon,
        area=_of_cells(raw, "area", points, np.full(count, 4.0 * np.pi / count), path.name, total=True),
        land_fraction=_of_cells(raw, "land_fraction", points, np.zeros(count), path.name, total=False),
        height=level_heights,
        air_pressure=mean["Ps"] * xr.DataArray(nominal_pressure(level_heights) / REFERENCE_PRESSURE, dims="level"),
        layer_mass=_layer_mass(level_heights, mean["Ps"].mean("time").values, whole=choice.levels == ALL),
        attrs={
            "title": str(raw.attrs.get("title", "High-resolution fields, coarse-grained")),
            "source": source,
            "comment": "layer_mass from the standard atmosphere, scaled by the mean surface pressure of the cell",
            **attrs,
            **({ZEROS: raw.attrs[ZEROS]} if ZEROS in raw.attrs else {}),
        },
        whole=choice.levels == ALL,
        comments={"SOLIN": str(raw["SOLIN"].attrs.get("long_name", "as the source says"))},
    )


def _open_with_map(path: Path) -> xr.Dataset:
    """A file with the project's names, in blocks."""
    raw, where = open_store(path, decode_times=False), path.name
    if "lev" in raw.dims:
        raw = raw.swap_dims(lev="z") if "z" in raw.variables else raw.rename(lev="z")
    require_variables(raw, ["z", "lat", "lon", *PROFILES, *SURFACE], where)
    for name, unit in (PROFILES | SURFACE).items():
        require_unit(raw[name], unit, where)
        require_dims(raw[name], ("time", "z", "point") if name in PROFILES else ("time", "point"), where)
    for name, unit in {"z": "m", "lat": "degree", "lon": "degree", "area": "sr", "land_fraction": "1"}.items():
        if name in raw.variables:
            require_unit(raw[name], unit, where)
    raw.attrs |= {ZEROS: zeros} if (zeros := refuse_missing_chunks(path, _READ)) else {}
    raw = raw.assign_coords(time=("time", decode_dates(raw["time"], where)))
    raw = raw.transpose("time", "z", ..., "point", missing_dims="ignore")
    return raw.chunk({"time": 1, "z": max(1, BLOCK_VALUES // raw.sizes["point"]), "point": -1})


def _open_and_group(
    path: Path, fields: ForeignFields, progress: Progress | None
) -> tuple[xr.Dataset, np.ndarray, dict[str, object]]:
    """A foreign run in blocks, the points ``(cell, n)`` of its groups, and attributes that say how these came about."""
    if progress is not None:
        progress(0, 100, "reading the mesh")
    raw, mesh = open_fields(path, fields)
    lat, lon = place_of(mesh.direction)
    raw = raw.assign_coords(lat=("point", lat), lon=("point", lon), area=("point", mesh.area))
    if progress is not None:
        progress(0, 100, "forming groups")
    generator = np.random.default_rng(fields.seed)
    groups = form_groups(mesh, fields.points, generator=generator)
    points, compactness = groups.points, groups.compactness
    if fields.groups is not None and fields.groups < len(points):
        chosen = np.sort(generator.choice(len(points), fields.groups, replace=False))
        points, compactness = points[chosen], compactness[chosen]
    return raw, points, {
        "spacing_km": _spacing_km(mesh, points),
        "groups": f", groups of {fields.points} points, seed {fields.seed}",
        "points": fields.points,
        "groups_left_out": groups.left_out,
        "points_left_out": groups.points_left_out,
        "compactness": round(float(compactness.mean()), 3),
    }  # fmt: skip


def _spacing_km(mesh: Mesh, points: np.ndarray) -> int:
    """Distance between the centres of neighbouring hexagons as large as the mean group [km], 1 at least."""
    area = float(mesh.area[points].sum(axis=1).mean())
    return max(1, round(np.sqrt(2.0 / np.sqrt(3.0) * area) * EARTH_RADIUS / 1000.0))


def _heights(raw: xr.Dataset, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nominal heights ``(z,)`` and those along which fluxes are differentiated, ``(z,)`` or ``(cell, z)`` [m]."""
    if "point" not in raw["z"].dims:
        heights = raw["z"].values.astype(float)
        return heights, heights
    of_cells = coarse_mean(raw["z"], points).transpose("cell", "z").values
    return of_cells.mean(axis=0), of_cells


def _check_axes(heights: np.ndarray, times: np.ndarray, where: str) -> None:
    check_times(times, where)
    refuse_disordered(heights, "heights z [m]", where)
    if heights[0] > heights[-1]:
        raise DiffmpError(f"expected heights z that rise from the surface in {where}, found others; flip dimension z")
    if heights[0] < 0 or heights[-1] < LOWEST_TOP:
        raise DiffmpError(
            f"expected heights z from the surface to {LOWEST_TOP / 1000:g} km or more in {where}, found "
            f"{heights[0]:g} to {heights[-1]:g} m; convert the unit or use data with a higher top"
        )
    check_coordinate("height", heights, where)


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


def _require_held(raw: xr.Dataset, variables: Iterable[Variable], where: str) -> None:
    """Raise unless the points have these variables under their own names."""
    for variable in variables:
        held_by_name(raw, variable, ("time", "z", "point") if variable.profile else ("time", "point"), where)


def _level_heights(heights: np.ndarray, levels: Levels) -> np.ndarray:
    """Heights of the levels: the file's own where it has enough below 20 km, else of layers that thicken upward."""
    if not isinstance(levels, int):
        return heights
    below = heights[heights < TOP_HEIGHT]
    return below[choose_levels(len(below), levels)] if len(below) >= levels else stretched_heights(levels)


def _on_levels(profile: xr.DataArray, heights: np.ndarray, level_heights: np.ndarray) -> xr.DataArray:
    """Linear interpolation in height, constant beyond the ends; exact where levels are chosen."""
    position = np.interp(level_heights, heights, np.arange(len(heights)))
    below = np.floor(position).astype(int)
    above = np.minimum(below + 1, len(heights) - 1)
    weight = xr.DataArray(position - below, dims="level")
    low, high = (profile.drop_vars("z", errors="ignore").isel(z=xr.DataArray(i, dims="level")) for i in (below, above))
    return low * (1.0 - weight) + high * weight


def _layer_mass(level_heights: np.ndarray, surface_pressure: np.ndarray, *, whole: bool) -> np.ndarray:
    """Mass ``(cell, level)`` between the middles of neighbouring levels, from the ground to 20 km.

    whole: to the top of the uppermost layer instead, as far above its middle as that is above its bottom.
    """
    middles = 0.5 * (level_heights[1:] + level_heights[:-1])
    top = 2.0 * level_heights[-1] - middles[-1] if whole else TOP_HEIGHT
    interfaces = np.concatenate([[0.0], middles, [top]])
    return layer_air_mass(nominal_pressure(interfaces)) * surface_pressure[:, None] / REFERENCE_PRESSURE


def _centres(raw: xr.Dataset, points: np.ndarray, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Latitudes and longitudes of the cells; from points by the mean of their directions."""
    if "cell" in raw["lat"].dims:
        check_places(raw["lat"], raw["lon"], where)
        return raw["lat"].values, raw["lon"].values
    used = np.unique(points[points >= 0])
    check_places(raw["lat"][used], raw["lon"][used], where)
    direction = direction_of(raw["lat"].values, raw["lon"].values)
    return place_of(horizontal_mean(gather(direction, points), where=points >= 0))


def _of_cells(
    raw: xr.Dataset, name: str, points: np.ndarray, default: np.ndarray, where: str, *, total: bool
) -> np.ndarray:
    """A coordinate of the cells: as given, mean or total over the points, or the default where the file has none."""
    if name not in raw.variables:
        return default
    if "cell" in raw[name].dims:
        return raw[name].values
    inside = points >= 0
    values = raw[name].values
    check_coordinate(name, values[points[inside]], where)
    mean = horizontal_mean(gather(values[:, None], points), where=inside)[:, 0]
    return mean * inside.sum(axis=1) if total else mean


SOURCE = Source(
    name="highres",
    expects="a file with w(time, z, point) and a map cell_of_point or points_of_cell, or any run with --fields",
    recognise=recognise,
    read=read,
    gap_hours=3.0,
    runs=True,
    options=frozenset({"fields"}),
    inputs=(*PAPER.inputs.names, "u", "v", "ocean_fraction", "ice_fraction"),
    implied_by="fields",
)
