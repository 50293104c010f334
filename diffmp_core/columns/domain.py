"""How far a column lies from the training columns, told without shipping any of them.

Training columns fall into clusters (tropical ocean, polar night ...), found by k-means in the standardised inputs:
profiles on their levels and single values once, 64 numbers for those of the paper. The distance of a column is its
Mahalanobis distance from the nearest cluster, divided by the root of their number, so that a typical training column
lies near 0.6; its percentile among the training columns makes it readable. One cluster for the whole globe would hide
nearly everything: of tropical ClimSim columns whose boundary layer dries to 40 % it flags 52 %, sixteen clusters flag
96 % (and 0.5 % of unchanged columns of other days).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from scipy.cluster.vq import kmeans2

from diffmp_core.columns.normalize import CONDENSATES
from diffmp_core.errors import DiffmpError
from diffmp_core.storage.files import unreadable, write_bytes
from diffmp_core.variables import Channels, Variable

DOMAIN_FILE = "domain.safetensors"
"""File of an emulator folder with its :class:`TrainingDomain`."""

OUT_OF_RANGE_PERCENTILE = 99.9
"""A column farther out than this share of the training columns [%] is out of range."""

OUT_OF_EXTREMES = 0.25
"""A column with any input beyond the training extremes by this many standard deviations is out of range, too."""

CLUSTERS = 16
COLUMNS_PER_FEATURE = 20
"""Clusters at most, and training columns that each needs at least on average for every feature."""

SHRINKAGE = 0.02
"""Least weight of the uncorrelated covariance: T and qv of neighbouring levels are nearly collinear, and differences
along such a direction that are smaller than rounding or sub-grid noise should not count as far."""

_QUANTILES = np.concatenate([np.linspace(0.0, 0.99, 100), np.linspace(0.991, 0.999, 9), [0.9995, 0.9999, 1.0]])
_ARRAYS = ("mean", "spread", "low", "high", "centre", "whitening", "distances")
_KIND = {"diffmp_kind": "training-domain"}
_COPY_AGAIN = "copy the emulator again or train it anew"


@dataclass(frozen=True)
class FarthestInput:
    """The single input of a column that lies farthest from the training data.

    Attributes:
        variable: name of the input.
        level: level index, None for a single value.
        value: its value in the unit of the variable.
        low, high: smallest and largest training value there.
        deviations: distance from the training mean in training standard deviations, signed.
        is_outside: whether the value lies outside ``low`` to ``high``.
    """

    variable: str
    level: int | None
    value: float
    low: float
    high: float
    deviations: float
    is_outside: bool


@dataclass(frozen=True, eq=False)
class TrainingDomain:
    """Summary of the training inputs: moments, extremes and the distribution of their distances.

    Attributes:
        channels: the inputs in channel order; features are the levels of profiles, and single values once.
        mean, spread, low, high: ``(feature,)`` of the training inputs; ``spread``, the file's word, is the standard
            deviation.
        centre: ``(cluster, feature)`` means of the clusters, standardised, of the features that distances are of.
        whitening: ``(cluster, feature, feature)`` inverse Cholesky factors of their covariances.
        distances: of the training columns, at 112 quantiles from 0 to 1.
    """

    channels: Channels
    mean: np.ndarray
    spread: np.ndarray
    low: np.ndarray
    high: np.ndarray
    centre: np.ndarray
    whitening: np.ndarray
    distances: np.ndarray

    def distance(self, inputs: np.ndarray) -> np.ndarray:
        """Distance ``(column,)`` of inputs ``(column, input, level)`` in physical units; of training columns near 0.6.

        Raises:
            DiffmpError: inputs of another shape than the training inputs'.
        """
        return self._distance(self._features(inputs))

    def percentile(self, distance: np.ndarray) -> np.ndarray:
        """Share of the training columns that lie nearer than a distance [%], 0 to 100."""
        return 100.0 * np.interp(distance, self.distances, _QUANTILES)

    def is_out_of_range(self, inputs: np.ndarray) -> np.ndarray:
        """Whether each column ``(column, input, level)`` is out of range.

        That is farther out than 99.9 % of the training columns, or with an input clearly beyond the training extremes
        (by a quarter of a standard deviation).
        """
        features = self._features(inputs)
        distance = self._distance(features)
        beyond = np.maximum(features - self.high, self.low - features) / self.spread
        limit = np.interp(OUT_OF_RANGE_PERCENTILE / 100.0, _QUANTILES, self.distances)
        return (distance > limit) | (beyond.max(axis=1) > OUT_OF_EXTREMES)

    def farthest_input(self, column: np.ndarray, *, unlike: np.ndarray | None = None) -> FarthestInput:
        """The input that lies farthest out in one column ``(input, level)``.

        That is the one farthest beyond its training extremes, in standard deviations; if all lie within, the one
        farthest from its training mean. With another column ``unlike``, only inputs that differ between both count
        (all, where none does).
        """
        value = self._features(column[None])[0]
        deviations = (value - self.mean) / self.spread
        excess = np.maximum(value - self.high, self.low - value) / self.spread
        counts = np.ones(len(value), bool) if unlike is None else value != self._features(unlike[None])[0]
        counts = counts if counts.any() else np.ones(len(value), bool)
        near = np.where(_in_distance(self.channels, len(value)), np.abs(deviations), 0.0)
        farness = excess if (excess[counts] > 0).any() else near
        index = int(np.argmax(np.where(counts, farness, -np.inf)))
        variable, level = _features_of(self.channels, len(value))[index]
        return FarthestInput(
            variable=variable.name,
            level=level,
            value=float(value[index]),
            low=float(self.low[index]),
            high=float(self.high[index]),
            deviations=float(deviations[index]),
            is_outside=bool(excess[index] > 0),
        )

    def _distance(self, features: np.ndarray) -> np.ndarray:
        chosen = _in_distance(self.channels, len(self.mean))
        return _nearest(((features - self.mean) / self.spread)[:, chosen], self.centre, self.whitening)

    def _features(self, inputs: np.ndarray) -> np.ndarray:
        features = _flatten(inputs, self.channels)
        if features.shape[1] != len(self.mean):
            raise DiffmpError(
                f"expected inputs with {len(self.mean)} numbers a column as in training, found {features.shape[1]}; "
                "use columns on the emulator's levels"
            )
        return features

    def save(self, path: Path) -> Path:
        """Write as safetensors, whole or not at all."""
        tensors = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}
        return write_bytes(path, save(tensors, metadata=_KIND))

    @classmethod
    def load(cls, path: Path, channels: Channels) -> TrainingDomain:
        """Read what :meth:`save` wrote.

        Args:
            path: of the file.
            channels: inputs of the emulator whose domain it is.

        Raises:
            DiffmpError: no such file, a truncated one, or one that holds something else or other inputs.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                if (file.metadata() or {}).get("diffmp_kind") != _KIND["diffmp_kind"] or set(file.keys()) != set(
                    _ARRAYS
                ):
                    raise DiffmpError(f"expected a training domain, found other tensors in {path.name}; {_COPY_AGAIN}")
                domain = cls(channels, **{name: file.get_tensor(name) for name in _ARRAYS})
        except (OSError, SafetensorError) as error:
            otherwise = f"expected a training domain at {path}, found nothing readable; {_COPY_AGAIN}"
            raise unreadable(path, error, otherwise) from error
        size, clusters = len(domain.mean), len(domain.centre)
        on_levels = size - len(channels.singles)
        if on_levels % max(len(channels.profiles), 1) or (on_levels > 0) != bool(channels.profiles):
            raise DiffmpError(
                f"expected numbers of {', '.join(channels.names)} in {path.name}, found {size} of other inputs; "
                f"{_COPY_AGAIN}"
            )
        near = int(_in_distance(channels, size).sum())
        shapes = {name: (size,) for name in ("spread", "low", "high")} | {
            "centre": (clusters, near),
            "whitening": (clusters, near, near),
            "distances": _QUANTILES.shape,
        }
        if any(getattr(domain, name).shape != shape for name, shape in shapes.items()):
            raise DiffmpError(f"expected arrays for {size} inputs in {path.name}, found other shapes; {_COPY_AGAIN}")
        return domain


def fit_domain(inputs: np.ndarray, *, channels: Channels, generator: np.random.Generator) -> TrainingDomain:
    """Training domain of inputs ``(column, input, level)`` in physical units.

    Args:
        inputs: of the training columns.
        channels: which they are, in order.
        generator: draws the first guess of the clusters.

    Raises:
        DiffmpError: fewer than two columns, or values that are not finite.
    """
    features = _flatten(inputs, channels)
    if len(features) < 2 or not np.isfinite(features).all():
        raise DiffmpError(
            f"expected 2 or more training columns, all finite, found {len(features)} columns; prepare the columns again"
        )
    mean = features.mean(axis=0, dtype=np.float64)
    std = features.std(axis=0, dtype=np.float64)
    std = np.where(std > 1e-6 * np.abs(mean), std, 1.0)
    near = _in_distance(channels, features.shape[1])
    sample = features[:: max(1, len(features) // (CLUSTERS * COLUMNS_PER_FEATURE * int(near.sum())))]
    sample = ((sample - mean) / std)[:, near]
    centre, member = _clusters(sample, generator)
    moments = [_moments(sample[member == cluster]) for cluster in range(len(centre))]
    centre = np.stack([mean_of_cluster for mean_of_cluster, _ in moments])
    whitening = np.stack([factor for _, factor in moments])
    distances = np.concatenate(
        [_nearest(((features[rows] - mean) / std)[:, near], centre, whitening) for rows in _blocks(len(features))]
    )
    return TrainingDomain(
        channels=channels,
        mean=mean,
        spread=std,
        low=features.min(axis=0).astype(np.float64),
        high=features.max(axis=0).astype(np.float64),
        centre=centre,
        whitening=whitening,
        distances=np.quantile(distances, _QUANTILES),
    )


def _clusters(sample: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Centres of k-means and the cluster of each column; clusters with fewer columns than features are dissolved."""
    count = int(np.clip(len(sample) // (COLUMNS_PER_FEATURE * sample.shape[1]), 1, CLUSTERS))
    if count == 1:
        return sample.mean(axis=0)[None], np.zeros(len(sample), dtype=int)
    centre, member = kmeans2(sample, count, minit="++", seed=generator)
    large = np.bincount(member, minlength=count) >= sample.shape[1]
    centre = centre[large]
    squares = np.stack([((sample - one) ** 2).sum(axis=1) for one in centre], axis=1)
    return centre, squares.argmin(axis=1)


def _moments(sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of one cluster and inverse Cholesky factor of its covariance, shrunk toward the diagonal; float32."""
    size = sample.shape[1]
    weight = min(1.0, max(SHRINKAGE, size / len(sample)))
    covariance = np.cov(sample, rowvar=False, bias=True)
    shrunk = (1.0 - weight) * covariance + weight * np.diag(np.diag(covariance)) + _LEAST_VARIANCE * np.eye(size)
    factor = np.linalg.inv(np.linalg.cholesky(shrunk))
    return sample.mean(axis=0).astype(np.float32), factor.astype(np.float32)


_LEAST_VARIANCE = 1e-4
"""Added to every variance of a cluster (in units of the global one): some inputs never vary in a cluster."""

_BLOCK = 8192


def _blocks(count: int) -> list[slice]:
    return [slice(first, first + _BLOCK) for first in range(0, count, _BLOCK)]


def _nearest(standard: np.ndarray, centre: np.ndarray, whitening: np.ndarray) -> np.ndarray:
    """Distance ``(column,)`` from the nearest cluster of standardised features ``(column, feature)``."""
    nearest = np.full(len(standard), np.inf)
    for mean, factor in zip(centre, whitening, strict=True):
        white = (standard - mean) @ factor.T
        np.minimum(nearest, np.sqrt((white**2).mean(axis=1)), out=nearest)
    return nearest


def _flatten(inputs: np.ndarray, channels: Channels) -> np.ndarray:
    """Features ``(column, feature)``: profiles on all levels, single values once."""
    parts = [inputs[:, c] if variable.profile else inputs[:, c, :1] for c, variable in enumerate(channels)]
    return np.concatenate(parts, axis=1)


def _features_of(channels: Channels, size: int) -> list[tuple[Variable, int | None]]:
    """Variable and level of each of ``size`` features."""
    levels = (size - len(channels.singles)) // max(len(channels.profiles), 1)
    each = ((variable, range(levels) if variable.profile else (None,)) for variable in channels)
    return [(variable, level) for variable, places in each for level in places]


def _in_distance(channels: Channels, size: int) -> np.ndarray:
    """Which of ``size`` features distances are of: all but condensates, where there is anything else.

    Condensates are nothing at most levels and times and much at some: no covariance describes them, and what they have
    of it hides all others. Of tropical ClimSim columns on 60 levels whose boundary layer dries to 40 % a distance in T,
    qv and surface values flags 76 %, one in qc and qi besides none. They count by their extremes alone.
    """
    near = np.array([variable.name not in CONDENSATES for variable, _ in _features_of(channels, size)])
    return near if near.any() else ~near
