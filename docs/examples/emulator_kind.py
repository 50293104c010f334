"""A kind of emulator: linear regression with a Gaussian error, one variance for each output and level."""

from math import prod
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor, nn

from diffmp_core.kinds import KINDS, Kind
from diffmp_core.models.base import Draw, NetworkConfig, NetworkEmulator
from diffmp_core.models.normalizer import Normalised
from diffmp_core.models.regression import LEAST_STD, gaussian_crps


class LinearConfig(NetworkConfig):
    """Options of the linear regression: filters and layers have no effect."""

    kind: Literal["linear"] = "linear"


class Linear(NetworkEmulator):
    """Each output at each level is a linear function of all inputs at all levels, plus noise."""

    kind: ClassVar[str] = "linear"
    config_class = LinearConfig

    def make_network(self) -> nn.Module:
        """A matrix, and a logarithm of a variance for each value."""
        self.log_variance = nn.Parameter(torch.zeros(self.schema.output_shape))
        return nn.Linear(prod(self.schema.input_shape), prod(self.schema.output_shape))

    def predict(self, condition: Normalised) -> tuple[Tensor, Tensor]:
        """Mean (column, output, level) and standard deviation (output, level) of normalised outputs."""
        mean = self.denoiser(condition.flatten(1).to(self.denoiser.weight.dtype)).float()
        shaped = (mean.unflatten(1, self.schema.output_shape), self.log_variance.float())
        mean, log_variance = (self.normalizer.average_single_values(part) for part in shaped)
        return mean, LEAST_STD + (0.5 * log_variance).exp()

    def training_loss(self, inputs: Normalised, outputs: Normalised, generator: Generator) -> Tensor:
        """Mean CRPS of the Gaussians."""
        return gaussian_crps(*self.predict(inputs), outputs).mean()

    def sample_normalised(
        self, condition: Normalised, members: int, *, draw: Draw, steps: int, guidance: tuple[float, ...]
    ) -> Normalised:
        """Independent draws for each value; steps and guidance have no effect."""
        mean, std = self.predict(condition)
        return Normalised(mean[:, None] + std * self.noise(len(condition), members, draw))


KINDS.register(Kind(name="linear", label="linear regression", emulator=lambda: Linear))
