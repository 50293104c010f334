"""Reader of the column simulator's raw output (:mod:`diffmp_core.crm`): hourly means and eddy tendencies of each cell.

The root of the store holds the 120 km columns; the groups ``60km``, ``30km`` and ``15km`` hold columns of the same
cells from a random contiguous segment of their points. The simulator has applied equations (1) to (3); the totals
of equations (4) and (5) are formed here. The first day is spin-up and is left out, as in the paper.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from diffmp_core.coarse_grain import subgrid_heating, subgrid_moistening
from diffmp_core.columns.sources.base import (
    CHUNK_VALUES,
    Progress,
    Source,
    assemble,
    clear_small,
    require_unit,
    require_variables,
    stored_kind,
)
from diffmp_core.errors import DiffmpError

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
_COORDINATES = ("lat", "lon", "area", "land_fraction", "height", "layer_mass")

_BLOCK_VALUES = 64 * CHUNK_VALUES


def recognise(path: Path) -> bool:
    """Whether the path is a zarr store that the simulator wrote."""
    return path.is_dir() and stored_kind(path) == "crm"


def read(path: Path, *, spacing_km: int, progress: Progress | None = None) -> xr.Dataset:
    """Open the simulator's columns lazily as a column store without ``split``.

    Args:
        path: the simulator's zarr folder.
        spacing_km: 120, 60, 30 or 15.
        progress: not used; opening takes no time.

    Raises:
        DiffmpError: a spacing that the store lacks, an unfinished or too short run, a missing variable or wrong unit.
    """
    if spacing_km not in SPACINGS_KM:
        raise DiffmpError(f"expected a spacing among {SPACINGS_KM} km, found {spacing_km}; choose one")
    _refuse_unfinished(path)
    whole = _open(path, None)
    columns = whole if spacing_km == SPACINGS_KM[0] else _open(path, f"{spacing_km}km")
    require_variables(columns, [*_PROFILES, *_FLUXES, *_COORDINATES], path.name)
    require_variables(whole, _WHOLE_CELL, path.name)
    for name, unit in (_PROFILES | _FLUXES).items():
        require_unit(columns[name], unit, path.name)
    for name, unit in _WHOLE_CELL.items():
        require_unit(whole[name], unit, path.name)
    columns = columns.assign({name: whole[name] for name in _WHOLE_CELL})
    columns = columns.isel(time=_after_spin_up(columns, path.name))
    fields: dict[str, xr.DataArray] = {name: columns[name] for name in ("T", "qv", *_WHOLE_CELL, *_FLUXES)} | {
        "tend_T_sgs": _total(subgrid_heating, columns["tend_T_mp"], columns["tend_T_flux"]),
        "tend_qv_sgs": _total(subgrid_moistening, columns["tend_qv_mp"], columns["tend_qv_flux"]),
        "qc": clear_small(columns["qc"]),
        "qi": clear_small(columns["qi"]),
    }
    points = columns.attrs.get("points")
    return assemble(
        fields,
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
            **{f"simulation_{key}": columns.attrs[key] for key in ("grid", "start", "seed") if key in columns.attrs},
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
        raise DiffmpError(
            f"expected the group {group or 'root'!r} in the simulator's store {path.name}, found none that can be "
            "read; simulate again"
        ) from error
    hours = max(1, _BLOCK_VALUES // (header.sizes["cell"] * header.sizes["level"]))
    return header.chunk({"time": hours, "cell": -1})


def _total(equation: Callable, microphysics: xr.DataArray, flux: xr.DataArray) -> xr.DataArray:
    return xr.apply_ufunc(equation, microphysics, flux, dask="allowed")


def _refuse_unfinished(path: Path) -> None:
    from diffmp_core.crm.output_store import is_complete  # loads the simulator, compiled code and all

    if not is_complete(path):
        raise DiffmpError(
            f"expected a finished simulation, found one that still lacks cells ({path.name}); "
            "run 'diffmp simulate' on it again"
        )


def _after_spin_up(columns: xr.Dataset, where: str) -> np.ndarray:
    """Indices of the times more than the spin-up after the start."""
    times = columns["time"].values
    start = np.datetime64(columns.attrs["start"]) if "start" in columns.attrs else times[0] - np.timedelta64(1, "h")
    kept = np.flatnonzero(times - start > np.timedelta64(SPIN_UP_HOURS, "h"))
    if kept.size == 0:
        raise DiffmpError(
            f"expected more than {SPIN_UP_HOURS} simulated hours, the first {SPIN_UP_HOURS} being spin-up, found "
            f"{len(times)} in {where}; simulate longer"
        )
    return kept


SOURCE = Source(
    kind="crm",
    expects="the zarr folder that 'diffmp simulate' writes",
    recognise=recognise,
    read=read,
    gap_hours=3.0,
)
