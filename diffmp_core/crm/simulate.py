"""Run the columns of a global grid on all cores or a cluster into one zarr store that can be killed and resumed."""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from diffmp_core.crm import output_store
from diffmp_core.crm.chunk import SOURCES, simulate_chunk
from diffmp_core.crm.icosahedral import IcosahedralGrid, grid_level, icosahedral_grid
from diffmp_core.crm.sea_table import read_sea_table
from diffmp_core.crm.surface_map import is_land
from diffmp_core.crm.vertical_grid import N_LEVELS, NX, TIME_STEP
from diffmp_core.crm.workers import available_cores, run_here, run_on_cluster
from diffmp_core.errors import DiffmpError
from diffmp_core.storage.files import disk_errors
from diffmp_core.storage.lock import hold

SCHEME_VERSION = 4  # raise it when the same seed gives other numbers
Progress = Callable[[int, int, float], None]
log = logging.getLogger(__name__)


def check_configuration(grid: str, hours: int, start: str, seed: int, sea_table: Path | None = None) -> dict:
    """Configuration of a run from the options, or a DiffmpError that names the wrong one."""
    grid_level(grid)
    if hours < 1:
        raise DiffmpError(f"expected at least 1 hour, found {hours} (hours); give a positive number.")
    if seed < 0:
        raise DiffmpError(f"expected a seed of 0 or more, found {seed} (seed); give a non-negative number.")
    try:
        day = datetime.date.fromisoformat(start).isoformat()
    except ValueError as error:
        raise DiffmpError(f"expected a date YYYY-MM-DD, found {start!r} (start); write it so.") from error
    return {
        "grid": grid,
        "hours": int(hours),
        "start": day,
        "seed": int(seed),
        "scheme": SCHEME_VERSION,
        "time_step_s": TIME_STEP,
        "points": NX,
        "levels": N_LEVELS,
        **({} if sea_table is None else {"sea_table": read_sea_table(Path(sea_table)).model_dump(mode="json")}),
    }


def open_or_create(out: Path, mesh: IcosahedralGrid, configuration: dict) -> None:
    """Make the store of a run, or clean the one that a killed run of the same configuration and land left behind.

    Raises:
        DiffmpError: something else is there, or it cannot be written.
    """
    with disk_errors(out):
        exists = out.exists()
    land = is_land(mesh.lat, mesh.lon).astype(float)
    if not exists:
        output_store.create(out, mesh, land, configuration)
        return
    found = output_store.stored_configuration(out)
    differing = sorted(key for key in configuration.keys() | found.keys() if found.get(key) != configuration.get(key))
    if differing:
        what = ", ".join("another sea_table" if key == "sea_table" else f"{key} {found.get(key)}" for key in differing)
        raise DiffmpError(
            f"expected a store of this run, found one of another ({out}: {what}); "
            "choose another name or the same options."
        )
    if not np.array_equal(output_store.stored_land(out), land):
        raise DiffmpError(
            f"expected a store of this run, found one with other land ({out}); choose another name or the simulator "
            "that began it."
        )
    if not output_store.is_complete(out):
        output_store.sweep(out)


def simulate(
    out: Path,
    *,
    grid: str = "G3",
    hours: int = 48,
    start: str = "2005-04-01",
    seed: int = 0,
    sea_table: Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Simulate the columns of a grid "G0".."G6" for some hours from 00 UTC of the start date into a zarr store.

    A run that was killed goes on where it stopped; the bytes depend on grid, hours, start, seed and sea table alone.
    sea_table: CSV file of monthly sea temperatures (:mod:`.sea_table`), those of the idealised climate if None.
    workers: processes, all cores if None. scheduler: address of a dask.distributed scheduler whose workers run the
    cells instead; they must see the same folder. progress: called as progress(done_cells, total_cells, elapsed_s),
    first with the cells that an earlier run has done.

    Raises:
        DiffmpError: out holds something else, is being written by another run, cannot be written or is not seen by
            a worker; a column blows up; the cluster does not answer or is lost.
    """
    if workers is not None and scheduler is not None:
        raise DiffmpError(
            "expected either a number of worker processes or a scheduler, found both (workers, scheduler); "
            "start the cluster with as many workers as wanted."
        )
    out, begun = Path(out).absolute(), time.monotonic()
    configuration = check_configuration(grid, hours, start, seed, sea_table)
    mesh = icosahedral_grid(grid)
    cells = mesh.lat.size
    with hold(out) as token:
        open_or_create(out, mesh, configuration)
        missing = output_store.missing_chunks(out)
        done = cells - sum(last - first for first, last in missing)

        def report(count: int) -> None:
            nonlocal done
            done += count
            if progress is not None:
                progress(done, cells, time.monotonic() - begun)

        report(0)
        if not missing:
            log.warning("%s is already complete; nothing to do.", out)
            return out
        tasks = [
            partial(
                simulate_chunk,
                out,
                first,
                mesh.lat[first:last],
                mesh.lon[first:last],
                configuration=configuration,
                token=token,
                sources=SOURCES,
            )
            for first, last in missing
        ]
        if scheduler is not None:
            run_on_cluster(tasks, scheduler, report)
        else:
            run_here(tasks, min(workers or available_cores(), len(tasks)), report)
        output_store.sweep(out)  # a worker may have been killed while it wrote
    return out
