"""DIFF-MP: its loss and its sampling, held against networks whose answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from diffmp_core.columns.normalize import Normalization, fit
from diffmp_core.models.base import build_emulator, normal_draws
from diffmp_core.models.diffusion import DiffMP
from diffmp_core.models.normalizer import Normalizer
from diffmp_core.models.schedule import SCHEDULES
from diffmp_core.schema import schema_of
from diffmp_core.stores import stack_inputs, stack_outputs

MEAN, STD = 0.5, 0.8
PAPER = {
    "normalization": "paper",
    "zero_traces": False,
    "film_path": "noised",
    "prediction": "epsilon",
    "schedule": "paper",
    "sampler": "ancestral",
    "guidance": (0.5, 0.5, 0.0, 0.0),
}


@pytest.fixture(scope="module")
def arrays(columns: xr.Dataset) -> tuple[Tensor, Tensor, dict[str, Normalization]]:
    """Inputs and outputs in physical units, and both normalisations."""
    inputs, outputs = stack_inputs(columns), stack_outputs(columns)
    levels = {"schema": schema_of(columns)}
    fitted = {
        "paper": fit(inputs, outputs, method="paper", **levels),
        "calibrated": fit(inputs, outputs, method="calibrated", **levels),
    }
    return torch.from_numpy(inputs), torch.from_numpy(outputs), fitted


@pytest.fixture
def build(arrays: tuple[Tensor, Tensor, dict[str, Normalization]]) -> Any:
    def build(**options: Any) -> DiffMP:
        torch.manual_seed(0)
        model = {"kind": "diffusion", "filters": 8, "layers": 2, **options}
        emulator = build_emulator(model, arrays[2][model.get("normalization", "calibrated")])
        assert isinstance(emulator, DiffMP)
        return emulator

    return build


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class GaussianOracle(nn.Module):
    """Exact network for data N(mean, STD^2); the mean is MEAN plus the first input, or another constant if hidden."""

    def __init__(self, prediction: str, hidden_mean: float = MEAN) -> None:
        super().__init__()
        self.prediction, self.hidden_mean = prediction, hidden_mean
        self.seen: list[Tensor] = []
        self.masks: list[Tensor] = []

    def encode(self, condition: Tensor, hidden: Tensor | None = None) -> Tensor:
        hidden = torch.zeros(len(condition), dtype=torch.bool) if hidden is None else hidden
        self.masks.append(hidden)
        return torch.where(hidden, self.hidden_mean, MEAN + condition[:, 0, 0])[:, None, None, None]

    def encode_hidden(self, condition: Tensor) -> Tensor:
        return self.encode(condition[:1], torch.ones(1, dtype=torch.bool))

    def forward(self, x: Tensor, noise_level: Tensor, mean: Tensor) -> Tensor:
        self.seen.append(x)
        s = noise_level[:, None, None, None]
        variance = s**2 * STD**2 + 1 - s**2
        x_0 = mean + s * STD**2 / variance * (x - s * mean)
        eps = (1 - s**2).sqrt() / variance * (x - s * mean)
        return eps if self.prediction == "epsilon" else s * eps - (1 - s**2).sqrt() * x_0


def draw(
    emulator: DiffMP, condition: Tensor, members: int, steps: int, guidance: Sequence[float] = (0, 0, 0, 0)
) -> Tensor:
    return emulator.sample_normalised(
        condition, members, draw=normal_draws(seeded()), steps=steps, guidance=tuple(map(float, guidance))
    )


@pytest.mark.parametrize("prediction", ["epsilon", "v"])
@pytest.mark.parametrize(("sampler", "steps"), [("dpm_solver_pp_2m", 5), ("ancestral", 100), ("ddim", 100)])
def test_samples_of_an_exact_network_have_the_mean_and_spread_of_the_data(
    build: Any, prediction: str, sampler: str, steps: int
) -> None:
    emulator = build(prediction=prediction, sampler=sampler)
    emulator.denoiser = GaussianOracle(prediction)
    condition = torch.zeros(2, 6, 30)
    condition[1] = -1.0
    samples = draw(emulator, condition, members=100, steps=steps)
    assert samples.shape == (2, 100, 4, 30)
    torch.testing.assert_close(samples.mean(dim=(1, 2, 3)), torch.tensor([MEAN, MEAN - 1]), rtol=0, atol=0.05)
    torch.testing.assert_close(samples.std(dim=(1, 2, 3)), torch.tensor([STD, STD]), rtol=0.05, atol=0)


@pytest.mark.parametrize("schedule", ["paper", "zero_terminal_snr"])
@pytest.mark.parametrize("prediction", ["epsilon", "v"])
def test_loss_of_an_exact_network_is_the_part_that_nothing_can_know(build: Any, prediction: str, schedule: str) -> None:
    emulator = build(prediction=prediction, schedule=schedule, p_uncond=0.0)
    emulator.denoiser = GaussianOracle(prediction)
    truth = MEAN + STD * torch.randn(2000, 4, 30, generator=seeded(1))
    exact = emulator.training_loss(torch.zeros(2000, 6, 30), truth, seeded())
    s = SCHEDULES[schedule].draw(2000, seeded())
    left = STD**2 / (s**2 * STD**2 + 1 - s**2)  # E (x_0 - x_0^)^2 / (1 - s^2)
    expected = (left if prediction == "v" else s**2 * left).mean()
    torch.testing.assert_close(exact, expected, rtol=0.02, atol=0)


def test_training_hides_the_condition_with_the_given_probability(build: Any) -> None:
    emulator = build(p_uncond=0.3)
    oracle = GaussianOracle("v")
    emulator.denoiser = oracle
    emulator.training_loss(torch.zeros(4000, 6, 30), torch.zeros(4000, 4, 30), seeded())
    assert oracle.masks[0].float().mean().item() == pytest.approx(0.3, abs=0.03)


def test_guidance_moves_each_variable_away_from_the_unconditional(build: Any) -> None:
    emulator = build()
    emulator.denoiser = GaussianOracle("v", hidden_mean=MEAN - 1.0)
    condition = torch.zeros(1, 6, 30)
    plain = draw(emulator, condition, members=20, steps=20)
    guided = draw(emulator, condition, members=20, steps=20, guidance=(0.5, 0, 1.0, 0))
    shift = (guided - plain).mean(dim=(0, 1, 3))
    torch.testing.assert_close(shift, torch.tensor([0.5, 0, 1.0, 0]), rtol=0.05, atol=1e-5)  # w (given - hidden mean)


def test_the_second_pass_is_left_out_without_guidance(build: Any) -> None:
    emulator = build()
    oracle = GaussianOracle("v")
    emulator.denoiser = oracle
    draw(emulator, torch.zeros(1, 6, 30), members=2, steps=5)
    assert len(oracle.seen) == 5
    draw(emulator, torch.zeros(1, 6, 30), members=2, steps=5, guidance=(0, 0.1, 0, 0))
    assert len(oracle.seen) == 15


@pytest.mark.parametrize("sampler", ["dpm_solver_pp_2m", "ancestral", "ddim"])
def test_noise_is_common_to_any_two_conditions(build: Any, sampler: str) -> None:
    emulator = build(sampler=sampler)
    emulator.denoiser = GaussianOracle("v")
    baseline, perturbed = torch.zeros(3, 6, 30), torch.full((3, 6, 30), 0.7)
    difference = draw(emulator, perturbed, 8, steps=10) - draw(emulator, baseline, 8, steps=10)
    assert difference.std() < 1e-4  # the same shift for every member: the noise is the same


@pytest.mark.parametrize("options", [{}, PAPER], ids=["calibrated", "paper"])
def test_same_seed_same_answer(build: Any, arrays: Any, options: dict[str, Any]) -> None:
    emulator = build(**options)
    inputs = arrays[0][:3]

    def sample(seed: int) -> Tensor:
        return emulator.sample(inputs, 4, generator=seeded(seed), steps=3, guidance=emulator.config.guidance)

    first = sample(1)
    assert first.shape == (3, 4, 4, 30)
    assert first.dtype == torch.float32
    assert torch.equal(first, sample(1))
    assert not torch.equal(first, sample(2))


def test_clouds_are_settled_as_configured(build: Any, arrays: Any) -> None:
    inputs = arrays[0][:8]
    raw = build(zero_traces=False).sample(inputs, 8, generator=seeded())
    settled = build(zero_traces=True).sample(inputs, 8, generator=seeded())
    normalization = arrays[2]["calibrated"]
    torch.testing.assert_close(settled[:, :, :2], raw[:, :, :2])
    assert (raw[:, :, 2:] >= 0).all()
    assert (raw[:, :, 2:] > settled[:, :, 2:]).any()
    torch.testing.assert_close(settled, Normalizer(normalization).zero_traces(raw))
    assert (settled[:, :, 2:] >= 0).all()


@pytest.mark.parametrize("options", [{}, PAPER], ids=["calibrated", "paper"])
def test_every_weight_learns_and_the_loss_falls(build: Any, arrays: Any, options: dict[str, Any]) -> None:
    emulator = build(**options, layers=3)
    inputs = emulator.normalizer.normalise_inputs(torch.as_tensor(arrays[0][::12].numpy()))
    outputs = emulator.normalizer.normalise_outputs(torch.as_tensor(arrays[1][::12].numpy()))
    optimiser = torch.optim.Adam(emulator.parameters(), lr=5e-3)
    generator = seeded()
    losses = []
    for _ in range(60):
        loss = emulator(inputs, outputs, generator)
        optimiser.zero_grad()
        loss.backward()
        losses.append(loss.item())
        if len(losses) == 2:
            assert [name for name, p in emulator.named_parameters() if p.grad is None or not p.grad.any()] == []
        optimiser.step()
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])
