"""From raw data to a column store: recognise, read, check, split, write (the command ``diffmp prepare``)."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr
from dask.callbacks import Callback

import diffmp_core
from diffmp_core.columns.choice import PAPER_COLUMNS, ColumnChoice
from diffmp_core.columns.derived import DERIVED
from diffmp_core.columns.plausibility import check_upright, with_checks
from diffmp_core.columns.sources import SOURCES, Progress, recognise
from diffmp_core.columns.sources.base import Read, Source
from diffmp_core.columns.split import PAPER_PROPORTIONS, split_times
from diffmp_core.errors import DiffmpError
from diffmp_core.identity import with_digests
from diffmp_core.physics.moisture import vapour_name
from diffmp_core.schema import variables_of
from diffmp_core.storage.lock import holding
from diffmp_core.storage.unreadable_data import unreadable_data
from diffmp_core.stores import SPLITS, validate_columns, write_store
from diffmp_core.variables import KNOWN_INPUTS, KNOWN_OUTPUTS


@holding("out")
def prepare(
    source: Path | str,
    out: Path | str,
    *,
    choice: ColumnChoice = PAPER_COLUMNS,
    spacing_km: int = 120,
    kind: str | None = None,
    proportions: tuple[float, float, float] = PAPER_PROPORTIONS,
    seed: int = 0,
    progress: Progress | None = None,
    **options: object,
) -> Path:
    """Write raw data as a column store.

    The data pass through block by block (about 1 MB of a variable at a time) and every value is checked on its way:
    finite, plausible in magnitude, levels surface first. Nothing is repaired silently; the store appears
    whole or not at all.

    Args:
        source: file or folder of raw data.
        out: name of the store, a zarr folder, or one netCDF file if it ends in ``.nc``; must not exist.
        choice: variables and levels of the columns; those of the paper by default.
        spacing_km: grid spacing to take from sources that offer several (120, 60, 30, 15).
        kind: name of the reader, to force it; recognised if None.
        proportions: weights of training, validation and test times.
        seed: of the order in which scattered times are dealt out to the splits.
        progress: called with (done, total, what).
        options: what the source's reader takes besides; those that are None are not passed on.

    Returns:
        The path written.

    Raises:
        DiffmpError: no such source, a source that no reader knows, a variable that the source lacks, a wrong unit or
            level order, values that are not finite or not plausible, a truncated file, or an ``out`` that exists.
    """
    source, out = Path(source), Path(out)
    chosen = {name: value for name, value in options.items() if value is not None}
    implied = next((name for name, entry in SOURCES.items() if entry.implied_by in chosen), None)
    reader = recognise(source, kind or implied)
    if out.exists():
        raise DiffmpError(f"expected a new name for the column store, found something at {out}; remove it or rename")
    if foreign := sorted(chosen.keys() - reader.options):
        raise DiffmpError(
            f"expected options that a source of kind {reader.name} takes ({sorted(reader.options) or 'none'}), found "
            f"{foreign} ({source.name}); leave them out"
        )
    _check_available(choice, reader, source.name)
    if not all(0 <= share < np.inf for share in proportions) or sum(proportions) == 0:
        raise DiffmpError(
            f"expected shares of training, validation and test times of 0 or more, found {proportions}; "
            "give three such as 13,4,2"
        )
    columns = _read_readable(partial(reader.read, choice=choice, **chosen), source, spacing_km, progress)
    validate_columns(columns, where=source.name)
    times = columns["time"].values
    split = split_times(times, gap_hours=reader.gap_hours, proportions=proportions, runs=reader.runs, seed=seed)
    columns = columns.assign_coords(
        split=("time", split, {
            "long_name": "use of the time in training and scoring",
            "flag_values": np.arange(len(SPLITS), dtype=np.int8),
            "flag_meanings": " ".join(SPLITS),
            "comment": f"times of different splits lie at least {reader.gap_hours:g} h apart",
        })
    )  # fmt: skip
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    columns.attrs |= {
        "diffmp_version": diffmp_core.__version__,
        "diffmp_source_kind": reader.name,
        "history": f"{now} diffmp {diffmp_core.__version__} prepare {source.name}",
    }
    checked = with_digests(_with_checks(columns, source.name))
    encoding = _encoding(columns, netcdf=out.suffix == ".nc")
    with _TaskProgress(progress):
        try:
            return write_store(checked, out, encoding=encoding)
        except (RuntimeError, ValueError, EOFError) as error:
            raise unreadable_data(source, error) from error


def _check_available(choice: ColumnChoice, reader: Source, where: str) -> None:
    """Raise if the source lacks a known variable; the reader checks the others."""
    for role, wanted, known, offered in (
        ("inputs", choice.variables.inputs, KNOWN_INPUTS, dict.fromkeys((*reader.inputs, *DERIVED))),
        ("outputs", choice.variables.outputs, KNOWN_OUTPUTS, dict.fromkeys(reader.outputs)),
    ):
        for variable in wanted:
            if variable.name in known and variable.name not in offered:
                raise DiffmpError(
                    f"expected {role} that a source of kind {reader.name} has ({', '.join(offered)}), found "
                    f"{variable.name!r} ({where}); choose among these"
                )


def _read_readable(read: Read, source: Path, spacing_km: int, progress: Progress | None) -> xr.Dataset:
    try:
        return read(source, spacing_km=spacing_km, progress=progress)
    except (OSError, RuntimeError, ValueError, LookupError, ArithmeticError) as error:
        raise unreadable_data(source, error) from error


def _with_checks(columns: xr.Dataset, where: str) -> xr.Dataset:
    """The same lazy dataset, whose blocks are checked when they are computed."""
    variables = variables_of(columns)
    checked = with_checks(columns, {stored: variable.name for stored, variable in variables.stored.items()}, where)
    vapour = vapour_name(variables.inputs)
    if vapour is None:
        return checked
    stored = variables.stored_input(vapour)
    humidity = checked[stored]
    upright = humidity.data.map_blocks(_upright, where, dtype=humidity.dtype, meta=np.array((), humidity.dtype))
    return checked.assign({stored: humidity.copy(data=upright)})


def _upright(humidity: np.ndarray, where: str) -> np.ndarray:
    check_upright(humidity, where)
    return humidity


def _encoding(columns: xr.Dataset, *, netcdf: bool) -> dict[str, dict[str, object]]:
    """Whole seconds as time; for netCDF, lossless compression in the chunks of the dataset."""
    encoding: dict[str, dict[str, object]] = {"time": {"units": "seconds since 1970-01-01", "dtype": "int64"}}
    if columns["time"].dtype == object:
        calendar = columns["time"].values[0].calendar
        encoding["time"] = {"units": "seconds since 0001-01-01", "dtype": "int64", "calendar": calendar}
    if not netcdf:  # a chunk that is lost must not read as the first split and date
        encoding["split"] = {"fill_value": -1}
        encoding["time"]["fill_value"] = np.iinfo(np.int64).min
    if netcdf:
        for name in variables_of(columns).stored:
            lengths = tuple(length[0] for length in columns[name].data.chunks)
            encoding[name] = {"zlib": True, "complevel": 4, "shuffle": True, "chunksizes": lengths}
    return encoding


class _TaskProgress(Callback):
    """Tell how much of the writing is done, in per cent, as dask works through its blocks."""

    def __init__(self, progress: Progress | None) -> None:
        super().__init__()
        self._progress = progress
        self._told = -1

    def _posttask(self, key, result, dsk, state, worker_id) -> None:
        if self._progress is None:
            return
        done = len(state["finished"])
        total = done + sum(len(state[name]) for name in ("ready", "waiting", "running"))
        percent = 100 * done // max(total, 1)
        if percent > self._told:
            self._told = percent
            self._progress(percent, 100, "writing columns")
