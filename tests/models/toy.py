"""A stochastic toy whose conditional mean and spread are known, and a training on it."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from diffmp_core.columns.normalize import Normalization, fit
from diffmp_core.models.base import NetworkEmulator, normal_draws
from diffmp_core.schema import schema_of
from diffmp_core.stores import stack_inputs, stack_outputs
from diffmp_core.variables import PAPER
from tests.synthetic import make_columns

NARROW, WIDE = 0.2, 1.0


LEVELS = 8


def make_normalization(levels: int = LEVELS) -> Normalization:
    """Normalisation of synthetic columns, cut to the lowest levels."""
    store = make_columns(cells=12, times=6)
    store = store.isel(level=slice(levels))
    where = {"schema": schema_of(store)}
    return fit(stack_inputs(store), stack_outputs(store), **where)


def draw_toy(count: int, generator: torch.Generator, levels: int = LEVELS) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Normalised inputs (count, 6, level) and outputs (count, 4, level), their mean and spread (count,).

    A column's outputs are one and the same number everywhere, drawn from N(a, s^2), where its inputs say a and s.
    """
    condition = torch.zeros(count, len(PAPER.inputs), levels)
    mean = 2 * torch.rand(count, generator=generator) - 1
    is_wide = torch.rand(count, generator=generator) < 0.5
    condition[:, 0], condition[:, 1] = mean[:, None], 2.0 * is_wide[:, None] - 1
    spread = torch.where(is_wide, WIDE, NARROW)
    value = mean + spread * torch.randn(count, generator=generator)
    return condition, value[:, None, None].repeat(1, len(PAPER.outputs), levels), mean, spread


def train_on_toy(emulator: NetworkEmulator, *, steps: int, rate: float, batch: int = 128) -> None:
    """Adam with the emulator's own groups and a moving average, as the trainer does it, without its files."""
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(emulator.parameter_groups(), lr=rate)
    average = copy.deepcopy(emulator.state_dict())
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * group["rate"] * (1 - step / steps)
        inputs, outputs, _, _ = draw_toy(batch, generator)
        optimizer.zero_grad()
        emulator.training_loss(inputs, outputs, generator).backward()
        optimizer.step()
        for name, value in emulator.state_dict().items():
            average[name].lerp_(value, 1 - min(0.99, (1 + step) / (10 + step)))
    emulator.load_state_dict(average)


@torch.no_grad()
def moments_on_toy(emulator: NetworkEmulator) -> dict[str, float]:
    """Error of the ensemble mean (root mean square), and mean spread of narrow and of wide columns, at one level."""
    generator = torch.Generator().manual_seed(2)
    inputs, _, mean, spread = draw_toy(64, generator)
    members = emulator.sample_normalised(inputs, 64, draw=normal_draws(generator), steps=5, guidance=(0.0,) * 4)[
        :, :, :, LEVELS // 2
    ]
    error = members.mean(dim=1) - mean[:, None]
    std = members.std(dim=1).mean(dim=1)
    return {
        "error": float(error.square().mean().sqrt()),
        "narrow": float(std[spread == NARROW].mean()),
        "wide": float(std[spread == WIDE].mean()),
    }
