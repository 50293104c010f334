"""Normalisation of inputs and outputs: the paper's equations (6) and (7), and the calibrated one.

Every channel and level is mapped by ``x_norm = (x - offset) / scale``. The file form (``normalization.json``) is read
and written by :mod:`diffmp_core.columns.normalization_file`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr

from diffmp_core.errors import DiffmpError
from diffmp_core.variables import INPUT_NAMES, INPUTS, OUTPUT_NAMES, OUTPUTS

Method = Literal["paper", "calibrated"]

_OffsetScale = tuple[np.ndarray | float, np.ndarray | float]

WINSORISE_LIMIT = 30.0
"""Training targets of the calibrated method are held within this many spreads; a few values in a million lie beyond."""

ABNORMAL_LIMIT = 3.0
"""The paper replaces samples with a normalised output beyond this (Section 2)."""

LEAST_SPREAD = 1e-2
"""Least standard deviation of an output at a level that its scale takes part in, relative to that of the variable."""

NEGLIGIBLE_SHARE = 1e-3
"""Share of all cloud water (ice) of the training data that lies in values below the floor, at most."""


@dataclass(frozen=True, eq=False)
class Normalization:
    """Affine normalisation of an emulator, and the levels that it holds for.

    Attributes:
        method: ``paper`` or ``calibrated``.
        input_offset, input_scale: ``(6, level)`` in the units of the table of variables.
        output_offset, output_scale: ``(4, level)``.
        output_floor: ``(4,)``; a sampled qc or qi below it is set to 0 (0 for the tendencies, which have no floor).
        cloud_possible: ``(4, level)`` bool; False where the training truth never has cloud above the floor.
        height: ``(level,)`` nominal height of the training columns [m].
        pressure: ``(level,)`` nominal pressure of the training columns [Pa].
        winsorise_limit: bound on |normalised output| while training, or None.
    """

    method: Method
    input_offset: np.ndarray
    input_scale: np.ndarray
    output_offset: np.ndarray
    output_scale: np.ndarray
    output_floor: np.ndarray
    cloud_possible: np.ndarray
    height: np.ndarray
    pressure: np.ndarray
    winsorise_limit: float | None = None

    def apply_inputs(self, inputs: np.ndarray) -> np.ndarray:
        """Normalise inputs ``(..., 6, level)`` in physical units; float32."""
        return _affine(inputs, self.input_offset, self.input_scale)

    def apply_outputs(self, outputs: np.ndarray) -> np.ndarray:
        """Normalise outputs ``(..., 4, level)`` in physical units; float32."""
        return _affine(outputs, self.output_offset, self.output_scale)

    def invert_outputs(self, outputs_norm: np.ndarray) -> np.ndarray:
        """Physical outputs ``(..., 4, level)`` from normalised ones: undoes :meth:`apply_outputs`; float32."""
        scale, offset = self.output_scale.astype(np.float32), self.output_offset.astype(np.float32)
        return np.asarray(outputs_norm, dtype=np.float32) * scale + offset

    def winsorise(self, outputs_norm: np.ndarray) -> np.ndarray:
        """Hold normalised training targets within ``winsorise_limit``, if there is one. Never for scoring."""
        if self.winsorise_limit is None:
            return outputs_norm
        return np.clip(outputs_norm, -self.winsorise_limit, self.winsorise_limit)

    def settle_clouds(self, outputs: np.ndarray) -> np.ndarray:
        """Set sampled qc and qi ``(..., 4, level)`` to 0 below the floor and where training data have none."""
        keep = (outputs >= self.output_floor[:, None]) & self.cloud_possible
        cloud = np.array([variable.non_negative for variable in OUTPUTS])[:, None]
        return np.where(keep | ~cloud, outputs, np.float32(0.0)).astype(outputs.dtype)

    def check_levels(self, columns: xr.Dataset, where: str = "the column store") -> None:
        """Refuse columns on other levels than the training columns' (heights within 1 m, pressures within 0.1 %).

        Raises:
            DiffmpError: another number of levels, or other heights or pressures.
        """
        height, pressure = np.asarray(columns["height"], float), np.asarray(columns["pressure"], float)
        if height.shape != self.height.shape:
            raise DiffmpError(f"expected {len(self.height)} levels in {where}, found {len(height)}; {_OTHER_COLUMNS}")
        if not np.allclose(height, self.height, rtol=0, atol=1.0):
            expected, found = _span(self.height, "m"), _span(height, "m")
            raise DiffmpError(f"expected {expected} in {where}, found {found}; {_OTHER_COLUMNS}")
        if not np.allclose(pressure, self.pressure, rtol=1e-3, atol=0):
            expected, found = _span(self.pressure, "Pa"), _span(pressure, "Pa")
            raise DiffmpError(f"expected {expected} in {where}, found {found}; {_OTHER_COLUMNS}")


_OTHER_COLUMNS = "use columns of the source that the emulator was trained on, or train one on these"


def _span(levels: np.ndarray, unit: str) -> str:
    some = ", ".join(f"{levels[index]:.5g}" for index in (0, len(levels) // 2, -1))
    return f"levels at {some} {unit} (lowest, middle, top)"


def _affine(values: np.ndarray, offset: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return (np.asarray(values, dtype=np.float32) - offset.astype(np.float32)) / scale.astype(np.float32)


def normalize_by_range(values: np.ndarray) -> tuple[float, float]:
    """Offset and scale of equation (6): ``a_norm = (a - a_0.05) / (a_0.95 - a_0.05)``; T and Ps.

    Quantiles are those of all values of the variable, levels together. Scale 1 where all are equal.
    """
    low, high = np.quantile(values, (0.05, 0.95))
    return float(low), float(high - low) or 1.0


def normalize_by_quantile(values: np.ndarray) -> tuple[float, float]:
    """Offset (0) and scale of equation (7): ``a_norm = a / a_0.95``; all variables but T and Ps.

    The quantile is that of the absolute value. For variables that are never negative this is the letter of the
    equation. Tendencies have both signs: the plain quantile of a mostly drying q_v tendency can be tiny or negative,
    and would turn the profile round. Where more than 95 % are exactly 0 (thin cloud) the others' quantile is taken.
    """
    size = np.abs(values)
    scale = float(np.quantile(size, 0.95))
    if scale == 0.0 and size.any():
        scale = float(np.quantile(size[size > 0], 0.95))
    return 0.0, scale or 1.0


def normalize_by_level_spread(values: np.ndarray) -> tuple[float, np.ndarray]:
    """Offset (0) and scales of an output ``(column, level)``: the geometric mean of two standard deviations.

    One is the level's own, the other that of all values of the variable. With one scale for all levels the quiet ones
    drown in what noise the sampler leaves over, and their ensembles are too wide; with each level's own the training
    spends itself on levels where nothing happens. 0 stays 0.
    """
    overall = float(_mean_and_spread(values, by_level=False)[1])
    level = values.std(axis=0, dtype=np.float64)
    return 0.0, np.sqrt(np.maximum(level, LEAST_SPREAD * overall) * overall)


def fit(
    inputs: np.ndarray,
    outputs: np.ndarray,
    *,
    height: np.ndarray,
    pressure: np.ndarray,
    method: Method = "calibrated",
) -> Normalization:
    """Normalisation of training columns.

    ``paper``: equation (6) for T and Ps and (7) for all others, one offset and scale a variable. ``calibrated``: mean
    and standard deviation per level for T and qv, over all for the surface variables; outputs by
    :func:`normalize_by_level_spread`.

    Args:
        inputs: ``(column, 6, level)`` in physical units, surface variables repeated over the levels.
        outputs: ``(column, 4, level)``.
        height, pressure: ``(level,)`` nominal, of the column store.

    Raises:
        DiffmpError: no columns, wrong shapes, values that are not finite, or an unknown method.
    """
    _check_training_arrays(inputs, outputs, len(height))
    pairs: Sequence[_OffsetScale]
    output_pairs: Sequence[_OffsetScale]
    if method == "paper":
        pairs = [
            normalize_by_range(inputs[:, c]) if v.name in ("T", "Ps") else normalize_by_quantile(inputs[:, c])
            for c, v in enumerate(INPUTS)
        ]
        output_pairs = [normalize_by_quantile(outputs[:, c]) for c in range(len(OUTPUTS))]
    elif method == "calibrated":
        pairs = [_mean_and_spread(inputs[:, c], by_level=v.profile) for c, v in enumerate(INPUTS)]
        output_pairs = [normalize_by_level_spread(outputs[:, c]) for c in range(len(OUTPUTS))]
    else:
        raise DiffmpError(f"expected normalisation 'paper' or 'calibrated', found {method!r}; choose one")
    floor = np.array([_floor(outputs[:, c]) if v.non_negative else 0.0 for c, v in enumerate(OUTPUTS)])
    possible = np.array(
        [
            (outputs[:, c] > floor[c]).any(axis=0) if v.non_negative else np.ones(len(height), bool)
            for c, v in enumerate(OUTPUTS)
        ]
    )
    return Normalization(
        method=method,
        input_offset=_per_level([offset for offset, _ in pairs], len(height)),
        input_scale=_per_level([scale for _, scale in pairs], len(height)),
        output_offset=_per_level([offset for offset, _ in output_pairs], len(height)),
        output_scale=_per_level([scale for _, scale in output_pairs], len(height)),
        output_floor=floor,
        cloud_possible=possible,
        height=np.asarray(height, dtype=float),
        pressure=np.asarray(pressure, dtype=float),
        winsorise_limit=WINSORISE_LIMIT if method == "calibrated" else None,
    )


def replace_abnormal(outputs_norm: np.ndarray, limit: float = ABNORMAL_LIMIT) -> np.ndarray:
    """The paper's rule: a column with a normalised output beyond the limit is replaced by its nearest neighbour within.

    Beyond is meant in absolute value (the paper's distributions stop at -3 and 3). Neighbours are those in the order of
    the columns: the next cell of the same time, as a rule. Off by default: of the ClimSim excerpt it takes out 14 % of
    the columns, and most of the rain with them.

    Args:
        outputs_norm: ``(column, 4, level)``.

    Returns:
        ``(column,)`` index of the column to use in place of each one, for inputs and outputs alike.

    Raises:
        DiffmpError: no column lies within the limit.
    """
    good = np.flatnonzero((np.abs(outputs_norm) <= limit).all(axis=(1, 2)))
    if good.size == 0:
        raise DiffmpError(f"expected columns with all outputs within {limit:g}, found none; switch the rule off")
    index = np.arange(len(outputs_norm))
    after = good[np.minimum(np.searchsorted(good, index), len(good) - 1)]
    before = good[np.maximum(np.searchsorted(good, index, side="right") - 1, 0)]
    return np.where(np.abs(after - index) < np.abs(index - before), after, before)


def _check_training_arrays(inputs: np.ndarray, outputs: np.ndarray, levels: int) -> None:
    for array, names, what in ((inputs, INPUT_NAMES, "inputs"), (outputs, OUTPUT_NAMES, "outputs")):
        if array.ndim != 3 or array.shape[1:] != (len(names), levels) or len(array) == 0:
            raise DiffmpError(
                f"expected training {what} of shape (column, {len(names)}, {levels}), found {array.shape}; "
                "prepare the columns again"
            )
        for channel, name in enumerate(names):
            if not np.isfinite(array[:, channel]).all():
                raise DiffmpError(f"expected finite training values of {name}, found NaN or infinity; repair them")


def _mean_and_spread(values: np.ndarray, *, by_level: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of ``(column, level)``, per level or over all; 1 for mere rounding."""
    axis = 0 if by_level else None
    mean = np.asarray(values.mean(axis=axis, dtype=np.float64))
    spread = np.asarray(values.std(axis=axis, dtype=np.float64))
    return mean, np.where(spread > 1e-6 * np.abs(mean), spread, 1.0)


def _floor(cloud: np.ndarray) -> float:
    """Largest value such that the values up to it hold no more than :data:`NEGLIGIBLE_SHARE` of all cloud."""
    amounts = np.sort(cloud[cloud > 0], axis=None).astype(np.float64)
    if amounts.size == 0:
        return 0.0
    share = np.cumsum(amounts) / amounts.sum()
    return float(amounts[max(int(np.searchsorted(share, NEGLIGIBLE_SHARE, side="right")) - 1, 0)])


def _per_level(values: Sequence[np.ndarray | float], levels: int) -> np.ndarray:
    return np.stack([np.broadcast_to(np.asarray(value, dtype=np.float64), (levels,)) for value in values])
