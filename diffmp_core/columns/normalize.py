"""Normalisation of inputs and outputs: the paper's equations (6) and (7), and the calibrated one.

Every channel and level is mapped by ``x_norm = (x - offset) / scale``. The file form (``normalization.json``) is read
and written by :mod:`diffmp_core.columns.normalization_file`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from diffmp_core.errors import DiffmpError
from diffmp_core.schema import ColumnSchema
from diffmp_core.variables import Channels, Variable

Method = Literal["paper", "calibrated"]

_OffsetScale = tuple[np.ndarray | float, np.ndarray | float]

WINSORISE_LIMIT = 30.0
"""Training targets of the calibrated method are held within so many standard deviations: a few in a million are not."""

ABNORMAL_LIMIT = 3.0
"""The paper replaces samples with a normalised output beyond this (Section 2)."""

LEAST_RELATIVE_STD = 1e-2
"""Least standard deviation of an output at a level that its scale takes part in, relative to that of the variable."""

NEGLIGIBLE_SHARE = 1e-3
"""Share of all cloud water (ice) of the training data that lies in values below the floor, at most."""


CONDENSATES = ("qc", "qi")
"""Inputs that are zero at most levels and times: they are scaled as outputs are."""


@dataclass(frozen=True, eq=False)
class Normalization:
    """Affine normalisation of an emulator, and the schema of the columns that it holds for.

    Networks apply it as :class:`diffmp_core.models.normalizer.Normalizer` does; this is its data.

    Attributes:
        method: ``paper`` or ``calibrated``.
        schema: variables and levels of the training columns.
        input_offset, input_scale: ``(input, level)`` in the units of the variables.
        output_offset, output_scale: ``(output, level)``.
        output_floor: ``(output,)``; a sample of an output that is never negative is set to 0 below it (0 for others).
        cloud_possible: ``(output, level)`` bool; False where the training truth of such an output is never above it.
        winsorise_limit: bound on |normalised output| while training, or None.
    """

    method: Method
    schema: ColumnSchema
    input_offset: np.ndarray
    input_scale: np.ndarray
    output_offset: np.ndarray
    output_scale: np.ndarray
    output_floor: np.ndarray
    cloud_possible: np.ndarray
    winsorise_limit: float | None = None


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


def normalize_by_level_std(values: np.ndarray) -> tuple[float, np.ndarray]:
    """Offset (0) and scales of an output ``(column, level)``: the geometric mean of two standard deviations.

    One is the level's own, the other that of all values of the variable. With one scale for all levels the quiet ones
    drown in what noise the sampler leaves over, and their ensembles are too wide; with each level's own the training
    spends itself on levels where nothing happens. 0 stays 0.
    """
    overall = float(_mean_and_std(values, by_level=False)[1])
    level = values.std(axis=0, dtype=np.float64)
    return 0.0, np.sqrt(np.maximum(level, LEAST_RELATIVE_STD * overall) * overall)


def fit(
    inputs: np.ndarray, outputs: np.ndarray, *, schema: ColumnSchema, method: Method = "calibrated"
) -> Normalization:
    """Normalisation of training columns.

    ``paper``: equation (6) for T and Ps and (7) for all others, one offset and scale per variable. ``calibrated``: mean
    and standard deviation per level for inputs on levels, over all for single values, read or returned; condensates and
    outputs on levels by :func:`normalize_by_level_std`, which keeps zero.

    Args:
        inputs: ``(column, input, level)`` in physical units, single values repeated over the levels.
        outputs: ``(column, output, level)``, likewise.
        schema: of the columns.

    Raises:
        DiffmpError: no columns, wrong shapes, values that are not finite, or an unknown method.
    """
    _check_training_arrays(inputs, outputs, schema)
    if method not in ("paper", "calibrated"):
        raise DiffmpError(f"expected normalisation 'paper' or 'calibrated', found {method!r}; choose one")
    of_input, of_output = (
        (_input_by_paper, _output_by_paper) if method == "paper" else (_input_by_level, _output_by_level)
    )
    pairs = [of_input(inputs[:, c], variable) for c, variable in enumerate(schema.inputs)]
    output_pairs = [of_output(outputs[:, c], variable) for c, variable in enumerate(schema.outputs)]
    floor = np.array([_floor(outputs[:, c]) if v.non_negative else 0.0 for c, v in enumerate(schema.outputs)])
    possible = np.array(
        [
            (outputs[:, c] > floor[c]).any(axis=0) if v.non_negative else np.ones(schema.levels, bool)
            for c, v in enumerate(schema.outputs)
        ]
    )
    return Normalization(
        method=method,
        schema=schema,
        input_offset=_per_level([offset for offset, _ in pairs], schema.levels),
        input_scale=_per_level([scale for _, scale in pairs], schema.levels),
        output_offset=_per_level([offset for offset, _ in output_pairs], schema.levels),
        output_scale=_per_level([scale for _, scale in output_pairs], schema.levels),
        output_floor=floor,
        cloud_possible=possible,
        winsorise_limit=WINSORISE_LIMIT if method == "calibrated" else None,
    )


def _input_by_paper(values: np.ndarray, variable: Variable) -> _OffsetScale:
    return normalize_by_range(values) if variable.name in ("T", "Ps") else normalize_by_quantile(values)


def _output_by_paper(values: np.ndarray, variable: Variable) -> _OffsetScale:
    return normalize_by_quantile(values)


def _output_by_level(values: np.ndarray, variable: Variable) -> _OffsetScale:
    return normalize_by_level_std(values) if variable.profile else _mean_and_std(values, by_level=False)


def _input_by_level(values: np.ndarray, variable: Variable) -> _OffsetScale:
    if variable.name in CONDENSATES:
        return normalize_by_level_std(values)
    return _mean_and_std(values, by_level=variable.profile)


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


def _check_training_arrays(inputs: np.ndarray, outputs: np.ndarray, schema: ColumnSchema) -> None:
    roles: tuple[tuple[np.ndarray, Channels, str], ...]
    roles = ((inputs, schema.inputs, "inputs"), (outputs, schema.outputs, "outputs"))
    for array, channels, what in roles:
        shape = (len(channels), schema.levels)
        if array.ndim != 3 or array.shape[1:] != shape or len(array) == 0:
            raise DiffmpError(
                f"expected training {what} of shape (column, {shape[0]}, {shape[1]}), found {array.shape}; "
                "prepare the columns again"
            )
        for channel, name in enumerate(channels.names):
            if not np.isfinite(array[:, channel]).all():
                raise DiffmpError(f"expected finite training values of {name}, found NaN or infinity; repair them")


def _mean_and_std(values: np.ndarray, *, by_level: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of ``(column, level)``, per level or over all; 1 for mere rounding."""
    axis = 0 if by_level else None
    mean = np.asarray(values.mean(axis=axis, dtype=np.float64))
    std = np.asarray(values.std(axis=axis, dtype=np.float64))
    return mean, np.where(std > 1e-6 * np.abs(mean), std, 1.0)


def _floor(cloud: np.ndarray) -> float:
    """Largest value such that the values up to it hold no more than :data:`NEGLIGIBLE_SHARE` of all cloud."""
    amounts = np.sort(cloud[cloud > 0], axis=None).astype(np.float64)
    if amounts.size == 0:
        return 0.0
    share = np.cumsum(amounts) / amounts.sum()
    return float(amounts[max(int(np.searchsorted(share, NEGLIGIBLE_SHARE, side="right")) - 1, 0)])


def _per_level(values: Sequence[np.ndarray | float], levels: int) -> np.ndarray:
    return np.stack([np.broadcast_to(np.asarray(value, dtype=np.float64), (levels,)) for value in values])
