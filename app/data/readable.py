"""What an experiment names and nobody can read: it is left out, one sentence says so, and the rest is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from diffmp_core.errors import DiffmpError
from diffmp_core.experiments import EmulatorEntry, Experiment
from diffmp_core.storage.documents import UnreadableError, check_shape, read_yaml

CONFIG = "config.yaml"


class _Columns(BaseModel):
    model_config = ConfigDict(extra="allow")

    title: str | None = None
    spacing_km: float | None = None
    training_columns: int | None = None
    training_times: dict[str, Any] | None = None


class _Result(BaseModel):
    model_config = ConfigDict(extra="allow")

    steps: int | None = None
    batch: int | None = None
    minutes: float | None = None
    device: str | None = None


class _Config(BaseModel):
    model_config = ConfigDict(extra="allow")

    model: dict[str, Any]
    columns: _Columns | None = None
    result: _Result | None = None


def read_config(folder: Path) -> Mapping[str, Any]:
    """What made an emulator, its ``config.yaml``, read without torch; empty where there is none.

    Raises:
        DiffmpError: it cannot be read, or says something else than the page shows.
    """
    path = folder / CONFIG
    if not path.is_file():
        return {}
    try:
        config = read_yaml(path)
        check_shape(config, _Config)
    except UnreadableError as error:
        raise DiffmpError(
            f"expected the configuration of an emulator, found {error} in {path}; copy the emulator again"
        ) from error
    return config


def leave_out_unreadable(
    experiment: Experiment, readers: Mapping[str, Callable[[Path], object]]
) -> tuple[Experiment, list[str]]:
    """The experiment without the parts that cannot be read, and a sentence for each.

    Args:
        readers: how each part that an entry names is read, by the name of the entry's field.
    """
    problems: list[str] = []

    def readable(entry: EmulatorEntry) -> EmulatorEntry:
        lost: dict[str, None] = {}
        for part, read in readers.items():
            path = getattr(entry, part)
            try:
                if path is not None:
                    read(path)
            except DiffmpError as error:
                problems.append(f"{entry.name} of {experiment.title!r} is shown without its {part}: {error}")
                lost[part] = None
        return entry.model_copy(update=lost)

    entries = [readable(entry) for entry in experiment.emulators]
    return experiment.model_copy(update={"emulators": entries}), problems
