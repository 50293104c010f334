"""Statistics of a set of ensembles, from which every score follows; those of parts combine into those of the whole.

The chain is: ensembles -> one :class:`Statistics` a column -> merged over times, then cells, then levels ->
:func:`diffmp_core.scores.score.score_values`. Nothing larger than the statistics of the cells at hand is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.scores.ensemble import Ensemble
from diffmp_core.scores.moments import Array, Bundle, Comoments, Mergeable, Moments, Sums, stack
from diffmp_core.scores.score import SCORES
from diffmp_core.stores import stack_outputs
from diffmp_core.variables import Channels

LEAST_TIMES = 6
"""Times that scores of a cell are taken over at least: a correlation of two values says nothing, and a mean of the
fields of few times is soon taken by whoever wants it."""


@dataclass(frozen=True)
class Statistics(Mergeable):
    """All that the scores need, float64 arrays of one shape ``(..., variable, level)``, in units of the truth's std.

    Attributes:
        sums: what is averaged over samples.
        truth: moments of the truth.
        members: moments of all members of all samples together.
        truth_and_mean: co-moments of truth (x) and ensemble mean (y).
        spread_and_error: co-moments of ensemble spread (x) and absolute error of the ensemble mean (y).
    """

    sums: Sums
    truth: Moments
    members: Moments
    truth_and_mean: Comoments
    spread_and_error: Comoments

    @classmethod
    def of(cls, ensemble: Ensemble) -> Self:
        """Statistics of single samples, arrays ``(column, variable, level)``."""
        error = ensemble.error
        return cls(
            sums=Sums(
                count=np.ones_like(error),
                error=error,
                squared_error=error * error,
                variance=ensemble.variance,
                crps=np.asarray(ensemble.crps_fair, dtype=np.float64),
                covered=ensemble.covered.astype(np.float64),
                covered_ties=ensemble.covered_ties,
                further={name: np.asarray(sample(ensemble), dtype=np.float64) for name, sample in _samples().items()},
            ),
            truth=Moments.of(ensemble.truth),
            members=ensemble.members,
            truth_and_mean=Comoments.of(ensemble.truth, ensemble.members.mean),
            spread_and_error=Comoments.of(ensemble.spread, np.abs(error)),
        )

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> Self:
        """Statistics of no sample at all."""

        def bundle(kind: type[Bundle]) -> Bundle:
            return kind(**{name: np.zeros(shape) for name in kind.__dataclass_fields__ if name != "further"})

        sums = replace(bundle(Sums), further={name: np.zeros(shape) for name in _samples()})
        return cls(sums, bundle(Moments), bundle(Moments), bundle(Comoments), bundle(Comoments))


def _samples() -> dict[str, Callable[[Ensemble], NDArray]]:
    """What scores average over samples beside what is averaged for all."""
    return {name: score.sample for name, score in SCORES.items() if score.sample is not None}


def truth_std(columns: xr.Dataset, outputs: Channels | None = None, *, batch: int = 4096) -> Array:
    """Standard deviation of each output over all times, cells and levels ``(variable,)``, unit of the variable.

    It is the unit of the scores, of all outputs of the store or of those given. NaN where an output never varies: it
    cannot be scored.

    Raises:
        DiffmpError: a value that is not finite, with its place.
    """
    parts: list[Moments] = []
    for time in range(columns.sizes["time"]):
        for first in range(0, columns.sizes["cell"], batch):
            part = columns.isel(time=[time], cell=slice(first, first + batch))
            parts.append(Moments.of(stack_outputs(part, outputs)).merge((0, 2)))
    std = stack(parts).merge(0).std
    return np.where(std > 0, std, np.nan)
