"""Responses of an emulator are paired, and right where the answer is known."""

import numpy as np
import pytest
import torch

from diffmp_core.columns.domain import fit_domain
from diffmp_core.physics.perturbation import Perturbation
from diffmp_core.response.cautions import NO_SPREAD, check_range, check_settings
from diffmp_core.response.sensitivity import profiles, respond
from diffmp_core.schema import ColumnSchema
from diffmp_core.stores import stack_inputs
from diffmp_core.variables import PAPER
from tests.synthetic import make_columns

CP = 1004.64
SHF = 3
CHANNELS = {"channels": PAPER.inputs}


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
    schema = ColumnSchema(PAPER, np.arange(30.0), np.linspace(1e5, 1e4, 30))

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


class Certain(Linear):
    """The same without noise: one answer, many times."""

    def sample(self, inputs, members, *, generator, steps, guidance):
        return 1e-7 * inputs[:, None, SHF, None].expand(-1, members, 4, -1)


def test_an_emulator_without_spread_is_not_certain_and_says_so(inputs, air):
    one = {"pressure": air["pressure"], "layer_mass": air["layer_mass"][:1]}
    response = respond(Certain(), inputs[:1], Perturbation(scale_SHF=0.3), **one, members=4)
    assert response.changes[0].error == 0.0
    assert NO_SPREAD in response.cautions.sentences()
    assert NO_SPREAD not in respond(Linear(), inputs[:1], Perturbation(scale_SHF=0.3), **one).cautions.sentences()


def test_nothing_changed_is_a_response_of_zero(inputs, air):
    response = respond(Linear(), inputs, Perturbation(top_level=4), **air, members=4)
    assert all(change.change == 0.0 for change in response.changes)
    assert response.cautions.range is None


def test_inputs_beyond_the_training_data_are_named(inputs, air):
    every = stack_inputs(make_columns(cells=200))
    domain = fit_domain(every, channels=PAPER.inputs, generator=np.random.default_rng(0))
    usual = check_range(every[:50], domain)
    assert usual.percentile < 80
    response = respond(Linear(), every[98:103], Perturbation(warming=30.0, top_level=3), members=2, domain=domain,
                       pressure=air["pressure"], layer_mass=air["layer_mass"][0])  # fmt: skip
    assert response.cautions.range is not None
    assert response.cautions.range.out_of_range == response.cautions.range.columns == 5
    assert response.cautions.range.farthest.variable == "T"
    assert response.cautions.range.farthest.level in (0, 1, 2)
    assert response.cautions.range.percentile > 99


@pytest.fixture(scope="module")
def domain():
    return fit_domain(stack_inputs(make_columns(cells=200)), channels=PAPER.inputs, generator=np.random.default_rng(0))


def test_the_setting_that_leads_out_of_range_is_named_with_what_it_changes(inputs, air, domain):
    found = check_settings(
        inputs, Perturbation(warming=30.0, scale_LHF=0.95, top_level=3), domain, channels=PAPER.inputs, **air
    )
    assert [part.setting for part in found] == ["warming"]
    assert found[0].out_of_range == found[0].columns == len(inputs)
    assert not found[0].only_together
    assert found[0].farthest.variable == "T"
    assert found[0].farthest.level in (0, 1, 2)
    assert found[0].farthest.is_outside


def test_a_small_change_and_no_change_blame_nobody(inputs, air, domain):
    assert check_settings(inputs, Perturbation(scale_LHF=0.98, warming=0.05), domain, **air | CHANNELS) == ()
    assert check_settings(inputs, Perturbation(top_level=4), domain, **air | CHANNELS) == ()


class Sum:
    """A domain of columns whose lowest T and SHF have grown by a factor together of less than 1.5."""

    def __init__(self, start: np.ndarray) -> None:
        self.start = start

    def distance(self, inputs: np.ndarray) -> np.ndarray:
        return sum(inputs[:, channel, 0] / self.start[0, channel, 0] - 1 for channel in (0, SHF))

    def percentile(self, distance: np.ndarray) -> np.ndarray:
        return 10 * distance

    def is_out_of_range(self, inputs: np.ndarray) -> np.ndarray:
        return self.distance(inputs) > 0.5

    def farthest_input(self, column: np.ndarray, *, unlike: np.ndarray) -> tuple:
        return tuple(np.flatnonzero((column != unlike).any(axis=1)))


def test_settings_that_lead_out_only_together_are_both_named_and_no_other(inputs, air):
    one, shared = inputs[:1], {"pressure": air["pressure"], "layer_mass": air["layer_mass"][:1]}
    change = Perturbation(warming=29.0, scale_SHF=1.45, scale_SOLIN=1.2)
    found = check_settings(one, change, Sum(one), **shared | CHANNELS)
    assert [(part.setting, part.only_together, part.out_of_range) for part in found] == [
        ("warming", True, 0),
        ("scale_SHF", True, 0),
    ]
    assert [part.farthest for part in found] == [(0,), (SHF,)]


def test_a_response_brings_what_leads_out(inputs, air, domain):
    response = respond(Linear(), inputs, Perturbation(warming=30.0, top_level=3), **air, members=2, domain=domain)
    assert [part.setting for part in response.cautions.settings] == ["warming"]
