"""The yardstick of the sampling benchmark: the same network and sampler as one would first write them.

Profiles are ``(profile, channel, level)`` in float32, convolutions are ``conv1d``, every member carries its own copy of
its column, and the whole network runs anew for each of them at each step.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from diffmp_core.models.blocks import DBlock, FiLM, OutputHead, UBlock, activate
from diffmp_core.models.diffusion import DiffMP
from diffmp_core.models.samplers import SAMPLERS


def conv1d(layer: nn.Conv2d, x: Tensor) -> Tensor:
    """The convolution of a layer over the levels of (profile, channel, level)."""
    dilation = int(layer.dilation[0])
    padding = dilation * (layer.kernel_size[0] // 2)
    return functional.conv1d(x, layer.weight[..., 0], layer.bias, padding=padding, dilation=dilation)


def read(block: DBlock, x: Tensor) -> Tensor:
    """A DBlock."""
    y = x
    for layer in block.convolutions:
        y = conv1d(layer, activate(y))
    return conv1d(block.shortcut, x) + y


def modulation(film: FiLM, hidden: Tensor, embedding: Tensor) -> tuple[Tensor, Tensor]:
    """Gain and bias of a FiLM."""
    u = activate(conv1d(film.features, hidden)) + film.noise(embedding)[:, :, None]
    gain, bias = conv1d(film.affine, u).chunk(2, dim=1)
    return 1 + gain, bias


def write(block: UBlock, x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """A UBlock."""
    first, second, third, fourth = block.convolutions
    y = conv1d(block.shortcut, x) + conv1d(second, activate(gain * conv1d(first, activate(x)) + bias))
    return y + conv1d(fourth, activate(gain * conv1d(third, activate(gain * y + bias)) + bias))


def project(head: OutputHead, x: Tensor) -> Tensor:
    """The output head."""
    y = conv1d(head.convolution, activate(x))
    return y + head.dense(y)


def predict(emulator: DiffMP, x: Tensor, s: float, condition: Tensor) -> Tensor:
    """The network on profiles (profile, 4, level) with a copy of its column (profile, 6, level) for each."""
    network = emulator.denoiser
    embedding = network.embedding(torch.full((len(x),), s, device=x.device))
    states = [conv1d(network.read_in, condition)]
    for dblock in network.dblocks:
        states.append(read(dblock, states[-1]))
    y = conv1d(network.pass_in, x)
    for ublock, film, state in zip(network.ublocks, reversed(network.films), reversed(states), strict=True):
        y = write(ublock, y, *modulation(film, state, embedding))
    return project(network.head, y)


@torch.inference_mode()
def sample_plainly(emulator: DiffMP, condition: Tensor, noise: list[Tensor], steps: int) -> Tensor:
    """Normalised ensemble (column, member, 4, level), without guidance, from noise of that shape.

    Args:
        emulator: float32, ``film_path: condition``, ``prediction: v``.
        condition: normalised inputs (column, 6, level).
        noise: what the sampler draws, in order.
        steps: evaluations.
    """
    columns, members = noise[0].shape[:2]
    copies = condition.repeat_interleave(members, dim=0)

    def denoise(x: Tensor, s: float) -> tuple[Tensor, Tensor]:
        velocity = predict(emulator, x, s, copies)
        sigma = math.sqrt(1 - s**2)
        return s * x - sigma * velocity, s * velocity + sigma * x

    draws = iter([values.flatten(0, 1) for values in noise])
    found = SAMPLERS[emulator.config.sampler](denoise, emulator.noise_levels(steps), lambda: next(draws))
    return found.unflatten(0, (columns, members))
