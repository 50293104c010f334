"""Histograms of truth and members per level, and where the truth ranks among the members.

There is one rule for the bins, so that the truth and every emulator share them: ``BINS`` equal bins in units of the
truth's standard deviation, symmetric about zero for a quantity of either sign (zero is the middle of a bin) and from
zero for one that is never negative. The first and the last bin also hold what lies beyond them.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from diffmp_core.variables import Channels

BINS = 121
"""Number of bins, odd: for a symmetric range the middle one is about zero."""

SPAN = 12.0
"""Width of the range that the bins cut up [standard deviations of the truth]: -6 to 6, or 0 to 12."""


def bin_edges(outputs: Channels) -> NDArray[np.float64]:
    """Edges of the bins ``(variable, bin_edge)`` [standard deviations of the truth]."""
    first = np.array([0.0 if variable.non_negative else -SPAN / 2 for variable in outputs])
    return first[:, None] + np.linspace(0.0, SPAN, BINS + 1)


def count_values(values: ArrayLike, unit: ArrayLike, counts: NDArray[np.int64], edges: NDArray[np.float64]) -> None:
    """Add values to the counts of their bins, in place. NaN (also through the unit) is not counted.

    Args:
        values: ``(sample, variable, level)``, physical units.
        unit: ``(variable,)``, unit of ``edges``.
        counts: ``(variable, level, bin)``.
        edges: ``(variable, bin_edge)``, equally spaced.
    """
    _count(np.asarray(values), np.asarray(unit, dtype=np.float64), counts, edges[:, 0], edges[:, 1] - edges[:, 0])


@njit(cache=True)
def _count(values, unit, counts, first, width):
    samples, variables, levels = values.shape
    last = counts.shape[2] - 1
    for s in range(samples):
        for v in range(variables):
            for k in range(levels):
                place = (values[s, v, k] / unit[v] - first[v]) / width[v]
                if place == place:
                    counts[v, k, int(min(max(place, 0.0), float(last)))] += 1


def count_ranks(below: NDArray[np.int32], equal: NDArray[np.int32], counts: NDArray[np.float64]) -> None:
    """Add the ranks of the truth among the members to their expected counts, in place.

    The rank is the number of members below the truth. Members that equal the truth (cloud water is exactly zero in most
    of both) leave it open: Hamill (2001) draws it among the ranks they allow, so that a perfect ensemble gives a flat
    histogram in spite of ties. Here each of these ranks gets its even share, what such draws give on average. The share
    of truths that are neither of the first nor of the last rank is the score ``coverage_ratio_ties``.

    Args:
        below, equal: ``(column, variable, level)``, members below and equal to the truth.
        counts: ``(variable, level, rank)``, ranks 0 to the number of members.

    References:
        Hamill 2001, doi:10.1175/1520-0493(2001)129<0550:IORHFV>2.0.CO;2.
    """
    _count_ranks(below, equal, counts)


def column_ranks(below: NDArray[np.int32], equal: NDArray[np.int32], *, members: int) -> NDArray[np.float64]:
    """Shares of the ranks of the truth by column, over all levels; see :func:`count_ranks`.

    Args:
        below, equal: ``(column, variable, level)``, members below and equal to the truth.
        members: how many there are.

    Returns:
        ``(column, variable, rank)``, ranks 0 to the number of members; the shares of a column add up to 1.
    """
    columns, variables, levels = below.shape
    shares = np.empty((columns, variables, members + 1))
    for column in range(columns):
        counts = np.zeros((variables, levels, members + 1))
        count_ranks(below[column, None], equal[column, None], counts)
        shares[column] = counts.mean(axis=1)
    return shares


@njit(cache=True)
def _count_ranks(below, equal, counts):
    samples, variables, levels = below.shape
    for s in range(samples):
        for v in range(variables):
            for k in range(levels):
                first, ties = below[s, v, k], equal[s, v, k]
                for rank in range(first, first + ties + 1):
                    counts[v, k, rank] += 1.0 / (ties + 1)
