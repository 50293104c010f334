"""Perturbations conserve what they should and act where they should."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffmp_core.errors import DiffmpError
from diffmp_core.physics.perturbation import Perturbation, perturb
from diffmp_core.physics.stratification import neutralise_temperature, neutralise_vapour, potential_temperature

KAPPA = 287.04 / 1004.64
T, QV, PS, SHF, LHF, SOLIN = range(6)


def test_potential_temperature_at_1000_hpa_is_the_temperature():
    assert potential_temperature(np.array([300.0]), np.array([1e5])) == pytest.approx([300.0])
    assert potential_temperature(np.array([250.0]), np.array([5e4])) == pytest.approx([250.0 * 2**KAPPA])


def test_neutral_temperature_of_two_levels_by_hand():
    pi = 0.9**KAPPA
    theta = (2 * 300.0 + 1 * 280.0) / (2 * 1.0 + 1 * pi)
    neutral = neutralise_temperature(np.array([[300.0, 280.0]]), np.array([1e5, 9e4]), np.array([2.0, 1.0]), 1.0)
    np.testing.assert_allclose(neutral, [[theta, theta * pi]], rtol=1e-12)
    half = neutralise_temperature(np.array([[300.0, 280.0]]), np.array([1e5, 9e4]), np.array([2.0, 1.0]), 0.5)
    np.testing.assert_allclose(half, (np.array([[300.0, 280.0]]) + neutral) / 2, rtol=1e-12)


def test_neutral_vapour_of_two_levels_by_hand():
    neutral = neutralise_vapour(np.array([[0.012, 0.006]]), np.array([2.0, 1.0]), 1.0)
    np.testing.assert_allclose(neutral, [[0.010, 0.010]], rtol=1e-12)


@settings(max_examples=30, deadline=None)
@given(share=st.floats(0, 1), seed=st.integers(0, 1000))
def test_neutralising_conserves_enthalpy_and_water(share, seed):
    rng = np.random.default_rng(seed)
    temperature, vapour = rng.uniform(220, 310, (3, 12)), rng.uniform(0, 0.02, (3, 12))
    pressure, mass = np.sort(rng.uniform(3e4, 1e5, (3, 12)))[:, ::-1], rng.uniform(20, 500, (3, 12))
    warm, moist = neutralise_temperature(temperature, pressure, mass, share), neutralise_vapour(vapour, mass, share)
    np.testing.assert_allclose((mass * warm).sum(1), (mass * temperature).sum(1), rtol=1e-12)
    np.testing.assert_allclose((mass * moist).sum(1), (mass * vapour).sum(1), rtol=1e-12)
    assert (moist >= 0).all()


def test_full_neutralisation_is_uniform_below_and_leaves_the_rest(inputs, air):
    changed = perturb(inputs, Perturbation(top_level=8, neutralise_T=1.0, neutralise_qv=1.0), **air)
    theta = potential_temperature(changed[:, T, :8], air["pressure"][:8])
    assert np.ptp(theta, axis=1).max() < 1e-3
    assert np.ptp(changed[:, QV, :8], axis=1).max() < 1e-8
    np.testing.assert_array_equal(changed[:, :2, 8:], inputs[:, :2, 8:])
    np.testing.assert_array_equal(changed[:, 2:], inputs[:, 2:])


def test_default_perturbation_changes_nothing(inputs, air):
    assert Perturbation(top_level=3).changes_nothing
    assert not Perturbation(warming=0.1).changes_nothing
    np.testing.assert_array_equal(perturb(inputs, Perturbation(), **air), inputs)


def test_warming_moistening_and_scaling_act_where_they_should(inputs, air):
    change = Perturbation(top_level=5, warming=-2.0, moistening=-0.2, scale_SHF=0.3, scale_LHF=0.6, scale_SOLIN=2.0)
    before = inputs.copy()
    changed = perturb(inputs, change, **air)
    np.testing.assert_array_equal(inputs, before)
    np.testing.assert_allclose(changed[:, T, :5], inputs[:, T, :5] - 2.0, rtol=1e-6)
    np.testing.assert_allclose(changed[:, QV, :5], 0.8 * inputs[:, QV, :5], rtol=1e-6)
    np.testing.assert_array_equal(changed[:, :2, 5:], inputs[:, :2, 5:])
    np.testing.assert_array_equal(changed[:, PS], inputs[:, PS])
    for channel, factor in ((SHF, 0.3), (LHF, 0.6), (SOLIN, 2.0)):
        np.testing.assert_allclose(changed[:, channel], factor * inputs[:, channel], rtol=1e-6)


def test_all_vapour_taken_away_leaves_none_and_never_less(inputs, air):
    wet = inputs.copy()
    wet[:, QV, 0] = -1e-9
    changed = perturb(wet, Perturbation(top_level=5, moistening=-1.0), **air)
    assert (changed[:, QV, :5] == 0).all()
    assert (perturb(wet, Perturbation(top_level=5), **air)[:, QV] >= 0).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"top_level": 0}, "top_level from 1 to 30, found 0"),
        ({"neutralise_T": 1.5}, "neutralise_T from 0 to 1"),
        ({"moistening": -1.1}, "moistening from -1 to 1"),
        ({"scale_LHF": float("nan")}, "scale_LHF from 0 to 2, found nan"),
    ],
)
def test_perturbation_out_of_bounds_is_one_sentence(options, words):
    with pytest.raises(DiffmpError, match=words):
        Perturbation(**options)


def test_arrays_that_do_not_fit_are_refused(inputs, air):
    with pytest.raises(DiffmpError, match=r"expected inputs \(column, 6, level\)"):
        perturb(inputs[:, :4], Perturbation(), **air)
    with pytest.raises(DiffmpError, match="expected layer_mass"):
        perturb(inputs, Perturbation(), pressure=air["pressure"], layer_mass=air["layer_mass"][:5])


def test_two_changes_that_do_the_same_have_one_identity():
    """The depth of the layer matters to what changes the layer alone."""
    fluxes = {"scale_SHF": 0.6, "scale_LHF": 0.6}
    assert Perturbation(**fluxes, top_level=5).identity == Perturbation(**fluxes).identity
    assert Perturbation(warming=-2.0, top_level=5).identity != Perturbation(warming=-2.0).identity
    assert Perturbation(moistening=-0.2).identity == Perturbation(moistening=-0.2 + 1e-12).identity
    assert Perturbation(top_level=3).identity == ()
