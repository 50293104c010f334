"""Training columns in memory: read once, checked, normalised in place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from diffmp_core.columns.normalize import Normalization, replace_abnormal
from diffmp_core.errors import DiffmpError
from diffmp_core.stores import iterate_columns, select_split
from diffmp_core.variables import INPUTS, OUTPUTS

_BLOCK = 8192


@dataclass(frozen=True, eq=False)
class ColumnArrays:
    """Inputs ``(column, 6, level)`` and outputs ``(column, 4, level)``, float32, columns in (time, cell) order."""

    inputs: np.ndarray
    outputs: np.ndarray

    def __len__(self) -> int:
        return len(self.inputs)

    def checksum(self) -> str:
        """SHA-256 of the values, as :func:`diffmp_core.models.seen_times.values_checksum` has it of a store."""
        digest = hashlib.sha256()
        for array in (self.inputs, self.outputs):
            digest.update(np.ascontiguousarray(array, dtype="<f4").data)
        return digest.hexdigest()

    def batch(self, index: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor]:
        """Inputs and outputs of some columns as tensors on a device."""
        return torch.from_numpy(self.inputs[index]).to(device), torch.from_numpy(self.outputs[index]).to(device)


def read_columns(columns: xr.Dataset, split: str, *, limit: int | None = None) -> ColumnArrays:
    """Columns of one split in physical units; with ``limit``, that many spread evenly over times and cells.

    Raises:
        DiffmpError: no such split, or a value that is not finite (variable, time and cell are named).
    """
    chosen = select_split(columns, split)
    count = chosen.sizes["time"] * chosen.sizes["cell"]
    wanted = np.arange(count) if limit is None or limit >= count else np.linspace(0, count - 1, limit).astype(int)
    levels = chosen.sizes["level"]
    inputs = np.empty((len(wanted), len(INPUTS), levels), dtype=np.float32)
    outputs = np.empty((len(wanted), len(OUTPUTS), levels), dtype=np.float32)
    for rows, values in iterate_columns(chosen, _BLOCK, INPUTS + OUTPUTS):
        first, last = np.searchsorted(wanted, (rows.start, rows.stop))
        picked = values[wanted[first:last] - rows.start]
        inputs[first:last], outputs[first:last] = picked[:, : len(INPUTS)], picked[:, len(INPUTS) :]
    return ColumnArrays(inputs, outputs)


def normalize_columns(columns: ColumnArrays, normalization: Normalization, *, drop_abnormal: bool) -> ColumnArrays:
    """Normalised columns, outputs held within the normalisation's limit; the arrays given are overwritten.

    Args:
        drop_abnormal: the paper's > 3 rule (Section 2) on inputs and outputs alike.

    Raises:
        DiffmpError: normalised values that are not finite (a variable of far larger size than in training).
    """
    for first in range(0, len(columns), _BLOCK):
        rows = slice(first, first + _BLOCK)
        columns.inputs[rows] = normalization.apply_inputs(columns.inputs[rows])
        columns.outputs[rows] = normalization.winsorise(normalization.apply_outputs(columns.outputs[rows]))
        if not (np.isfinite(columns.inputs[rows]).all() and np.isfinite(columns.outputs[rows]).all()):
            raise DiffmpError("expected finite normalised values, found infinity; check the units of the columns")
    if drop_abnormal:
        index = replace_abnormal(columns.outputs)
        abnormal = np.flatnonzero(index != np.arange(len(index)))
        columns.inputs[abnormal] = columns.inputs[index[abnormal]]
        columns.outputs[abnormal] = columns.outputs[index[abnormal]]
    return columns
