"""Experiments: a folder that names columns and the emulators scored on them. The dashboard opens such folders.

Paths in ``experiment.yaml`` are relative to its folder, and absolute ones are refused: what works only on the machine
that wrote it is no experiment. A path may climb out of the folder (``../../assets/emulators/...``) and must exist.
Opening an experiment only ever reads stores, tables and weights, and nothing of them is executed or unpickled.

Columns that may not be shipped, or are too large to be, can be left out: ``columns_from`` then says how to get them.
Until they are there, coordinates come from a score store, and what needs the columns themselves says that sentence.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import xarray as xr
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from diffmp_core.errors import DiffmpError
from diffmp_core.identity import columns_id, kept_id, layout_id, same_columns
from diffmp_core.storage.documents import UnreadableError, read_yaml
from diffmp_core.storage.files import write_text, write_texts
from diffmp_core.stores import open_columns, open_store, real_path, select_split

FILE = "experiment.yaml"

PLACES = ("time", "lat", "lon", "area", "height", "pressure", "split")
"""Coordinates of columns that a score store has, too."""

SAME_TRUTH = 1e-3
"""Relative difference of standard deviations up to which columns are those of a score store, rounded otherwise."""


class EmulatorEntry(BaseModel):
    """One scored emulator of an experiment.

    Attributes:
        name: how people call it; unique in its experiment.
        folder: emulator folder; references that are data, not weights, have none.
        scores: score store with fields, where it was kept.
        table: overall scores, JSON.
    """

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    folder: Path | None = None
    scores: Path | None = None
    table: Path | None = None


class Experiment(BaseModel):
    """Columns, the emulators scored on them, and where all of it comes from.

    :func:`load_experiment` gives absolute paths; the file has relative ones.
    """

    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1)
    description: str = ""
    columns: Path
    columns_from: str = ""
    """How to get the columns where they are not shipped: commands for a reader, never run."""
    split: str = "test"
    emulators: list[EmulatorEntry] = Field(default_factory=list)
    provenance: dict[str, str] = Field(default_factory=dict)

    @field_validator("emulators")
    @classmethod
    def _names_differ(cls, entries: list[EmulatorEntry]) -> list[EmulatorEntry]:
        names = [entry.name for entry in entries]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"each emulator under its own name, but {twice} appear twice")
        return entries

    def emulator(self, name: str) -> EmulatorEntry | None:
        """The emulator of that name, or None."""
        return next((entry for entry in self.emulators if entry.name == name), None)

    @property
    def has_columns(self) -> bool:
        """Whether its columns are there (:func:`load_experiment` gives absolute paths)."""
        return self.columns.exists()

    def map_paths(self, function: Any) -> Experiment:
        """The same experiment with ``function(path, what)`` applied to every path."""
        entries = [
            entry.model_copy(
                update={
                    key: function(path, f"{key} of {entry.name!r}")
                    for key in ("folder", "scores", "table")
                    if (path := getattr(entry, key)) is not None
                }
            )
            for entry in self.emulators
        ]
        return self.model_copy(update={"columns": function(self.columns, "columns"), "emulators": entries})


class Scored(Protocol):
    """What an experiment needs to know of a scored emulator; ``diffmp_core.scores.result.ScoreResult`` is one."""

    @property
    def title(self) -> str: ...
    @property
    def columns_path(self) -> Path: ...
    @property
    def split(self) -> str: ...
    @property
    def emulator_folder(self) -> Path | None: ...
    @property
    def store(self) -> Path | None: ...
    def table(self) -> Mapping[str, Any]: ...


def load_experiment(folder: Path | str) -> Experiment:
    """Read ``experiment.yaml`` of a folder and resolve its paths.

    Raises:
        DiffmpError: no such file, not YAML, a wrong or missing entry, an absolute path, or a path to nothing.
    """
    folder = real_path(folder)
    file = folder / FILE
    try:
        content = read_yaml(file)
    except UnreadableError as error:
        if not names_experiment(folder):
            raise DiffmpError(
                f"expected an experiment folder with {FILE}, found none at {folder}; run 'diffmp score'"
            ) from error
        raise DiffmpError(f"expected YAML, found {error} in {file}; correct it") from error
    if not isinstance(content, dict):
        raise DiffmpError(f"expected entries such as title and columns, found none in {file}; correct it")
    try:
        experiment = Experiment.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise DiffmpError(f"expected a valid entry {place!r}, found: {first['msg']} ({file}); correct it") from error

    may_lack_columns = bool(experiment.columns_from) and any(entry.scores for entry in experiment.emulators)

    def resolve(path: Path, what: str) -> Path:
        if path.is_absolute():
            raise DiffmpError(f"expected a path relative to its folder, found {path} as {what} in {file}; change it")
        resolved = real_path(folder / path)
        if not os.path.exists(resolved) and not (what == "columns" and may_lack_columns):
            raise DiffmpError(f"expected {what} at {path}, found nothing ({file}); correct the path")
        return resolved

    return experiment.map_paths(resolve)


def scored_columns(experiment: Experiment) -> xr.Dataset:
    """The columns of an experiment, its split only, opened lazily.

    Checked against the identity of those that were scored, as far as that is known without reading all values. Columns
    that readers fetched themselves may be rounded otherwise by another processor or version; their values are compared
    with the truth's standard deviations in the scores.

    Raises:
        DiffmpError: they are not there yet, or they are not those that were scored.
    """
    if not experiment.has_columns:
        raise DiffmpError(
            f"expected the columns of {experiment.title!r}, found none: they are not shipped; get them with: "
            f"{' '.join(experiment.columns_from.split())}"
        )
    columns = select_split(open_columns(experiment.columns), experiment.split)
    scored, found = scored_ids(experiment), kept_id(columns)
    if experiment.columns_from:
        found = layout_id(columns)
    same = all(same_columns(found, one) for one in scored)
    if not same or (experiment.columns_from and not _has_truth_of_scores(experiment, columns)):
        got = f"get them with: {' '.join(experiment.columns_from.split())}"
        cure = got if experiment.columns_from else "put those back, or score these in a new folder"
        raise DiffmpError(
            f"expected the columns of {experiment.title!r} that were scored ({', '.join(scored)}), found others "
            f"({found}) at {experiment.columns.name}; {cure}"
        )
    return columns


def scored_ids(experiment: Experiment) -> list[str]:
    """Identities of the columns that the emulators of an experiment were scored on, as their tables have them."""
    found: dict[str, None] = {}
    for path in (entry.table for entry in experiment.emulators if entry.table is not None):
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):  # said where the table is shown
            continue
        if isinstance(table, dict) and isinstance(table.get("columns_id"), str):
            found[table["columns_id"]] = None
    return list(found)


def _has_truth_of_scores(experiment: Experiment, columns: xr.Dataset) -> bool:
    """Whether outputs have the standard deviations that the scores were made with; reads the outputs."""
    scores = _first_scores(experiment)
    if "truth_std" not in scores:
        return True
    kept = np.nan_to_num(scores["truth_std"].values)  # NaN: it never varies
    found = [columns[name].values.std(dtype=np.float64) for name in map(str, scores["variable"].values)]
    return bool(np.allclose(found, kept, rtol=SAME_TRUTH, atol=0))


def column_places(experiment: Experiment) -> xr.Dataset:
    """Where and when the columns of an experiment are: its columns, or coordinates and attributes of a score store."""
    if experiment.has_columns:
        return scored_columns(experiment)
    scores = _first_scores(experiment)
    places = scores.drop_vars([name for name in scores.variables if name not in PLACES])
    return places.assign_attrs(title=experiment.title)


def _first_scores(experiment: Experiment) -> xr.Dataset:
    stores = [entry.scores for entry in experiment.emulators if entry.scores is not None]
    if not stores:
        raise DiffmpError(
            f"expected columns or a score store in {experiment.title!r}, found none; get the columns with: "
            f"{' '.join(experiment.columns_from.split())}"
        )
    return open_store(stores[0])


def leave_columns_out(folder: Path | str, *, columns_from: str) -> Experiment:
    """Make an experiment one without columns: it names ``columns.nc`` in its folder, which a reader gets for himself.

    Args:
        columns_from: how, as commands.

    Raises:
        DiffmpError: no experiment there, or none with a score store.
    """
    folder = real_path(folder)
    experiment = load_experiment(folder)
    if not any(entry.scores for entry in experiment.emulators):
        raise DiffmpError(f"expected an emulator with a score store in {folder}, found none; run 'diffmp score'")
    update = {"columns": folder / "columns.nc", "split": "all", "columns_from": columns_from}
    write_experiment(folder, experiment.model_copy(update=update))
    return load_experiment(folder)


def write_experiment(folder: Path | str, experiment: Experiment) -> Path:
    """Write ``experiment.yaml`` whole or not at all, with paths relative to the folder; returns the file.

    Raises:
        DiffmpError: the folder cannot be written.
    """
    folder = real_path(folder)
    return write_text(folder / FILE, _to_yaml(folder, experiment))


def _to_yaml(folder: Path, experiment: Experiment) -> str:
    relative = experiment.map_paths(lambda path, _: Path(os.path.relpath(folder / path, folder)))
    content = relative.model_dump(mode="json", exclude_none=True)
    content = {key: value for key, value in content.items() if value not in ("", {})}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def find_experiments(folders: Iterable[Path | str]) -> list[Path]:
    """Experiment folders among ``folders`` and directly below them, in order, each once."""
    found: dict[Path, None] = {}
    for folder in map(Path, folders):
        for candidate in (folder, *_below(folder)):
            if names_experiment(candidate):
                found[real_path(candidate)] = None
    return list(found)


def names_experiment(folder: Path) -> bool:
    """Whether a folder has something of the name of an experiment's file, or will not say."""
    try:
        os.lstat(folder / FILE)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return True


def _below(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # no folder, or one that does not let us in: it is a candidate itself
        return []


def add_to_experiment(folder: Path | str, name: str, result: Scored) -> Experiment:
    """Put a scored emulator into an experiment folder, which is begun if there is none; its table is written as JSON.

    An emulator of the same name is replaced. The score store, the columns and the emulator stay where they are.

    Raises:
        DiffmpError: the experiment is about other columns, or cannot be written.
    """
    write_texts(experiment_files(folder, name, result))
    return load_experiment(folder)


def experiment_files(folder: Path | str, name: str, result: Scored) -> dict[Path, str]:
    """Text of the files that :func:`add_to_experiment` writes, in order: the table, then ``experiment.yaml``."""
    folder = real_path(folder)
    if (folder / FILE).is_file():
        experiment = load_experiment(folder)
        if result.columns_path != experiment.columns or experiment.has_columns:
            columns = select_split(open_columns(result.columns_path), result.split)
            check_same_columns(folder, columns, columns_id(columns))
    else:
        experiment = Experiment(title=result.title, columns=result.columns_path, split=result.split)
    inside = result.store is not None and real_path(result.store.parent) == folder
    stem = result.store.stem if result.store is not None and inside else file_stem(folder, name)
    table = folder / f"{stem}.json"
    entry = EmulatorEntry(name=name, folder=result.emulator_folder, scores=result.store, table=table)
    entries = [entry if old.name == name else old for old in experiment.emulators]
    if experiment.emulator(name) is None:
        entries.append(entry)
    text = _to_yaml(folder, experiment.model_copy(update={"emulators": entries}))
    return {table: json.dumps(result.table(), indent=1, allow_nan=False) + "\n", folder / FILE: text}


def file_stem(folder: Path | str, name: str) -> str:
    """What files of an emulator are called in an experiment folder: ``scores`` for the first, then after its name."""
    folder = real_path(folder)
    experiment = load_experiment(folder) if (folder / FILE).is_file() else None
    entry = experiment.emulator(name) if experiment else None
    own = [path.stem for path in (entry.table, entry.scores) if path and path.parent == folder] if entry else []
    if own:
        return own[0]
    if experiment is None or not experiment.emulators:
        return "scores"
    taken = {path.stem for other in experiment.emulators for path in (other.table, other.scores) if path}
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "emulator"
    return next(free for number in count(1) if (free := stem if number == 1 else f"{stem}-{number}") not in taken)


def check_same_columns(folder: Path | str, columns: xr.Dataset, identity: str) -> None:
    """Hold columns and their identity against those of an experiment that is there already.

    Raises:
        DiffmpError: they are others.
    """
    experiment = load_experiment(folder)
    theirs = column_places(experiment)
    own = columns_id(theirs) if experiment.has_columns else str(theirs.attrs.get("columns_id"))
    for other in (own, *scored_ids(experiment)):
        if not same_columns(identity, other):
            raise DiffmpError(
                f"expected the columns of the experiment at {folder} ({_describe(theirs, other)}), "
                f"found {_describe(columns, identity)}; choose another folder"
            )


def _describe(columns: xr.Dataset, identity: str) -> str:
    return (
        f"{columns.sizes['time']} times, {columns.sizes['cell']} cells of {columns.attrs.get('title')!r}, "
        f"columns_id {identity}"
    )
