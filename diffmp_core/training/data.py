"""Training columns in memory: read once, checked, normalised in place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from diffmp_core.columns.normalize import replace_abnormal
from diffmp_core.errors import DiffmpError
from diffmp_core.models.normalizer import Normalised, Normalizer, Physical
from diffmp_core.schema import ColumnSchema, schema_of
from diffmp_core.stores import iterate_columns, select_split

_BLOCK = 8192


@dataclass(frozen=True, eq=False)
class PhysicalColumns:
    """Columns in physical units, float32, in (time, cell) order.

    Attributes:
        schema: of the columns.
        inputs: ``(column, input, level)``.
        outputs: ``(column, output, level)``.
    """

    schema: ColumnSchema
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


@dataclass(frozen=True, eq=False)
class NormalisedColumns:
    """Columns as a network has them; arrays as in :class:`PhysicalColumns`."""

    inputs: np.ndarray
    outputs: np.ndarray

    def __len__(self) -> int:
        return len(self.inputs)

    def batch(self, index: np.ndarray, device: torch.device) -> tuple[Normalised, Normalised]:
        """Inputs and outputs of some columns as tensors on a device."""
        inputs, outputs = (torch.from_numpy(array[index]).to(device) for array in (self.inputs, self.outputs))
        return Normalised(inputs), Normalised(outputs)


def read_columns(columns: xr.Dataset, split: str, *, limit: int | None = None) -> PhysicalColumns:
    """Columns of one split; with ``limit``, that many spread evenly over times and cells.

    Raises:
        DiffmpError: no such split, or a value that is not finite (variable, time and cell are named).
    """
    chosen = select_split(columns, split)
    count = chosen.sizes["time"] * chosen.sizes["cell"]
    wanted = np.arange(count) if limit is None or limit >= count else np.linspace(0, count - 1, limit).astype(int)
    schema = schema_of(columns)
    inputs = np.empty((len(wanted), *schema.input_shape), dtype=np.float32)
    outputs = np.empty((len(wanted), *schema.output_shape), dtype=np.float32)
    for batch in iterate_columns(chosen, _BLOCK):
        first, last = np.searchsorted(wanted, (batch.rows.start, batch.rows.stop))
        picked = wanted[first:last] - batch.rows.start
        inputs[first:last], outputs[first:last] = batch.inputs[picked], batch.outputs[picked]
    return PhysicalColumns(schema, inputs, outputs)


def normalize_columns(columns: PhysicalColumns, normalizer: Normalizer, *, drop_abnormal: bool) -> NormalisedColumns:
    """Normalised columns, outputs held within the normalisation's limit; the arrays given are overwritten.

    Args:
        drop_abnormal: the paper's > 3 rule (Section 2) on inputs and outputs alike.

    Raises:
        DiffmpError: normalised values that are not finite (a variable of far larger size than in training).
    """
    inputs, outputs = columns.inputs, columns.outputs
    for first in range(0, len(columns), _BLOCK):
        rows = slice(first, first + _BLOCK)
        read, truth = (Physical(torch.from_numpy(array[rows])) for array in (inputs, outputs))
        inputs[rows] = normalizer.normalise_inputs(read).numpy()
        outputs[rows] = normalizer.winsorise(normalizer.normalise_outputs(truth)).numpy()
        if not (np.isfinite(inputs[rows]).all() and np.isfinite(outputs[rows]).all()):
            raise DiffmpError("expected finite normalised values, found infinity; check the units of the columns")
    if drop_abnormal:
        index = replace_abnormal(outputs)
        abnormal = np.flatnonzero(index != np.arange(len(index)))
        inputs[abnormal] = inputs[index[abnormal]]
        outputs[abnormal] = outputs[index[abnormal]]
    return NormalisedColumns(inputs, outputs)
