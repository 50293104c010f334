"""CVAE-MP: the draw of a latent, its divergence from the prior, the bound that is minimised."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from diffmp_core.models.base import build_emulator
from diffmp_core.models.cvae import CVAEMP, draw_latent, kl_from_normal
from tests.models.toy import draw_toy, make_normalization, moments_on_toy, train_on_toy


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def build(**options: float) -> CVAEMP:
    torch.manual_seed(0)
    emulator = build_emulator({"kind": "cvae", "filters": 8, "layers": 2, **options}, make_normalization())
    assert isinstance(emulator, CVAEMP)
    return emulator


def test_latents_have_the_mean_and_the_spread_they_are_drawn_with() -> None:
    count = 40_000
    mean, log_variance = torch.tensor([-1.0, 2.0]), torch.tensor([0.0, 2 * math.log(0.3)])
    latent = draw_latent(mean.expand(count, 2), log_variance.expand(count, 2), seeded())
    std = torch.tensor([1.0, 0.3])
    assert ((latent.mean(dim=0) - mean).abs() < 4 * std / math.sqrt(count)).all()
    assert ((latent.std(dim=0) / std - 1).abs() < 4 / math.sqrt(2 * count)).all()
    assert abs(torch.corrcoef(latent.T)[0, 1]) < 4 / math.sqrt(count)


def test_latents_are_differentiable_in_mean_and_spread() -> None:
    """dz/dm = 1 and dz/dlog s^2 = (z - m) / 2."""
    mean, log_variance = torch.zeros(3, 2, requires_grad=True), torch.ones(3, 2, requires_grad=True)
    latent = draw_latent(mean, log_variance, seeded())
    latent.sum().backward()
    assert torch.equal(mean.grad, torch.ones(3, 2))
    torch.testing.assert_close(log_variance.grad, 0.5 * latent.detach())


@pytest.mark.parametrize(
    ("mean", "std", "expected"),
    [(0.0, 1.0, 0.0), (1.0, 1.0, 0.5), (0.0, 2.0, 1.5 - math.log(2)), (3.0, 0.5, 4.125 + math.log(2))],
)
def test_divergence_of_known_gaussians(mean: float, std: float, expected: float) -> None:
    """1/2 (m^2 + s^2 - 1) - log s, by hand; two components have twice that of one."""
    means, log_variances = torch.full((1, 2), mean), torch.full((1, 2), 2 * math.log(std))
    assert kl_from_normal(means, log_variances).item() == pytest.approx(2 * expected, abs=1e-6)


def test_divergence_is_that_of_torch() -> None:
    mean, log_variance = torch.randn(5, 7, generator=seeded()), torch.randn(5, 7, generator=seeded(1))
    posterior = Independent(Normal(mean, (0.5 * log_variance).exp()), 1)
    prior = Independent(Normal(torch.zeros(5, 7), torch.ones(5, 7)), 1)
    torch.testing.assert_close(kl_from_normal(mean, log_variance), kl_divergence(posterior, prior))


def test_loss_is_the_bound_for_a_gaussian_decoder() -> None:
    """(-2 sigma^2 / D) (E_q[log p(x | z, c)] - KL) + constant, with w = 2 sigma^2 and D values a profile."""
    emulator, weight = build(kl_weight=0.5), 0.5
    inputs, outputs, _, _ = draw_toy(6, seeded())
    loss = emulator.training_loss(inputs, outputs, seeded(1))
    mean, log_variance = emulator.posterior(outputs, inputs)
    decoded = emulator.decode(draw_latent(mean, log_variance, seeded(1))[:, None], inputs)[:, 0]
    sigma, values = math.sqrt(weight / 2), outputs[0].numel()
    log_likelihood = Independent(Normal(decoded, sigma), 2).log_prob(outputs)
    bound = (log_likelihood - kl_from_normal(mean, log_variance)).mean()
    constant = -values * math.log(sigma * math.sqrt(2 * math.pi))
    torch.testing.assert_close(loss, -2 * sigma**2 / values * (bound - constant), rtol=1e-4, atol=1e-6)


def test_it_learns_the_mean_and_the_spread_of_a_toy() -> None:
    emulator = build(latent=4)
    train_on_toy(emulator, steps=500, rate=1e-2)
    found = moments_on_toy(emulator)
    assert found["error"] < 0.3
    assert found["narrow"] < 0.45
    assert 0.6 < found["wide"] < 1.3
