"""Samplers: from noise to profiles with a denoiser, as pure functions.

A denoiser is ``denoise(x, s) -> (x_0, eps)`` with ``x = s x_0 + sqrt(1 - s^2) eps``. A sampler calls it T times, at the
levels s_T .. s_1 of :mod:`diffmp_core.models.schedule`. ``draw()`` gives standard normal noise of the shape of x. How
often a sampler draws depends on T alone: equal seeds give equal noise whatever the condition (common random numbers).
Within :func:`watching` each call of the denoiser is told to a watcher; the samples are the same, bit for bit.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor

Denoise = Callable[[Tensor, float], tuple[Tensor, Tensor]]
Draw = Callable[[], Tensor]
Sampler = Callable[[Denoise, Tensor, Draw], Tensor]
Watch = Callable[[float, Tensor, Tensor], None]
"""Gets the level s of a step, its state x, and the x_0 predicted from it; it must not change them."""

_WATCH: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """Within this context, on this thread, every step of every sampler is told to ``watch``."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)


def _watchable(sampler: Sampler) -> Sampler:
    """The sampler itself, with a denoiser that tells of its calls where someone watches."""

    @functools.wraps(sampler)
    def run(denoise: Denoise, levels: Tensor, draw: Draw) -> Tensor:
        watch = _WATCH.get()
        if watch is None:
            return sampler(denoise, levels, draw)

        def told(x: Tensor, s: float) -> tuple[Tensor, Tensor]:
            x_0, eps = denoise(x, s)
            watch(s, x, x_0)
            return x_0, eps

        return sampler(told, levels, draw)

    return run


@_watchable
def ancestral(denoise: Denoise, levels: Tensor, draw: Draw) -> Tensor:
    """Ancestral sampling (Figures 2 and 5 of the paper, Algorithm 2; Ho et al. 2020, arXiv:2006.11239).

    With ``alpha_bar_i = s_i^2``, ``alpha_i = alpha_bar_i / alpha_bar_{i-1}`` and ``beta_i = 1 - alpha_i``::

        x_{i-1} = (x_i - beta_i / sqrt(1 - alpha_bar_i) eps) / sqrt(alpha_i) + sqrt(beta~_i) z,      z = 0 at i = 1
        beta~_i = beta_i (1 - alpha_bar_{i-1}) / (1 - alpha_bar_i)

    (Figure 2 prints alpha_bar where alpha is meant, and beta~ where its root is.) The mean is computed in its other
    form, equation 7 of Ho et al., which does not divide by a small alpha_i::

        (sqrt(alpha_bar_{i-1}) beta_i x_0 + sqrt(alpha_i) (1 - alpha_bar_{i-1}) x_i) / (1 - alpha_bar_i)
    """
    alpha_bar = [level**2 for level in levels.tolist()]
    x = draw()
    for i in range(len(alpha_bar) - 1, 0, -1):
        alpha = alpha_bar[i] / alpha_bar[i - 1]
        beta = 1 - alpha
        noise, noise_next = 1 - alpha_bar[i], 1 - alpha_bar[i - 1]
        x_0, _ = denoise(x, math.sqrt(alpha_bar[i]))
        x = (math.sqrt(alpha_bar[i - 1]) * beta * x_0 + math.sqrt(alpha) * noise_next * x) / noise
        if i > 1:
            x = x + math.sqrt(beta * noise_next / noise) * draw()
    return x


@_watchable
def ddim(denoise: Denoise, levels: Tensor, draw: Draw) -> Tensor:
    """Deterministic DDIM (Song et al. 2021, arXiv:2010.02502, equation 12 with sigma = 0); draws once, at the start.

    ``x_{i-1} = s_{i-1} x_0 + sqrt(1 - s_{i-1}^2) eps``.
    """
    s = levels.tolist()
    x = draw()
    for i in range(len(s) - 1, 0, -1):
        x_0, eps = denoise(x, s[i])
        x = s[i - 1] * x_0 + math.sqrt(1 - s[i - 1] ** 2) * eps
    return x


@_watchable
def dpm_solver_pp_2m(denoise: Denoise, levels: Tensor, draw: Draw) -> Tensor:
    """DPM-Solver++(2M) (Lu et al. 2022, arXiv:2211.01095, Algorithm 2): second order, one evaluation a step.

    With ``sigma_i = sqrt(1 - s_i^2)``, ``lambda_i = log(s_i / sigma_i)``, ``h_i = lambda_{i-1} - lambda_i`` of the step
    from level i to i-1, and ``r = h_{i+1} / h_i``::

        x_{i-1} = sigma_{i-1} / sigma_i x_i - s_{i-1} (exp(-h_i) - 1) D
        D = (1 + 1 / (2 r)) x_0(i) - 1 / (2 r) x_0(i+1),      D = x_0(i) in the first step

    The last step, to sigma_0 = 0 where lambda is infinite, gives the denoised profile itself. Draws once, at the start.
    """
    return _multistep(denoise, levels, draw, renewed=0)


@_watchable
def dpm_solver_pp_2m_sde(denoise: Denoise, levels: Tensor, draw: Draw) -> Tensor:
    """SDE-DPM-Solver++(2M) (Lu et al. 2022, arXiv:2211.01095, Section 5): its reverse diffusion, fresh noise each step.

    With the symbols of :func:`dpm_solver_pp_2m`, whose last step it shares; draws once a step::

        x_{i-1} = sigma_{i-1} / sigma_i exp(-h_i) x_i - s_{i-1} (exp(-2 h_i) - 1) D
                  + sigma_{i-1} sqrt(1 - exp(-2 h_i)) z
    """
    return _multistep(denoise, levels, draw, renewed=1)


def _multistep(denoise: Denoise, levels: Tensor, draw: Draw, *, renewed: int) -> Tensor:
    """Both solvers: ``renewed`` 0 keeps the noise of the start (ODE), 1 draws it anew in each step (SDE)."""
    s = levels.tolist()
    sigma = [math.sqrt(1 - level**2) for level in s]
    x = draw()
    earlier: tuple[Tensor, float] | None = None
    for i in range(len(s) - 1, 1, -1):
        x_0, _ = denoise(x, s[i])
        h = math.log(s[i - 1] / sigma[i - 1]) - math.log(s[i] / sigma[i])
        direction = x_0
        if earlier is not None:
            x_0_earlier, h_earlier = earlier
            r = h_earlier / h
            direction = (1 + 1 / (2 * r)) * x_0 - 1 / (2 * r) * x_0_earlier
        kept = sigma[i - 1] / sigma[i] * math.exp(-renewed * h)
        x = kept * x - s[i - 1] * math.expm1(-(1 + renewed) * h) * direction
        if renewed:
            x = x + sigma[i - 1] * math.sqrt(-math.expm1(-2 * h)) * draw()
        earlier = x_0, h
    x_0, _ = denoise(x, s[1])
    return x_0


SAMPLERS: dict[str, Sampler] = {
    "ancestral": ancestral,
    "ddim": ddim,
    "dpm_solver_pp_2m": dpm_solver_pp_2m,
    "dpm_solver_pp_2m_sde": dpm_solver_pp_2m_sde,
}
