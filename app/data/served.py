"""Which experiments are served, under which names, and the studies and trainings in their folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr

from diffmp_core.errors import DiffmpError
from diffmp_core.experiments import (
    EmulatorEntry,
    Experiment,
    find_experiments,
    load_experiment,
    names_experiment,
)
from diffmp_core.stores import real_path
from diffmp_core.training.watch import find_trainings, is_training

from .study_files import missing_words, read_studies


class Served:
    """Experiments by name. A name is a folder's name, so no path ever comes from an address.

    ``problems`` says which folders and which parts of experiments could not be read, and why.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        """Read the experiment files in these folders and directly below them.

        Raises:
            DiffmpError: none of the folders holds an experiment that can be opened.
        """
        self.problems: list[str] = []
        self._named = [real_path(folder) for folder in folders]
        self._experiments: dict[str, Experiment] = {}
        self._folders: dict[str, Path] = {}
        for folder in dict.fromkeys(found for named in folders for found in (find_experiments([named]) or [named])):
            try:
                experiment = load_experiment(folder)
            except DiffmpError as error:
                if names_experiment(folder) or not find_trainings(folder):
                    self.problems.append(str(error))
                continue
            name = _unused(real_path(folder).name, self._experiments)
            self._experiments[name], self._folders[name] = experiment, real_path(folder)
        if not self._experiments:
            raise DiffmpError(
                "; ".join(self.problems)
                or "expected at least one experiment folder, found none; name one to 'diffmp serve'"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the experiments served, in the order given."""
        return tuple(self._experiments)

    def experiment(self, name: str) -> Experiment:
        """The experiment file of that name."""
        return self._experiments[name]

    def folder(self, name: str) -> Path:
        """The folder of that experiment."""
        return self._folders[name]

    def entry(self, name: str, emulator: str) -> EmulatorEntry:
        """What the experiment says about one emulator."""
        return next(entry for entry in self.experiment(name).emulators if entry.name == emulator)

    def studies(self, name: str, kind: str) -> dict[str, xr.Dataset]:
        """An experiment's studies of one kind by file, in the order of their names, read anew when they have changed.

        Raises:
            DiffmpError: there is none, or the experiment's files of studies cannot be read.
        """
        studies, problems = read_studies(self.folder(name))
        if kind not in studies:
            raise DiffmpError(" ".join([*problems, missing_words(self.folder(name), kind)]))
        return studies[kind]

    def study(self, name: str, kind: str, file: str = "") -> xr.Dataset:
        """A study of an experiment: of the file of that name, or the first.

        Raises:
            DiffmpError: there is none, or the experiment's files of studies cannot be read.
        """
        studies = self.studies(name, kind)
        if file and file not in studies:
            raise DiffmpError(f"expected a study of {kind} among {', '.join(studies)}, found {file!r}; choose one")
        return studies[file or next(iter(studies))]

    def trainings(self, name: str) -> dict[str, Path]:
        """Folders of trainings by name: of an experiment's emulators, in its folder, in the folders that were named."""
        found = {
            entry.name: entry.folder
            for entry in self.experiment(name).emulators
            if entry.folder is not None and is_training(entry.folder)
        }
        for folder in (below for above in (self.folder(name), *self._named) for below in find_trainings(above)):
            if folder not in found.values():
                found[_unused(folder.name, found)] = folder
        return found


def _unused(name: str, taken: Mapping[str, object]) -> str:
    """The name, or the name with the first number that makes it unused."""
    return next(
        candidate for candidate in (name, *(f"{name}-{i}" for i in range(2, len(taken) + 3))) if candidate not in taken
    )
