"""Building blocks of the network: noise embedding, DBlock, FiLM, UBlock, output head (Figure A1 of the paper).

Adapted from WaveGrad (Chen et al. 2020, arXiv:2009.00713), with the UBlock of GAN-TTS (Binkowski et al. 2019,
arXiv:1909.11646), to columns of 30 levels: no resampling, zero padding, no normalisation layers.

Every tensor here has the layout ``(1, channel, level, profile)`` in the channels-last memory format: one image, whose
rows are levels and whose pixels in a row are the profiles of a batch. A convolution over levels then is a plain matrix
product over all profiles, which CPUs (oneDNN, bfloat16) and GPUs run near their peak. Profiles that share the FiLM of
one column (its members) lie side by side.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

LEAKY_SLOPE = 0.2
"""Slope of LeakyReLU below zero (WaveGrad)."""

NOISE_SCALE = 100.0
"""Factor of the noise level in its embedding: levels in [0, 1] then spread over many periods."""

DBLOCK_DILATIONS = (1, 2, 4)
"""Dilations of the three convolutions of a DBlock."""

UBLOCK_DILATIONS_FIRST, UBLOCK_DILATIONS_LAST = (1, 2, 1, 2), (1, 2, 4, 8)
"""Dilations of the four convolutions of a UBlock, in the first and in the last half of the network."""


def activate(x: Tensor) -> Tensor:
    """LeakyReLU of slope 0.2, the activation of the whole network."""
    return functional.leaky_relu(x, LEAKY_SLOPE)


def convolution(
    inputs: int, outputs: int, *, size: int = 3, dilation: int = 1, kind: type[nn.Conv2d] = nn.Conv2d
) -> nn.Conv2d:
    """Convolution over levels that keeps their number: ``size`` taps, zeros below the surface and above the top.

    The weights are channels-last, too: otherwise torch may answer in the other format, and what follows is three times
    slower.
    """
    layer = kind(inputs, outputs, (size, 1), padding=(dilation * (size // 2), 0), dilation=(dilation, 1))
    layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
    return layer


class InputConvolution(nn.Conv2d):
    """First convolution over the levels of a column: in a network of bfloat16 weights it still multiplies in float32.

    Temperatures would else be rounded by 0.02 K (root mean square; up to 0.2 K), each level's by its own, and
    convection depends on differences between levels. Autocast rules it as any other: training sees them rounded.
    """

    def forward(self, x: Tensor) -> Tensor:
        if self.weight.dtype == torch.float32:
            return super().forward(x)
        bias = None if self.bias is None else self.bias.float()
        return self._conv_forward(x.float(), self.weight.float(), bias).to(self.weight.dtype)


def to_image(profiles: Tensor, dtype: torch.dtype) -> Tensor:
    """Profiles (column, member, channel, level) in the layout of the blocks, (1, channel, level, column * member)."""
    image = profiles.to(dtype).permute(2, 3, 0, 1).flatten(2)[None]
    return image.contiguous(memory_format=torch.channels_last)


def noise_features(noise_level: Tensor, count: int) -> Tensor:
    """Sinusoids of noise levels s = sqrt(alpha_bar), shape (column,), as (column, count), float32.

    ``a_k = 100 s 10^(-4 k / (count / 2))``, ``[sin a, cos a]`` (after WaveGrad and Vaswani et al. 2017).
    """
    half = count // 2
    exponent = torch.arange(half, dtype=torch.float32, device=noise_level.device) / half
    angle = NOISE_SCALE * noise_level.float()[:, None] * 10.0 ** (-4.0 * exponent)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


class NoiseEmbedding(nn.Module):
    """Embedding of the noise level: sinusoids, then twice (Dense, SiLU)."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.first = nn.Linear(filters, filters)
        self.second = nn.Linear(filters, filters)

    def forward(self, noise_level: Tensor) -> Tensor:
        """Embed noise levels (column,) as (column, filters)."""
        features = noise_features(noise_level, self.first.in_features).to(self.first.weight.dtype)
        return functional.silu(self.second(functional.silu(self.first(features))))


class DBlock(nn.Module):
    """Residual block that reads features: ``Conv1(x)`` plus three times (LeakyReLU, Conv3), dilations 1, 2, 4."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.shortcut = convolution(filters, filters, size=1)
        self.convolutions = nn.ModuleList(convolution(filters, filters, dilation=d) for d in DBLOCK_DILATIONS)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for layer in self.convolutions:
            y = layer(activate(y))
        return self.shortcut(x) + y


@dataclass(frozen=True)
class Modulation:
    """Feature-wise affine map of one layer, from a FiLM: ``gain`` and ``bias`` of shape (1, filters, level, column)."""

    gain: Tensor
    bias: Tensor

    def __call__(self, y: Tensor) -> Tensor:
        """``LeakyReLU(gain * y + bias)`` of y (1, filters, level, column * member), all members of a column alike."""
        columns = self.gain.shape[-1]
        if y.shape[-1] == columns:
            return activate(torch.addcmul(self.bias, self.gain, y))
        members = y.unflatten(3, (columns, -1))
        return activate(torch.addcmul(self.bias[..., None], self.gain[..., None], members)).flatten(3)


class FiLM(nn.Module):
    """Feature-wise linear modulation (Perez et al. 2018, arXiv:1709.07871) from hidden features and noise embedding.

    ``u = LeakyReLU(Conv3(h)) + Dense(embedding)``; ``(g', bias) = Conv3(u)``; ``gain = 1 + g'``.
    """

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.features = convolution(filters, filters)
        self.noise = nn.Linear(filters, filters)
        self.affine = convolution(filters, 2 * filters)

    def forward(self, hidden: Tensor, embedding: Tensor) -> Modulation:
        """Modulation from hidden features (1, filters, level, column) and an embedding (column or 1, filters)."""
        noise = self.noise(embedding).t()[None, :, None, :]
        gain, bias = self.affine(activate(self.features(hidden)) + noise).chunk(2, dim=1)
        return Modulation(gain=1 + gain, bias=bias)


class UBlock(nn.Module):
    """Residual block that writes the output, modulated three times by the FiLM of its layer.

    ``y = Conv1(x) + Conv3(M(Conv3(LeakyReLU(x))))`` and ``out = y + Conv3(M(Conv3(M(y))))``, with the modulation
    ``M(y) = LeakyReLU(gain * y + bias)``.
    """

    def __init__(self, filters: int, dilations: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.shortcut = convolution(filters, filters, size=1)
        self.convolutions = nn.ModuleList(convolution(filters, filters, dilation=d) for d in dilations)

    def forward(self, x: Tensor, modulate: Modulation) -> Tensor:
        first, second, third, fourth = self.convolutions
        y = self.shortcut(x) + second(modulate(first(activate(x))))
        return y + fourth(modulate(third(modulate(y))))


class OutputHead(nn.Module):
    """LeakyReLU, Conv3 to the output channels, and a residual Dense over the levels that starts at zero."""

    def __init__(self, filters: int, channels: int, levels: int) -> None:
        super().__init__()
        self.convolution = convolution(filters, channels)
        self.dense = nn.Linear(levels, levels)
        nn.init.zeros_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def forward(self, x: Tensor) -> Tensor:
        y = self.convolution(activate(x))
        return y + self.dense(y.transpose(-1, -2)).transpose(-1, -2)
