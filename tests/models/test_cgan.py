"""CGAN-MP: the penalty, two players in one loss, the frozen network inside."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from diffmp_core.errors import DiffmpError
from diffmp_core.models.base import build_emulator, normal_draws
from diffmp_core.models.cgan import CGANMP, gradient_penalty
from diffmp_core.models.folder import load_config, load_emulator, save_emulator
from tests.models.toy import LEVELS, draw_toy, make_normalization, moments_on_toy, train_on_toy

MODEL: dict[str, Any] = {"kind": "cgan", "filters": 8, "layers": 2, "pretrained": {"filters": 8, "layers": 2}}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def build(**options: Any) -> CGANMP:
    torch.manual_seed(0)
    emulator = build_emulator(MODEL | options, make_normalization())
    assert isinstance(emulator, CGANMP)
    return emulator


def started(**options: Any) -> CGANMP:
    """As if after some training: the generator adds something."""
    emulator = build(**options)
    with torch.no_grad():
        for parameter in emulator.denoiser.head.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return emulator


@pytest.fixture
def regression(tmp_path: Path) -> Path:
    """Folder of a regression."""
    torch.manual_seed(3)
    emulator = build_emulator({"kind": "regression", "filters": 12, "layers": 2}, make_normalization())
    return save_emulator(emulator, tmp_path / "regression")


def test_penalty_of_a_linear_critic_is_that_of_its_slope() -> None:
    """D(x) = a . x has the gradient a everywhere: (|a| - 1)^2, and 2 (|a| - 1) a / |a| to learn by."""
    slope = torch.zeros(4, 5)
    slope[0, 0], slope[2, 3] = 3.0, 4.0
    slope.requires_grad_()
    profiles = torch.randn(7, 4, 5, generator=seeded())
    penalty = gradient_penalty(lambda x: (slope * x).sum(dim=(1, 2)), profiles)
    assert penalty.item() == pytest.approx((5 - 1) ** 2)
    penalty.backward()
    torch.testing.assert_close(slope.grad, 2 * 4 * slope.detach() / 5)


def test_penalty_of_a_quadratic_critic_is_the_mean_over_profiles() -> None:
    """D(x) = |x|^2 / 2 has the gradient x: norms 2 and 0.5 give (1 + 0.25) / 2."""
    profiles = torch.zeros(2, 4, 5)
    profiles[0, 1, 1], profiles[1, 3, 4] = 2.0, -0.5
    penalty = gradient_penalty(lambda x: 0.5 * x.square().sum(dim=(1, 2)), profiles)
    assert penalty.item() == pytest.approx((1 + 0.25) / 2)


def losses_by_hand(emulator: CGANMP, inputs: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Critic's and generator's loss of Gulrajani et al., drawn as the emulator draws."""
    generator = seeded(5)
    sample = emulator.sample_normalised(inputs, 1, draw=normal_draws(generator), steps=1, guidance=())[:, 0]
    share = torch.rand(len(inputs), 1, 1, generator=generator)
    mean = emulator.pretrained.predict(inputs)
    sample, outputs = sample - mean, outputs - mean
    mixed = (share * outputs + (1 - share) * sample).detach().requires_grad_()
    slopes = torch.autograd.grad(emulator.critic(mixed, inputs).sum(), mixed, create_graph=True)[0]
    penalty = ((slopes.pow(2).sum(dim=(1, 2)).sqrt() - 1) ** 2).mean()
    fake, true = emulator.critic(sample, inputs).mean(), emulator.critic(outputs, inputs).mean()
    return fake - true + emulator.config.gradient_penalty * penalty, -fake


def test_one_loss_gives_each_player_the_gradient_of_its_own() -> None:
    emulator = started(gradient_penalty=3.0)
    inputs, outputs, _, _ = draw_toy(6, seeded())
    loss = emulator.training_loss(inputs, outputs, seeded(5))
    critic_loss, generator_loss = losses_by_hand(emulator, inputs, outputs)
    torch.testing.assert_close(loss, critic_loss)
    for network, own in ((emulator.critic, critic_loss), (emulator.denoiser, generator_loss)):
        parameters = list(network.parameters())
        found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True, materialize_grads=True)
        expected = torch.autograd.grad(own, parameters, retain_graph=True, allow_unused=True, materialize_grads=True)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-7)


def test_the_answer_is_the_frozen_network_plus_the_generator() -> None:
    emulator = started()
    inputs, outputs, _, _ = draw_toy(3, seeded())
    latent = torch.randn(3, 2, emulator.config.latent, generator=seeded(1))
    mean, shape = emulator.pretrained.predict(inputs), (3, 2, 4, LEVELS)
    added = emulator.evaluate_without_noise(latent[..., None].expand(*latent.shape, LEVELS), inputs)
    assert added.abs().min() > 0
    torch.testing.assert_close(emulator.decode(latent, inputs), mean[:, None] + added)
    assert torch.equal(build().decode(latent, inputs), build().pretrained.predict(inputs)[:, None].expand(shape))
    emulator.training_loss(inputs, outputs, seeded()).backward()
    assert all(parameter.grad is None for parameter in emulator.pretrained.parameters())


def test_critic_learns_at_its_own_rate_without_momentum() -> None:
    emulator = build(critic_rate=2.5)
    rates = {id(p): group["rate"] for group in emulator.parameter_groups() for p in group["params"]}
    assert {rates[id(p)] for p in emulator.critic.parameters()} == {2.5}
    assert {rates[id(p)] for p in emulator.denoiser.parameters()} == {1.0}
    assert not any(id(p) in rates for p in emulator.pretrained.parameters())
    assert all(group["betas"] == (0.0, 0.9) for group in emulator.parameter_groups())


def test_the_pretrained_networks_weights_travel_with_the_emulator(regression: Path, tmp_path: Path) -> None:
    emulator = build(pretrained=str(regression))
    before = load_emulator(regression, precision="float32").state_dict()
    folder = save_emulator(emulator, tmp_path / "cgan")
    shutil.rmtree(regression)
    loaded = load_emulator(folder, precision="float32")
    assert isinstance(loaded, CGANMP)
    assert loaded.pretrained.config.filters == 12
    assert all(torch.equal(value, before[name]) for name, value in loaded.pretrained.state_dict().items())
    assert str(regression) not in (folder / "config.yaml").read_text()
    assert load_config(folder)["model"]["pretrained"]["kind"] == "regression"


def test_a_pretrained_network_that_does_not_fit_is_refused(regression: Path, tmp_path: Path) -> None:
    normalization = make_normalization()
    other = replace(normalization, output_scale=2 * normalization.output_scale)
    with pytest.raises(DiffmpError, match="expected a regression trained on these columns"):
        build_emulator(MODEL | {"pretrained": str(regression)}, other)
    gaussian = save_emulator(build_emulator({"kind": "gaussian", "filters": 8}, normalization), tmp_path / "gaussian")
    with pytest.raises(DiffmpError, match="found an emulator of kind 'gaussian'"):
        build(pretrained=str(gaussian))
    with pytest.raises(DiffmpError, match="expected an emulator folder"):
        build(pretrained=str(tmp_path / "nothing"))


def test_it_learns_the_mean_and_the_spread_of_a_toy() -> None:
    emulator = build(latent=2, gradient_penalty=1.0)
    train_on_toy(emulator.pretrained.requires_grad_(True), steps=100, rate=1e-2)
    emulator.pretrained.requires_grad_(False)
    train_on_toy(emulator, steps=800, rate=1e-3)
    found = moments_on_toy(emulator)
    assert found["error"] < 0.3
    assert found["narrow"] < 0.45
    assert 0.6 < found["wide"] < 1.4
