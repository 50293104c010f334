"""Reader of the column simulator's raw output (:mod:`diffmp_core.crm`): hourly means and eddy tendencies of each cell.

The root of the store holds the 120 km columns; the groups ``60km``, ``30km`` and ``15km`` hold columns of the same
cells from a random contiguous segment of their points. The simulator has applied equations (1) to (3); the totals
of equations (4) and (5) are formed here. The first day is spin-up and is left out, as in the paper. A folder of
several runs of one grid (four seasons, as in the paper) is read as one source.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from diffmp_core.columns.choice import PAPER_COLUMNS, ColumnChoice
from diffmp_core.columns.derived import needed
from diffmp_core.columns.levels import TOP_HEIGHT, choose_levels, refuse_disordered, share_weights
from diffmp_core.columns.plausibility import POINT_LIMITS, with_checks
from diffmp_core.columns.sources.base import (
    CHUNK_VALUES,
    Progress,
    Source,
    assemble,
    chunks_of,
    clear_small,
    held_by_name,
    require_variables,
    stored_kind,
)
from diffmp_core.columns.units import require_unit
from diffmp_core.constants import WATER_DENSITY
from diffmp_core.errors import DiffmpError
from diffmp_core.physics.coarse_grain import subgrid_heating, subgrid_moistening
from diffmp_core.storage.coordinates import check_times
from diffmp_core.storage.unreadable_data import unreadable_data
from diffmp_core.storage.zarr_chunks import refuse_missing_chunks
from diffmp_core.variables import PAPER, Variable

SPIN_UP_HOURS = 24
"""Hours after the start that are left out: the paper's first day."""

SPACINGS_KM = (120, 60, 30, 15)

_PROFILES = {
    "T": "K",
    "qv": "kg kg-1",
    "qc": "kg kg-1",
    "qi": "kg kg-1",
    "tend_T_mp": "K s-1",
    "tend_qv_mp": "kg kg-1 s-1",
    "tend_T_flux": "K s-1",
    "tend_qv_flux": "kg kg-1 s-1",
}
_FLUXES = {"SHF": "W m-2", "LHF": "W m-2"}
_WHOLE_CELL = {"Ps": "Pa", "SOLIN": "W m-2"}
_PRECIPITATION = "precipitation"
_ORIGIN = ("grid", "start", "seed", "sea_table", "scheme")
_COORDINATES = ("lat", "lon", "area", "land_fraction", "height", "layer_mass")

_BLOCK_VALUES = 64 * CHUNK_VALUES


def recognise(path: Path) -> bool:
    """Whether the path is a zarr store that the simulator wrote, or a folder of such stores and nothing else."""
    return bool(_runs(path))


def _runs(path: Path) -> list[Path]:
    """The simulator's stores at a path: itself, or what a folder holds; empty if there is anything else."""
    if not path.is_dir():
        return []
    if stored_kind(path) == "crm":
        return [path]
    inside = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    return inside if all(entry.is_dir() and stored_kind(entry) == "crm" for entry in inside) else []


def read(
    path: Path,
    *,
    choice: ColumnChoice = PAPER_COLUMNS,
    spacing_km: int,
    progress: Progress | None = None,
    spin_up_hours: float = SPIN_UP_HOURS,
) -> xr.Dataset:
    """Open the simulator's columns lazily as a column store without ``split``.

    ``layer_mass`` is the mean of the runs: between seasons the mass of a layer differs from it by up to 6 %, that of a
    column by up to 0.3 %.

    Args:
        path: the simulator's zarr folder, or a folder of several of the same grid.
        choice: variables and levels; all levels of the simulator if it names none. A variable that is not known is
            looked for under its own name.
        spacing_km: 120, 60, 30 or 15.
        progress: not used; opening takes no time.
        spin_up_hours: hours after the start of each run that are left out.

    Raises:
        DiffmpError: a spacing that the store lacks, an unfinished or too short run, a missing variable or wrong unit,
            runs of different grids or of the same days.
    """
    runs = _runs(path)
    if not runs:
        raise DiffmpError(f"expected {SOURCE.expects}, found something else in {path.name}; name another path")
    parts = [_read_run(run, choice, spacing_km, spin_up_hours) for run in runs]
    if len(parts) == 1:
        return parts[0]
    parts.sort(key=lambda part: part["time"].values[0])
    _refuse_different(parts, path.name)
    columns = xr.concat(
        parts, "time", data_vars="minimal", coords="minimal", compat="override", combine_attrs="override"
    )
    mass = np.mean([part["layer_mass"].values for part in parts], axis=0)
    columns["layer_mass"] = parts[0]["layer_mass"].copy(data=mass)
    for key in _ORIGIN[1:]:
        if any(f"simulation_{key}" in part.attrs for part in parts):
            columns.attrs[f"simulation_{key}"] = [part.attrs.get(f"simulation_{key}", "") for part in parts]
    return columns.chunk(chunks_of(columns.sizes["cell"], columns.sizes["level"]))


def _refuse_different(parts: list[xr.Dataset], where: str) -> None:
    """Raise unless the runs, sorted by time, have the same cells and no common time."""
    for one, other in itertools.pairwise(parts):
        if one.sizes["cell"] != other.sizes["cell"] or not np.array_equal(one["lat"], other["lat"]):
            raise DiffmpError(
                f"expected runs of one grid in {where}, found {one.sizes['cell']} and {other.sizes['cell']} cells; "
                "prepare each grid on its own"
            )
        if other["time"].values[0] <= one["time"].values[-1]:
            raise DiffmpError(
                f"expected runs of different days in {where}, found two at {other['time'].values[0]}; "
                "prepare one of them on its own"
            )


def _read_run(path: Path, choice: ColumnChoice, spacing_km: int, spin_up_hours: float) -> xr.Dataset:
    if spacing_km not in SPACINGS_KM:
        raise DiffmpError(f"expected a spacing among {SPACINGS_KM} km, found {spacing_km}; choose one")
    _refuse_unfinished(path)
    refuse_missing_chunks(path, [*_PROFILES, *_FLUXES, *_WHOLE_CELL, *_COORDINATES, "time"])
    if spacing_km != SPACINGS_KM[0]:
        refuse_missing_chunks(path, [*_PROFILES, *_FLUXES], group=f"{spacing_km}km")
    whole = _open(path, None)
    columns = whole if spacing_km == SPACINGS_KM[0] else _open(path, f"{spacing_km}km")
    require_variables(columns, [*_PROFILES, *_FLUXES, *_COORDINATES], path.name)
    require_variables(whole, _WHOLE_CELL, path.name)
    for name, unit in (_PROFILES | _FLUXES).items():
        require_unit(columns[name], unit, path.name)
    for name, unit in _WHOLE_CELL.items():
        require_unit(whole[name], unit, path.name)
    refuse_disordered(columns["height"].values, "heights [m]", path.name)
    columns = columns.assign({name: whole[name] for name in _WHOLE_CELL})
    check_times(columns["time"].values, path.name)
    columns = columns.isel(time=_after_spin_up(columns, spin_up_hours, path.name))
    columns = _on_levels(columns, choice)
    parts = {name: name for name in (*_PROFILES, *_FLUXES, *_WHOLE_CELL)}
    columns = with_checks(columns, parts, path.name, limits=POINT_LIMITS)
    inputs = {name: columns[name] for name in ("T", "qv", *_WHOLE_CELL, *_FLUXES)}
    outputs = {
        "tend_T_sgs": _total(subgrid_heating, columns["tend_T_mp"], columns["tend_T_flux"]),
        "tend_qv_sgs": _total(subgrid_moistening, columns["tend_qv_mp"], columns["tend_qv_flux"]),
        "qc": clear_small(columns["qc"]),
        "qi": clear_small(columns["qi"]),
    }

    def held(variable: Variable) -> xr.DataArray:
        return held_by_name(columns, variable, variable.dims, path.name)

    variables = choice.variables
    if "PRECC" in variables.outputs:
        outputs["PRECC"] = _precipitation(columns, path.name)
    names = needed(variables.inputs.names, inputs)
    inputs |= {name: held(variables.inputs.named(name)) for name in names if name not in inputs}
    outputs |= {variable.name: held(variable) for variable in variables.outputs if variable.name not in outputs}
    points = columns.attrs.get("points")
    return assemble(
        inputs,
        outputs,
        variables=variables,
        where=path.name,
        lat=columns["lat"].values,
        lon=columns["lon"].values,
        area=columns["area"].values,
        land_fraction=columns["land_fraction"].values,
        height=columns["height"].values,
        layer_mass=columns["layer_mass"].values,
        attrs={
            "title": f"Idealised superparameterised columns, {spacing_km} km",
            "source": "crm: DIFF-MP column simulator, one periodic 2-D cloud-resolving model a cell; not GRIST data",
            "spacing_km": spacing_km,
            **({"points": points, "comment": f"means over {points} points of a 2-D model"} if points else {}),
            **{f"simulation_{key}": columns.attrs[key] for key in _ORIGIN if key in columns.attrs},
        },
        comments={"SOLIN": whole["SOLIN"].attrs.get("long_name", "of the simulator")},
    )


def _open(path: Path, group: str | None) -> xr.Dataset:
    """One resolution, lazily, a few tens of megabytes of a variable at a time.

    The simulator's chunks are long in time and short in cells, a column store's the other way round: reading all cells
    of some hours at a time bounds the memory that turning them takes.
    """
    try:
        header = xr.open_zarr(path, group=group, chunks=None)
    except (OSError, KeyError, ValueError) as error:
        raise unreadable_data(path / group if group else path, error) from error
    hours = max(1, _BLOCK_VALUES // (header.sizes["cell"] * header.sizes["level"]))
    return header.chunk({"time": hours, "cell": -1})


def _on_levels(columns: xr.Dataset, choice: ColumnChoice) -> xr.Dataset:
    """The levels that are wanted; those left out give their mass to their neighbours."""
    if not isinstance(choice.levels, int):
        return columns
    height = columns["height"].values
    kept = choose_levels(int((height < TOP_HEIGHT).sum()), choice.levels)
    mass = columns["layer_mass"].transpose("cell", "level")
    shared = mass.values @ share_weights(height, kept)
    return columns.isel(level=kept).assign(layer_mass=(mass.dims, shared))


def _precipitation(columns: xr.Dataset, where: str) -> xr.DataArray:
    """Precipitation of the hour before as a depth of water [m s-1]."""
    if _PRECIPITATION not in columns:
        raise DiffmpError(
            f"expected precipitation, which the simulator knows of whole cells alone, in {where}, found none of this "
            f"spacing; take {SPACINGS_KM[0]} km"
        )
    require_unit(columns[_PRECIPITATION], "kg m-2 s-1", where)
    return columns[_PRECIPITATION] / WATER_DENSITY


def _total(equation: Callable, microphysics: xr.DataArray, flux: xr.DataArray) -> xr.DataArray:
    return xr.apply_ufunc(equation, microphysics, flux, dask="allowed")


def _refuse_unfinished(path: Path) -> None:
    from diffmp_core.crm.output_store import is_complete  # loads the simulator, compiled code and all

    if not is_complete(path):
        raise DiffmpError(
            f"expected a finished simulation, found one that still lacks cells ({path.name}); "
            "run 'diffmp simulate' on it again"
        )


def _after_spin_up(columns: xr.Dataset, spin_up_hours: float, where: str) -> np.ndarray:
    """Indices of the times more than the spin-up after the start."""
    times = columns["time"].values
    start = np.datetime64(columns.attrs["start"]) if "start" in columns.attrs else times[0] - np.timedelta64(1, "h")
    kept = np.flatnonzero(times - start > np.timedelta64(round(spin_up_hours * 3600), "s"))
    if kept.size == 0:
        raise DiffmpError(
            f"expected more than {spin_up_hours:g} simulated hours, the first {spin_up_hours:g} being spin-up, found "
            f"{len(times)} in {where}; simulate longer"
        )
    return kept


SOURCE = Source(
    name="crm",
    expects="a zarr folder that 'diffmp simulate' writes, or a folder of several such runs",
    recognise=recognise,
    read=read,
    gap_hours=3.0,
    runs=True,
    options=frozenset({"spin_up_hours"}),
    outputs=(*PAPER.outputs.names, "PRECC"),
)
