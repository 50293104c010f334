"""CVAE-MP: the conditional variational autoencoder that the paper compares with (Section 4.1).

A latent vector z is drawn from N(0, I) and decoded with the column c into a profile. Training infers it from the truth
x by a second network, q(z | x, c) = N(m, diag s^2), and maximises a bound of the likelihood::

    log p(x | c) >= E_q[log p(x | z, c)] - KL(q(z | x, c) || N(0, I))

(ELBO; Kingma and Welling 2014, arXiv:1312.6114, equations 3 and 10; conditional: Sohn, Lee and Yan 2015, "Learning
structured output representation using deep conditional generative models", NeurIPS 28, equation 4). For a decoder
N(mu(z, c), sigma^2 I) of D values, the bound times -2 sigma^2 / D is, but for a constant, what is minimised::

    mean((x - mu)^2) + w KL / D,      w = 2 sigma^2

The KL weight w so says which detail of a profile counts as noise: it is the beta of Higgins et al. (2017, "beta-VAE",
ICLR) at a fixed decoder.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor, nn
from torch.nn import functional

from diffmp_core.columns.normalize import Normalization
from diffmp_core.models.latent import LatentConfig, LatentEmulator, Reader
from diffmp_core.models.normalizer import Normalised
from diffmp_core.schema import ColumnSchema


class CVAEConfig(LatentConfig):
    """Options of CVAE-MP."""

    kind: Literal["cvae"] = "cvae"
    kl_weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Weight w of the KL divergence beside the mean squared error, both a value of the output; w = 2 sigma^2."""


class Posterior(nn.Module):
    """q(z | x, c): mean and log variance of the latent of a truth."""

    def __init__(self, config: CVAEConfig, schema: ColumnSchema) -> None:
        super().__init__()
        self.reader = Reader(config, schema)
        self.latent = nn.Linear(config.filters, 2 * config.latent)

    def forward(self, outputs: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Two of (column, component), float32, for normalised outputs (column, output, level) and inputs."""
        mean, log_variance = self.latent(self.reader(outputs, condition)).float().chunk(2, dim=1)
        return mean, log_variance


class CVAEMP(LatentEmulator):
    """Conditional VAE: draws a latent and decodes it with the column.

    Members are decoded means mu(z, c). The decoder's own noise of variance w / 2 is left out, as is usual: it would be
    white in height.
    """

    kind: ClassVar[str] = "cvae"
    config_class = CVAEConfig
    config: CVAEConfig

    def __init__(self, config: CVAEConfig, normalization: Normalization) -> None:
        super().__init__(config, normalization)
        self.posterior = Posterior(config, self.schema)

    def training_loss(self, inputs: Normalised, outputs: Normalised, generator: Generator) -> Tensor:
        """Squared error of the decoded truth plus the weighted KL divergence of its latent, both a value."""
        mean, log_variance = self.posterior(outputs, inputs)
        decoded = self.decode(draw_latent(mean, log_variance, generator)[:, None], inputs)[:, 0]
        kl_a_value = kl_from_normal(mean, log_variance).mean() / outputs[0].numel()
        return functional.mse_loss(decoded, outputs) + self.config.kl_weight * kl_a_value


def draw_latent(mean: Tensor, log_variance: Tensor, generator: Generator) -> Tensor:
    """A draw of N(mean, exp(log_variance)) that is differentiable in both (Kingma and Welling 2014, Section 2.4).

    ``z = m + s eps`` with ``eps ~ N(0, I)``.
    """
    eps = torch.randn(mean.shape, generator=generator, device=mean.device)
    return mean + (0.5 * log_variance).exp() * eps


def kl_from_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(m, diag s^2) || N(0, I)) of each column in nats, (column,), for m and log s^2 of (column, component).

    ``1/2 sum(m^2 + s^2 - 1 - log s^2)`` (Kingma and Welling 2014, Appendix B).
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)
