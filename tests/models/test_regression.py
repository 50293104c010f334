"""Regressions: one answer a column, fitted by least squares; and a Gaussian, fitted by its CRPS."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scoringrules
import torch

from diffmp_core.columns.normalize import fit
from diffmp_core.models.base import build_emulator, normal_draws
from diffmp_core.models.regression import LEAST_STD, GaussianRegression, Regression, gaussian_crps
from diffmp_core.schema import schema_of
from diffmp_core.stores import stack_inputs, stack_outputs
from tests.models.toy import NARROW, WIDE, draw_toy, make_normalization, moments_on_toy, train_on_toy
from tests.synthetic import make_columns


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray, Regression]:
    store = make_columns(cells=42, times=6)
    inputs, outputs = stack_inputs(store), stack_outputs(store)
    normalization = fit(inputs, outputs, schema=schema_of(store))
    torch.manual_seed(0)
    emulator = build_emulator({"kind": "regression", "filters": 8, "layers": 3}, normalization)
    assert isinstance(emulator, Regression)
    return inputs, outputs, emulator


def test_every_member_is_the_same_profile_whatever_the_seed(data: tuple[np.ndarray, np.ndarray, Regression]) -> None:
    inputs, _, emulator = data
    columns = torch.from_numpy(inputs[:3])
    one = emulator.sample(columns, 4, generator=torch.Generator().manual_seed(0), steps=5)
    other = emulator.sample(columns, 4, generator=torch.Generator().manual_seed(1), steps=1, guidance=(1, 1, 1, 1))
    assert one.shape == (3, 4, 4, 30)
    assert torch.equal(one, one[:, :1].expand_as(one))
    assert torch.equal(one, other)


def test_loss_is_the_mean_squared_error_of_normalised_outputs(data: tuple[np.ndarray, np.ndarray, Regression]) -> None:
    inputs, outputs, emulator = data
    condition = emulator.normalizer.normalise_inputs(torch.as_tensor(inputs[:5]))
    truth = emulator.normalizer.normalise_outputs(torch.as_tensor(outputs[:5]))
    loss = emulator.training_loss(condition, truth, torch.Generator())
    torch.testing.assert_close(loss, ((emulator.predict(condition) - truth) ** 2).mean())


def test_it_learns_the_mean_of_what_is_stochastic(data: tuple[np.ndarray, np.ndarray, Regression]) -> None:
    inputs, outputs, emulator = data
    condition = emulator.normalizer.normalise_inputs(torch.as_tensor(inputs[:64]))
    truth = emulator.normalizer.normalise_outputs(torch.as_tensor(outputs[:64]))
    optimiser = torch.optim.Adam(emulator.parameters(), lr=5e-3)
    for _ in range(60):
        loss = emulator(condition, truth, torch.Generator())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.4 * (truth - truth.mean(dim=0)).pow(2).mean().item()


@pytest.mark.parametrize(("mean", "std", "truth"), [(0.0, 1.0, 0.0), (1.0, 2.0, -0.5), (0.3, 1e-3, 2.0)])
def test_gaussian_crps_is_that_of_scoringrules(mean: float, std: float, truth: float) -> None:
    found = gaussian_crps(torch.tensor(mean), torch.tensor(std), torch.tensor(truth)).item()
    assert found == pytest.approx(float(scoringrules.crps_normal(truth, mean, std, backend="numpy")), rel=1e-5)


def test_gaussian_crps_of_the_mean_itself_by_hand() -> None:
    """sigma (sqrt(2) - 1) / sqrt(pi) at y = mu."""
    found = gaussian_crps(torch.zeros(1), torch.full((1,), 3.0), torch.zeros(1)).item()
    assert found == pytest.approx(3 * (math.sqrt(2) - 1) / math.sqrt(math.pi), rel=1e-5)


def test_gaussian_stays_finite_where_a_cloud_is_always_zero() -> None:
    log_variance = torch.tensor([-200.0, 0.0, 20.0], requires_grad=True)
    std = LEAST_STD + (0.5 * log_variance).exp()
    crps = gaussian_crps(torch.zeros(3), std, torch.tensor([30.0, -30.0, 0.0]))
    crps.sum().backward()
    assert torch.isfinite(crps).all()
    assert torch.isfinite(log_variance.grad).all()


def test_gaussian_members_have_the_predicted_mean_and_spread() -> None:
    torch.manual_seed(0)
    emulator = build_emulator({"kind": "gaussian", "filters": 8, "layers": 2}, make_normalization())
    assert isinstance(emulator, GaussianRegression)
    inputs, _, _, _ = draw_toy(2, torch.Generator().manual_seed(0))
    with torch.no_grad():
        members = emulator.sample_normalised(
            inputs, 20_000, draw=normal_draws(torch.Generator().manual_seed(1)), steps=1, guidance=(0.0,) * 4
        )
        mean, std = emulator.predict(inputs)
    assert ((members.mean(dim=1) - mean).abs() < 5 * std / math.sqrt(20_000)).all()
    assert ((members.std(dim=1) / std - 1).abs() < 5 / math.sqrt(40_000)).all()
    neighbours = torch.corrcoef(members[0, :, 0, :2].T)[0, 1]
    assert abs(neighbours) < 5 / math.sqrt(20_000)


def test_gaussian_learns_the_mean_and_the_spread_of_a_toy() -> None:
    torch.manual_seed(0)
    emulator = build_emulator({"kind": "gaussian", "filters": 8, "layers": 2}, make_normalization())
    train_on_toy(emulator, steps=200, rate=1e-2)
    found = moments_on_toy(emulator)
    assert found["error"] < 0.25
    assert found["narrow"] == pytest.approx(NARROW, rel=0.3)
    assert found["wide"] == pytest.approx(WIDE, rel=0.2)
