"""A training seen from outside: what its folder says while it runs and when it is done. No tensor is read.

``training.csv`` and the checkpoint are replaced whole, so they can be read at any moment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diffmp_core.errors import DiffmpError
from diffmp_core.training.log import LOG_COLUMNS, LOG_FILE, read_log
from diffmp_core.training.position import CHECKPOINT_FOLDER, FILE, Position, read_position

QUIET_S = 600.0
"""An unfinished training that has written nothing for this long [s] may have been stopped."""
PLACES = ("", "*", "*/emulators/*", "studies/*/emulators/*")
"""Where trainings lie below a folder: itself, in it, and those of studies in it or in its ``studies/``."""

Stamp = tuple[int, int]


@dataclass(frozen=True)
class Training:
    """What a training has written.

    Attributes:
        folder: the emulator folder.
        rows: the columns of ``training.csv`` by name, each (row,); NaN where a cell is empty or a column is unknown.
        position: of the last checkpoint; None when the training is done.
        changed: when it wrote last [seconds since 1970].
    """

    folder: Path
    rows: Mapping[str, NDArray[np.float64]]
    position: Position | None
    changed: float

    @property
    def finished(self) -> bool:
        """Whether it is done: its checkpoint is gone."""
        return self.position is None

    @property
    def step(self) -> int:
        """Optimiser steps known to be done."""
        rows = self.rows["step"]
        return max(int(rows[-1]) if rows.size else 0, self.position.step if self.position else 0)

    def share(self, now: float) -> float | None:
        """Part that is done by the clock ``now``, 0 to 1; None where the length of the training is not known."""
        if self.finished:
            return 1.0
        left = self.seconds_left(now)
        spent = self.seconds_spent(now)
        return None if left is None or left + spent <= 0 else spent / (left + spent)

    def seconds_spent(self, now: float) -> float:
        """Time spent training [s] until ``now``; of an unfinished training that is quiet, until its last word."""
        if self.position is None:
            return 0.0
        return self.position.seconds + (0.0 if self.is_quiet(now) else max(now - self.changed, 0.0))

    def seconds_left(self, now: float) -> float | None:
        """Time to its end [s], by its last speed or its limit; None if it is finished, quiet, or this is not known."""
        if self.position is None or self.is_quiet(now):
            return None
        ends: list[float] = []
        speed = self.steps_per_second
        if self.position.steps is not None and speed:
            ends.append((self.position.steps - self.step) / speed)
        if self.position.max_minutes is not None:
            ends.append(60 * self.position.max_minutes - self.position.seconds)
        return max(min(ends) - max(now - self.changed, 0.0), 0.0) if ends else None

    @property
    def steps_per_second(self) -> float | None:
        """Optimiser steps a second over the last row, or over all before there is one; None at the very start."""
        samples, speed, step = (self.rows[name] for name in ("samples", "samples_per_s", "step"))
        if step.size and samples[-1] > 0 and np.isfinite(speed[-1]):
            return float(speed[-1] * step[-1] / samples[-1])
        if self.position is None or not self.position.step:
            return None
        return self.position.step / self.position.seconds if self.position.seconds > 0 else None

    def is_quiet(self, now: float) -> bool:
        """Whether it is unfinished and has written nothing for ``QUIET_S``."""
        return not self.finished and now - self.changed > QUIET_S


def find_trainings(folder: Path) -> list[Path]:
    """Folders of trainings, running or done, at the :data:`PLACES` of a folder, in order of their names."""
    if not os.path.isdir(folder):
        return []
    found = [path for place in PLACES for path in (sorted(folder.glob(place)) if place else [folder])]
    return [path for path in found if is_training(path)]


def is_training(folder: Path) -> bool:
    """Whether a training runs or ran in this folder."""
    return any(os.path.isfile(folder / part) for part in (LOG_FILE, f"{CHECKPOINT_FOLDER}/{FILE}"))


def stamp(folder: Path) -> Stamp:
    """When log and checkpoint were written [ns], 0 for one that is not there: what has the same stamp says the same."""
    log, state = (_changed(path) for path in (folder / LOG_FILE, folder / CHECKPOINT_FOLDER / FILE))
    return log, state


def read_training(folder: Path) -> Training:
    """What a training has written so far.

    Raises:
        DiffmpError: a log or a checkpoint that cannot be read.
    """
    when = stamp(folder)
    rows = read_log(folder / LOG_FILE)
    try:
        columns = {name: np.array([float(row.get(name) or "nan") for row in rows]) for name in LOG_COLUMNS}
    except (ValueError, TypeError) as error:
        raise DiffmpError(f"expected numbers in {folder / LOG_FILE}, found other text; train again") from error
    return Training(folder, columns, read_position(folder / CHECKPOINT_FOLDER), max(when) / 1e9)


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
