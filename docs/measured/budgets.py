"""Whether columns all over the world close their budgets for twenty days: ``python -m docs.measured.budgets``.

The cells are drawn from a grid, as many from each region of :data:`diffmp_core.crm.climate.REGIONS`; every hour of
every column counts, spin-up too.
"""

from __future__ import annotations

import datetime
import time
from functools import partial
from typing import Annotated, NamedTuple

import numpy as np
import typer
import xarray as xr

from diffmp_core.crm.budgets import advance_and_balance
from diffmp_core.crm.cell import make_cell
from diffmp_core.crm.climate import REGIONS
from diffmp_core.crm.icosahedral import icosahedral_grid
from diffmp_core.crm.surface_map import is_land
from diffmp_core.crm.workers import available_cores, run_here

from .style import markdown


class Worst(NamedTuple):
    """The worst of all hours of one column: mm/h, W/m2, kg/kg; and its mean rain, mm/day."""

    region: str
    water: float
    energy: float
    least_water: float
    rain: float


def choose_cells(grid: str, count: int, *, seed: int) -> list[tuple[str, int, float, float]]:
    """Region, number, latitude and longitude of cells of a grid, the regions in turn, drawn at random."""
    mesh = icosahedral_grid(grid)
    places = xr.Dataset({"lat": ("cell", mesh.lat), "land_fraction": ("cell", is_land(mesh.lat, mesh.lon) * 1.0)})
    generator = np.random.default_rng(seed)
    orders = {name: generator.permutation(np.flatnonzero(r.mask(places))).tolist() for name, r in REGIONS.items()}
    chosen: list[tuple[str, int, float, float]] = []
    while len(chosen) < count and any(orders.values()):
        for name, order in orders.items():
            if order and len(chosen) < count:
                cell = order.pop()
                chosen.append((name, cell, float(mesh.lat[cell]), float(mesh.lon[cell])))
    return chosen


def worst_hours(place: tuple[str, int, float, float], *, hours: int, start: datetime.date, seed: int) -> Worst:
    """Run one column through all hours and keep the worst of each figure."""
    region, index, lat, lon = place
    cell = make_cell(lat, lon, index, seed=seed, start=start)
    balances = np.array([advance_and_balance(cell) for _ in range(hours)])
    water, energy, least, rain = balances.T
    return Worst(region, np.abs(water).max(), np.abs(energy).max(), least.min(), 24 * rain.mean())


def main(
    cells: Annotated[int, typer.Option(min=1, help="Columns, spread over the regions.")] = 16,
    hours: Annotated[int, typer.Option(min=1, help="Simulated hours.")] = 480,
    grid: Annotated[str, typer.Option(help="Grid whose cells are drawn.")] = "G5",
    start: Annotated[str, typer.Option(help="Start date, YYYY-MM-DD.")] = "2005-07-10",
    seed: Annotated[int, typer.Option(min=0, help="Of the weather and of the draw.")] = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
) -> None:
    """Print the worst hourly water and energy residual and the least water value, by region and of all."""
    begun, found = time.monotonic(), []
    options = {"hours": hours, "start": datetime.date.fromisoformat(start), "seed": seed}
    tasks = [partial(worst_hours, place, **options) for place in choose_cells(grid, cells, seed=seed)]
    run_here(tasks, min(workers or available_cores(), len(tasks)), found.append)
    rows = []
    for name in (*REGIONS, "all"):
        columns = [worst for worst in found if name in (worst.region, "all")]
        if columns:
            _, water, energy, least, rain = zip(*columns, strict=True)
            rows.append([name, f"{len(columns)}", f"{max(water):.0e}", f"{max(energy):.0e}", f"{min(least):.0e}",
                         f"{np.mean(rain):.1f}"])  # fmt: skip
    header = ["region", "columns", "water, mm/h", "energy, W/m²", "least water, kg/kg", "rain, mm/day"]
    print(markdown(header, rows))
    print(f"{len(found)} columns, {hours} h from {start}, {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    typer.run(main)
