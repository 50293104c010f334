"""Run the columns of a global grid on all cores into one zarr store that can be killed and resumed."""

from __future__ import annotations

import datetime
import logging
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np

from diffmp_core.crm import output_store
from diffmp_core.crm.column import N_BUDGET, N_SURFACE, SKIN_TEMPERATURE, base_state, initial_state, workspace
from diffmp_core.crm.forcing import hourly_forcing, make_site, mean_wind, surface_pressure_wave
from diffmp_core.crm.icosahedral import grid_level, icosahedral_grid
from diffmp_core.crm.snapshots import (
    SEGMENT_POINTS,
    empty_snapshots,
    record,
    segment_means,
    segment_table,
    surface_pressure,
    take_segment,
)
from diffmp_core.crm.surface_map import is_land
from diffmp_core.crm.vertical_grid import N_LEVELS, NX, NZ, TIME_STEP
from diffmp_core.crm.waves import draw_waves
from diffmp_core.errors import DiffmpError

SCHEME_VERSION = 2  # raise it when the same seed gives other numbers
SECONDS_PER_HOUR = 3600
NOISE_AMPLITUDE, NOISE_DEPTH = 0.2, 2000.0  # K, m
Progress = Callable[[int, int, float], None]
log = logging.getLogger(__name__)


def simulate_cell(lat: float, lon: float, cell: int, configuration: dict) -> tuple[dict, dict]:
    """Run one column; returns group -> variable -> (time[, level]) and the column's own coordinates."""
    from diffmp_core.crm.dynamics import run  # compiled code, loaded where it runs

    hours, seed = configuration["hours"], configuration["seed"]
    start = datetime.date.fromisoformat(configuration["start"])
    day = start.timetuple().tm_yday
    site = make_site(lat, lon, day)
    base = base_state(site.temperature, site.surface_pressure)
    generator = np.random.default_rng([seed, cell])
    noise = NOISE_AMPLITUDE * generator.standard_normal((NZ, NX)) * (base.height < NOISE_DEPTH)[:, None]
    first = {name: generator.integers(0, NX, hours) for name in SEGMENT_POINTS}
    state = initial_state(base, site.vapour, mean_wind(lat), noise)
    surface = np.zeros((N_SURFACE, NX))
    surface[SKIN_TEMPERATURE] = site.deep_soil if site.land else site.sea_temperature
    work, budget, waves = workspace(), np.zeros(N_BUDGET), draw_waves(seed)
    snapshots, steps = empty_snapshots(hours), round(SECONDS_PER_HOUR / TIME_STEP)
    rain, pressure_wave = np.empty(hours), np.empty(hours)
    for hour in range(hours):
        seconds = (hour + 0.5) * SECONDS_PER_HOUR
        forcing = hourly_forcing(site, waves, day + seconds / 86400.0, (hour + 0.5) % 24, seconds)
        ok, fallen = run(state, surface, base, forcing, TIME_STEP, steps, hour * steps, work, budget)
        if not ok:
            raise DiffmpError(
                f"expected finite winds, found none in hour {hour + 1} of cell {cell} at {lat:.2f} N "
                f"{lon:.2f} E (simulator); report this cell with its seed {seed}."
            )
        record(snapshots, hour, state, surface, work.tendency, base)
        rain[hour] = fallen / SECONDS_PER_HOUR
        pressure_wave[hour] = surface_pressure_wave(site, waves[1], (hour + 1) * SECONDS_PER_HOUR, (hour + 1) % 24)
    whole = segment_means(snapshots, base)
    whole |= {
        "Ps": surface_pressure(whole, base, pressure_wave),
        "SOLIN": snapshots.shortwave.mean(axis=1),
        "precipitation": rain,
        "w_max": snapshots.velocity.max(axis=(1, 2)),
    }
    data = {output_store.ROOT: whole}
    for name, points in SEGMENT_POINTS.items():
        data[name] = segment_means(take_segment(snapshots, segment_table(first[name], points)), base)
    return data, {"pressure": base.pressure[:N_LEVELS], "layer_mass": base.mass[:N_LEVELS]}


def simulate_chunk(out: Path, first: int, last: int, configuration: dict) -> int:
    """Run and write cells first .. last - 1; returns how many."""
    grid = icosahedral_grid(configuration["grid"])
    results = [
        simulate_cell(float(grid.lat[cell]), float(grid.lon[cell]), cell, configuration) for cell in range(first, last)
    ]
    data = {
        name: {
            variable: np.stack([result[0][name][variable] for result in results], axis=1)
            for variable in results[0][0][name]
        }
        for name in results[0][0]
    }
    coordinates = {name: np.stack([result[1][name] for result in results]) for name in results[0][1]}
    output_store.write_chunk(out, first, last, data, coordinates)
    return last - first


def check_configuration(grid: str, hours: int, start: str, seed: int) -> dict:
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
    }


def simulate(
    out: Path,
    *,
    grid: str = "G3",
    hours: int = 48,
    start: str = "2005-04-01",
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Simulate the columns of a grid "G0".."G6" for some hours from 00 UTC of the start date into a zarr store.

    A run that was killed goes on where it stopped; the bytes depend on grid, hours, start and seed alone.
    workers: processes, all cores if None. progress: called as progress(done_cells, total_cells, elapsed_s).
    Raises DiffmpError if out holds something else, cannot be written, or a column blows up.
    """
    out, begun = Path(out), time.monotonic()
    configuration = check_configuration(grid, hours, start, seed)
    with output_store.disk_errors(out):
        exists = out.exists()
    mesh = icosahedral_grid(grid)
    if exists:
        found = output_store.stored_configuration(out)
        differing = sorted(key for key in configuration if found.get(key) != configuration[key])
        if differing:
            what = ", ".join(f"{key} {found.get(key)}" for key in differing)
            raise DiffmpError(
                f"expected a store of this run, found one of another ({out}: {what}); "
                "choose another name or the same options."
            )
        if output_store.is_complete(out):
            output_store.finish(out)
            log.warning("%s is already complete; nothing to do.", out)
            return out
        output_store.sweep(out)
    else:
        output_store.create(out, mesh, is_land(mesh.lat, mesh.lon).astype(float), configuration)
    bounds = output_store.chunk_bounds(mesh.lat.size)
    pending = [pair for pair in bounds if not output_store.is_done(out, pair[0])]
    done = mesh.lat.size - sum(last - first for first, last in pending)

    def report(cells: int) -> None:
        nonlocal done
        done += cells
        if progress is not None:
            progress(done, mesh.lat.size, time.monotonic() - begun)

    report(0)
    count = min(workers or len(os.sched_getaffinity(0)), max(len(pending), 1))
    if count == 1:
        for first, last in pending:
            report(simulate_chunk(out, first, last, configuration))
    else:
        run_pool(out, pending, configuration, count, report)
    output_store.finish(out)
    return out


def run_pool(
    out: Path, pending: list[tuple[int, int]], configuration: dict, count: int, report: Callable[[int], None]
) -> None:
    """Run the chunks in count fresh processes of one thread each."""
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    before = {name: os.environ.get(name) for name in threads}
    os.environ.update(threads)
    try:
        with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
            tasks = [pool.submit(simulate_chunk, out, first, last, configuration) for first, last in pending]
            try:
                for task in as_completed(tasks):
                    report(task.result())
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    except BrokenProcessPool as error:
        raise DiffmpError(
            f"expected all worker processes to finish, found one killed ({out}); free some memory or "
            "use fewer workers, then start again: it goes on where it stopped."
        ) from error
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
