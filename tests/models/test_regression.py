"""Deterministic regression: one answer a column, fitted by least squares."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffmp_core.columns.normalize import fit
from diffmp_core.models.base import build_emulator
from diffmp_core.models.regression import Regression
from diffmp_core.stores import stack_channels
from diffmp_core.variables import INPUTS, OUTPUTS
from tests.synthetic import make_columns


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray, Regression]:
    store = make_columns(cells=42, times=6)
    inputs, outputs = stack_channels(store, INPUTS), stack_channels(store, OUTPUTS)
    normalization = fit(inputs, outputs, height=store["height"].values, pressure=store["pressure"].values)
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
    condition = torch.from_numpy(emulator.normalization.apply_inputs(inputs[:5]))
    truth = torch.from_numpy(emulator.normalization.apply_outputs(outputs[:5]))
    loss = emulator.training_loss(condition, truth, torch.Generator())
    torch.testing.assert_close(loss, ((emulator.predict(condition) - truth) ** 2).mean())


def test_it_learns_the_mean_of_what_is_stochastic(data: tuple[np.ndarray, np.ndarray, Regression]) -> None:
    inputs, outputs, emulator = data
    condition = torch.from_numpy(emulator.normalization.apply_inputs(inputs[:64]))
    truth = torch.from_numpy(emulator.normalization.apply_outputs(outputs[:64]))
    optimiser = torch.optim.Adam(emulator.parameters(), lr=5e-3)
    for _ in range(60):
        loss = emulator(condition, truth, torch.Generator())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.4 * (truth - truth.mean(dim=0)).pow(2).mean().item()
