"""Regressions with the network of DIFF-MP: the deterministic one, and a Gaussian whose variance depends on the column.

At s = 0 the noised profile holds no signal, and a denoiser of squared error is the conditional mean E[x_0 | c]. A
regression therefore is the same network, kept at s = 0 with x = 0.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional

from diffmp_core.models.base import Draw, NetworkConfig, NetworkEmulator
from diffmp_core.models.denoiser import Denoiser
from diffmp_core.models.normalizer import Normalised

LEAST_STD = 1e-3
"""Smallest standard deviation of the Gaussian regression, in units of the normalised outputs: keeps the CRPS finite in
float32 where a cloud is always exactly zero."""


class RegressionConfig(NetworkConfig):
    """Options of the regression: those of the network."""

    kind: Literal["regression"] = "regression"


class Regression(NetworkEmulator):
    """Conditional mean of the outputs of a column; every member is the same profile."""

    kind: ClassVar[str] = "regression"
    config_class = RegressionConfig

    def predict(self, condition: Normalised) -> Normalised:
        """Normalised outputs (column, output, level) for normalised inputs (column, input, level)."""
        zeros = condition.new_zeros(condition.shape[0], 1, *self.schema.output_shape)
        return Normalised(self.normalizer.average_single_values(self.evaluate_without_noise(zeros, condition)[:, 0]))

    def training_loss(self, inputs: Normalised, outputs: Normalised, generator: Generator) -> Tensor:
        """Mean squared error of normalised outputs; nothing is drawn from the generator."""
        return functional.mse_loss(self.predict(inputs), outputs)

    def sample_normalised(
        self, condition: Normalised, members: int, *, draw: Draw, steps: int, guidance: tuple[float, ...]
    ) -> Normalised:
        """The conditional mean, ``members`` times; draws, steps and guidance have no effect."""
        return Normalised(self.predict(condition)[:, None].repeat(1, members, 1, 1))


class GaussianConfig(NetworkConfig):
    """Options of the Gaussian regression: those of the network."""

    kind: Literal["gaussian"] = "gaussian"


class GaussianRegression(NetworkEmulator):
    """Mean and variance of each output at each level, given the column; members are drawn value by value.

    It knows how uncertain each value is but not how values belong together: members are ragged profiles. Where it
    scores as well as a generative model, that model's spread has learned no more than a width.
    """

    kind: ClassVar[str] = "gaussian"
    config_class = GaussianConfig

    def make_network(self) -> Denoiser:
        """The network with two outputs for each value: mean and log variance."""
        return self.network(output_channels=2 * len(self.schema.outputs))

    def predict(self, condition: Normalised) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation, each (column, output, level), for normalised inputs (column, input, level)."""
        zeros = condition.new_zeros(condition.shape[0], 1, *self.schema.output_shape)
        both = self.evaluate_without_noise(zeros, condition)[:, 0].chunk(2, dim=1)
        mean, log_variance = (self.normalizer.average_single_values(part) for part in both)
        return mean, LEAST_STD + (0.5 * log_variance).exp()

    def training_loss(self, inputs: Normalised, outputs: Normalised, generator: Generator) -> Tensor:
        """Mean :func:`gaussian_crps` of normalised outputs; nothing is drawn from the generator.

        Not the likelihood: where clouds are exactly zero in column after column it grows without bound as the standard
        deviation shrinks, and these values would rule the gradient. Both scores are proper, so both are least at the
        right mean and variance (Gneiting and Raftery 2007); the CRPS is also what emulators are compared by.
        """
        return gaussian_crps(*self.predict(inputs), outputs).mean()

    def sample_normalised(
        self, condition: Normalised, members: int, *, draw: Draw, steps: int, guidance: tuple[float, ...]
    ) -> Normalised:
        """Independent Gaussian draws for each value; steps and guidance have no effect."""
        mean, std = self.predict(condition)
        return Normalised(mean[:, None] + std[:, None] * self.noise(len(condition), members, draw))


def gaussian_crps(mean: Tensor, std: Tensor, truth: Tensor) -> Tensor:
    """Continuous ranked probability score of Gaussians, value by value, in the unit of the values.

    ``sigma (w (2 Phi(w) - 1) + 2 phi(w) - 1 / sqrt(pi))`` with ``w = (y - mu) / sigma``.

    References:
        Gneiting and Raftery 2007, doi:10.1198/016214506000001437, equation 21 (of opposite sign).
    """
    error = truth - mean
    w = error / std
    density = (-0.5 * w.square()).exp() / math.sqrt(2 * math.pi)
    return error * (2 * torch.special.ndtr(w) - 1) + std * (2 * density - 1 / math.sqrt(math.pi))
