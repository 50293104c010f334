"""What the rivals of DIFF-MP share: a latent vector that makes a column's members differ, and a second network.

The network that answers is DIFF-MP's at one noise level, with a latent in place of noised profiles. The second one
reads output profiles beside their column, and only in training: CVAE-MP infers the latent of a truth with it, CGAN-MP
tells truth from sample. The paper has the structures of both in a supplement (Figures S2 and S3) that is not to be had:
these are ours.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from diffmp_core.models.base import Draw, NetworkConfig, NetworkEmulator
from diffmp_core.models.blocks import DBlock, activate, convolution, to_image
from diffmp_core.models.denoiser import Denoiser
from diffmp_core.models.normalizer import Normalised
from diffmp_core.schema import ColumnSchema

DBLOCKS_OF_READER = 3
"""With one pair of FiLM and UBlock less in the network that answers, a rival has as many trained parameters as DIFF-MP
within 5 % ("the same model size", Section 4.1): of L pairs DIFF-MP has (33 L - 8) F^2, a rival 33 (L - 1) - 8 in the
network that answers and 10 for each DBlock of the one that reads; 190 and 187 F^2 for six pairs."""


class LatentConfig(NetworkConfig):
    """Options of an emulator with a latent vector; ``filters`` and ``layers`` are those of a DIFF-MP as large."""

    layers: int = Field(default=6, ge=2)
    """Pairs of FiLM and UBlock of a DIFF-MP of the same size; the network that answers has one less."""
    latent: int = Field(default=32, ge=1)
    """Components of z ~ N(0, I); each is a channel of the network that is the same at all levels."""
    film_path: Literal["condition"] = "condition"
    """The DBlocks read the condition: there is nothing noised to read."""


class LatentEmulator(NetworkEmulator):
    """An emulator that answers with one evaluation of the network, at random latents."""

    config: LatentConfig

    def make_network(self) -> Denoiser:
        """The network that maps latent and condition to outputs."""
        return self.network(noised_channels=self.config.latent, layers=self.config.layers - 1)

    def decode(self, latent: Tensor, condition: Normalised) -> Normalised:
        """Outputs (column, member, output, level) of latents (column, member, component), both normalised."""
        found = self.evaluate_without_noise(latent[..., None].expand(*latent.shape, self.schema.levels), condition)
        return Normalised(self.normalizer.average_single_values(found))

    def sample_normalised(
        self, condition: Normalised, members: int, *, draw: Draw, steps: int, guidance: tuple[float, ...]
    ) -> Normalised:
        """Outputs of latents drawn from N(0, I); steps and guidance have no effect."""
        return self.decode(draw((len(condition), members, self.config.latent)), condition)


class Reader(nn.Module):
    """The reading path of the network (convolution and DBlocks, Figure A1) over outputs and condition, stacked."""

    def __init__(self, config: LatentConfig, schema: ColumnSchema) -> None:
        super().__init__()
        self.read_in = convolution(len(schema.inputs) + len(schema.outputs), config.filters)
        self.dblocks = nn.ModuleList(DBlock(config.filters) for _ in range(DBLOCKS_OF_READER))

    def forward(self, outputs: Tensor, condition: Tensor) -> Tensor:
        """Features (column, filters), averaged over levels, of outputs (column, output, level) and inputs."""
        profiles = torch.cat([outputs, condition], dim=1)[:, None]
        features = self.read_in(to_image(profiles, self.read_in.weight.dtype))
        for block in self.dblocks:
            features = block(features)
        return activate(features)[0].mean(dim=1).t()
