"""One task of a simulation: a chunk of neighbouring cells, run through all hours into its region of the store.

Hours are written block by block as they come, so memory is bounded by the block and not by the length of the run.
"""

from __future__ import annotations

import datetime
import socket
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diffmp_core.crm import output_store
from diffmp_core.crm.cell import SECONDS_PER_HOUR, Cell, advance, make_cell
from diffmp_core.crm.compiled import source_hash
from diffmp_core.crm.sea_table import SeaTable
from diffmp_core.crm.snapshots import (
    SEGMENT_POINTS,
    empty_snapshots,
    record,
    segment_means,
    segment_table,
    surface_pressure,
    take_segment,
)
from diffmp_core.crm.vertical_grid import N_LEVELS, NX
from diffmp_core.errors import DiffmpError

SOURCES = source_hash(Path(__file__))  # of all code of this process that can change a byte of a run

Groups = dict[str, dict[str, NDArray]]


def simulate_chunk(
    out: Path,
    first: int,
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
    *,
    configuration: dict,
    token: str,
    sources: str,
) -> int:
    """Run the cells first, first + 1, ... at lat, lon (cell,) degrees through all hours and write them; how many.

    token, sources: of the run (:func:`diffmp_core.storage.lock.hold`, ``SOURCES``); a worker where they differ refuses.

    Raises:
        DiffmpError: a worker with another store or other code, a full disk, a column that blows up.
    """
    if sources != SOURCES:
        raise DiffmpError(
            f"expected the simulator of this run on worker {socket.gethostname()}, found other sources or another "
            "numba; install the same there and start the worker again."
        )
    output_store.require_shared(out, token)
    hours, start = configuration["hours"], datetime.date.fromisoformat(configuration["start"])
    places = enumerate(zip(lat.tolist(), lon.tolist(), strict=True), start=first)
    table = SeaTable.model_validate(configuration["sea_table"]) if "sea_table" in configuration else None
    seed = configuration["seed"]
    columns = [make_cell(*place, cell, seed=seed, start=start, sea_table=table) for cell, place in places]
    segments = [{name: column.generator.integers(0, NX, hours) for name in SEGMENT_POINTS} for column in columns]
    cells = slice(first, first + len(columns))
    for begin in range(0, hours, output_store.HOURS_PER_CHUNK):
        block = slice(begin, min(begin + output_store.HOURS_PER_CHUNK, hours))
        output_store.write_hours(out, block, cells, run_block(columns, segments, block))
    coordinates = {
        "pressure": np.stack([column.base.pressure[:N_LEVELS] for column in columns]),
        "layer_mass": np.stack([column.base.mass[:N_LEVELS] for column in columns]),
    }
    output_store.finish_chunk(out, cells, coordinates)
    return len(columns)


def run_block(columns: Sequence[Cell], segments: Sequence[dict[str, NDArray]], hours: slice) -> Groups:
    """Run some hours of every column, one after the other: group -> variable -> (time, cell[, level]) float32."""
    data: Groups = {}
    for position, (column, starts) in enumerate(zip(columns, segments, strict=True)):
        for group, variables in run_hours(column, {name: points[hours] for name, points in starts.items()}).items():
            room = data.setdefault(group, {})
            for name, values in variables.items():
                if position == 0:
                    room[name] = np.empty((len(values), len(columns), *values.shape[1:]), np.float32)
                room[name][:, position] = values
    return data


def run_hours(column: Cell, segments: dict[str, NDArray]) -> Groups:
    """Run one column on for the hours of its segments' first points (time,): group -> variable -> (time[, level])."""
    base, hours = column.base, len(next(iter(segments.values())))
    snapshots = empty_snapshots(hours)
    rain, pressure_wave = np.empty(hours), np.empty(hours)
    for hour in range(hours):
        rain[hour] = advance(column) / SECONDS_PER_HOUR
        record(snapshots, hour, column.state, column.surface, column.work.tendency, base)
        pressure_wave[hour] = column.pressure_wave()
    whole = segment_means(snapshots, base)
    whole |= {
        "Ps": surface_pressure(whole, base, pressure_wave),
        "SOLIN": snapshots.shortwave.mean(axis=1),
        "precipitation": rain,
        "w_max": snapshots.velocity.max(axis=(1, 2)),
    }
    parts = {
        name: segment_means(take_segment(snapshots, segment_table(segments[name], points)), base)
        for name, points in SEGMENT_POINTS.items()
    }
    return {output_store.ROOT: whole} | parts
