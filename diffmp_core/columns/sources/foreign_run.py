"""High-resolution runs of other models as they come: their own names, level order, files and mesh.

:func:`open_fields` gives them back, lazily, as the reader of high-resolution fields wants them: SI units, surface
first, dims ``time, z, point``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from diffmp_core.columns.coarse_fields import PROFILES, SURFACE
from diffmp_core.columns.dates import decode_dates
from diffmp_core.columns.levels import refuse_disordered
from diffmp_core.columns.mesh import Mesh, read_mesh, regular_mesh
from diffmp_core.columns.sources.base import require_dims
from diffmp_core.columns.sources.classic_netcdf import refuse_truncated
from diffmp_core.columns.sources.foreign_fields import Dims, ForeignFields, Names
from diffmp_core.columns.units import require_unit
from diffmp_core.errors import DiffmpError
from diffmp_core.storage.coordinates import check_coordinate, check_places, check_times
from diffmp_core.storage.zarr_chunks import refuse_missing_chunks
from diffmp_core.stores import open_store

POLE = 90.0 - 1e-6
"""Latitude [degrees] of a row of a regular grid from which on it counts as lying at a pole."""

ZEROS = "chunks_read_as_zero"
"""Attribute that names the chunks of a zarr store that are not there and count as zeros."""

BLOCK_VALUES = 2**21
"""Values of a field that are read at a time, at least all points of one level: 8 MB in single precision."""


def open_fields(path: Path, fields: ForeignFields) -> tuple[xr.Dataset, Mesh]:
    """Open a run lazily with the project's names.

    Args:
        path: netCDF file, zarr folder, or folder of netCDF files that follow each other in time, each variable in one
            series of files.
        fields: how the run is laid out.

    Returns:
        A dataset with :data:`PROFILES` (time, z, point), :data:`SURFACE` (time, point), the height above the ground
        ``z`` (z) or (z, point) and, if named, ``land_fraction`` (point), in blocks of about :data:`BLOCK_VALUES`
        values; and the mesh of its points.

    Raises:
        DiffmpError: a missing variable, wrong dims or unit, a mesh of another size, heights in no order, no dates.
    """
    where, dims = path.name, fields.dims
    raw = _open_files(path, fields)
    times = np.atleast_1d(raw[fields.names.time].values)
    check_times(times, where)
    if fields.mesh is None:
        raw, mesh = _on_points(raw, fields.names, where)
    else:
        mesh = read_mesh(fields.mesh)
        _require_dimension(raw, dims.point, "point", where)
        raw = raw.rename_dims({dims.point: "point"} if dims.point != "point" else {})
    if raw.sizes["point"] != mesh.size:
        raise DiffmpError(
            f"expected fields on the {mesh.size} faces of the mesh in {where}, found {raw.sizes['point']} points; name "
            "the mesh of these fields and the dimension of its faces"
        )
    heights, falling = _heights(raw, fields, where)
    rename = {dims.time: "time", dims.level: "z"}
    opened = {}
    for name, unit in (PROFILES | SURFACE).items():
        array = _scaled(raw[getattr(fields.names, name)].rename(name), name, unit, fields, where)
        if name in PROFILES:
            array = _on_levels(array, dims)
        array = array.rename({old: new for old, new in rename.items() if old in array.dims and old != new})
        require_dims(array, ("time", "z", "point") if name in PROFILES else ("time", "point"), where)
        opened[name] = array.variable
    found = xr.Dataset({**opened, "z": heights}, attrs=raw.attrs)
    found = found.assign_coords(time=("time", times))
    found = found.isel(z=slice(None, None, -1)) if falling else found
    if (land := fields.names.land_fraction) is not None:
        share = _scaled(raw[land].rename("land_fraction"), "land_fraction", "1", fields, where)
        require_dims(share, ("point",), where)
        found["land_fraction"] = share.variable
    return found.chunk(time=1, z=max(1, BLOCK_VALUES // mesh.size), point=-1), mesh


def _open_files(path: Path, fields: ForeignFields) -> xr.Dataset:
    """One dataset of the named variables, in blocks, from one store or from a folder of netCDF files."""
    series = sorted(path.glob("*.nc")) if path.is_dir() else []
    for one in series:
        refuse_truncated(one)
    opened = [open_store(one, decode_times=False) for one in series or [path]]
    names = {key: name for key, name in fields.names.model_dump().items() if name is not None}
    if fields.mesh is not None:
        names = {key: name for key, name in names.items() if key not in ("lat", "lon")}
    for key, name in names.items():
        if not any(name in raw.variables for raw in opened):
            known = sorted({str(variable) for raw in opened for variable in raw.variables})
            raise DiffmpError(
                f"expected variable {name!r} ({key}) in {path.name}, found {known}; name it under 'names' in the YAML "
                "file"
            )
    if not series:
        zeros = refuse_missing_chunks(path, names.values(), roles={name: key for key, name in names.items()})
        opened[0].attrs |= {ZEROS: zeros} if zeros else {}
    if fields.mesh is None:
        _refuse_rotated(opened, path.name)
    files = [_in_blocks(_dated(raw, fields.names.time, path.name), names.values(), fields) for raw in opened]
    if len(files) == 1:
        return files[0]
    by_content: dict[frozenset, list[xr.Dataset]] = {}
    for file in files:
        by_content.setdefault(frozenset(file.data_vars), []).append(file)
    try:
        parts = [_in_sequence(part, fields) for part in by_content.values()]
        return xr.merge(parts, compat="override", join="exact", combine_attrs="override")
    except ValueError as error:
        raise DiffmpError(
            f"expected files in {path.name} that share mesh, levels and times, found others "
            f"({str(error).splitlines()[0]}); prepare a folder that holds the files of one run"
        ) from error


def _dated(file: xr.Dataset, time: str, where: str) -> xr.Dataset:
    """A file with dates instead of what it has as times: each has its own unit."""
    if time not in file.variables:
        return file
    dates = decode_dates(file[time], where, calendar=file.attrs.get("config_calendar_type"))
    return file.assign({time: (file[time].dims, dates.reshape(file[time].shape))})


def _refuse_rotated(files: Iterable[xr.Dataset], where: str) -> None:
    """Raise if the fields of a grid lie on a rotated pole or a projection, as CF says it."""
    for file in files:
        for variable in file.variables.values():
            mapping = file.variables.get(str(variable.attrs.get("grid_mapping", "")))
            kind = "latitude_longitude" if mapping is None else str(mapping.attrs.get("grid_mapping_name", ""))
            if kind not in ("latitude_longitude", ""):
                raise DiffmpError(
                    f"expected a grid of geographical latitudes and longitudes in {where}, found one of kind {kind!r}; "
                    "give its cells as a UGRID mesh"
                )


def _in_blocks(file: xr.Dataset, names: Iterable[str], fields: ForeignFields) -> xr.Dataset:
    """The named variables of a file, as dask arrays of all points of some levels of one time."""
    dims = fields.dims
    file = file[[name for name in names if name in file.variables]]
    levels = {dims.level, dims.interface} & set(file.dims)
    times = {dims.time} & set(file.dims)
    across = set(file.dims) - levels - times
    points = max(int(np.prod([file.sizes[dim] for dim in set(v.dims) & across])) for v in file.variables.values())
    lengths = (
        dict.fromkeys(levels, max(1, BLOCK_VALUES // points)) | dict.fromkeys(across, -1) | dict.fromkeys(times, 1)
    )
    return file.chunk(lengths)


def _in_sequence(files: list[xr.Dataset], fields: ForeignFields) -> xr.Dataset:
    """Files of the same variables one after the other, as their times say."""
    if len(files) == 1:
        return files[0]
    calendars = sorted({_calendar(file, fields) for file in files})
    if len(calendars) > 1:
        raise DiffmpError(f"expected one calendar in all files of a run, found {calendars}; prepare them one by one")
    files = sorted(files, key=lambda file: _first_time(file, fields))
    return xr.concat(
        files, dim=fields.dims.time, data_vars="minimal", coords="minimal", compat="override", join="exact"
    )


def _calendar(file: xr.Dataset, fields: ForeignFields) -> str:
    first = _first_time(file, fields)
    return str(getattr(first, "calendar", "standard"))


def _first_time(file: xr.Dataset, fields: ForeignFields) -> Any:
    return file[fields.names.time].values[0] if fields.names.time in file.variables else 0


def _require_dimension(raw: xr.Dataset, name: str, key: str, where: str) -> None:
    if name not in raw.dims:
        raise DiffmpError(
            f"expected dimension {name!r} ({key}) in {where}, found {sorted(map(str, raw.dims))}; name it under 'dims' "
            "in the YAML file"
        )


def _on_points(raw: xr.Dataset, names: Names, where: str) -> tuple[xr.Dataset, Mesh]:
    """A regular grid as points; rows at the very poles, where every box is the same place, are left out."""
    lat, lon = raw[names.lat], raw[names.lon]
    for array in (lat, lon):
        require_unit(array, "degree", where)
    check_places(lat, lon, where)
    if lat.ndim == 1:
        raw = raw.isel({lat.dims[0]: np.abs(lat.values) < POLE})
    mesh = regular_mesh(raw[names.lat].values, lon.values, where=where)
    raw = raw.drop_vars([names.lat, names.lon]).stack({"point": [*lat.dims, *lon.dims]}, create_index=False)
    return raw, mesh


def _scaled(array: xr.DataArray, name: str, unit: str, fields: ForeignFields, where: str) -> xr.DataArray:
    """In SI units: by the given factor, or checked against the unit that the file states."""
    if (factor := fields.scale.get(name)) is not None:
        return array * np.float32(factor)
    require_unit(array, unit, where)
    return array


def _on_levels(array: xr.DataArray, dims: Dims) -> xr.DataArray:
    """Mean of neighbouring half levels where an array has these instead of levels."""
    if dims.interface is None or dims.interface not in array.dims:
        return array
    lower, upper = (array.isel({dims.interface: part}) for part in (slice(None, -1), slice(1, None)))
    mean = 0.5 * (lower.drop_vars(list(lower.coords)) + upper.drop_vars(list(upper.coords)))
    return mean.rename({dims.interface: dims.level})


def _heights(raw: xr.Dataset, fields: ForeignFields, where: str) -> tuple[xr.Variable, bool]:
    """Heights above the ground [m], (z) or (z, point), in the order of the file, and whether they fall in it."""
    dims = fields.dims
    _require_dimension(raw, dims.level, "level", where)
    if dims.interface is not None:
        _require_dimension(raw, dims.interface, "interface", where)
        if raw.sizes[dims.interface] != raw.sizes[dims.level] + 1:
            raise DiffmpError(
                f"expected {raw.sizes[dims.level] + 1} interfaces of {raw.sizes[dims.level]} levels in {where}, found "
                f"{raw.sizes[dims.interface]}; name the dimensions under 'dims' in the YAML file"
            )
    z = _scaled(raw[fields.names.z].rename("z"), "z", "m", fields, where).astype(np.float64)
    z = z.drop_vars(list(z.coords))
    if fields.names.surface is not None:
        surface = _scaled(raw[fields.names.surface].rename("surface"), "surface", "m", fields, where)
        require_dims(surface, ("point",), where)
        check_coordinate("surface", surface.values, where)
        z = z - surface.drop_vars(list(surface.coords))
    elif dims.interface in z.dims and "point" in z.dims:
        ends = z.isel({dims.interface: 0}), z.isel({dims.interface: -1})
        z = z - np.minimum(*ends)
    z = _on_levels(z, dims)
    if set(z.dims) not in ({dims.level}, {dims.level, "point"}):
        raise DiffmpError(
            f"expected heights along {dims.level!r}, alone or with the points, in {where}, found {z.dims}; name them "
            "under 'names' and 'dims' in the YAML file"
        )
    z = z.rename({dims.level: "z"} if dims.level != "z" else {}).transpose("z", ...)
    first = z.isel(point=0) if "point" in z.dims else z
    refuse_disordered(first.values, "heights [m]", where)
    falling = bool(first[0] > first[-1])
    if "point" in z.dims:
        _refuse_crossing(z, falling, where)
    return z.variable, falling


def _refuse_crossing(z: xr.DataArray, falling: bool, where: str) -> None:
    """Raise unless the levels (z, point) lie above each other at every point, block by block."""
    steps = z.diff("z")
    crossing = ~(steps < 0 if falling else steps > 0)
    if bool(crossing.any()):
        point = int(crossing.any("z").argmax("point"))
        refuse_disordered(z.isel(point=point).values, f"heights [m] at point {point}", where)
        raise DiffmpError(
            f"expected heights in the same order at all points in {where}, found point {point} upside down; repair it"
        )


def as_mixing_ratio(found: xr.Dataset) -> xr.Dataset:
    """Per mass of dry air: r = q/(1 - qv), and so dr/dt = (dq/dt)/(1 - qv)^2 for vapour."""
    dry = 1.0 - found["qv"]
    ratios = {name: found[name] / dry for name in ("qv", "qc", "qi")}
    return found.assign(ratios | {"tend_qv_mp": found["tend_qv_mp"] / dry**2})
