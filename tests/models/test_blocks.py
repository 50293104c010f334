"""Blocks: each against its formula written with plain one-dimensional convolutions, and by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from diffmp_core.models.blocks import (
    DBlock,
    FiLM,
    Modulation,
    NoiseEmbedding,
    OutputHead,
    UBlock,
    convolution,
    noise_features,
)

FILTERS, LEVELS, COLUMNS = 4, 30, 3


def images(profiles: Tensor) -> Tensor:
    """(profile, channel, level) in the layout of the blocks."""
    return profiles.permute(1, 2, 0)[None]


def profiles(image: Tensor) -> Tensor:
    """The way back."""
    return image[0].permute(2, 0, 1)


def conv1d(layer: torch.nn.Conv2d, x: Tensor) -> Tensor:
    """What a convolution block must do to (profile, channel, level)."""
    dilation = layer.dilation[0]
    padding = dilation * (layer.kernel_size[0] // 2)
    return functional.conv1d(x, layer.weight[..., 0], layer.bias, padding=padding, dilation=dilation)


def lrelu(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(COLUMNS, FILTERS, LEVELS, generator=torch.Generator().manual_seed(0))


def test_convolution_has_zeros_beyond_the_column_and_reaches_its_dilation() -> None:
    layer = convolution(1, 1, dilation=2)
    with torch.no_grad():
        layer.weight[0, 0, :, 0] = torch.tensor([1.0, 10.0, 100.0])
        layer.bias.fill_(0.5)
    column = torch.arange(1.0, 6.0)[None, None]
    expected = torch.tensor([310.5, 420.5, 531.5, 42.5, 53.5])  # x[l-2] + 10 x[l] + 100 x[l+2] + 0.5
    torch.testing.assert_close(profiles(layer(images(column)))[0, 0], expected)


def test_noise_features_are_the_written_sinusoids() -> None:
    features = noise_features(torch.tensor([0.5]), 4)
    expected = [math.sin(50), math.sin(0.5), math.cos(50), math.cos(0.5)]  # a_0 = 100 s, a_1 = 100 s 10^(-4 / 2)
    torch.testing.assert_close(features[0], torch.tensor(expected), atol=1e-5, rtol=0)


def test_noise_embedding_keeps_its_sinusoids_exact_in_bfloat16() -> None:
    torch.manual_seed(0)
    embedding = NoiseEmbedding(16)
    level = torch.tensor([0.999])
    exact = embedding(level)
    torch.testing.assert_close(embedding.bfloat16()(level).float(), exact, atol=0.02, rtol=0.02)


def test_dblock_is_its_formula(x: Tensor) -> None:
    torch.manual_seed(0)
    block = DBlock(FILTERS)
    first, second, third = block.convolutions
    assert [layer.dilation[0] for layer in block.convolutions] == [1, 2, 4]
    expected = conv1d(block.shortcut, x) + conv1d(third, lrelu(conv1d(second, lrelu(conv1d(first, lrelu(x))))))
    torch.testing.assert_close(profiles(block(images(x))), expected)


def test_film_is_its_formula(x: Tensor) -> None:
    torch.manual_seed(0)
    film = FiLM(FILTERS)
    embedding = torch.randn(COLUMNS, FILTERS)
    noise = embedding @ film.noise.weight.T + film.noise.bias
    affine = conv1d(film.affine, lrelu(conv1d(film.features, x)) + noise[:, :, None])
    modulation = film(images(x), embedding)
    torch.testing.assert_close(profiles(modulation.gain), 1 + affine[:, :FILTERS])
    torch.testing.assert_close(profiles(modulation.bias), affine[:, FILTERS:])


def test_ublock_is_its_formula(x: Tensor) -> None:
    torch.manual_seed(0)
    block = UBlock(FILTERS, (1, 2, 4, 8))
    gain, bias = torch.randn(2, COLUMNS, FILTERS, LEVELS)
    first, second, third, fourth = block.convolutions

    def modulated(y: Tensor) -> Tensor:
        return lrelu(gain * y + bias)

    y = conv1d(block.shortcut, x) + conv1d(second, modulated(conv1d(first, lrelu(x))))
    expected = y + conv1d(fourth, modulated(conv1d(third, modulated(y))))
    found = block(images(x), Modulation(images(gain), images(bias)))
    torch.testing.assert_close(profiles(found), expected)


def test_members_share_the_modulation_of_their_column() -> None:
    members = 2
    gain, bias = torch.randn(2, COLUMNS, FILTERS, LEVELS, generator=torch.Generator().manual_seed(1))
    y = torch.randn(COLUMNS * members, FILTERS, LEVELS, generator=torch.Generator().manual_seed(2))
    expected = lrelu(gain.repeat_interleave(members, 0) * y + bias.repeat_interleave(members, 0))
    torch.testing.assert_close(profiles(Modulation(images(gain), images(bias))(images(y))), expected)


def test_blocks_keep_the_channels_last_format(x: Tensor) -> None:
    image = images(torch.cat([x, x])).contiguous(memory_format=torch.channels_last)
    modulation = FiLM(FILTERS)(images(x).contiguous(memory_format=torch.channels_last), torch.zeros(1, FILTERS))
    found = UBlock(FILTERS, (1, 2, 1, 2))(DBlock(FILTERS)(image), modulation)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_head_starts_without_its_dense_layer_and_mixes_levels_with_it(x: Tensor) -> None:
    torch.manual_seed(0)
    head = OutputHead(FILTERS, 2, LEVELS)
    plain = conv1d(head.convolution, lrelu(x))
    torch.testing.assert_close(profiles(head(images(x))), plain)
    torch.nn.init.normal_(head.dense.weight)
    expected = plain + torch.einsum("kl,ncl->nck", head.dense.weight, plain)
    torch.testing.assert_close(profiles(head(images(x))), expected)
