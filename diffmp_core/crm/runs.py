"""The cloud-resolving model asked about columns of a store: one, or many for a composite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.constants import SECONDS_PER_DAY
from diffmp_core.crm.answers import RAIN, RAIN_UNIT, ModelAnswer
from diffmp_core.crm.origin import departure, find_origin
from diffmp_core.crm.response import HOURS, MEMBERS, RUNS, hourly_ensemble, reference_responses
from diffmp_core.errors import DiffmpError
from diffmp_core.physics.column_integrals import Change, compare, integrate, paired_change
from diffmp_core.physics.perturbation import Perturbation
from diffmp_core.variables import PAPER

Array = NDArray[np.float64]
Pair = tuple[Array, Array]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class ModelRuns:
    """Runs of one or more columns, unchanged and changed.

    Attributes:
        ensembles: both, each (column, hour, member, 4, level), SI.
        rain: both, each (column, hour, member) [mm/day].
        layer_mass: (column, level) kg m-2.
        departure: by how much the columns that they started from are off the stored ones, at most [K].
    """

    ensembles: Pair
    rain: Pair
    layer_mass: Array
    departure: float

    @property
    def hours(self) -> int:
        """Hours run."""
        return self.ensembles[0].shape[1]

    def mean(self, hour: int | None = None) -> Pair:
        """Both ensembles (column, member, 4, level) in one hour, the first is 1, or on the mean over all."""
        before, after = (part[:, _hours(hour)].mean(axis=1) for part in self.ensembles)
        return before, after

    def changes(self, hour: int | None = None) -> tuple[Change, ...]:
        """Column integrals of both and rain in one hour, or on the mean over all, and their paired difference."""
        shower = paired_change(*(part[:, _hours(hour)].mean(axis=1) for part in self.rain))
        return (
            *compare(*self.mean(hour), self.layer_mass, PAPER.outputs),
            Change(RAIN, RAIN_UNIT, *map(float, shower)),
        )

    def hourly(self, name: str) -> Pair:
        """A number by its name in :data:`diffmp_core.crm.answers.UNITS`, both (hour, member), means over columns."""
        if name == RAIN:
            dry, wet = (part.mean(axis=0) for part in self.rain)
            return dry, wet
        hours = range(1, self.hours + 1)
        both = [
            [integrate(part, self.layer_mass, PAPER.outputs)[name].mean(axis=0) for part in self.mean(hour)]
            for hour in hours
        ]
        before, after = np.stack(both, axis=1)
        return before, after

    @cached_property
    def answer(self) -> ModelAnswer:
        """What is told of them where the members are not kept."""
        columns, hours, members = self.ensembles[0].shape[:3]
        return ModelAnswer(
            columns,
            members,
            self.changes(),
            tuple(self.changes(hour) for hour in range(1, hours + 1)),
            np.stack([part.mean(axis=(0, 1)) for part in self.mean()]),
            self.departure,
        )


def run_model(
    columns: xr.Dataset,
    time: int,
    cells: Sequence[int],
    perturbations: Sequence[Perturbation],
    *,
    hours: int = HOURS,
    members: int = MEMBERS,
    progress: Progress | None = None,
) -> list[ModelRuns]:
    """Ask the model about columns of a store.

    Args:
        columns: a simulator store, or a column store made from one.
        time, cells: indices of the columns.
        perturbations: the changes; each gives runs beside the same control.
        hours, members: as in :func:`diffmp_core.crm.response.reference_responses`.
        progress: called as progress(done, total) in hours of columns; what it raises ends the work.

    Raises:
        DiffmpError: no cell, columns of another source, or winds that are no longer finite.
    """
    if not len(cells):
        raise DiffmpError("expected at least one column to ask the model about, found none; choose another selection")
    stored = columns["T"].isel(time=time, cell=list(cells)).transpose("cell", "level").values
    responses, away = list[list[xr.Dataset]](), 0.0
    for number, cell in enumerate(cells):

        def report(done: int, total: int, before: int = number) -> None:
            if progress is not None:
                progress(before * total + done, len(cells) * total)

        report(0, (1 + len(perturbations)) * members * hours)
        origin = find_origin(columns, time=time, cell=int(cell))
        responses.append(reference_responses(origin, perturbations, hours=hours, members=members, progress=report))
        away = max(away, departure(origin, stored[number]))
    return [_together([of_column[place] for of_column in responses], away) for place in range(len(perturbations))]


def _together(responses: Sequence[xr.Dataset], away: float) -> ModelRuns:
    """Responses of several columns to one change."""
    before, after = (np.stack([hourly_ensemble(each, run) for each in responses]) for run in RUNS)
    dry, wet = (
        np.stack([SECONDS_PER_DAY * each["precipitation"].sel(run=run).values.T for each in responses])  # 1 kg is 1 mm
        for run in RUNS
    )
    mass = np.stack([each["layer_mass"].values for each in responses])
    return ModelRuns((before, after), (dry, wet), mass, away)


def _hours(hour: int | None) -> slice:
    return slice(None) if hour is None else slice(hour - 1, hour)
