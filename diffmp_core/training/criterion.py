"""The paper's criterion of the best model: correlation, spread-skill correlation and coverage on validation columns.

"The best models on validation data are saved ... Validation criterion is the average of correlation coefficient,
spread-skill correlation, and coverage ratio" (Section 4.1). The formulas are those of docs/scores.md.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import numpy as np
import torch

from diffmp_core.compute.seeds import Purpose, stream
from diffmp_core.models.base import NetworkEmulator, normal_draws
from diffmp_core.training.data import ColumnArrays
from diffmp_core.variables import OUTPUTS

CRITERION_COLUMNS = 1024
"""Validation columns that are sampled for the criterion, at most (the paper: 10,000)."""

CRITERION_MEMBERS, CRITERION_STEPS = 32, 5
"""Ensemble size of the paper, and its steps; emulators that answer at once take one whatever the steps."""

_COLUMNS_AT_ONCE = 16


def paper_criterion(truth: np.ndarray, members: np.ndarray) -> float:
    """Mean of ``pcc``, ``spread_skill_correlation`` and ``coverage_ratio``, then over the outputs (Section 4.1).

    A correlation with something that never varies, such as the spread of equal members, counts as zero.

    Args:
        truth: ``(column, 4, level)``, physical units.
        members: ``(column, member, 4, level)``, physical units.
    """
    truth, members = np.asarray(truth, np.float64), np.asarray(members, np.float64)
    mean = members.mean(axis=1)
    spread, error = members.std(axis=1, ddof=1), np.abs(mean - truth)
    spread[(members == members[:, :1]).all(axis=1)] = 0.0  # not even rounding
    covered = (members.min(axis=1) <= truth) & (truth <= members.max(axis=1))
    values = [
        (correlation(mean[:, v], truth[:, v]) + correlation(spread[:, v], error[:, v]) + covered[:, v].mean()) / 3
        for v in range(truth.shape[1])
    ]
    return float(np.mean(values))


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson correlation of all values; 0 where one side never varies."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(np.corrcoef(x.ravel(), y.ravel())[0, 1])


@torch.inference_mode()
def sample_criterion(
    emulator: NetworkEmulator, columns: ColumnArrays, *, seed: int, number_format: AbstractContextManager
) -> float:
    """:func:`paper_criterion` of an emulator without guidance, on columns spread evenly over those given.

    Args:
        columns: normalised; their outputs stand for the truth as they are, winsorised or not.
        seed: of the noise, which is the same each time.
        number_format: in which the network answers (autocast).
    """
    index = np.linspace(0, len(columns) - 1, min(len(columns), CRITERION_COLUMNS)).astype(int)
    parts = []
    for number, first in enumerate(range(0, len(index), _COLUMNS_AT_ONCE)):
        inputs, _ = columns.batch(index[first : first + _COLUMNS_AT_ONCE], emulator.device)
        generator = stream(seed, Purpose.criterion, number, device=emulator.device)
        with number_format:
            ensemble = emulator.sample_normalised(
                inputs,
                CRITERION_MEMBERS,
                draw=normal_draws(generator),
                steps=CRITERION_STEPS,
                guidance=(0.0,) * len(OUTPUTS),
            )
        parts.append(emulator.physical_outputs(ensemble))
    return paper_criterion(emulator.normalization.invert_outputs(columns.outputs[index]), np.concatenate(parts))
