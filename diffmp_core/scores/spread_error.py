"""How large the error of the ensemble mean is where the spread is small, and where it is large."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EDGES = 10.0 ** (np.arange(-12, 5) / 4)
"""Edges of the bins of spread, four a decade, in units of the truth's standard deviation."""
MIN_VALUES = 30
"""A bin of fewer values is left out: its error would say little."""


@dataclass(frozen=True, eq=False)
class SpreadError:
    """Of each bin (bin,): root mean square of spread and error, and the values in it; NaN where there are few.

    The spread is sqrt((M + 1)/M) s, what the error of a perfect ensemble's mean has on average. Some spreads in a bin
    are small by chance of the draw alone: where widths are even over decades, the error of a perfect ensemble is
    sqrt((M - 1)/(M - 3)) times the spread, 3 % more with 32 members.
    """

    spread: NDArray[np.float64]
    error: NDArray[np.float64]
    count: NDArray[np.int64]


def spread_against_error(parts: Iterable[tuple[NDArray, NDArray]], *, members: int) -> SpreadError:
    """Error of the mean by spread (Fortin et al. 2014, doi:10.1175/JHM-D-14-0008.1).

    Args:
        parts: squared errors of ensemble means and spreads (ddof = 1) of the same values, truth's standard deviations;
            read one after the other, so that not all have to be in memory.
        members: of each ensemble, at least 2.
    """
    sums, counts = np.zeros((2, EDGES.size + 1)), np.zeros(EDGES.size + 1, dtype=np.int64)
    for mse, spread in parts:
        variance = np.ravel(spread).astype(np.float64) ** 2 * (members + 1) / members
        place = np.searchsorted(EDGES, np.sqrt(variance))
        sums += [np.bincount(place, np.ravel(values), EDGES.size + 1) for values in (variance, mse)]
        counts += np.bincount(place, minlength=EDGES.size + 1)
    inner = slice(1, -1)  # without those below the first and above the last edge
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.sqrt(np.where(counts >= MIN_VALUES, sums / counts, np.nan))[:, inner]
    return SpreadError(means[0], means[1], counts[inner])
