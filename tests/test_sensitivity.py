"""Responses of an emulator are paired, and right where the answer is known."""

import numpy as np
import pytest
import torch

from diffmp_core.columns.domain import fit_domain
from diffmp_core.perturbation import Perturbation
from diffmp_core.sensitivity import check_range, profiles, respond
from diffmp_core.stores import stack_channels
from diffmp_core.variables import INPUTS
from tests.synthetic import make_columns

CP = 1004.64
SHF = 3


def test_profiles_are_those_of_the_mean_over_the_columns():
    ensemble = np.zeros((2, 3, 4, 1))
    ensemble[:, :, 0, 0] = [[0.0, 2.0, 4.0], [2.0, 2.0, 8.0]]
    found = profiles(ensemble)
    assert found.mean[0, 0] == pytest.approx(3.0)
    assert found.spread[0, 0] == pytest.approx(np.std([1.0, 2.0, 6.0], ddof=1))
    assert found.quantiles[3, 0, 0] == pytest.approx(2.0)


class Linear:
    """Emulator with a known answer: heating 1e-7 SHF plus noise at all levels, other outputs noise."""

    kind = "linear"

    def sample(self, inputs, members, *, generator, steps, guidance):
        noise = 1e-3 * torch.randn(len(inputs), members, 4, inputs.shape[2], generator=generator)
        noise[:, :, 0] += 1e-7 * inputs[:, None, SHF]
        return noise


def test_common_random_numbers_leave_the_response_alone(inputs, air):
    """The noise is far larger than the response, and yet the change is exact: it is paired."""
    response = respond(Linear(), inputs, Perturbation(scale_SHF=0.3), **air, members=8)
    heating, moistening = response.changes[:2]
    expected = CP * (-0.7e-7 * inputs[:, SHF] * air["layer_mass"]).sum(axis=1).mean()
    assert heating.change == pytest.approx(expected, rel=1e-3)
    assert heating.standard_error < 1e-3 * abs(expected)
    assert moistening.change == 0.0
    assert abs(heating.baseline) > 0
    np.testing.assert_allclose(
        response.perturbed.mean[0] - response.baseline.mean[0], -0.7e-7 * inputs[:, SHF].mean(axis=0), rtol=1e-3
    )


def test_nothing_changed_is_a_response_of_zero(inputs, air):
    response = respond(Linear(), inputs, Perturbation(top_level=4), **air, members=4)
    assert all(change.change == 0.0 for change in response.changes)
    assert response.range is None


def test_inputs_beyond_the_training_data_are_named(inputs, air):
    every = stack_channels(make_columns(cells=200), INPUTS)
    domain = fit_domain(every, generator=np.random.default_rng(0))
    usual = check_range(every[:50], domain)
    assert usual.percentile < 80
    response = respond(Linear(), every[98:103], Perturbation(warming=30.0, top_level=3), members=2, domain=domain,
                       pressure=air["pressure"], layer_mass=air["layer_mass"][0])  # fmt: skip
    assert response.range is not None
    assert response.range.out_of_range == response.range.columns == 5
    assert response.range.farthest.variable == "T"
    assert response.range.farthest.level in (0, 1, 2)
    assert response.range.percentile > 99
