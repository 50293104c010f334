"""What a study is made of: column stores by resolution, and emulators that are there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diffmp_core.errors import DiffmpError
from diffmp_core.identity import time_labels
from diffmp_core.models.folder import load_config
from diffmp_core.models.seen_times import TrainingTimes, has_split, training_times
from diffmp_core.schema import variables_of
from diffmp_core.stores import SPLITS, count_splits, open_columns, real_path, select_split


@dataclass(frozen=True)
class StudyColumns:
    """Columns of one resolution.

    Attributes:
        spacing_km: width of the columns.
        path: store with the splits train and validation: what is learned from, and what choices look at.
        report_path, report_split: columns that took no part in either, where there are any.
        has_training: whether there is anything to learn from; shipped test columns have none.
    """

    spacing_km: int
    path: Path
    report_path: Path
    report_split: str
    has_training: bool = True


@dataclass(frozen=True)
class StudyInputs:
    """Columns and emulators of a study; :func:`gather` checks them."""

    columns: tuple[StudyColumns, ...]
    emulators: tuple[Path, ...] = ()

    def only_columns(self, study: str) -> StudyColumns:
        """The one column store of a study at one resolution.

        Raises:
            DiffmpError: there are several.
        """
        if len(self.columns) > 1:
            raise DiffmpError(f"expected one column store for study {study!r}, found {len(self.columns)}; name one")
        return self.columns[0]

    def columns_of(self, emulator: Path) -> StudyColumns:
        """Columns of an emulator's resolution; if there is one store only, that one.

        Raises:
            DiffmpError: no store of its resolution.
        """
        if len(self.columns) == 1:
            return self.columns[0]
        spacing = (load_config(emulator).get("columns") or {}).get("spacing_km")
        found = [columns for columns in self.columns if columns.spacing_km == spacing]
        if not found:
            known = [columns.spacing_km for columns in self.columns]
            raise DiffmpError(
                f"expected columns of {spacing} km for the emulator {emulator.name}, found {known}; add them"
            )
        return found[0]

    def given_emulators(self, study: str) -> tuple[Path, ...]:
        """Emulators of a study that trains none.

        Raises:
            DiffmpError: there are none.
        """
        if not self.emulators:
            raise DiffmpError(
                f"expected trained emulators for study {study!r}, found none; name them with --emulator FOLDER"
            )
        return self.emulators


def gather(columns: Sequence[Path], *, emulators: Sequence[Path] = (), test: Sequence[Path] = ()) -> StudyInputs:
    """Check stores and folders, and put together what is of one resolution.

    Args:
        columns: stores with training and validation times, one a resolution.
        emulators: trained emulators.
        test: stores of the same resolutions to report on: their test times, or all where they have no splits.

    Raises:
        DiffmpError: a bad store or folder, two of one resolution or name, or a test store without its like.
    """
    stores = _by_spacing(columns, "column store")
    reports = _by_spacing(test, "test store")
    for spacing in reports.keys() - stores.keys():
        raise DiffmpError(f"expected columns of {spacing} km to learn from, found only test columns; add them")
    _refuse_other_outputs([*stores.values(), *reports.values()])
    for folder in emulators:
        load_config(folder)
    names = [real_path(folder).name for folder in emulators]
    for name in names:
        if names.count(name) > 1:
            raise DiffmpError(f"expected emulator folders of different names, found {name!r} twice; rename one")
    inputs = StudyInputs(
        tuple(_pair(spacing, path, reports.get(spacing)) for spacing, path in stores.items()),
        tuple(real_path(folder) for folder in emulators),
    )
    for columns_of_one in inputs.columns:
        _refuse_trained_report(columns_of_one)
    for folder in inputs.emulators:
        _refuse_seen(folder, inputs.columns_of(folder))
    return inputs


def _refuse_other_outputs(paths: Sequence[Path]) -> None:
    """Raise where stores have other outputs than the first: a study shows each output of all of them."""
    first, *others = ((path, variables_of(open_columns(path)).outputs.names) for path in paths)
    for path, names in others:
        if set(names) != set(first[1]):
            raise DiffmpError(
                f"expected the outputs of {first[0]} ({', '.join(first[1])}) in all columns of a study, found "
                f"{', '.join(names)} in {path}; prepare them alike"
            )


def _refuse_trained_report(columns: StudyColumns) -> None:
    """Raise where times to report on are among those to learn from in another store."""
    report, learned = open_columns(columns.report_path), open_columns(columns.path)
    if columns.report_path.resolve() == columns.path.resolve():
        return
    chosen = select_split(report, columns.report_split)
    if not set(time_labels(chosen)) & set(time_labels(learned)):
        return
    seen = TrainingTimes.of(learned).seen(chosen)
    if seen.any:
        raise DiffmpError(
            f"expected columns to report on that no emulator learns from, found {seen.training + seen.validation} of "
            f"{seen.times} times of {columns.report_path} among those of {columns.path}; name other test columns"
        )


def _refuse_seen(emulator: Path, columns: StudyColumns) -> None:
    """Raise where an emulator was trained on times that choices look at or that are reported on."""
    for path, split in ((columns.path, "validation"), (columns.report_path, columns.report_split)):
        store = open_columns(path)
        known = training_times(emulator, store) if split == "all" or has_split(store, split) else None
        if known is None:
            continue
        seen = known.seen(select_split(store, split))
        if seen.training or (seen.validation and split != "validation"):
            raise DiffmpError(
                f"expected {split} columns that {emulator.name} has not seen in training, found "
                f"{seen.training + seen.validation} of {seen.times} times of {path} among those that it has; name "
                "other columns, or split as they were for its training"
            )


def _by_spacing(paths: Sequence[Path], what: str) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for path in paths:
        spacing = int(open_columns(path).attrs.get("spacing_km", 0))
        if spacing in found:
            raise DiffmpError(f"expected one {what} of {spacing} km, found {found[spacing]} and {path}; leave one out")
        found[spacing] = path
    return found


def _pair(spacing: int, path: Path, report: Path | None) -> StudyColumns:
    times = count_splits(open_columns(path)) if _has_splits(path) else dict.fromkeys(SPLITS, 0)
    learns = times["train"] > 0
    if report is None:
        return StudyColumns(spacing, path, path, "test" if times["test"] else "validation", learns)
    split = "test" if _has_splits(report) and count_splits(open_columns(report))["test"] else "all"
    return StudyColumns(spacing, path, report, split, learns)


def _has_splits(path: Path) -> bool:
    return "split" in open_columns(path).variables
