"""Columns, scores and live emulators of the experiments served, opened once for all sessions.

Only arrays are kept, never anything that a session drew.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import xarray as xr
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from diffmp_core.columns.mesh import direction_of
from diffmp_core.drawn import Drawn, drawn_by_kind
from diffmp_core.errors import DiffmpError
from diffmp_core.experiments import column_places, find_experiments, scored_columns
from diffmp_core.identity import kept_id
from diffmp_core.kinds import REFERENCE
from diffmp_core.physics.regimes import REGIMES, Facts, Mask, column_facts
from diffmp_core.schema import ColumnSchema, schema_of
from diffmp_core.score_table import read_score_table
from diffmp_core.scores.maps import MAPS
from diffmp_core.scores.significance import nearest_cells
from diffmp_core.scores.stored import spread_fields, true_store, true_table
from diffmp_core.shipped import DATA
from diffmp_core.stores import open_store
from diffmp_core.variables import Channels

from ..state.address import Limits
from ..state.choices import Choices
from .axes import ValueAxis, title_of, titles_of, value_axis
from .composites import selected, selects_all
from .grid import Grid, make_grid
from .model_answers import ModelAnswers
from .places import cell_tree
from .readable import leave_out_unreadable, read_config
from .served import Served
from .study_files import study_names

if TYPE_CHECKING:
    from diffmp_core.sampling.live import LiveEmulator

ENVIRONMENT = "DIFFMP_EXPERIMENTS"
"""Environment variable: folders to serve beside those named, separated as in PATH."""
START_PRESSURE = 50_000.0
"""The maps start at the level nearest this pressure [Pa], where deep convection heats most."""
START = REGIMES["deep convection"]
"""The column selected at the start is the most typical one of this regime at the first time."""
DEFAULT_MEMBERS = 32

Value = TypeVar("Value")


class Catalog(Served):
    """The experiments served by this process, and what was opened of them."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Read the experiment files in these folders and directly below them.

        Raises:
            DiffmpError: none of the folders holds an experiment that can be opened.
        """
        super().__init__(folders)
        self._kept: dict[Hashable, Any] = {}
        self._unreadable: dict[Path, str] = {}
        self._lock = threading.RLock()
        parts: Mapping[str, Callable[[Path], object]] = {"table": self._read_table, "folder": self._read_config}
        for name in self.names:
            self._experiments[name], problems = leave_out_unreadable(self.experiment(name), parts)
            self.problems += problems

    def limits(self, name: str) -> Limits:
        """Bounds and start of the state: emulators with scores or weights, times, cells; the studies of this moment.

        Raises:
            DiffmpError: the experiment has nothing to show, or its columns cannot be read.
        """
        try:
            kept = self.keep(("limits", name), lambda: self._limits(name))
        except (OSError, RuntimeError, ValueError, LookupError) as error:  # what netCDF and zarr make of a broken file
            raise DiffmpError(
                f"expected columns that can be read in experiment {name!r}, found {type(error).__name__} "
                f"({' '.join(str(error).split())}); make them again"
            ) from error
        return replace(kept, studies=study_names(self.folder(name)))

    def _limits(self, name: str) -> Limits:
        grid = self.grid(name)
        level = int(np.abs(np.log(grid.pressure / START_PRESSURE)).argmin())
        cell = 0
        if self.experiment(name).has_columns:
            with suppress(DiffmpError):  # they lack an input that tells of the regime
                cell = int(next(iter(START.typical_cells(self.facts(name), 0)), 0))
        emulators = tuple(e.name for e in self.experiment(name).emulators if e.folder or e.scores)
        if not emulators:
            raise DiffmpError(
                f"expected an emulator with weights or scores in experiment {name!r}, found references only"
            )
        return Limits(
            emulators=emulators,
            outputs=titles_of(self.schema(name).outputs),
            times=len(grid.times),
            cells=grid.lat.size,
            levels=grid.height.size,
            level=level,
            cell=cell,
        )

    def columns(self, name: str) -> xr.Dataset:
        """The column store of an experiment, its split only, opened lazily.

        Raises:
            DiffmpError: they are not shipped and not fetched yet; the sentence says how to get them.
        """
        return self.keep(("columns", name), lambda: scored_columns(self.experiment(name)))

    def places(self, name: str) -> xr.Dataset:
        """Where and when the columns are, and attributes: also where the columns themselves are not there."""
        return self.keep(("places", name), lambda: column_places(self.experiment(name)))

    def schema(self, name: str) -> ColumnSchema:
        """Variables and levels of the columns of an experiment."""
        return self.keep(("schema", name), lambda: schema_of(self.places(name)))

    def columns_id(self, name: str) -> str:
        """Identity of the columns, as far as it is known without reading all their values."""
        if not self.experiment(name).has_columns:
            return str(self.places(name).attrs.get("columns_id", "–"))
        return self.keep(("columns_id", name), lambda: kept_id(self.columns(name)))

    def grid(self, name: str) -> Grid:
        """Where the columns are."""
        return self.keep(("grid", name), lambda: make_grid(self.places(name)))

    def tree(self, name: str) -> cKDTree:
        """Search tree over the cells."""
        return self.keep(("tree", name), lambda: cell_tree(self.grid(name).lat, self.grid(name).lon))

    def facts(self, name: str) -> Facts:
        """What regions and regimes look at, of every column (time, cell)."""
        return self.keep(("facts", name), lambda: column_facts(self.columns(name)))

    def mask(self, choices: Choices) -> Mask | None:
        """Columns of the region and the regime (time, cell); None where they select all."""
        if selects_all(choices):
            return None
        return selected(choices, self.facts(choices.experiment), self.grid(choices.experiment).lon)

    def scores(self, name: str, emulator: str) -> xr.Dataset | None:
        """The score store of an emulator, opened lazily; None where there is none, or none that can be read."""
        path = self.entry(name, emulator).scores
        if path is None:
            return None
        try:
            return self.keep(("scores", name, path), lambda: self._read_scores(name, path))
        except DiffmpError as error:
            self._unreadable[path] = str(error)
            return None

    def lacks(self, name: str, emulator: str, *fields: str, called: str = "", variable: str = "") -> str:
        """Why there are no such fields of an emulator, as a clause; '' where its score store has them.

        Args:
            called: what the fields are called on the page, if not by their names.
            variable: the output that they are wanted of, if of one.
        """
        scores = self.scores(name, emulator)
        if scores is None:
            return f"{emulator} has no score store" + self._why(name, emulator)
        missing = [field for field in fields if field not in scores]
        named = called or ", ".join(missing)
        if scores.attrs.get("members") == 1 and set(missing) & set(spread_fields()):
            return f"{emulator} gives one answer for each column, so it has no {named}"
        if missing:
            return f"The score store of {emulator} has no {named}"
        if variable and variable not in scores["variable"]:
            return f"{emulator} does not give {title_of(self.schema(name).outputs.named(variable)).lower()}"
        return ""

    def outputs(self, name: str, emulator: str) -> Channels:
        """Outputs of an experiment that an emulator was scored on; all of them where nothing is known of its scores."""
        outputs, scores = self.schema(name).outputs, self.scores(name, emulator)
        if scores is None:
            return outputs
        return Channels(output for output in outputs if output.name in scores["variable"])

    def truth_std(self, name: str, emulator: str, variable: str) -> float:
        """Standard deviation of the truth in the unit of the variable: the unit of the stored scores.

        The truth is that of the experiment: where this emulator's store has none, that of another is taken.
        """

        def read() -> float:
            every = (self.scores(name, each) for each in dict.fromkeys((emulator, *self.limits(name).emulators)))
            known = (store["truth_std"] for store in every if store is not None and "truth_std" in store)
            std = next((float(each.sel(variable=variable)) for each in known if variable in each["variable"]), np.nan)
            return std if np.isfinite(std) else 1.0

        return self.keep(("truth_std", name, emulator, variable), read)

    def value_axis(self, name: str, emulator: str, variable: str, units: str) -> ValueAxis:
        """Value axis of an output in physical units, or normalised by the standard deviation of the truth."""
        entry = self.schema(name).outputs.named(variable)
        return value_axis(entry, units, truth_std=self.truth_std(name, emulator, variable))

    def near(self, name: str, cells: int) -> csr_matrix:
        """Each cell with its nearest ones ``(pool, cell)``, for tests of differences."""
        grid = self.grid(name)
        return self.keep(("near", name, cells), lambda: nearest_cells(direction_of(grid.lat, grid.lon), cells))

    def times(self, name: str, emulator: str, metric: str, variable: str) -> np.ndarray:
        """Stored values of a map at every time ``(time, level, cell)``.

        Raises:
            DiffmpError: the emulator has no score store, or its store not this field.
        """
        stored = MAPS[metric].stored
        scores = self.scores(name, emulator)
        missing = self.lacks(name, emulator, stored, variable=variable)
        if scores is None or missing:
            raise DiffmpError(f"{missing}; choose another score or emulator")

        def read() -> np.ndarray:
            values = scores[stored].sel(variable=variable).transpose("time", "level", "cell").values
            return np.ascontiguousarray(values)

        return self.keep(("times", name, emulator, stored, variable), read)

    def levels(
        self, name: str, emulator: str, metric: str, variable: str, time: int | None, mask: Mask | None = None
    ) -> np.ndarray | None:
        """Stored values of a map at all levels ``(level, cell)`` float32: of one time, or over all times.

        With a ``mask`` (time, cell) they are over the times at which a cell is selected, NaN where there is none. None
        where the emulator has no score store, or its store not this field.
        """
        stored, averaged = MAPS[metric].stored, MAPS[metric].averaged
        scores = self.scores(name, emulator)
        if scores is None or self.lacks(name, emulator, stored, variable=variable):
            return None

        def every_time() -> np.ndarray:
            return self.times(name, emulator, metric, variable)

        def mean() -> np.ndarray:
            if averaged in scores:  # left out where there are few times
                return np.ascontiguousarray(scores[averaged].sel(variable=variable).transpose("level", "cell").values)
            if averaged:
                return every_time().mean(axis=0, dtype=np.float32)
            return np.sqrt(np.mean(np.square(every_time(), dtype=np.float64), axis=0)).astype(np.float32)

        if mask is not None:
            return _masked(every_time(), mask, slice(None) if time is None else slice(time, time + 1), bool(averaged))
        if time is None:
            return self.keep(("mean", name, emulator, stored, variable), mean)
        return every_time()[time].astype(np.float32)

    def members(self, name: str, emulator: str) -> int:
        """Members of the ensemble that was scored (one more rank than members)."""
        scores = self.scores(name, emulator)
        if scores is None:
            return DEFAULT_MEMBERS
        return scores.sizes["rank"] - 1 if "rank" in scores.sizes else int(scores.attrs.get("members", DEFAULT_MEMBERS))

    def table(self, name: str, emulator: str) -> dict[str, Any]:
        """Overall scores of an emulator and how its ensemble was drawn; empty where there are none."""
        path = self.entry(name, emulator).table
        if path is None:
            return {}

        kind = self.kind(name, emulator)
        return self.keep(("table", path, kind), lambda: true_table(self._read_table(path), kind))

    def kind(self, name: str, emulator: str) -> str | None:
        """Kind of an emulator, None where its folder does not say."""
        if self.entry(name, emulator).folder is None:
            return REFERENCE
        return (self.config(name, emulator).get("model") or {}).get("kind")

    def drawn(self, name: str, emulator: str, *, members: int, steps: int) -> Drawn:
        """What becomes of a question to an emulator that is to draw so many members in so many steps."""
        guidance = (self.config(name, emulator).get("model") or {}).get("guidance") or ()
        return drawn_by_kind(self.kind(name, emulator), members=members, steps=steps, guidance=guidance)

    def config(self, name: str, emulator: str) -> Mapping[str, Any]:
        """What made an emulator (its config.yaml); empty for a reference without weights."""
        folder = self.entry(name, emulator).folder
        return {} if folder is None else self._read_config(folder)

    def model_answers(self, name: str) -> ModelAnswers:
        """What the cloud-resolving model has answered about the columns of an experiment."""

        def read() -> ModelAnswers:
            return ModelAnswers(self.folder(name), self.places(name), lambda: self.columns(name))

        return self.keep(("model answers", name), read)

    def _read_scores(self, name: str, path: Path) -> xr.Dataset:
        """A score store of the cells of an experiment."""
        store, cells = open_store(path), self.grid(name).lat.size
        kind, found = store.attrs.get("diffmp_kind"), store.sizes.get("cell", cells)
        if kind != "scores" or found != cells:
            raise DiffmpError(
                f"expected scores of the {cells} cells of {name!r}, found a store of kind {kind!r} with {found} cells "
                f"at {path.name}; correct experiment.yaml"
            )
        return true_store(store)

    def _why(self, name: str, emulator: str) -> str:
        path = self.entry(name, emulator).scores
        return f" that can be read ({self._unreadable[path]})" if path in self._unreadable else ""

    def _read_table(self, path: Path) -> dict[str, Any]:
        return self.keep(("table as written", path), lambda: read_score_table(path))

    def _read_config(self, folder: Path) -> Mapping[str, Any]:
        return self.keep(("config", folder), lambda: read_config(folder))

    def live(self, name: str, emulator: str) -> LiveEmulator:
        """The emulator ready to answer, shared by all sessions.

        Raises:
            DiffmpError: a reference without weights, or weights that cannot be read.
        """
        folder = self.entry(name, emulator).folder
        if folder is None:
            raise DiffmpError(
                f"expected an emulator with weights, found {emulator!r}, a reference without; choose another emulator"
            )
        return self.keep(("live", folder), lambda: _open_live(folder))

    def keep(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value kept under a key, made when first asked for. Keep arrays, never what a session drew."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
            return self._kept[key]


@lru_cache(maxsize=4)
def open_catalog(folders: tuple[Path, ...]) -> Catalog:
    """The catalog of these folders, one for all sessions of the process."""
    return Catalog(folders)


def served_folders(arguments: Sequence[str]) -> list[Path]:
    """Folders to serve: those named, those of the environment variable, then what comes with the code, demo first."""
    named = [*arguments, *(part for part in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if part)]
    return [*map(Path, named), *([DATA / "demo", DATA] if find_experiments([DATA]) or not named else [])]


def _masked(every: np.ndarray, mask: Mask, times: slice, averaged: bool) -> np.ndarray:
    """Means of values (time, level, cell) over the times selected, or root mean squares where they are no average."""
    chosen, values = mask[times].astype(np.float32), every[times].astype(np.float32)
    with np.errstate(invalid="ignore"):
        means = np.einsum("tlc,tc->lc", values if averaged else values**2, chosen) / chosen.sum(axis=0)
    return means if averaged else np.sqrt(means)


def _open_live(folder: Path) -> LiveEmulator:
    from diffmp_core.sampling.live import LiveEmulator  # torch takes a second: only when a tab asks for it

    return LiveEmulator(folder)
