"""What the members of one ensemble say about one truth, value by value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from diffmp_core.scores.moments import Array, Moments


@dataclass(frozen=True)
class Ensemble:
    """Ensembles reduced over their members; arrays ``(column, variable, level)``, in units of the truth's std.

    Attributes:
        truth: the truth.
        members: moments of the members, about the ensemble mean.
        crps_fair: fair continuous ranked probability score.
        covered: whether minimum <= truth <= maximum of the members, bool.
        covered_ties: probability that the members cover the truth when ties are broken at random (Hamill 2001): with b
            members below, t equal and a above, the rank of the truth is even among t + 1 places, and it lies outside
            with probability ([b = 0] + [a = 0])/(t + 1).
        below: members below the truth, int32.
        equal: members equal to the truth, int32.
    """

    truth: Array
    members: Moments
    crps_fair: Array
    covered: NDArray[np.bool_]
    covered_ties: Array
    below: NDArray[np.int32]
    equal: NDArray[np.int32]

    @property
    def error(self) -> Array:
        """Ensemble mean minus truth."""
        return self.members.mean - self.truth

    @property
    def variance(self) -> Array:
        """Unbiased variance of the members (ddof = 1); NaN for a single member."""
        freedom = self.members.count - 1
        return np.divide(self.members.m2, freedom, out=np.full_like(freedom, np.nan), where=freedom > 0)

    @property
    def spread(self) -> Array:
        """Standard deviation of the members (ddof = 1); NaN for a single member."""
        return np.sqrt(self.variance)


def reduce_members(truth: ArrayLike, members: ArrayLike, unit: ArrayLike) -> Ensemble:
    """Reduce ensembles over their members.

    Args:
        truth: ``(column, variable, level)``, physical units.
        members: ``(column, member, variable, level)``, physical units.
        unit: ``(variable,)``, by what values are divided (NaN: the variable has no unit, all of it becomes NaN).

    References:
        Hamill 2001, doi:10.1175/1520-0493(2001)129<0550:IORHFV>2.0.CO;2.
    """
    truth, members = np.asarray(truth), np.asarray(members)
    unit = np.asarray(unit, dtype=np.float64)
    shape = truth.shape
    mean, m2, m3, m4, covered_ties = (np.empty(shape) for _ in range(5))
    covered = np.empty(shape, dtype=np.bool_)
    below, equal = (np.empty(shape, dtype=np.int32) for _ in range(2))
    _reduce(truth, members, unit, mean, m2, m3, m4, covered, covered_ties, below, equal)
    scaled_truth, scaled_members = truth / unit[:, None], members / unit[:, None]
    count = np.full(shape, float(members.shape[1]))
    return Ensemble(
        truth=scaled_truth,
        members=Moments(count=count, mean=mean, m2=m2, m3=m3, m4=m4),
        crps_fair=crps_fair(scaled_truth, scaled_members),
        covered=covered,
        covered_ties=covered_ties,
        below=below,
        equal=equal,
    )


def crps_fair(truth: ArrayLike, members: ArrayLike) -> Array:
    r"""Fair continuous ranked probability score, unbiased whatever the number M of members (smaller is better).

    .. math:: \frac{1}{M}\sum_i |x_i - y| - \frac{1}{2M(M-1)}\sum_{i,j} |x_i - x_j|

    Never negative, as no pair lies further apart than both of it from the truth together; what rounding leaves below
    zero is zero. Computed by scoringrules. A single member has no distance to another: its score is the absolute error.

    Args:
        truth: ``(column, ...)``.
        members: ``(column, member, ...)``.

    References:
        Ferro 2014, doi:10.1002/qj.2270.

    Example:
        >>> crps_fair([0.0], [[-1.0, 1.0]])
        array([0.])
    """
    truth, members = np.asarray(truth), np.asarray(members)
    if members.shape[1] == 1:
        return np.abs(members[:, 0] - truth)
    import scoringrules  # compiles its kernels for 4 s when imported: not before someone scores

    return np.maximum(scoringrules.crps_ensemble(truth, members, m_axis=1, estimator="fair", backend="numba"), 0.0)


@njit(cache=True)
def _reduce(truth, members, unit, mean, m2, m3, m4, covered, covered_ties, below, equal):
    columns, count, variables, levels = members.shape
    for c in range(columns):
        for v in range(variables):
            for k in range(levels):
                y = truth[c, v, k]
                total = 0.0
                under = same = 0
                alike = True
                for m in range(count):
                    x = members[c, m, v, k]
                    total += x / unit[v]
                    under += x < y
                    same += x == y
                    alike &= x == members[c, 0, v, k]
                centre = total / count
                if alike:  # a deterministic emulator: no spread, not even by rounding
                    centre = members[c, 0, v, k] / unit[v]
                s2 = s3 = s4 = 0.0
                for m in range(count):
                    gap = members[c, m, v, k] / unit[v] - centre
                    square = gap * gap
                    s2 += square
                    s3 += square * gap
                    s4 += square * square
                mean[c, v, k], m2[c, v, k], m3[c, v, k], m4[c, v, k] = centre, s2, s3, s4
                below[c, v, k], equal[c, v, k] = under, same
                covered[c, v, k] = same > 0 or 0 < under < count
                covered_ties[c, v, k] = 1.0 - ((under == 0) + (under + same == count)) / (same + 1)
