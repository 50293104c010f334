"""How much of a target is noise: members of one column that differ by weak noise, run on together.

Members drift apart in their coarse state too, so what they differ in is noise given the state at which they parted and
the forcing since: an upper estimate of the noise given the coarse state of the same instant. The share of the coarse
state's own variance that lies within a column says how far they have drifted.
"""

from __future__ import annotations

import datetime
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.constants import SPECIFIC_HEAT_DRY_AIR
from diffmp_core.crm.cell import Cell, advance, make_cell, temperature_noise
from diffmp_core.crm.column import S
from diffmp_core.crm.icosahedral import icosahedral_grid
from diffmp_core.crm.response import MEMBER_NOISE
from diffmp_core.crm.snapshots import empty_snapshots, record, segment_means
from diffmp_core.crm.vertical_grid import N_LEVELS, NZ
from diffmp_core.physics.coarse_grain import subgrid_heating, subgrid_moistening
from diffmp_core.variables import PAPER

COMPARED = (*PAPER.outputs.names, "T", "qv")

Array = NDArray[np.float64]


def member_snapshots(cell: Cell, *, hours: int, members: int, seed: int) -> dict[str, Array]:
    """Run copies of a cell on, with other noise of ``MEMBER_NOISE`` each; the cell itself stays as it is.

    Returns:
        Targets, ``T`` and ``qv`` as (member, hour, level), each an instantaneous mean over the points of the column.
    """
    rows = []
    for member in range(members):
        copy = cell.copy()
        generator = np.random.default_rng([seed, cell.seed, cell.index, member])
        copy.state[S, :NZ] += SPECIFIC_HEAT_DRY_AIR * temperature_noise(generator, copy.base, MEMBER_NOISE)
        snapshots = empty_snapshots(hours)
        for hour in range(hours):
            advance(copy)
            record(snapshots, hour, copy.state, copy.surface, copy.work.tendency, copy.base)
        means = segment_means(snapshots, copy.base)
        means["tend_T_sgs"] = subgrid_heating(means["tend_T_mp"], means["tend_T_flux"])
        means["tend_qv_sgs"] = subgrid_moistening(means["tend_qv_mp"], means["tend_qv_flux"])
        rows.append(means)
    return {name: np.stack([row[name] for row in rows]) for name in COMPARED}


def global_members(
    *,
    grid: str = "G2",
    start: datetime.date,
    spin_up_hours: int = 36,
    hours: int = 6,
    members: int = 8,
    seed: int = 0,
    workers: int | None = None,
) -> xr.Dataset:
    """Members of every column of a grid, each spun up once.

    Args:
        grid: "G0" to "G6".
        start: day whose 00 UTC the columns start at.
        spin_up_hours: run before the members part.
        hours: run by the members.
        members: of each column.
        seed: of the columns and of the members' noise.
        workers: threads, all cores if None; the result is the same for any number.

    Returns:
        Dataset with the dims ``cell, member, hour, level`` (hour 1 to ``hours`` since the members parted), SI.

    Raises:
        DiffmpError: no such grid, or winds that are no longer finite.
    """
    mesh = icosahedral_grid(grid)

    def run(index: int) -> dict[str, Array]:
        cell = make_cell(float(mesh.lat[index]), float(mesh.lon[index]), index, seed=seed, start=start)
        for _ in range(spin_up_hours):
            advance(cell)
        return member_snapshots(cell, hours=hours, members=members, seed=seed) | {"height": cell.base.height[:N_LEVELS]}

    with ThreadPoolExecutor(workers or len(os.sched_getaffinity(0)), thread_name_prefix="noise") as pool:
        results = list(pool.map(run, range(mesh.lat.size)))
    return xr.Dataset(
        {
            name: (("cell", "member", "hour", "level"), np.stack([r[name] for r in results]), PAPER.stored[name].attrs)
            for name in COMPARED
        },
        coords={
            "hour": ("hour", np.arange(1, hours + 1), {"units": "h"}),
            "lat": ("cell", mesh.lat, {"units": "degrees_north"}),
            "lon": ("cell", mesh.lon, {"units": "degrees_east"}),
            "height": ("level", results[0]["height"], {"units": "m", "positive": "up"}),
        },
        attrs={"start": start.isoformat(), "spin_up_hours": spin_up_hours, "grid": grid, "seed": seed},
    )


def variance_within_and_between(members: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Variance within and between the columns of (cell, member, ...), without bias for any number of members.

    One-way analysis of variance with random effects: within = mean over the cells of the members' variance; between =
    variance of the cells' means less within / members, at least 0. The noise share is within / (within + between).

    Returns:
        Both with the dims of ``members`` but ``cell`` and ``member``.
    """
    within = members.var("member", ddof=1).mean("cell")
    between = members.mean("member").var("cell", ddof=1) - within / members.sizes["member"]
    return within, between.clip(min=0.0)
