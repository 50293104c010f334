"""Noise schedules: how much signal is left at each level, when training and when sampling.

A noise level is s = sqrt(alpha_bar) in [0, 1], the amplitude of the signal: ``x_t = s x_0 + sqrt(1 - s^2) eps``.
s = 1 is the clean profile. Levels of T steps are float64 tensors ``s_0 = 1 .. s_T``, as the paper counts them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Generator, Tensor

from diffmp_core.errors import DiffmpError

PAPER_STEPS = 100
PAPER_ALPHA_FIRST, PAPER_ALPHA_LAST = 0.9999, 0.94
"""The fixed schedule of Section 3.2: alpha' falls linearly in 100 steps (its 9.9999 and 9.94 are misprints)."""

TERMINAL_LEVEL = 0.03
"""Signal left at the noisy end of the zero-terminal-SNR schedule: so little that sampling may start from pure noise."""

KARRAS_RHO = 7.0
KARRAS_SIGMA_MIN, KARRAS_SIGMA_MAX = 0.02, 40.0
"""Spacing of noise-to-signal ratios of Karras et al. (2022), with limits for data of unit variance."""


def paper_fixed_levels(steps: int = PAPER_STEPS) -> Tensor:
    """Levels l_0 .. l_n of the paper's fixed schedule of n steps (Section 3.2).

    ``alpha'_t`` is linear in t from 0.9999 (t = 1) to 0.94 (t = n); ``l_t = sqrt(alpha'_1 ... alpha'_t)``; ``l_0 = 1``.
    The last of 100 is 0.216, not zero: the schedule does not end in pure noise. With fewer steps it ends ever further
    from it: 0.86 of 10 steps, 0.97 of 2.
    """
    alpha = torch.linspace(PAPER_ALPHA_FIRST, PAPER_ALPHA_LAST, steps, dtype=torch.float64)
    return torch.cat([torch.ones(1, dtype=torch.float64), alpha.cumprod(0).sqrt()])


def paper_levels(steps: int) -> Tensor:
    """Levels of T denoising steps, ``s_i = f(100 i / T)`` (Section 3.2; Figure 2, Algorithm 2, line 1).

    The noise level function f is linear between the levels l_t of the fixed schedule (WaveGrad, arXiv:2009.00713).
    """
    fixed = paper_fixed_levels()
    position = torch.linspace(0, PAPER_STEPS, steps + 1, dtype=torch.float64)
    below = position.floor().long().clamp(max=PAPER_STEPS - 1)
    return torch.lerp(fixed[below], fixed[below + 1], position - below)


def draw_paper_levels(count: int, generator: Generator) -> Tensor:
    """Noise levels of a training batch, shape (count,), float32 (Figure 2, Algorithm 1, lines 3 and 4).

    ``t ~ U{1..100}``, ``s ~ U(l_t, l_{t-1})``: drawn in s = sqrt(alpha_bar), as in WaveGrad; the bounds as printed are
    reversed.
    """
    fixed = paper_fixed_levels().to(generator.device, torch.float32)
    t = torch.randint(1, PAPER_STEPS + 1, (count,), generator=generator, device=generator.device)
    return torch.lerp(fixed[t], fixed[t - 1], torch.rand(count, generator=generator, device=generator.device))


def draw_fixed_levels(count: int, generator: Generator, *, steps: int) -> Tensor:
    """Noise levels of a training batch on n fixed steps alone, ``l_t`` with ``t ~ U{1..n}``, shape (count,), float32.

    The baseline of Figure 3 (Ho et al. 2020, arXiv:2006.11239, Algorithm 1).
    """
    fixed = paper_fixed_levels(steps).to(generator.device, torch.float32)
    return fixed[torch.randint(1, steps + 1, (count,), generator=generator, device=generator.device)]


def cosine_levels(steps: int) -> Tensor:
    """Levels of the zero-terminal-SNR schedule, ``s_i = cos((i / T) arccos 0.03)``.

    The cosine schedule (Nichol and Dhariwal 2021), run to almost no signal, as Lin et al. (2024, arXiv:2305.08891) ask.
    """
    return torch.cos(torch.linspace(0, 1, steps + 1, dtype=torch.float64) * math.acos(TERMINAL_LEVEL))


def draw_cosine_levels(count: int, generator: Generator) -> Tensor:
    """Noise levels of a training batch, ``s = cos(u arccos 0.03)`` with ``u ~ U(0, 1)``, shape (count,), float32."""
    return torch.cos(torch.rand(count, generator=generator, device=generator.device) * math.acos(TERMINAL_LEVEL))


def karras_levels(steps: int, terminal: float = 0.0) -> Tensor:
    """Levels of T evaluations, spaced as in Karras et al. (2022, arXiv:2206.00364, equation 5).

    ``sigma_j = (sigma_max^(1/rho) + j / (T-1) (sigma_min^(1/rho) - sigma_max^(1/rho)))^rho``, j = 0 .. T-1, then 0, for
    rho = 7, sigma from 40 to 0.02 and ``s = 1 / sqrt(1 + sigma^2)``; turned round, so that s_0 = 1 is the clean end.
    sigma starts lower where s would fall below ``terminal``, the noisiest level that a network was trained on.
    """
    sigma_max = min(KARRAS_SIGMA_MAX, math.sqrt(1 / terminal**2 - 1)) if terminal > 0 else KARRAS_SIGMA_MAX
    start, end = sigma_max ** (1 / KARRAS_RHO), KARRAS_SIGMA_MIN ** (1 / KARRAS_RHO)
    sigma = torch.linspace(start, end, steps, dtype=torch.float64) ** KARRAS_RHO
    return torch.cat([torch.ones(1, dtype=torch.float64), (1 / (1 + sigma**2).sqrt()).flip(0)])


@dataclass(frozen=True)
class NoiseSchedule:
    """A schedule: levels of T steps, the draw of a training batch, and the noisiest level of both.

    ``fixed`` is the one number of steps that it has levels for, None if it has them for any.
    """

    levels: Callable[[int], Tensor]
    draw: Callable[[int, Generator], Tensor]
    terminal: float
    fixed: int | None = None


def fixed_schedule(steps: int) -> NoiseSchedule:
    """The paper's fixed schedule of n steps, for training and sampling alike (Section 3.2, Figure 3)."""

    def levels(asked: int) -> Tensor:
        if asked != steps:
            raise DiffmpError(
                f"expected {steps} steps, the only ones that this emulator was trained on, found {asked}; "
                f"use --steps {steps}"
            )
        return paper_fixed_levels(steps)

    terminal = float(paper_fixed_levels(steps)[-1])
    return NoiseSchedule(levels, partial(draw_fixed_levels, steps=steps), terminal, fixed=steps)


FIXED_STEPS = (100, 50, 20, 10, 5, 2)
"""Numbers of steps of the models that the paper trains on fixed steps (Section 3.2)."""

SCHEDULES: dict[str, NoiseSchedule] = {
    "paper": NoiseSchedule(paper_levels, draw_paper_levels, float(paper_fixed_levels()[-1])),
    "zero_terminal_snr": NoiseSchedule(cosine_levels, draw_cosine_levels, TERMINAL_LEVEL),
} | {f"paper_fixed_{steps}": fixed_schedule(steps) for steps in FIXED_STEPS}
