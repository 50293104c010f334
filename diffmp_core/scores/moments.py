"""Central moments of parts that combine exactly into those of the whole (Chan et al. 1983; Pebay 2008).

Sums about the mean of each part are kept, never sums of powers: nothing cancels, whatever the mean.
The statistics of a whole do not depend on how it was cut into parts.

References:
    Chan, Golub, LeVeque 1983, doi:10.1080/00031305.1983.10483115.
    Pebay 2008, Sandia report SAND2008-6212, doi:10.2172/1028931.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Bundle = TypeVar("Bundle", bound="Mergeable")

ROUNDING = 1e-12
"""A standard deviation below this share of the mean is mere rounding: nothing varies."""


@dataclass(frozen=True)
class Additive:
    """Numbers and arrays that were summed over something: those of two groups together are their sums."""

    @classmethod
    def none(cls) -> Self:
        """Sums over nothing at all, to which those of any group can be added."""
        return cls(**{f.name: np.zeros(()) for f in fields(cls)})

    def __add__(self, other: Self) -> Self:
        """Sums over both groups."""
        return type(self)(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})


@dataclass(frozen=True)
class Mergeable:
    """A bundle of arrays of one shape (or of such bundles, or arrays by name) that can become one along an axis."""

    def __getitem__(self, index: Any) -> Self:
        return _map(lambda array: array[index], self)

    def put(self, index: Any, part: Self) -> None:
        """Replace the entries at ``index``, in place."""
        for entry in fields(self):
            mine, theirs = getattr(self, entry.name), getattr(part, entry.name)
            if isinstance(mine, Mergeable):
                mine.put(index, theirs)
            elif isinstance(mine, Mapping):
                for name, array in mine.items():
                    array[index] = theirs[name]
            else:
                mine[index] = theirs

    def merge(self, axis: int | tuple[int, ...]) -> Self:
        """The statistics of the whole from those of the parts along ``axis``."""
        return type(self)(**{entry.name: getattr(self, entry.name).merge(axis) for entry in fields(self)})

    def combine(self, other: Self) -> Self:
        """The statistics of two parts taken together, entry by entry."""
        return stack([self, other]).merge(0)


def _map(function: Callable[..., Array], *bundles: Any) -> Any:
    first = bundles[0]
    if isinstance(first, Mapping):
        return {name: function(*(bundle[name] for bundle in bundles)) for name in first}
    if not isinstance(first, Mergeable):
        return function(*bundles)
    return type(first)(
        **{entry.name: _map(function, *(getattr(bundle, entry.name) for bundle in bundles)) for entry in fields(first)}
    )


def stack(bundles: Sequence[Bundle]) -> Bundle:
    """Bundles of one shape side by side along a new first axis."""
    return _map(lambda *arrays: np.stack(arrays), *bundles)


@dataclass(frozen=True)
class Sums(Mergeable):
    """Sums over samples of what is averaged, float64 arrays of one shape, in units of the truth's standard deviation.

    ``count`` samples, ``error`` and ``squared_error`` of the ensemble mean, ``variance`` of the members (ddof = 1),
    ``crps`` (fair), ``covered`` (1 where the truth lies within the members), ``covered_ties`` (the same, ties split);
    ``further`` by the name of a score, what that alone averages (:attr:`diffmp_core.scores.score.Score.sample`).
    """

    count: Array
    error: Array
    squared_error: Array
    variance: Array
    crps: Array
    covered: Array
    covered_ties: Array
    further: Mapping[str, Array] = field(default_factory=dict)

    def merge(self, axis: int | tuple[int, ...]) -> Self:
        return _map(lambda array: array.sum(axis=axis), self)


@dataclass(frozen=True)
class Moments(Mergeable):
    """Number, mean and sums of the second to fourth powers of the departures from the mean, arrays of one shape."""

    count: Array
    mean: Array
    m2: Array
    m3: Array
    m4: Array

    @classmethod
    def of(cls, values: ArrayLike) -> Self:
        """Moments of single values: each counts one and departs from itself by nothing."""
        mean = np.asarray(values, dtype=np.float64)
        zero = np.zeros_like(mean)
        return cls(count=zero + 1, mean=mean, m2=zero, m3=zero, m4=zero)

    def merge(self, axis: int | tuple[int, ...]) -> Self:
        """Sums about the common mean, from those about the mean of each part (Pebay 2008), all parts at once."""
        count, mean = _pool(self.count, self.mean, axis)
        gap = self.mean - np.expand_dims(mean, axis)
        square = gap * gap
        return type(self)(
            count=count,
            mean=mean,
            m2=(self.m2 + self.count * square).sum(axis=axis),
            m3=(self.m3 + gap * (3 * self.m2 + self.count * square)).sum(axis=axis),
            m4=(self.m4 + 4 * gap * self.m3 + square * (6 * self.m2 + self.count * square)).sum(axis=axis),
        )

    @property
    def varies(self) -> NDArray[np.bool_]:
        """Whether the values differ by more than rounding."""
        return _varies(self.count, self.mean, self.m2)

    @property
    def std(self) -> Array:
        """Standard deviation, sqrt(m2 / n) (population: the values are all there is)."""
        return _divide(self.m2, self.count) ** 0.5

    @property
    def skewness(self) -> Array:
        """Skewness (m3/n) / (m2/n)^(3/2); NaN where nothing varies."""
        return _divide(_divide(self.m3, self.count), self.std**3, where=self.varies)

    @property
    def kurtosis(self) -> Array:
        """Kurtosis (m4/n) / (m2/n)^2, 3 for a Gaussian (not the excess); NaN where nothing varies."""
        return _divide(_divide(self.m4, self.count), self.std**4, where=self.varies)


@dataclass(frozen=True)
class Comoments(Mergeable):
    """Number, means, and sums of squares and products of the departures of two quantities, arrays of one shape."""

    count: Array
    mean_x: Array
    mean_y: Array
    m2_x: Array
    m2_y: Array
    m_xy: Array

    @classmethod
    def of(cls, x: ArrayLike, y: ArrayLike) -> Self:
        """Co-moments of single pairs of values."""
        x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        zero = np.zeros(np.broadcast_shapes(x.shape, y.shape))
        return cls(count=zero + 1, mean_x=zero + x, mean_y=zero + y, m2_x=zero, m2_y=zero, m_xy=zero)

    def merge(self, axis: int | tuple[int, ...]) -> Self:
        """Sums about the common means, from those about the means of each part (Pebay 2008), all parts at once."""
        count, mean_x = _pool(self.count, self.mean_x, axis)
        _, mean_y = _pool(self.count, self.mean_y, axis)
        gap_x, gap_y = self.mean_x - np.expand_dims(mean_x, axis), self.mean_y - np.expand_dims(mean_y, axis)
        return type(self)(
            count=count,
            mean_x=mean_x,
            mean_y=mean_y,
            m2_x=(self.m2_x + self.count * gap_x * gap_x).sum(axis=axis),
            m2_y=(self.m2_y + self.count * gap_y * gap_y).sum(axis=axis),
            m_xy=(self.m_xy + self.count * gap_x * gap_y).sum(axis=axis),
        )

    @property
    def correlation(self) -> Array:
        """Pearson correlation, -1 to 1 in spite of rounding; NaN where one of the two does not vary."""
        varies = _varies(self.count, self.mean_x, self.m2_x) & _varies(self.count, self.mean_y, self.m2_y)
        return np.clip(_divide(self.m_xy, np.sqrt(self.m2_x) * np.sqrt(self.m2_y), where=varies), -1.0, 1.0)


def _pool(count: Array, mean: Array, axis: int | tuple[int, ...]) -> tuple[Array, Array]:
    total = count.sum(axis=axis)
    return total, np.divide((count * mean).sum(axis=axis), total, out=np.zeros_like(total), where=total > 0)


def _varies(count: Array, mean: Array, m2: Array) -> NDArray[np.bool_]:
    return m2 > count * (ROUNDING * mean) ** 2


def _divide(a: Array, b: Array, where: NDArray[np.bool_] | None = None) -> Array:
    defined = b > 0 if where is None else (b > 0) & where
    return np.divide(a, b, out=np.full(np.broadcast_shapes(a.shape, b.shape), np.nan), where=defined)
