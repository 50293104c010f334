"""How far a column lies from the training columns, told without shipping any of them.

Training columns fall into regimes (tropical ocean, polar night ...), found by k-means in the standardised inputs: T and
qv on levels and four surface variables, 64 numbers. The distance of a column is its Mahalanobis distance from the
nearest regime, divided by the root of their number, so that a typical training column lies near 0.6; its percentile
among the training columns makes it readable. One regime for the whole globe would hide nearly everything: of tropical
ClimSim columns whose boundary layer dries to 40 % it flags 52 %, sixteen regimes flag 96 % (and 0.5 % of unchanged
columns of other days).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from scipy.cluster.vq import kmeans2

from diffmp_core.errors import DiffmpError
from diffmp_core.storage.files import unreadable, write_bytes
from diffmp_core.variables import INPUTS

DOMAIN_FILE = "domain.safetensors"
"""File of an emulator folder with its :class:`TrainingDomain`."""

OUT_OF_RANGE_PERCENTILE = 99.9
"""A column farther out than this share of the training columns [%] is out of range."""

OUT_OF_EXTREMES = 0.25
"""A column with any input beyond the training extremes by this many standard deviations is out of range, too."""

REGIMES = 16
COLUMNS_PER_REGIME = 20 * 64
"""Regimes at most, and training columns that each needs at least on average."""

SHRINKAGE = 0.02
"""Least weight of the uncorrelated covariance: T and qv of neighbouring levels are nearly collinear, and differences
along such a direction that are smaller than rounding or sub-grid noise should not count as far."""

_QUANTILES = np.concatenate([np.linspace(0.0, 0.99, 100), np.linspace(0.991, 0.999, 9), [0.9995, 0.9999, 1.0]])
_KIND = {"diffmp_kind": "training-domain"}
_COPY_AGAIN = "copy the emulator again or train it anew"


@dataclass(frozen=True)
class FarthestInput:
    """The single input of a column that lies farthest from the training data.

    Attributes:
        variable: name in the table of variables.
        level: level index, None for a surface variable.
        value: its value in the unit of the table.
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
        mean, spread: ``(feature,)`` of the training inputs; features are T, qv (all levels each), Ps, SHF, LHF, SOLIN.
    @@"""

    mean: np.ndarray
    spread: np.ndarray
    low: np.ndarray
    high: np.ndarray
    centre: np.ndarray
    whitening: np.ndarray
    distances: np.ndarray

    def distance(self, inputs: np.ndarray) -> np.ndarray:
        """Distance ``(column,)`` of inputs ``(column, 6, level)`` in physical units; a typical training column has 0.6.

        Raises:
            DiffmpError: inputs of another shape than the training inputs'.
        """
        return _nearest((self._features(inputs) - self.mean) / self.spread, self.centre, self.whitening)

    def percentile(self, distance: np.ndarray) -> np.ndarray:
        """Share of the training columns that lie nearer than a distance [%], 0 to 100."""
        return 100.0 * np.interp(distance, self.distances, _QUANTILES)

    def is_out_of_range(self, inputs: np.ndarray) -> np.ndarray:
        """Whether each column ``(column, 6, level)`` is out of range.

        That is farther out than 99.9 % of the training columns, or with an input clearly beyond the training extremes
        (by a quarter of a standard deviation).
        """
        features = self._features(inputs)
        distance = _nearest((features - self.mean) / self.spread, self.centre, self.whitening)
        beyond = np.maximum(features - self.high, self.low - features) / self.spread
        limit = np.interp(OUT_OF_RANGE_PERCENTILE / 100.0, _QUANTILES, self.distances)
        return (distance > limit) | (beyond.max(axis=1) > OUT_OF_EXTREMES)

    def farthest_input(self, column: np.ndarray, *, unlike: np.ndarray | None = None) -> FarthestInput:
        """The input that lies farthest out in one column ``(6, level)``.

        That is the one farthest beyond its training extremes, in standard deviations; if all lie within, the one
        farthest from its training mean. With another column ``unlike``, only inputs that differ between both count
        (all, where none does).
        """
        value = self._features(column[None])[0]
        deviations = (value - self.mean) / self.spread
        excess = np.maximum(value - self.high, self.low - value) / self.spread
        counts = np.ones(len(value), bool) if unlike is None else value != self._features(unlike[None])[0]
        counts = counts if counts.any() else np.ones(len(value), bool)
        farness = excess if (excess[counts] > 0).any() else np.abs(deviations)
        index = int(np.argmax(np.where(counts, farness, -np.inf)))
        variable, level = _feature_names(column.shape[-1])[index]
        return FarthestInput(
            variable=variable,
            level=level,
            value=float(value[index]),
            low=float(self.low[index]),
            high=float(self.high[index]),
            deviations=float(deviations[index]),
            is_outside=bool(excess[index] > 0),
        )

    def _features(self, inputs: np.ndarray) -> np.ndarray:
        features = _flatten(inputs)
        if features.shape[1] != len(self.mean):
            raise DiffmpError(
                f"expected inputs with {len(self.mean)} numbers a column as in training, found {features.shape[1]}; "
                "use columns on the emulator's levels"
            )
        return features

    def save(self, path: Path) -> Path:
        """Write as safetensors, whole or not at all."""
        tensors = {field.name: np.ascontiguousarray(getattr(self, field.name)) for field in fields(self)}
        return write_bytes(path, save(tensors, metadata=_KIND))

    @classmethod
    def load(cls, path: Path) -> TrainingDomain:
        """Read what :meth:`save` wrote.

        Raises:
            DiffmpError: no such file, a truncated one, or one that holds something else.
        """
        names = {field.name for field in fields(cls)}
        try:
            with safe_open(path, framework="numpy") as file:
                if (file.metadata() or {}).get("diffmp_kind") != _KIND["diffmp_kind"] or set(file.keys()) != names:
                    raise DiffmpError(f"expected a training domain, found other tensors in {path.name}; {_COPY_AGAIN}")
                domain = cls(**{name: file.get_tensor(name) for name in names})
        except (OSError, SafetensorError) as error:
            otherwise = f"expected a training domain at {path}, found nothing readable; {_COPY_AGAIN}"
            raise unreadable(path, error, otherwise) from error
        size = len(domain.mean)
        regimes = len(domain.centre)
        shapes = {name: (size,) for name in ("spread", "low", "high")} | {
            "centre": (regimes, size),
            "whitening": (regimes, size, size),
            "distances": _QUANTILES.shape,
        }
        if any(getattr(domain, name).shape != shape for name, shape in shapes.items()):
            raise DiffmpError(f"expected arrays for {size} inputs in {path.name}, found other shapes; {_COPY_AGAIN}")
        return domain


def fit_domain(inputs: np.ndarray, *, generator: np.random.Generator) -> TrainingDomain:
    """Training domain of inputs ``(column, 6, level)`` in physical units.

    Args:
        inputs: of the training columns.
        generator: draws the first guess of the regimes.

    Raises:
        DiffmpError: fewer than two columns, or values that are not finite.
    """
    features = _flatten(inputs)
    if len(features) < 2 or not np.isfinite(features).all():
        raise DiffmpError(
            f"expected 2 or more training columns, all finite, found {len(features)} columns; prepare the columns again"
        )
    mean = features.mean(axis=0, dtype=np.float64)
    spread = features.std(axis=0, dtype=np.float64)
    spread = np.where(spread > 1e-6 * np.abs(mean), spread, 1.0)
    sample = features[:: max(1, len(features) // (REGIMES * COLUMNS_PER_REGIME))]
    sample = (sample - mean) / spread
    centre, member = _regimes(sample, generator)
    moments = [_moments(sample[member == regime]) for regime in range(len(centre))]
    centre = np.stack([mean_of_regime for mean_of_regime, _ in moments])
    whitening = np.stack([factor for _, factor in moments])
    distances = np.concatenate(
        [_nearest((features[rows] - mean) / spread, centre, whitening) for rows in _blocks(len(features))]
    )
    return TrainingDomain(
        mean=mean,
        spread=spread,
        low=features.min(axis=0).astype(np.float64),
        high=features.max(axis=0).astype(np.float64),
        centre=centre,
        whitening=whitening,
        distances=np.quantile(distances, _QUANTILES),
    )


def _regimes(sample: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Centres of k-means and the regime of each column; regimes with fewer columns than features are dissolved."""
    count = int(np.clip(len(sample) // COLUMNS_PER_REGIME, 1, REGIMES))
    if count == 1:
        return sample.mean(axis=0)[None], np.zeros(len(sample), dtype=int)
    centre, member = kmeans2(sample, count, minit="++", seed=generator)
    large = np.bincount(member, minlength=count) >= sample.shape[1]
    centre = centre[large]
    squares = ((sample[:, None] - centre) ** 2).sum(axis=2)
    return centre, squares.argmin(axis=1)


def _moments(sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of one regime and inverse Cholesky factor of its covariance, shrunk toward the diagonal; float32."""
    size = sample.shape[1]
    weight = min(1.0, max(SHRINKAGE, size / len(sample)))
    covariance = np.cov(sample, rowvar=False, bias=True)
    shrunk = (1.0 - weight) * covariance + weight * np.diag(np.diag(covariance)) + _LEAST_VARIANCE * np.eye(size)
    factor = np.linalg.inv(np.linalg.cholesky(shrunk))
    return sample.mean(axis=0).astype(np.float32), factor.astype(np.float32)


_LEAST_VARIANCE = 1e-4
"""Added to every variance of a regime (in units of the global one): some inputs never vary in a regime."""

_BLOCK = 8192


def _blocks(count: int) -> list[slice]:
    return [slice(first, first + _BLOCK) for first in range(0, count, _BLOCK)]


def _nearest(standard: np.ndarray, centre: np.ndarray, whitening: np.ndarray) -> np.ndarray:
    """Distance ``(column,)`` from the nearest regime of standardised features ``(column, feature)``."""
    nearest = np.full(len(standard), np.inf)
    for mean, factor in zip(centre, whitening, strict=True):
        white = (standard - mean) @ factor.T
        np.minimum(nearest, np.sqrt((white**2).mean(axis=1)), out=nearest)
    return nearest


def _flatten(inputs: np.ndarray) -> np.ndarray:
    """Features ``(column, feature)``: profiles on all levels, surface variables once."""
    parts = [inputs[:, c] if variable.profile else inputs[:, c, :1] for c, variable in enumerate(INPUTS)]
    return np.concatenate(parts, axis=1)


def _feature_names(levels: int) -> list[tuple[str, int | None]]:
    """Variable and level of each feature."""
    return [(variable.name, level) for variable in INPUTS for level in (range(levels) if variable.profile else (None,))]
