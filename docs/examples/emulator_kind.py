"""A kind of emulator: linear regression with a Gaussian error, one variance for each output and level."""

from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor, nn

from diffmp_core.kinds import KINDS, Kind
from diffmp_core.models.base import Draw, NetworkConfig, NetworkEmulator
from diffmp_core.models.regression import LEAST_STD, gaussian_crps
from diffmp_core.variables import INPUTS, OUTPUTS


class LinearConfig(NetworkConfig):
    """Options of the linear regression: filters and layers have no effect."""

    kind: Literal["linear"] = "linear"


class Linear(NetworkEmulator):
    """Each output at each level is a linear function of all inputs at all levels, plus noise."""

    kind: ClassVar[str] = "linear"
    config_class = LinearConfig

    def make_network(self) -> nn.Module:
        """A matrix, and a logarithm of a variance for each value."""
        values = len(OUTPUTS) * self.levels
        self.log_variance = nn.Parameter(torch.zeros(len(OUTPUTS), self.levels))
        return nn.Linear(len(INPUTS) * self.levels, values)

    def predict(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (column, 4, level) and standard deviation (4, level) of normalised outputs."""
        mean = self.denoiser(condition.flatten(1).to(self.denoiser.weight.dtype)).float()
        return mean.unflatten(1, (len(OUTPUTS), self.levels)), LEAST_STD + (0.5 * self.log_variance.float()).exp()

    def training_loss(self, inputs: Tensor, outputs: Tensor, generator: Generator) -> Tensor:
        """Mean CRPS of the Gaussians."""
        return gaussian_crps(*self.predict(inputs), outputs).mean()

    def sample_normalised(
        self, condition: Tensor, members: int, *, draw: Draw, steps: int, guidance: tuple[float, ...]
    ) -> Tensor:
        """Independent draws for each value; steps and guidance have no effect."""
        mean, std = self.predict(condition)
        return mean[:, None] + std * draw((len(condition), members, len(OUTPUTS), self.levels))


KINDS.register(Kind(name="linear", label="linear regression", emulator=lambda: Linear))
