"""Cost of the column simulator: CPU-ns per grid point and step, in total and by part, beside the machine's limits.

Two references are measured on the same machine, in the same run, so that ratios compare between machines: a
multiply-add over arrays of one column's size, and the most arithmetic that one core does on numbers that stay in its
registers. The share of the latter is that of the operations of a step, counted by :mod:`operations`; a column and its
scratch space lie in the second-level cache, so memory sets no limit. With --growth: CPU time per cell and hour of whole
runs of ``simulate`` into a store, from 162 to 10,242 cells, some minutes.

Run: python benchmarks/simulator.py [--spin-up 20] [--growth] [--hours 1] [--grids G2,G3,G4,G5]
"""

import datetime
import resource
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numba import njit
from operations import count_operations

from diffmp_core.crm.advection import advect_momentum, advect_scalars, mass_fluxes
from diffmp_core.crm.cell import advance, make_cell
from diffmp_core.crm.column import QS, S, U, W
from diffmp_core.crm.compiled import compiled
from diffmp_core.crm.dynamics import accelerate, courant_number, filter_x, run, sponge, step
from diffmp_core.crm.icosahedral import icosahedral_grid
from diffmp_core.crm.large_scale import cloud_top_cooling, large_scale
from diffmp_core.crm.microphysics import microphysics
from diffmp_core.crm.pressure import project
from diffmp_core.crm.sedimentation import sedimentation
from diffmp_core.crm.simulate import simulate
from diffmp_core.crm.surface import surface_exchange
from diffmp_core.crm.turbulence import mix
from diffmp_core.crm.vertical_grid import NX, NZ, TIME_STEP

POINTS = NX * NZ
SITES = {
    "tropical sea": (0.0, 160.0),
    "trade-wind sea": (20.0, -150.0),
    "midlatitude sea": (-55.0, 30.0),
    "tropical land": (0.0, 22.0),
}
TARGET = 100.0  # ns
CALLS = 300
LINEAR = 0.10  # largest departure of the cost of a cell from that on the smallest grid
POWERS = 16  # multiply-adds of each number in the arithmetic reference


@compiled
def multiply_add(a, b, c, repeats):
    """c = a * b + c, the reference: one multiply-add per element."""
    for _ in range(repeats):
        for i in range(a.size):
            c[i] = a[i] * b[i] + c[i]


@njit(error_model="numpy", fastmath={"contract"})
def polynomial(c, a, b, repeats):
    """The arithmetic reference: POWERS multiply-adds of each element in a row, fused where the processor can."""
    for _ in range(repeats):
        for i in range(c.size):
            x = c[i]
            for _ in range(POWERS):
                x = x * a + b
            c[i] = x


def cpu_ns(function, repeats):
    """CPU time of one call, ns: the least of five measurements."""
    best = np.inf
    for _ in range(5):
        begun = time.process_time_ns()
        for _ in range(repeats):
            function()
        best = min(best, (time.process_time_ns() - begun) / repeats)
    return best


def spun_up(lat, lon, hours):
    """A column after some hours, with all that a step needs."""
    cell = make_cell(lat, lon, 0, seed=0, start=datetime.date(2005, 4, 1))
    for _ in range(hours):
        advance(cell)
    return cell.state, cell.surface, cell.base, cell.forcing(), cell.work, cell.budget


@compiled
def repeat(part, times, state, surface, base, forcing, work, budget):
    """Call one part of the step so many times from compiled code, with a tiny time step that leaves the state."""
    u, w, dt = state[U], state[W], 1e-6
    for _ in range(times):
        if part == 0:
            courant_number(u, w, base, dt)
        elif part == 1:
            mass_fluxes(u, w, base, dt, work.flux_x, work.flux_z)
        elif part == 2:
            large_scale(state, base, forcing, dt, work, budget)
        elif part == 3:
            cloud_top_cooling(state, base, dt, work, budget)
        elif part == 4:
            surface_exchange(state, surface, base, forcing, dt, work, budget)
        elif part == 5:
            mix(state, surface, base, forcing, dt, work)
        elif part == 6:
            advect_scalars(state, S, QS + 1, base, True, work)
        elif part == 7:
            advect_momentum(u, w, base, True, work)
        elif part == 8:
            microphysics(state, base, dt, work.rows.reshape(-1))
        elif part == 9:
            sedimentation(state, surface, base, dt, work, budget)
        elif part == 10:
            accelerate(state, base, dt, work)
        elif part == 11:
            filter_x(u, NZ, 1e-9, work)
            filter_x(w, NZ, 1e-9, work)
        elif part == 12:
            sponge(u, w, base, dt)
        elif part == 13:
            project(u, w, base, work)


PARTS = (
    "Courant number",
    "mass fluxes",
    "large scale",
    "cloud-top longwave",
    "surface",
    "turbulence",
    "scalar advection (6)",
    "momentum advection (2)",
    "microphysics",
    "sedimentation",
    "buoyancy",
    "filter",
    "sponge",
    "pressure projection",
)


def measure_step(spin_up: int) -> None:
    """Print the cost of a step by part at four sites, and its share of the limits."""
    a, b, c = np.random.default_rng(0).uniform(0, 1e-3, (3, POINTS))
    multiply_add(a, b, c, 1)
    reference = cpu_ns(lambda: multiply_add(a, b, c, 1000), 20) / 1000 / POINTS
    print(f"reference: multiply-add of {POINTS} float64 in cache, {reference:.3f} ns per element")
    polynomial(c, 0.5, 0.25, 1)
    operation = cpu_ns(lambda: polynomial(c, 0.5, 0.25, 1000), 5) / 1000 / POINTS / (2 * POWERS)
    print(f"limit: {1 / operation:.1f} float64 operations per ns in registers, one core")
    totals, tables, operations = {}, {}, {}
    for name, site in SITES.items():
        setup = spun_up(*site, spin_up)
        totals[name] = (
            cpu_ns(lambda s=setup: run(s[0], s[1], s[2], s[3], TIME_STEP, 120, 0, s[4], s[5]), 2) / 120 / POINTS
        )
        operations[name] = count_operations(*setup, TIME_STEP) / POINTS
        step(*setup[:4], TIME_STEP, True, False, *setup[4:])
        repeat(-1, 1, *setup)
        tables[name] = {
            part: cpu_ns(lambda s=setup, n=n: repeat(n, CALLS, *s), 1) / CALLS / POINTS for n, part in enumerate(PARTS)
        }
    size = sum(array.nbytes for array in (setup[0], setup[1], *setup[4])) / 1e3
    print(f"a column and its scratch space: {size:.0f} kB")
    print(f"{'ns per grid point and step':28s}" + "".join(f"{name:>17s}" for name in SITES))
    for part in PARTS:
        print(f"{part:28s}" + "".join(f"{tables[name][part]:17.1f}" for name in SITES))
    print(f"{'whole step':28s}" + "".join(f"{totals[name]:17.1f}" for name in SITES))
    print(f"{'ratio to the reference':28s}" + "".join(f"{totals[name] / reference:17.0f}" for name in SITES))
    print(f"{'operations':28s}" + "".join(f"{operations[name]:17.0f}" for name in SITES))
    shares = {name: 100 * operations[name] * operation / totals[name] for name in SITES}
    print(f"{'share of the limit, %':28s}" + "".join(f"{shares[name]:17.1f}" for name in SITES))
    mean = float(np.mean(list(totals.values())))
    print(f"mean of the sites {mean:.0f} ns, target {TARGET:.0f} ns: {'met' if mean <= TARGET else 'MISSED'}")


def measure_growth(grids: list[str], hours: int) -> None:
    """Print CPU time per cell and hour of whole runs on some grids, beside the first of them, and peak memory."""
    costs = []
    with tempfile.TemporaryDirectory() as folder:
        simulate(Path(folder) / "warm.zarr", grid="G0", hours=1, workers=1)
        print(f"{'grid':6s}{'cells':>8s}{'CPU-s':>9s}{'CPU-ms per cell and hour':>27s}{'ratio':>8s}{'peak MB':>9s}")
        for grid in grids:
            cells, begun = icosahedral_grid(grid).lat.size, time.process_time()
            simulate(Path(folder) / f"{grid}.zarr", grid=grid, hours=hours, workers=1)
            seconds = time.process_time() - begun
            costs.append(1e3 * seconds / (cells * hours))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
            print(
                f"{grid:6s}{cells:8d}{seconds:9.1f}{costs[-1]:27.2f}{costs[-1] / costs[0]:8.3f}{peak:9.0f}", flush=True
            )
    worst = max(abs(cost / costs[0] - 1) for cost in costs)
    print(f"linear within {100 * worst:.0f} %, target {100 * LINEAR:.0f} %: {'met' if worst <= LINEAR else 'MISSED'}")


def main(
    spin_up: Annotated[int, typer.Option(help="Hours that the columns have run before a step is measured.")] = 20,
    growth: Annotated[bool, typer.Option(help="Measure whole runs on growing grids instead.")] = False,
    hours: Annotated[int, typer.Option(help="Length of these runs.")] = 1,
    grids: Annotated[str, typer.Option(help="Their grids.")] = "G2,G3,G4,G5",
) -> None:
    """Measure the cost of a step, or with --growth that of whole runs."""
    if growth:
        measure_growth(grids.split(","), hours)
    else:
        measure_step(spin_up)


if __name__ == "__main__":
    typer.run(main)
