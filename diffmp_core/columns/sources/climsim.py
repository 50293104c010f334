"""Reader of ClimSim low-resolution data: E3SM-MMF, a superparameterised climate model (arXiv:2306.08754).

Two forms are read: the published pairs of files, one ``E3SM-MMF.mli.YYYY-MM-DD-SSSSS.nc`` (state before the physics)
and one ``mlo`` (after) a time step, with ``ClimSim_low-res_grid-info.nc`` beside or above them; and stacks of them,
variables ``in_*`` and ``out_*`` with dims (sample, ncol, lev), that carry the grid themselves.

What the variables mean here, which differs from the paper's:

* ``tend_T_sgs``, ``tend_qv_sgs``: change over one physics step of 1200 s by the whole column physics, radiation
  included, subtracted in float64.
* ``qc``, ``qi``: the state after the physics (with the state before it they would be nearly an input).
* Humidity and condensates are given per mass of moist air; the table of variables says mixing ratio: r = q/(1 - q_v),
  before and after with its own q_v: up to 4 % more in the tendency of q_v in the moistest boundary layers.
* ``SOLIN``: insolation at the top of the model, not at the surface.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cftime
import numpy as np
import xarray as xr

from diffmp_core.columns.dates import date_of
from diffmp_core.columns.levels import (
    choose_levels,
    layer_air_mass,
    nominal_height,
    refuse_disordered,
    share_weights,
)
from diffmp_core.columns.plausibility import POINT_LIMITS, with_checks
from diffmp_core.columns.sources.base import (
    Progress,
    Source,
    assemble,
    clear_small,
    require_dims,
    require_variables,
)
from diffmp_core.columns.sources.classic_netcdf import refuse_truncated
from diffmp_core.columns.units import require_unit
from diffmp_core.constants import REFERENCE_PRESSURE
from diffmp_core.errors import DiffmpError
from diffmp_core.storage.coordinates import check_coordinate, check_times
from diffmp_core.storage.unreadable_data import unreadable_data
from diffmp_core.stores import real_path

TIME_STEP = 1200.0
"""Physics time step of E3SM-MMF in ClimSim [s]."""

SPACING_KM = 1280
"""About the distance between neighbouring columns of grid ne4pg2 (11.5 degrees) [km]."""

MODEL_LEVELS = 60
TOP_LEVEL = 15
"""Uppermost model level (0 is the model top) with a mean height below 20 km: 51 hPa."""

CALENDAR = "noleap"
"""Of E3SM."""

GRID_INFO = "ClimSim_low-res_grid-info.nc"

_BEFORE = {
    "state_t": "K",
    "state_q0001": "kg kg-1",
    "state_ps": "Pa",
    "pbuf_SOLIN": "W m-2",
    "pbuf_LHFLX": "W m-2",
    "pbuf_SHFLX": "W m-2",
    "cam_in_LANDFRAC": "1",
}
_AFTER = {"state_t": "K", "state_q0001": "kg kg-1", "state_q0002": "kg kg-1", "state_q0003": "kg kg-1"}
_GRID = ("lat", "lon", "area", "hyam", "hybm", "hyai", "hybi")
_HELD_AS = {  # what each state is held against
    "state_t": "T",
    "state_q0001": "qv",
    "state_q0002": "qc",
    "state_q0003": "qi",
    "state_ps": "Ps",
    "pbuf_SOLIN": "SOLIN",
    "pbuf_LHFLX": "LHF",
    "pbuf_SHFLX": "SHF",
}
_PAIR = re.compile(r"E3SM-MMF\.mli\.(\d{4})-(\d{2})-(\d{2})-(\d{5})\.nc$")


def kept_levels() -> np.ndarray:
    """Model levels that are kept, surface first: 59, 58 ... 45, 43, 41 ... 15."""
    return MODEL_LEVELS - 1 - choose_levels(MODEL_LEVELS - TOP_LEVEL)


def recognise(path: Path) -> bool:
    """Whether the path is a stacked file, an ``mli`` file, or a folder that holds some."""
    if path.is_dir():
        return next(_input_files(path), None) is not None
    if _PAIR.search(path.name):
        return True
    try:
        with xr.open_dataset(path, decode_times=False, engine="netcdf4") as dataset:
            return "in_state_t" in dataset.variables or "out_state_t" in dataset.variables
    except (OSError, ValueError):
        return False


def read(path: Path, *, spacing_km: int, progress: Progress | None = None) -> xr.Dataset:
    """Open ClimSim columns lazily as a column store without ``split``.

    Args:
        path: stacked file, ``mli`` file, or folder of file pairs (subfolders are searched).
        spacing_km: not used: the data have one grid, whose spacing is recorded instead.
        progress: told how many file pairs have been opened.

    Raises:
        DiffmpError: a missing file, variable or unit, another grid, levels upside down.
    """
    pairs = path.is_dir() or _PAIR.search(path.name)
    before, after, grid = _open_pairs(path, progress) if pairs else _open_stack(path)
    _check_levels(grid, path.name)
    kept = kept_levels()
    before, after = (
        with_checks(
            state.rename(lev="level").isel(level=kept), _HELD_AS, f"{path.name}, {when} the step", limits=POINT_LIMITS
        )
        for state, when in ((before, "before"), (after, "after"))
    )

    def profile(state: xr.Dataset, name: str) -> xr.DataArray:
        return state[name].astype(np.float64)

    humidity_before = profile(before, "state_q0001")
    humidity_after = profile(after, "state_q0001")
    ratio_before = humidity_before / (1.0 - humidity_before)
    ratio_after = humidity_after / (1.0 - humidity_after)
    fields = {
        "T": profile(before, "state_t"),
        "qv": ratio_before,
        "Ps": before["state_ps"],
        "SHF": before["pbuf_SHFLX"],
        "LHF": before["pbuf_LHFLX"],
        "SOLIN": before["pbuf_SOLIN"],
        "tend_T_sgs": (profile(after, "state_t") - profile(before, "state_t")) / TIME_STEP,
        "tend_qv_sgs": (ratio_after - ratio_before) / TIME_STEP,
        "qc": clear_small(profile(after, "state_q0002") / (1.0 - humidity_after)),
        "qi": clear_small(profile(after, "state_q0003") / (1.0 - humidity_after)),
    }
    pressure = REFERENCE_PRESSURE * (grid["hyam"].values + grid["hybm"].values)[kept]
    surface_pressure = before["state_ps"].astype(np.float64).mean("time").values
    return assemble(
        fields,
        where=path.name,
        lat=grid["lat"].values,
        lon=grid["lon"].values,
        area=grid["area"].values * 4.0 * np.pi / np.nansum(np.abs(grid["area"].values)),
        land_fraction=before["cam_in_LANDFRAC"].isel(time=0).values,
        height=nominal_height(pressure),
        pressure=pressure,
        layer_mass=_layer_mass(grid, surface_pressure),
        attrs={
            "title": "ClimSim low resolution, E3SM-MMF",
            "source": "climsim: E3SM-MMF, superparameterised climate model, grid ne4pg2, 384 columns, real geography",
            "spacing_km": SPACING_KM,
            "license": "CC-BY-4.0 (data set LEAP/ClimSim_low-res)",
            "references": "Yu et al. (2023), arXiv:2306.08754; doi:10.57967/hf/0740",
        },
        comments={
            "qv": "before the physics step; from specific humidity q as q/(1-q)",
            "SOLIN": "insolation at the top of the model, not at the surface",
            "tend_T_sgs": "whole column physics of E3SM-MMF, radiation included, over one step of 1200 s",
            "tend_qv_sgs": "whole column physics of E3SM-MMF over one step of 1200 s",
            "qc": "after the physics step; per mass of dry air; below 1e-12 set to 0",
            "qi": "after the physics step; per mass of dry air; below 1e-12 set to 0",
        },
    )


def _layer_mass(grid: xr.Dataset, surface_pressure: np.ndarray) -> np.ndarray:
    """Mass dp/g [kg m-2] ``(cell, level)`` with the surface pressure's mean over the times of the store."""
    interfaces = REFERENCE_PRESSURE * grid["hyai"].values + surface_pressure[:, None] * grid["hybi"].values
    mass = layer_air_mass(interfaces[:, ::-1])[:, : MODEL_LEVELS - TOP_LEVEL]
    nominal = (grid["hyam"].values + grid["hybm"].values)[::-1][: MODEL_LEVELS - TOP_LEVEL]
    return mass @ share_weights(nominal, choose_levels(MODEL_LEVELS - TOP_LEVEL))


def _check_levels(grid: xr.Dataset, where: str) -> None:
    if grid.sizes.get("lev") != MODEL_LEVELS or grid.sizes.get("ilev") != MODEL_LEVELS + 1:
        found = grid.sizes.get("lev")
        raise DiffmpError(f"expected {MODEL_LEVELS} levels in {where}, found {found}; name a ClimSim file")
    for name in ("lat", "lon"):
        require_unit(grid[name], "degree", where)
    nominal, interfaces = grid["hyam"].values + grid["hybm"].values, grid["hyai"].values + grid["hybi"].values
    for coefficients in (nominal, interfaces):
        check_coordinate("nominal pressure of hybrid levels", coefficients, where)
    reference = float(grid["P0"]) if "P0" in grid else REFERENCE_PRESSURE
    if reference != REFERENCE_PRESSURE:
        raise DiffmpError(
            f"expected hybrid coefficients of a reference pressure P0 of {REFERENCE_PRESSURE:g} Pa in {where}, found "
            f"{reference:g}; name a ClimSim file"
        )
    refuse_disordered(interfaces, "hybrid coefficients hyai + hybi", where)
    refuse_disordered(nominal, "hybrid coefficients hyam + hybm", where)
    if nominal[0] > nominal[-1]:
        raise DiffmpError(f"expected level 0 at the model top in {where}, found it upside down; flip dimension 'lev'")


def _open_stack(path: Path) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """States before and after the physics, and the grid, of a stacked file."""
    with xr.open_dataset(path, decode_times=False, engine="netcdf4") as header:
        require_variables(header, [f"in_{name}" for name in _BEFORE], path.name)
        require_variables(header, [f"out_{name}" for name in _AFTER], path.name)
        require_variables(header, [*_GRID, "ymd", "tod"], path.name)
        dates, seconds = header["ymd"].values, header["tod"].values
    raw = xr.open_dataset(path, decode_times=False, engine="netcdf4", chunks={})
    times = [date_of(date, second, CALENDAR, path.name) for date, second in zip(dates, seconds, strict=True)]
    before = xr.Dataset({name: raw[f"in_{name}"] for name in _BEFORE})
    after = xr.Dataset({name: raw[f"out_{name}"] for name in _AFTER})
    return _stacked(before, _BEFORE, times, path.name), _stacked(after, _AFTER, times, path.name), _grid_of(raw)


def _grid_of(raw: xr.Dataset) -> xr.Dataset:
    return raw[[*_GRID, *({"P0"} & set(raw.variables))]]


def _input_files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in path.rglob("E3SM-MMF.mli.*.nc") if _PAIR.search(file.name))
    elif _PAIR.search(path.name):
        yield path


def _open_pairs(path: Path, progress: Progress | None) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """States before and after the physics, and the grid, of published files."""
    files = sorted(_input_files(path), key=lambda file: file.name)
    partners = [file.with_name(file.name.replace(".mli.", ".mlo.")) for file in files]
    lonely = [file.name for file, partner in zip(files, partners, strict=True) if not partner.is_file()]
    if lonely:
        raise DiffmpError(
            f"expected an 'mlo' file beside every 'mli' file in {path.name}, found none for {len(lonely)} of "
            f"{len(files)} (first: {lonely[0]}); fetch them or remove their partners"
        )
    times = [
        date_of(int(match[1] + match[2] + match[3]), int(match[4]), CALENDAR, file.name)
        for file in files
        if (match := _PAIR.search(file.name))
    ]
    states = []
    for number, (variables, names) in enumerate(((_BEFORE, files), (_AFTER, partners))):
        steps = []
        for done, file in enumerate(names):
            step = _open_step(file, list(variables))
            steps.append(step)
            if progress is not None:
                progress(number * len(files) + done + 1, 2 * len(files), "opening files")
        state = xr.concat(steps, dim="sample", coords="minimal", compat="override", join="override")
        states.append(_stacked(state, variables, times, path.name))
    return states[0], states[1], _open_grid(files[0].parent)


def _open_step(file: Path, names: list[str]) -> xr.Dataset:
    refuse_truncated(file)
    try:
        step = xr.open_dataset(file, decode_times=False, engine="netcdf4", chunks={})
    except (OSError, ValueError) as error:
        raise unreadable_data(file, error) from error
    require_variables(step, names, file.name)
    return step[names].drop_vars(["lev", "ncol"], errors="ignore")


def _open_grid(folder: Path) -> xr.Dataset:
    """The grid information file, in the folder of the pairs or one of the three above it."""
    for place in (folder, *real_path(folder).parents[:3]):
        if (place / GRID_INFO).is_file():
            refuse_truncated(place / GRID_INFO)
            with xr.open_dataset(place / GRID_INFO, decode_times=False, engine="netcdf4") as grid:
                require_variables(grid, _GRID, GRID_INFO)
                return _grid_of(grid).load()
    raise DiffmpError(
        f"expected {GRID_INFO} (latitudes, longitudes, areas, hybrid coefficients) in {folder.name} or above it, found "
        "none; fetch it from the data set LEAP/ClimSim_low-res and put it beside the files"
    )


def _stacked(state: xr.Dataset, units: dict[str, str], times: list[cftime.datetime], where: str) -> xr.Dataset:
    """Check units and dims, name the dims as the contract does and sort by time."""
    for name, unit in units.items():
        require_unit(state[name], unit, where)
        profile = ("lev",) if name.startswith(("state_t", "state_q")) else ()
        require_dims(state[name], ("sample", "ncol", *profile), where)
    dates = np.array(times, dtype=object)
    check_times(np.sort(dates), where)
    state = state.rename(sample="time", ncol="cell").assign_coords(time=dates)
    return state.isel(time=np.argsort(dates, kind="stable"))


SOURCE = Source(
    name="climsim",
    expects="a stacked ClimSim file or a folder of E3SM-MMF.mli and mlo files",
    recognise=recognise,
    read=read,
    gap_hours=24.0,
)
