"""CGAN-MP: the conditional Wasserstein GAN that the paper compares with (Section 4.1).

The answer is the sum of a deterministic network, trained before and frozen, and of a generator G(z, c) of a latent
z ~ N(0, I) and the column c. A critic D(x, c) is trained against it to tell truth x from sample x~, with the gradient
penalty of Gulrajani et al. (2017, arXiv:1704.00028, Algorithm 1) in place of clipped weights::

    critic:     E[D(x~, c)] - E[D(x, c)] + lambda E[(|grad D(x^, c)| - 1)^2],      x^ = u x + (1 - u) x~,  u ~ U(0, 1)
    generator:  -E[D(x~, c)]

Here x and x~ are what truth and sample add to the deterministic network.

Both descend in one step on one batch, the critic faster by a fixed factor: two time scales (Heusel et al. 2017,
arXiv:1706.08500) in place of that algorithm's five updates of the critic for one of the generator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor, nn
from torch.func import functional_call

from diffmp_core.columns.normalization_file import to_json
from diffmp_core.columns.normalize import Normalization
from diffmp_core.errors import DiffmpError
from diffmp_core.models.folder import load_emulator
from diffmp_core.models.latent import LatentConfig, LatentEmulator, Reader
from diffmp_core.models.normalizer import Normalised
from diffmp_core.models.regression import Regression, RegressionConfig
from diffmp_core.schema import ColumnSchema

BETAS = (0.0, 0.9)
"""Decays of Adam's moments for both players: no momentum (Gulrajani et al. 2017, Algorithm 1)."""


class CGANConfig(LatentConfig):
    """Options of CGAN-MP."""

    kind: Literal["cgan"] = "cgan"
    pretrained: str | RegressionConfig
    """The deterministic network: in a training's configuration the emulator folder of a trained regression, relative to
    the working directory; in an emulator's folder its options, as its weights are there too."""
    gradient_penalty: float = Field(default=10.0, ge=0, allow_inf_nan=False)
    """Weight lambda of the gradient penalty."""
    critic_rate: float = Field(default=4.0, gt=0, allow_inf_nan=False)
    """Learning rate of the critic, in those of the generator."""


class Critic(nn.Module):
    """D(x, c): one number a column, higher for truth than for samples."""

    def __init__(self, config: CGANConfig, schema: ColumnSchema) -> None:
        super().__init__()
        self.reader = Reader(config, schema)
        self.score = nn.Linear(config.filters, 1)

    def forward(self, outputs: Tensor, condition: Tensor) -> Tensor:
        """Scores (column,), float32, of normalised outputs (column, output, level) for their inputs."""
        return self.score(self.reader(outputs, condition))[:, 0].float()


class CGANMP(LatentEmulator):
    """Conditional GAN around a regression: one evaluation of both networks a column, and one a member."""

    kind: ClassVar[str] = "cgan"
    config_class = CGANConfig
    config: CGANConfig

    def __init__(self, config: CGANConfig, normalization: Normalization) -> None:
        """Fresh players; the generator adds nothing at first, so that samples set out from the deterministic network.

        That network comes from the folder that ``config.pretrained`` names, if it names one.

        Raises:
            DiffmpError: that folder is none, or no regression of the same columns.
        """
        if isinstance(config.pretrained, str):
            pretrained = load_regression(config.pretrained, normalization)
        else:
            pretrained = Regression(config.pretrained, normalization)
        super().__init__(config.model_copy(update={"pretrained": pretrained.config}), normalization)
        self.pretrained = pretrained.requires_grad_(False)
        self.critic = Critic(config, self.schema)
        for parameter in self.denoiser.head.parameters():
            nn.init.zeros_(parameter)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Generator and critic, each with its own learning rate."""
        return [
            {"params": list(self.denoiser.parameters()), "rate": 1.0, "betas": BETAS},
            {"params": list(self.critic.parameters()), "rate": self.config.critic_rate, "betas": BETAS},
        ]

    def training_loss(self, inputs: Normalised, outputs: Normalised, generator: Generator) -> Tensor:
        """Loss whose gradient is that of the critic's loss in the critic's parameters, the generator's in its own.

        The critic reads truth and sample without the deterministic network's part, which is the same in both: distances
        stay as they are, and what samples of a column have too much on average is seen without knowing the column.

        Its value is the critic's loss: minus the estimated Wasserstein distance, plus the penalty. It falls while the
        critic learns and rises while the generator does: best weights are not those of its least value.
        """
        with torch.no_grad():
            truth = outputs - self.pretrained.predict(inputs)
        latent = torch.randn(len(inputs), 1, self.config.latent, generator=generator, device=inputs.device)
        sample = super().decode(latent, inputs)[:, 0]
        fixed = sample.detach()
        share = torch.rand(len(outputs), 1, 1, generator=generator, device=outputs.device)
        mixed = share * truth + (1 - share) * fixed
        penalty = gradient_penalty(lambda profiles: self.critic(profiles, inputs), mixed)
        distance = self.critic(truth, inputs).mean() - self.critic(fixed, inputs).mean()
        frozen_critic = {name: value.detach() for name, value in self.critic.named_parameters()}
        generator_loss = -functional_call(self.critic, frozen_critic, (sample, inputs)).mean()
        critic_loss = self.config.gradient_penalty * penalty - distance
        return critic_loss + generator_loss - generator_loss.detach()

    def decode(self, latent: Tensor, condition: Normalised) -> Normalised:
        """The deterministic network plus the generator, normalised outputs (column, member, output, level)."""
        return Normalised(self.pretrained.predict(condition)[:, None] + super().decode(latent, condition))


def gradient_penalty(critic: Callable[[Tensor], Tensor], profiles: Tensor) -> Tensor:
    """Mean of ``(|grad critic(x)| - 1)^2`` over profiles x (column, output, level), differentiable in the critic.

    References:
        Gulrajani et al. 2017, arXiv:1704.00028, equation 3.
    """
    with torch.enable_grad():  # a validation loss is computed without other gradients
        profiles = profiles.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(critic(profiles).sum(), profiles, create_graph=True)
        return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def load_regression(folder: str, normalization: Normalization) -> Regression:
    """The trained regression of an emulator folder, float32.

    Raises:
        DiffmpError: no emulator folder, another kind of emulator, or one of another normalisation.
    """
    found = load_emulator(folder, precision="float32")
    if not isinstance(found, Regression):
        raise DiffmpError(
            f"expected a regression as model.pretrained, found an emulator of kind {found.kind!r} at {folder}; "
            "name the folder of diffmp train --config regression"
        )
    if to_json(found.normalization) != to_json(normalization):
        raise DiffmpError(
            f"expected a regression trained on these columns and with this normalisation, found another at {folder}; "
            "train one on them: diffmp train COLUMNS FOLDER --config regression"
        )
    return found
