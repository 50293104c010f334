"""Is one emulator's score better than another's at a place, or is it the weather of the few times scored?

Both emulators answered the same columns, so what is tested are the paired differences d of their scores, column by
column (Diebold and Mariano 1995; in space Hering and Genton 2011). Few times are scored, so the differences of a cell
are pooled with those of the cells around it. Null hypothesis: a difference is as likely to be d as -d. Then

    z = sum(d) / sqrt(D sum(d^2))

over the pool is close to a standard Gaussian: the normal form of the test that flips signs at random (Fisher 1935), and
of McNemar's test where d is -1, 0 or 1. One wild column cannot make it large: abs(z) <= sqrt(size of the pool / D).
Neighbours resemble each other, which the design effect D >= 1 (Kish 1965) makes up for; see :func:`design_effect`. Of
many tests on one figure those count that control the false discovery rate (Benjamini and Hochberg 1995) at ``RATE``, as
Wilks (2016) advises for maps of dependent tests.

References:
    Diebold and Mariano 1995, doi:10.1080/07350015.1995.10524599; Hering and Genton 2011, doi:10.1198/TECH.2011.10136;
    Benjamini and Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x; Wilks 2016, doi:10.1175/BAMS-D-15-00267.1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.sparse import csr_matrix, sparray, spmatrix
from scipy.spatial import cKDTree

RATE = 0.10
"""False discovery rate of one figure: at most this part of what it shows is there by chance, on average."""
POOLED = 40
"""Differences that a pool holds at the least, where all of its columns are selected."""
LEAST_POOLED = 20
"""A pool with fewer differences, as at the edge of a region, is not tested."""
RINGS = (7, 19, 37, 61)
"""Cells of a pool: a cell of a hexagonal grid with one to four rings of neighbours."""
INTERVAL = 0.95
"""Probability of an interval of a mean."""

Array = NDArray[np.float64]


def pool_size(times: int) -> int:
    """Cells in a pool: the fewest of ``RINGS`` that give ``POOLED`` differences at so many times."""
    return next((size for size in RINGS if size * times >= POOLED), RINGS[-1])


def nearest_cells(points: ArrayLike, size: int) -> csr_matrix:
    """Each cell with its nearest ones as a matrix of ones ``(pool, cell)``.

    Args:
        points: centres on the unit sphere ``(cell, 3)``.
        size: cells of a pool, itself included; all cells where there are fewer.
    """
    points = np.asarray(points, dtype=float)
    found = cKDTree(points).query(points, min(size, len(points)))[1].reshape(len(points), -1)
    rows = np.arange(0, found.size + 1, found.shape[1])
    return csr_matrix((np.ones(found.size), found.ravel(), rows), shape=(len(points), len(points)))


def design_effect(differences: ArrayLike, near: spmatrix | sparray) -> Array:
    """How many times larger the variance of a pool's sum is than if its differences were independent, at least 1.

    What is constant in time at a cell is skill, not noise, so it is taken off first: with residuals r from each cell's
    mean over the times it is the mean over all pools of sum over times of (sum of r)^2 over sum of r^2. What changes
    from time to time at a place, seasons too, counts as noise. NaN where no cell has two times: nothing can be tested.

    Args:
        differences: ``(time, ..., cell)``; NaN where a column is not selected.
        near: pools of neighbouring cells ``(pool, cell)``.

    Returns:
        ``(...)``.
    """
    values = np.asarray(differences, dtype=float)
    known = np.isfinite(values)
    mean = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    residual = np.where(known, values - mean, 0.0)
    squares = _pooled(near, (residual**2).sum(axis=0))
    varies = squares > 0
    ratio = np.divide((_pooled(near, residual) ** 2).sum(axis=0), squares, out=np.zeros_like(squares), where=varies)
    pools = varies.sum(axis=-1)
    tested = (known.sum(axis=0) > 1).any(axis=-1)
    effect = np.maximum(ratio.sum(axis=-1) / np.maximum(pools, 1), 1.0)
    return np.where(tested, effect, np.nan)


def p_values(differences: ArrayLike, pools: spmatrix | sparray, *, design: ArrayLike) -> Array:
    """Two-sided p-value of "the two emulators are equally good here" of each pool.

    Args:
        differences: of the scores of two emulators ``(time, ..., cell)``; NaN where a column is not selected.
        pools: matrix of ones ``(pool, cell)``.
        design: design effects ``(...)``, from :func:`design_effect`.

    Returns:
        ``(..., pool)``: 1 where no column differs; NaN where fewer than ``LEAST_POOLED`` columns are selected or there
        is no design effect.
    """
    values = np.asarray(differences, dtype=float)
    known = np.isfinite(values)
    values = np.where(known, values, 0.0)
    total, squares = _pooled(pools, values.sum(axis=0)), _pooled(pools, (values**2).sum(axis=0))
    design = np.asarray(design, dtype=float)[..., None]
    z = np.divide(total, np.sqrt(squares * design), out=np.zeros_like(total), where=squares > 0)
    enough = _pooled(pools, known.sum(axis=0).astype(float)) >= LEAST_POOLED
    return np.where(enough & np.isfinite(design), 2.0 * stats.norm.sf(np.abs(z)), np.nan)


def discoveries(p: ArrayLike, *, rate: float = RATE) -> NDArray[np.bool_]:
    """Which of the tests of one figure are significant at a false discovery rate; NaN is no test."""
    p = np.asarray(p, dtype=float)
    found, tested = np.zeros(p.shape, dtype=bool), np.isfinite(p)
    if tested.any():
        found[tested] = stats.false_discovery_control(p[tested]) <= rate
    return found


def mean_interval(differences: ArrayLike, area: ArrayLike, *, design: float) -> tuple[float, float, float]:
    """Area-weighted mean of all differences and its ``INTERVAL``, ``(mean, low, high)``.

    The variance of the mean m is D sum(a^2 (d - m)^2) / sum(a)^2 over columns of area a. NaN where nothing is known.

    Args:
        differences: ``(time, cell)``, NaN where a column is not selected.
        area: ``(cell,)``.
        design: D, from :func:`design_effect`.
    """
    values = np.asarray(differences, dtype=float)
    known = np.isfinite(values)
    weight = np.where(known, np.asarray(area, dtype=float), 0.0)
    if not known.any():
        return np.nan, np.nan, np.nan
    values = np.where(known, values, 0.0)
    mean = float((weight * values).sum() / weight.sum())
    error = float(np.sqrt(design * (weight**2 * (values - mean) ** 2).sum()) / weight.sum())
    half = float(stats.norm.isf((1 - INTERVAL) / 2)) * error
    return mean, mean - half, mean + half


def paired_interval(first: ArrayLike, second: ArrayLike) -> tuple[Array, Array, Array, Array]:
    """Difference of two ensemble means from their members: ``mean, low, high, p``, each ``(level,)``.

    Members of one number began from the same noise, so they are pairs: the interval and the two-sided p-value are those
    of Student's t over the differences of the pairs. It says what sampling few members leaves open, not what other
    weather would give. Where no pair varies the interval has no width and p is 0, or 1 for no difference.

    Args:
        first, second: ensembles ``(member, level)`` of as many members, at least 2.
    """
    pairs = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    count, mean = len(pairs), pairs.mean(axis=0)
    error = pairs.std(axis=0, ddof=1) / np.sqrt(count)
    half = float(stats.t.isf((1 - INTERVAL) / 2, count - 1)) * error
    t = np.divide(np.abs(mean), error, out=np.where(mean == 0.0, 0.0, np.inf), where=error > 0)
    return mean, mean - half, mean + half, 2.0 * stats.t.sf(t, count - 1)


def _pooled(pools: spmatrix | sparray, values: Array) -> Array:
    """Sums ``(..., pool)`` of values ``(..., cell)``."""
    flat = values.reshape(-1, values.shape[-1])
    return np.asarray((pools @ flat.T).T).reshape(*values.shape[:-1], -1)
