"""Deterministic regression with the network of DIFF-MP: the reference without stochasticity.

At s = 0 the noised profile holds no signal, and a denoiser of squared error is the conditional mean E[x_0 | c]. The
regression therefore is the same network, kept at s = 0 with x = 0.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional

from diffmp_core.models.base import NetworkConfig, NetworkEmulator
from diffmp_core.variables import OUTPUTS


class RegressionConfig(NetworkConfig):
    """Options of the regression: those of the network."""

    kind: Literal["regression"] = "regression"


class Regression(NetworkEmulator):
    """Conditional mean of the outputs of a column; every member is the same profile."""

    kind: ClassVar[str] = "regression"
    config_class = RegressionConfig

    def predict(self, condition: Tensor) -> Tensor:
        """Normalised outputs (column, 4, level) for normalised inputs (column, 6, level)."""
        x = torch.zeros(len(condition), 1, len(OUTPUTS), self.levels, device=condition.device)
        level = torch.zeros(1, device=condition.device)
        return self.denoiser(x, level, self.denoiser.encode(condition))[:, 0]

    def training_loss(self, inputs: Tensor, outputs: Tensor, generator: Generator) -> Tensor:
        """Mean squared error of normalised outputs; nothing is drawn from the generator."""
        return functional.mse_loss(self.predict(inputs), outputs)

    def sample_normalised(
        self, condition: Tensor, members: int, *, generator: Generator, steps: int, guidance: tuple[float, ...]
    ) -> Tensor:
        """The conditional mean, ``members`` times; generator, steps and guidance have no effect."""
        return self.predict(condition)[:, None].repeat(1, members, 1, 1)
