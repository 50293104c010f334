"""Cost of the column simulator: CPU-ns per grid point and step, in total and by part, beside a reference.

The reference is a multiply-add over an array of one column's size on the same machine, in the same run, so that the
ratio compares between machines. Run: python benchmarks/simulator.py [hours of spin-up, default 20]
"""

import datetime
import sys
import time

import numpy as np

from diffmp_core.crm.advection import advect_momentum, advect_scalars, mass_fluxes
from diffmp_core.crm.cell import advance, make_cell
from diffmp_core.crm.column import QS, S, U, W
from diffmp_core.crm.compiled import compiled
from diffmp_core.crm.dynamics import accelerate, courant_number, filter_x, run, sponge, step
from diffmp_core.crm.large_scale import cloud_top_cooling, large_scale
from diffmp_core.crm.microphysics import microphysics
from diffmp_core.crm.pressure import project
from diffmp_core.crm.sedimentation import sedimentation
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


@compiled
def multiply_add(a, b, c, repeats):
    """c = a * b + c, the reference: one multiply-add per element."""
    for _ in range(repeats):
        for i in range(a.size):
            c[i] = a[i] * b[i] + c[i]


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


def main():
    hours = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    generator = np.random.default_rng(0)
    a, b, c = generator.uniform(0, 1e-3, (3, POINTS))
    multiply_add(a, b, c, 1)
    reference = cpu_ns(lambda: multiply_add(a, b, c, 1000), 20) / 1000 / POINTS
    print(f"reference: multiply-add of {POINTS} float64 in cache, {reference:.3f} ns per element")
    totals, tables = {}, {}
    for name, site in SITES.items():
        setup = spun_up(*site, hours)
        totals[name] = (
            cpu_ns(lambda s=setup: run(s[0], s[1], s[2], s[3], TIME_STEP, 120, 0, s[4], s[5]), 2) / 120 / POINTS
        )
        step(*setup[:4], TIME_STEP, True, False, *setup[4:])
        repeat(-1, 1, *setup)
        tables[name] = {
            part: cpu_ns(lambda s=setup, n=n: repeat(n, CALLS, *s), 1) / CALLS / POINTS for n, part in enumerate(PARTS)
        }
    print(f"{'ns per grid point and step':28s}" + "".join(f"{name:>17s}" for name in SITES))
    for part in PARTS:
        print(f"{part:28s}" + "".join(f"{tables[name][part]:17.1f}" for name in SITES))
    print(f"{'whole step':28s}" + "".join(f"{totals[name]:17.1f}" for name in SITES))
    print(f"{'ratio to the reference':28s}" + "".join(f"{totals[name] / reference:17.0f}" for name in SITES))
    mean = float(np.mean(list(totals.values())))
    print(f"mean of the sites {mean:.0f} ns, target {TARGET:.0f} ns: {'met' if mean <= TARGET else 'MISSED'}")


if __name__ == "__main__":
    main()
