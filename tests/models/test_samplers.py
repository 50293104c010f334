"""Samplers on Gaussian data, whose denoiser is known: mean and covariance must come out.

The denoiser of N(mean, C) is ``E[x_0 | x] = mean + s C (s^2 C + (1 - s^2) I)^-1 (x - s mean)``: affine, so that a
sampler is an affine map of its draws. Feeding it zeros and unit vectors gives the mean and the covariance of its
samples without any sampling error.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from diffmp_core.models.samplers import SAMPLERS, Sampler, ancestral, ddim, dpm_solver_pp_2m, dpm_solver_pp_2m_sde
from diffmp_core.models.schedule import FIXED_STEPS, cosine_levels, karras_levels, paper_fixed_levels, paper_levels

MEAN = torch.tensor([0.7, -1.2], dtype=torch.float64)
COVARIANCE = torch.tensor([[1.5, 0.6], [0.6, 0.4]], dtype=torch.float64)


def denoise(x: Tensor, s: float) -> tuple[Tensor, Tensor]:
    identity = torch.eye(2, dtype=torch.float64)
    gain = s * COVARIANCE @ torch.linalg.inv(s**2 * COVARIANCE + (1 - s**2) * identity)
    x_0 = MEAN + (x - s * MEAN) @ gain.T
    return x_0, (x - s * x_0) / math.sqrt(1 - s**2)


def moments(sampler: Sampler, levels: Tensor, draws: int) -> tuple[Tensor, Tensor]:
    """Exact mean and covariance of a sampler of so many draws: row 2 k + j has unit noise at place j of draw k."""
    count = 0

    def draw() -> Tensor:
        nonlocal count
        noise = torch.zeros(2 * draws + 1, 2, dtype=torch.float64)
        noise[2 * count : 2 * count + 2] = torch.eye(2)
        count += 1
        return noise

    samples = sampler(denoise, levels, draw)
    assert count == draws
    responses = samples[:-1] - samples[-1]
    return samples[-1], responses.T @ responses


def test_dpm_solver_reproduces_a_gaussian_in_many_steps() -> None:
    mean, covariance = moments(dpm_solver_pp_2m, karras_levels(200), draws=1)
    torch.testing.assert_close(mean, MEAN, rtol=0, atol=0.02)  # the start without signal leaves 1/40 of the mean
    torch.testing.assert_close(covariance, COVARIANCE, rtol=0, atol=2e-3)


def test_dpm_solver_needs_five_evaluations() -> None:
    mean, covariance = moments(dpm_solver_pp_2m, karras_levels(5), draws=1)
    torch.testing.assert_close(mean, MEAN, rtol=0, atol=0.03)
    torch.testing.assert_close(covariance.diagonal().sqrt(), COVARIANCE.diagonal().sqrt(), rtol=0.05, atol=0)


def test_dpm_solver_is_of_second_order() -> None:
    errors = [
        (moments(dpm_solver_pp_2m, karras_levels(steps), draws=1)[1] - COVARIANCE).norm().item() for steps in (40, 80)
    ]
    floor = (moments(dpm_solver_pp_2m, karras_levels(4000), draws=1)[1] - COVARIANCE).norm().item()
    assert (errors[0] - floor) / (errors[1] - floor) > 3.0


def test_sde_solver_reproduces_a_gaussian_in_many_steps() -> None:
    mean, covariance = moments(dpm_solver_pp_2m_sde, karras_levels(400), draws=400)
    torch.testing.assert_close(mean, MEAN, rtol=0, atol=2e-3)  # the noise of the start is forgotten, with its bias
    torch.testing.assert_close(covariance, COVARIANCE, rtol=0, atol=0.01)


def test_sde_solver_converges_faster_than_ancestral_sampling() -> None:
    errors = {
        sampler: (moments(sampler, karras_levels(20), draws=20)[1] - COVARIANCE).norm().item()
        for sampler in (ancestral, dpm_solver_pp_2m_sde)
    }
    assert errors[dpm_solver_pp_2m_sde] < errors[ancestral] / 2


def test_first_order_step_of_the_sde_solver_is_ancestral() -> None:
    levels = karras_levels(2)
    draws = torch.randn(2, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    samples = []
    for sampler in (dpm_solver_pp_2m_sde, ancestral):
        noise = iter(draws)
        samples.append(sampler(denoise, levels, lambda noise=noise: next(noise)))
    torch.testing.assert_close(*samples)


def test_ancestral_sampling_reproduces_a_gaussian_in_many_steps() -> None:
    mean, covariance = moments(ancestral, cosine_levels(2000), draws=2000)
    torch.testing.assert_close(mean, MEAN, rtol=0, atol=0.03)  # the start without signal leaves 0.03 of the mean
    torch.testing.assert_close(covariance, COVARIANCE, rtol=0, atol=0.01)


def test_ddim_reproduces_a_gaussian_in_many_steps() -> None:
    mean, covariance = moments(ddim, cosine_levels(2000), draws=1)
    torch.testing.assert_close(mean, MEAN, rtol=0, atol=0.03)
    torch.testing.assert_close(covariance, COVARIANCE, rtol=0, atol=0.01)


@pytest.mark.parametrize(("levels", "left"), [(paper_levels(2000), 0.42), (cosine_levels(2000), 0.96)])
def test_the_papers_schedule_halves_the_amplitude_of_strong_data(levels: Tensor, left: float) -> None:
    variance = 100.0  # x_T has variance s_T^2 100 + 1 - s_T^2 in training and 1 in sampling: std is short by the root

    def denoise_strong(x: Tensor, s: float) -> tuple[Tensor, Tensor]:
        x_0 = s * variance / (s**2 * variance + 1 - s**2) * x
        return x_0, (x - s * x_0) / math.sqrt(1 - s**2)

    sample = ddim(denoise_strong, levels, lambda: torch.ones(1, dtype=torch.float64))
    assert sample.item() / math.sqrt(variance) == pytest.approx(left, abs=0.02)


@pytest.mark.parametrize(
    ("variance", "ratios"),
    [(0.25, (0.967, 0.953, 1.013, 1.153, 1.375, 1.649)), (4.0, (0.974, 0.869, 0.682, 0.587, 0.538, 0.509))],
)
def test_few_fixed_steps_pull_the_spread_towards_that_of_the_start(variance: float, ratios: tuple[float, ...]) -> None:
    """Figure 3: few steps end far from noise, and N(0, I) at the start is read as signal."""

    def denoise_scalar(x: Tensor, s: float) -> tuple[Tensor, Tensor]:
        x_0 = s * variance / (s**2 * variance + 1 - s**2) * x
        return x_0, (x - s * x_0) / math.sqrt(1 - s**2)

    for steps, ratio in zip(FIXED_STEPS, ratios, strict=True):
        draws = iter(torch.eye(steps, dtype=torch.float64))  # responses to each draw: their squares add up
        sample = ancestral(denoise_scalar, paper_fixed_levels(steps), lambda draws=draws: next(draws))
        assert sample.norm().item() / math.sqrt(variance) == pytest.approx(ratio, abs=0.01)


def test_ancestral_step_is_line_5_of_figure_2() -> None:
    levels = paper_levels(5)
    draws = list(torch.randn(5, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))
    x = draws[0]
    for i in range(5, 0, -1):
        alpha_bar, alpha_bar_next = levels[i] ** 2, levels[i - 1] ** 2
        alpha = alpha_bar / alpha_bar_next
        beta = 1 - alpha
        variance = beta * (1 - alpha_bar_next) / (1 - alpha_bar)
        _, eps = denoise(x, levels[i].item())
        x = (x - beta / (1 - alpha_bar).sqrt() * eps) / alpha.sqrt()
        if i > 1:
            x = x + variance.sqrt() * draws[6 - i]
    noise = iter(draws)
    torch.testing.assert_close(ancestral(denoise, levels, lambda: next(noise)), x)


def test_first_order_step_of_dpm_solver_is_ddim() -> None:
    levels = karras_levels(2)
    noise = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(dpm_solver_pp_2m(denoise, levels, lambda: noise), ddim(denoise, levels, lambda: noise))


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_evaluate_once_a_level_from_the_noisiest(name: str) -> None:
    seen: list[float] = []

    def watched(x: Tensor, s: float) -> tuple[Tensor, Tensor]:
        seen.append(s)
        return denoise(x, s)

    levels = karras_levels(4)
    SAMPLERS[name](watched, levels, lambda: torch.zeros(1, 2, dtype=torch.float64))
    assert seen == pytest.approx(levels[1:].flip(0).tolist())
