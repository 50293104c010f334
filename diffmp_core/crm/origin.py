"""Where a column of a store comes from, and how to be there again: spun up from its seed to its hour."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.constants import GRAVITY, SPECIFIC_HEAT_DRY_AIR
from diffmp_core.crm.answers import refusal, run_attrs
from diffmp_core.crm.cell import Cell, advance, make_cell
from diffmp_core.crm.column import QV, S
from diffmp_core.crm.icosahedral import IcosahedralGrid, icosahedral_grid
from diffmp_core.crm.sea_table import SeaTable
from diffmp_core.crm.surface_map import is_land
from diffmp_core.crm.vertical_grid import N_LEVELS, NZ
from diffmp_core.errors import DiffmpError
from diffmp_core.identity import latest_run

KEPT_CELLS = 64  # spun-up cells that the process keeps, 0.1 MB each
NEAREST = 0.01  # degrees within which a column is a cell of its grid

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A column of a simulator run at a time: all it takes to run it again.

    Attributes:
        lat, lon: degrees, exactly those of the run.
        index: number of the cell in its grid.
        seed: of the run.
        start: day whose 00 UTC the run starts at.
        hour: hours since then.
        sea_table: sea temperatures of the run, None for those of the idealised climate.
    """

    lat: float
    lon: float
    index: int
    seed: int
    start: datetime.date
    hour: int
    sea_table: SeaTable | None = None


def find_origin(columns: xr.Dataset, *, time: int, cell: int) -> Origin:
    """Where a column of a simulator store, or of a column store made from one, comes from.

    Args:
        columns: with the attributes ``grid``, ``start`` and ``seed``, in a column store with ``simulation_`` before;
            ``start`` and ``seed`` are lists where several runs follow each other in time.
        time, cell: indices of the column.

    Raises:
        DiffmpError: columns of another source, of a part of a cell, or not on the grid that they name.
    """
    if refused := refusal(columns):
        raise DiffmpError(refused)
    attrs = run_attrs(columns)
    table = np.atleast_1d(np.asarray(attrs["sea_table"] or ""))
    grid = _grid(str(attrs["grid"]))
    lat, lon = (float(columns[name][cell]) for name in ("lat", "lon"))
    east = (grid.lon - lon + 180.0) % 360.0 - 180.0
    away = np.hypot(grid.lat - lat, east * np.cos(np.radians(lat)))
    index = int(np.argmin(away))
    if away[index] > NEAREST:
        raise DiffmpError(
            f"expected a cell of the grid {attrs['grid']} at {lat:.2f} N {lon:.2f} E, found none nearer than "
            f"{away[index]:.2g} degrees; prepare the run again"
        )
    if "land_fraction" in columns.variables:
        found, land = float(columns["land_fraction"][cell]), float(is_land(grid.lat[[index]], grid.lon[[index]])[0])
        if found != land:
            raise DiffmpError(
                f"expected the land of this simulator at {lat:.2f} N {lon:.2f} E (fraction {land:g}), found {found:g}: "
                "the columns are of another geography, for which it cannot answer"
            )
    moment = columns["time"].values[time]
    starts = [datetime.date.fromisoformat(str(start)) for start in np.atleast_1d(np.asarray(attrs["start"]))]
    run = latest_run(np.asarray(starts), moment)
    sea = str(table[run if table.size > 1 else 0])
    return Origin(
        lat=float(grid.lat[index]),
        lon=float(grid.lon[index]),
        index=index,
        seed=int(np.atleast_1d(np.asarray(attrs["seed"]))[run]),
        start=starts[run],
        hour=round(float((moment - np.datetime64(starts[run])) / np.timedelta64(1, "h"))),
        sea_table=SeaTable.model_validate_json(sea) if sea else None,
    )


@lru_cache(maxsize=2)
def _grid(name: str) -> IcosahedralGrid:
    return icosahedral_grid(name)


@lru_cache(maxsize=KEPT_CELLS)
def spun_up(origin: Origin) -> Cell:
    """The cell at the hour of its origin, bit by bit that of the run. It is kept: copy it before running it on.

    Raises:
        DiffmpError: an hour before the start, or winds that are no longer finite.
    """
    if origin.hour < 0:
        raise DiffmpError(f"expected an hour after the start of the run, found {origin.hour}; choose a later time")
    cell = make_cell(
        origin.lat, origin.lon, origin.index, seed=origin.seed, start=origin.start, sea_table=origin.sea_table
    )
    for _ in range(origin.hour):
        advance(cell)
    return cell


def mean_profiles(cell: Cell) -> tuple[Array, Array]:
    """Means over the points of temperature [K] and vapour [kg kg-1], each (NZ,)."""
    energy = cell.state[S, :NZ].mean(axis=1)
    return (energy - GRAVITY * cell.base.height) / SPECIFIC_HEAT_DRY_AIR, cell.state[QV, :NZ].mean(axis=1)


def departure(origin: Origin, temperature: NDArray) -> float:
    """Largest difference of the spun-up cell from the temperature (level,) that a store has of it, K.

    Below :data:`diffmp_core.crm.answers.SAME_WEATHER` it is the same weather. More means another version of the
    simulator, or a processor that rounds otherwise: then the cell is in other weather of the same climate.
    """
    found, _ = mean_profiles(spun_up(origin))
    return float(np.abs(found[:N_LEVELS] - np.asarray(temperature, dtype=np.float64)).max())
