"""Reader of ClimSim low-resolution data: E3SM-MMF, a superparameterised climate model (arXiv:2306.08754).

Two forms are read: the published pairs of files, one ``E3SM-MMF.mli.YYYY-MM-DD-SSSSS.nc`` (state before the physics)
and one ``mlo`` (after) a time step, with ``ClimSim_low-res_grid-info.nc`` beside or above them; and stacks of them,
variables ``in_*`` and ``out_*`` with dims (sample, ncol, lev), that carry the grid themselves.

What the variables mean here, which differs from the paper's:

* ``tend_T_sgs``, ``tend_qv_sgs``, ``tend_q_sgs``: change over one physics step of 1200 s by the whole column physics,
  radiation included, subtracted in float64.
* ``qc``, ``qi``: as outputs the state after the physics, as inputs the state before it.
* Humidity and condensates are given per mass of moist air; where the variables say mixing ratio it is r = q/(1 - q_v),
  before and after with its own q_v: up to 4 % more in the tendency of q_v in the moistest boundary layers. ``q`` and
  ``tend_q_sgs`` are per mass of moist air, as ClimSim's own benchmark has them.
* ``SOLIN``: insolation at the top of the model, not at the surface.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import cftime
import numpy as np
import xarray as xr

from diffmp_core.columns.choice import ALL, PAPER_COLUMNS, ColumnChoice
from diffmp_core.columns.dates import date_of
from diffmp_core.columns.derived import needed
from diffmp_core.columns.levels import (
    Levels,
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
    require_dims,
    require_variables,
)
from diffmp_core.columns.sources.classic_netcdf import refuse_truncated
from diffmp_core.columns.sources.climsim_variables import (
    INPUTS,
    OUTPUTS,
    given_after,
    given_before,
    raw_variables,
    recipes,
)
from diffmp_core.columns.units import require_unit
from diffmp_core.constants import REFERENCE_PRESSURE
from diffmp_core.errors import DiffmpError
from diffmp_core.storage.coordinates import check_coordinate, check_times
from diffmp_core.storage.unreadable_data import unreadable_data
from diffmp_core.stores import real_path
from diffmp_core.variables import PAPER_LEVELS, Variable

SPACING_KM = 1280
"""About the distance between neighbouring columns of grid ne4pg2 (11.5 degrees) [km]."""

MODEL_LEVELS = 60
TOP_LEVEL = 15
"""Uppermost model level (0 is the model top) with a mean height below 20 km: 51 hPa."""

CALENDAR = "noleap"
"""Of E3SM."""

GRID_INFO = "ClimSim_low-res_grid-info.nc"

_GRID = ("lat", "lon", "area", "hyam", "hybm", "hyai", "hybi")
_FOR_PLACES = ("state_ps", "cam_in_LANDFRAC")
"""Variables before the step that layer masses and coordinates come from, whatever is chosen."""
_PAIR = re.compile(r"E3SM-MMF\.mli\.(\d{4})-(\d{2})-(\d{2})-(\d{5})\.nc$")


def kept_levels(levels: Levels) -> np.ndarray:
    """Model levels that are kept, surface first; of 30 levels 59, 58 ... 45, 43, 41 ... 15, of all 59 ... 0."""
    return MODEL_LEVELS - 1 - _kept_from_surface(levels)


def _kept_from_surface(levels: Levels) -> np.ndarray:
    return choose_levels(MODEL_LEVELS - TOP_LEVEL, levels) if isinstance(levels, int) else np.arange(MODEL_LEVELS)


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


def read(
    path: Path, *, choice: ColumnChoice = PAPER_COLUMNS, spacing_km: int, progress: Progress | None = None
) -> xr.Dataset:
    """Open ClimSim columns lazily as a column store without ``split``.

    Args:
        path: stacked file, ``mli`` file, or folder of file pairs (subfolders are searched).
        choice: variables and levels. A variable that is not known is looked for under its own name: an input in the
            state before the step (``in_NAME`` of a stack, NAME of an ``mli`` file), an output in that after it.
        spacing_km: not used: the data have one grid, whose spacing is recorded instead.
        progress: told how many file pairs have been opened.

    Raises:
        DiffmpError: a missing file, variable or unit, another grid, levels upside down.
    """
    variables = choice.variables
    inputs = recipes(needed(variables.inputs.names, INPUTS), INPUTS, given_before)
    outputs = recipes(variables.outputs.names, OUTPUTS, given_after)
    every = (*inputs.values(), *outputs.values())
    raw_before = raw_variables((name for recipe in every for name in (*recipe.before, *_FOR_PLACES)), variables.inputs)
    raw_after = raw_variables((name for recipe in every for name in recipe.after), variables.outputs)
    pairs = path.is_dir() or _PAIR.search(path.name)
    before, after, grid = (_open_pairs if pairs else _open_stack)(path, raw_before, raw_after, progress)
    _check_levels(grid, path.name)
    levels = choice.levels or PAPER_LEVELS
    kept = kept_levels(levels)
    land = before["cam_in_LANDFRAC"].isel(time=0).values
    before, after = (
        _on_levels(state, kept, names, f"{path.name}, {when} the step")
        for state, names, when in ((before, raw_before, "before"), (after, raw_after, "after"))
    )
    nominal = (grid["hyam"].values + grid["hybm"].values)[kept]
    pressure = REFERENCE_PRESSURE * nominal
    a, b = (xr.DataArray(grid[name].values[kept], dims="level") for name in ("hyam", "hybm"))
    comments = {variables.stored_input(name): recipe.comment for name, recipe in inputs.items()}
    comments |= {name: recipe.comment for name, recipe in outputs.items()}
    return assemble(
        {name: recipe.make(before, after) for name, recipe in inputs.items()},
        {name: recipe.make(before, after) for name, recipe in outputs.items()},
        variables=variables,
        where=path.name,
        lat=grid["lat"].values,
        lon=grid["lon"].values,
        area=grid["area"].values * 4.0 * np.pi / np.nansum(np.abs(grid["area"].values)),
        land_fraction=land,
        height=nominal_height(pressure),
        pressure=pressure,
        air_pressure=REFERENCE_PRESSURE * a + before["state_ps"] * b,
        layer_mass=_layer_mass(grid, before["state_ps"].mean("time").values, levels),
        attrs={
            "title": "ClimSim low resolution, E3SM-MMF",
            "source": "climsim: E3SM-MMF, superparameterised climate model, grid ne4pg2, 384 columns, real geography",
            "spacing_km": SPACING_KM,
            "license": "CC-BY-4.0 (data set LEAP/ClimSim_low-res)",
            "references": "Yu et al. (2023), arXiv:2306.08754; doi:10.57967/hf/0740",
        },
        comments={name: comment for name, comment in comments.items() if comment},
        whole=levels == ALL,
    )


def _on_levels(state: xr.Dataset, kept: np.ndarray, names: Mapping[str, Variable], where: str) -> xr.Dataset:
    """Levels that are kept, surface first, in float64, each block checked against limits when it is read."""
    held = {raw: variable.name for raw, variable in names.items()}
    chosen = state.rename(lev="level").isel(level=kept) if "lev" in state.dims else state
    return with_checks(chosen, held, where, limits=POINT_LIMITS).astype(np.float64)


def _layer_mass(grid: xr.Dataset, surface_pressure: np.ndarray, levels: Levels) -> np.ndarray:
    """Mass dp/g [kg m-2] ``(cell, level)`` with the surface pressure's mean over the times of the store."""
    candidates = MODEL_LEVELS if levels == ALL else MODEL_LEVELS - TOP_LEVEL
    interfaces = REFERENCE_PRESSURE * grid["hyai"].values + surface_pressure[:, None] * grid["hybi"].values
    mass = layer_air_mass(interfaces[:, ::-1])[:, :candidates]
    nominal = (grid["hyam"].values + grid["hybm"].values)[::-1][:candidates]
    return mass @ share_weights(nominal, _kept_from_surface(levels))


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


def _open_stack(
    path: Path, before: Mapping[str, Variable], after: Mapping[str, Variable], _: Progress | None
) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """States before and after the physics, and the grid, of a stacked file."""
    with xr.open_dataset(path, decode_times=False, engine="netcdf4") as header:
        require_variables(header, [f"in_{name}" for name in before], path.name)
        require_variables(header, [f"out_{name}" for name in after], path.name)
        require_variables(header, [*_GRID, "ymd", "tod"], path.name)
        dates, seconds = header["ymd"].values, header["tod"].values
    raw = xr.open_dataset(path, decode_times=False, engine="netcdf4", chunks={})
    times = [date_of(date, second, CALENDAR, path.name) for date, second in zip(dates, seconds, strict=True)]

    def state(prefix: str, names: Mapping[str, Variable]) -> xr.Dataset:
        found = xr.Dataset({name: raw[f"{prefix}_{name}"] for name in names})
        return _stacked(found, names, times, path.name)

    return state("in", before), state("out", after), _grid_of(raw)


def _grid_of(raw: xr.Dataset) -> xr.Dataset:
    return raw[[*_GRID, *({"P0"} & set(raw.variables))]]


def _input_files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in path.rglob("E3SM-MMF.mli.*.nc") if _PAIR.search(file.name))
    elif _PAIR.search(path.name):
        yield path


def _open_pairs(
    path: Path, before: Mapping[str, Variable], after: Mapping[str, Variable], progress: Progress | None
) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
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
    for number, (variables, names) in enumerate(((before, files), (after, partners))):
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


def _stacked(state: xr.Dataset, names: Mapping[str, Variable], times: list[cftime.datetime], where: str) -> xr.Dataset:
    """Check units and dims, name the dims as the contract does and sort by time."""
    for name, variable in names.items():
        require_unit(state[name], variable.unit, where)
        require_dims(state[name], ("sample", "ncol", *(("lev",) if variable.profile else ())), where)
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
    inputs=tuple(INPUTS),
    outputs=tuple(OUTPUTS),
)
