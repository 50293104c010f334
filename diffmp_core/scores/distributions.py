"""How two binned distributions of one quantity differ, level by level: where, and how far.

Counts are those of :mod:`diffmp_core.scores.histograms`, ``(level, bin)``: of the truth, and of all members pooled.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

NOISE_WIDTH = 3.0
"""Two shares are told apart where they differ by this many standard errors of their counts."""


def shares(counts: ArrayLike) -> NDArray[np.float64]:
    """Share of the values of each level that falls into each bin, ``(level, bin)``; 0 where a level has no value."""
    counts = np.asarray(counts, dtype=float)
    return counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1.0)


def log_ratio(truth: ArrayLike, members: ArrayLike) -> NDArray[np.float64]:
    """Binary logarithm of how many times more often the members than the truth have a value, ``(level, bin)``.

    With c of n truths and d of m members in a bin it is log2(((d + 1/2) / m) / ((c + 1/2) / n)): the half counts
    (Haldane 1956) make the ratio of an empty bin finite. NaN where the shares differ by less than ``NOISE_WIDTH``
    standard errors, those of independent Poisson counts, sqrt((c + 1/2) / n^2 + (d + 1/2) / m^2): for members that
    cannot be told from the truth nothing but stray specks remains.

    Args:
        truth, members: counts ``(level, bin)``.

    References:
        Haldane 1956, doi:10.1111/j.1469-1809.1955.tb01285.x.
    """
    truth, members = np.asarray(truth, dtype=float), np.asarray(members, dtype=float)
    truths = np.maximum(truth.sum(axis=-1, keepdims=True), 1.0)
    pooled = np.maximum(members.sum(axis=-1, keepdims=True), 1.0)
    truth_share, member_share = (truth + 0.5) / truths, (members + 0.5) / pooled
    error = np.sqrt((truth + 0.5) / truths**2 + (members + 0.5) / pooled**2)
    noise = np.abs(member_share - truth_share) < NOISE_WIDTH * error
    return np.where(noise, np.nan, np.log2(member_share / truth_share))


def wasserstein(truth: ArrayLike, members: ArrayLike, edges: ArrayLike) -> NDArray[np.float64]:
    """Wasserstein-1 distance of the two distributions of each level, ``(level,)``, in the unit of ``edges``.

    The mean distance by which values have to be moved to turn one distribution into the other, the integral of
    abs(F - G) over the values, F and G being the cumulative shares (Vallender 1974). Every value counts as the centre
    of its bin. NaN where a level has no truth or no member.

    Args:
        truth, members: counts ``(level, bin)``.
        edges: ``(bin_edge,)``, ascending.

    References:
        Vallender 1974, doi:10.1137/1118101.
    """
    truth, members = np.asarray(truth, dtype=float), np.asarray(members, dtype=float)
    centres = _centres(edges)
    return np.array(
        [
            stats.wasserstein_distance(centres, centres, first, second) if first.sum() and second.sum() else np.nan
            for first, second in zip(truth, members, strict=True)
        ]
    )


def wasserstein_floor(truth: ArrayLike, edges: ArrayLike, *, members: int) -> NDArray[np.float64]:
    """Distance that a perfect ensemble has on average from as many truths, ``(level,)``, in the unit of ``edges``.

    Cumulative shares of n truths and of n columns of M members, all drawn from one distribution F, differ by about a
    Gaussian of variance F (1 - F) (1 + 1/M) / n, whose mean size is sqrt(2/pi) of its standard deviation; the floor is
    the integral of that over the values (del Barrio et al. 1999 for one sample). Columns are taken as independent;
    neighbours in space and time are not, so the true floor lies somewhat higher. NaN where a level has no truth.

    Args:
        truth: counts ``(level, bin)``, n of them a level; their shares stand for F.
        edges: ``(bin_edge,)``, ascending.
        members: ensemble size M.

    References:
        del Barrio, Giné and Matrán 1999, doi:10.1214/aop/1022677394.
    """
    truth = np.asarray(truth, dtype=float)
    count = truth.sum(axis=-1)
    cumulative = np.clip(np.cumsum(shares(truth), axis=-1)[:, :-1], 0.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(2 / np.pi * cumulative * (1 - cumulative) * (1 + 1 / members) / count[:, None])
    return np.where(count > 0, deviation @ np.diff(_centres(edges)), np.nan)


def _centres(edges: ArrayLike) -> NDArray[np.float64]:
    edges = np.asarray(edges, dtype=float)
    return 0.5 * (edges[1:] + edges[:-1])
