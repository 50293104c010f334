"""Samplers: from noise to profiles with a denoiser, as pure functions.

A denoiser is ``denoise(x, s) -> (x_0, eps)``, with ``x = s x_0 + sqrt(1 - s^2) eps``. Levels ``s_0 = 1 .. s_T`` are those of
:mod:`diffmp_core.models.schedule`; a sampler calls the denoiser T times, at s_T .. s_1. ``draw()`` gives standard normal
noise of the shape of x. The number and the order of the draws depend on the sampler and T alone, so that equal seeds give
equal noise whatever the condition (common random numbers).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

Denoise = Callable[[Tensor, float], tuple[Tensor, Tensor]]
Draw = Callable[[], Tensor]
Sampler = Callable[[Denoise, Tensor, Draw], Tensor]


def ancestral(denoise: Denoise, levels: Tensor, draw: Draw) -> Tensor:
    """Ancestral sampling (Figures 2 and 5 of the paper, Algorithm 2; Ho et al. 2020, arXiv:2006.11239, equations 6, 7, 11).

    With ``alpha_bar_i = s_i^2``, ``alpha_i = alpha_bar_i / alpha_bar_{i-1}`` and ``beta_i = 1 - alpha_i``::

        x_{i-1} = (x_i - beta_i / sqrt(1 - alpha_bar_i) eps) / sqrt(alpha_i) + sqrt(beta~_i) z,    z = 0 at i = 1
        beta~_i = beta_i (1 - alpha_bar_{i-1}) / (1 - alpha_bar_i)

    (Figure 2 prints alpha_bar for alpha and beta~ for its root.) The mean is computed in its other form,
    ``sqrt(alpha_bar_{i-1}) beta_i / (1 - alpha_bar_i) x_0 + sqrt(alpha_i) (1 - alpha_bar_{i-1}) / (1 - alpha_bar_i) x_i``,
    which does not divide by a small alpha_i.
    """
    alpha_bar = [level**2 for level in levels.tolist()]
    x = draw()
    for i in range(len(alpha_bar) - 1, 0, -1):
        alpha = alpha_bar[i] / alpha_bar[i - 1]
        beta = 1 - alpha
        left, left_before = 1 - alpha_bar[i], 1 - alpha_bar[i - 1]
        x_0, _ = denoise(x, math.sqrt(alpha_bar[i]))
        x = math.sqrt(alpha_bar[i - 1]) * beta / left * x_0 + math.sqrt(alpha) * left_before / left * x
        if i > 1:
            x = x + math.sqrt(beta * left_before / left) * draw()
    return x


def ddim(denoise: Denoise, levels: Tensor, draw: Draw) -> Tensor:
    """Deterministic DDIM (Song et al. 2021, arXiv:2010.02502, equation 12 with sigma = 0): noise is drawn once, at the start.

    ``x_{i-1} = s_{i-1} x_0 + sqrt(1 - s_{i-1}^2) eps``.
    """
    s = levels.tolist()
    x = draw()
    for i in range(len(s) - 1, 0, -1):
        x_0, eps = denoise(x, s[i])
        x = s[i - 1] * x_0 + math.sqrt(max(1 - s[i - 1] ** 2, 0.0)) * eps
    return x


def dpm_solver_pp_2m(denoise: Denoise, levels: Tensor, draw: Draw) -> Tensor:
    """DPM-Solver++(2M) (Lu et al. 2022, arXiv:2211.01095, Algorithm 2): deterministic, second order, one evaluation a step.

    With ``sigma = sqrt(1 - s^2)``, ``lambda = log(s / sigma)``, ``h_i = lambda_{i-1} - lambda_i`` for the step from level i to
    the less noisy i-1, and ``r = h_{i+1} / h_i``::

        D = (1 + 1 / (2 r)) x_0(i) - 1 / (2 r) x_0(i+1)                D = x_0(i) in the first step
        x_{i-1} = sigma_{i-1} / sigma_i x_i - s_{i-1} (exp(-h_i) - 1) D

    The last step goes to sigma = 0, where lambda is infinite: there it is the denoised profile itself.
    """
    s = levels.tolist()
    x = draw()
    x_0_before: Tensor | None = None
    h_before = math.nan
    for i in range(len(s) - 1, 0, -1):
        x_0, _ = denoise(x, s[i])
        if s[i - 1] >= 1:
            return x_0
        sigma, sigma_next = math.sqrt(1 - s[i] ** 2), math.sqrt(1 - s[i - 1] ** 2)
        h = math.log(s[i - 1] / sigma_next) - math.log(s[i] / sigma)
        direction = x_0
        if x_0_before is not None:
            r = h_before / h
            direction = (1 + 1 / (2 * r)) * x_0 - 1 / (2 * r) * x_0_before
        x = sigma_next / sigma * x - s[i - 1] * math.expm1(-h) * direction
        x_0_before, h_before = x_0, h
    return x


SAMPLERS: dict[str, Sampler] = {
    "ancestral": ancestral,
    "ddim": ddim,
    "dpm_solver_pp_2m": dpm_solver_pp_2m,
}
