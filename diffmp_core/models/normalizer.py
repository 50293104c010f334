"""The normalisation as a part of the network: tensors in, tensors out, on the network's device, always in float32.

Equations (6) and (7) of the paper and the calibrated normalisation are fitted in
:mod:`diffmp_core.columns.normalize`; here they are applied, for training, sampling, export and references alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NewType, Self

import numpy as np
import torch
from torch import Tensor, nn

from diffmp_core.columns.normalize import Normalization

Physical = NewType("Physical", Tensor)
"""Inputs or outputs ``(..., channel, level)`` in the units of the schema."""

Normalised = NewType("Normalised", Tensor)
"""Inputs or outputs ``(..., channel, level)`` as the network has them."""


class Normalizer(nn.Module):
    """``(x - offset) / scale`` and back, and the corrections to samples.

    These are: no negative values, no traces, no cloud where the training data had none.

    Its numbers are buffers that no file of weights holds, and keep float32 when the network computes in another format.
    """

    input_offset: Tensor
    input_scale: Tensor
    output_offset: Tensor
    output_scale: Tensor
    floor: Tensor
    possible: Tensor
    non_negative: Tensor
    single: Tensor

    def __init__(self, normalization: Normalization) -> None:
        super().__init__()
        self.winsorise_limit = normalization.winsorise_limit
        outputs = normalization.schema.outputs
        values: dict[str, np.ndarray] = {
            name: np.asarray(getattr(normalization, name), dtype=np.float32)
            for name in ("input_offset", "input_scale", "output_offset", "output_scale")
        }
        values |= {
            "floor": np.asarray(normalization.output_floor, dtype=np.float64)[:, None],
            "possible": np.asarray(normalization.cloud_possible, dtype=bool),
            "non_negative": outputs.is_non_negative,
            "single": outputs.is_single,
        }
        for name, value in values.items():
            self.register_buffer(name, torch.from_numpy(value), persistent=False)
        self.has_single = bool(outputs.singles)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move with the network to its device, but stay float32."""
        device = fn(self.non_negative).device  # no format is asked of what is true or false
        for name, buffer in self._buffers.items():
            self._buffers[name] = None if buffer is None else buffer.to(device)
        return self

    def normalise_inputs(self, inputs: Physical) -> Normalised:
        """Inputs ``(..., input, level)`` in float32."""
        return Normalised((inputs - self.input_offset) / self.input_scale)

    def normalise_outputs(self, outputs: Physical) -> Normalised:
        """Outputs ``(..., output, level)`` in float32."""
        return Normalised((outputs - self.output_offset) / self.output_scale)

    def physical_outputs(self, normalised: Normalised) -> Physical:
        """Undo :meth:`normalise_outputs`, and nothing else."""
        return Physical(normalised * self.output_scale + self.output_offset)

    def winsorise(self, normalised: Normalised) -> Normalised:
        """Hold training targets within ``winsorise_limit``, if there is one. Never for scoring."""
        if self.winsorise_limit is None:
            return normalised
        return Normalised(normalised.clamp(-self.winsorise_limit, self.winsorise_limit))

    def zero_negative(self, outputs: Physical) -> Physical:
        """Outputs that are never negative set to 0 where they are."""
        return Physical(torch.where(self.non_negative & (outputs < 0), 0.0, outputs))

    def zero_traces(self, outputs: Physical) -> Physical:
        """Outputs that are never negative set to 0 below their floor and where the training data have none."""
        keep = (outputs >= self.floor) & self.possible
        return Physical(torch.where(keep | ~self.non_negative, outputs, 0.0))

    def average_single_values(self, outputs: Tensor) -> Tensor:
        """Outputs ``(..., output, level)``, normalised, whose single values are the same at all levels: their mean."""
        if not self.has_single:
            return outputs
        return torch.where(self.single, outputs.mean(dim=-1, keepdim=True), outputs)

    def share_noise_of_single_values(self, noise: Tensor) -> Tensor:
        """Noise ``(..., output, level)`` of which single values have one draw, that of the lowest level."""
        if not self.has_single:
            return noise
        return torch.where(self.single, noise[..., :1], noise)
