"""Perturbations conserve what they should and act where they should."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffmp_core.errors import DiffmpError
from diffmp_core.physics.moisture import relative_humidity
from diffmp_core.physics.perturbation import Perturbation, perturb, sliders_of
from diffmp_core.physics.stratification import neutralise_temperature, neutralise_vapour, potential_temperature
from diffmp_core.variables import CLIMSIM_V1, PAPER, choose_variables

KAPPA = 287.04 / 1004.64
T, QV, PS, SHF, LHF, SOLIN = range(6)


@pytest.fixture(scope="module")
def air(air):
    return air | {"channels": PAPER.inputs}


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
        ({"top_level": 0}, "top_level of 1 or more, found 0"),
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
        perturb(inputs, Perturbation(), **air | {"layer_mass": air["layer_mass"][:5]})
    with pytest.raises(DiffmpError, match="at least 31 levels"):
        perturb(inputs, Perturbation(top_level=31, warming=1.0), **air)


def columns_of(names: tuple[str, ...], *, levels: int = 4) -> tuple[np.ndarray, dict]:
    """Two columns of made-up inputs, and what goes with them: pressure 900 ... hPa, masses, channels."""
    rng = np.random.default_rng(0)
    ranges = {"T": (270, 300), "q": (1e-3, 9e-3), "qv": (1e-3, 9e-3), "RH": (0.2, 0.9), "qv_minus_below": (-1e-3, 1e-3)}
    inputs = np.stack([rng.uniform(*ranges.get(name, (1, 2)), (2, levels)) for name in names], axis=1)
    air = {"pressure": np.linspace(9e4, 6e4, levels), "layer_mass": np.full(levels, 900.0)}
    return inputs.astype(np.float32), air | {"channels": choose_variables(names, ("qc",)).inputs}


def test_specific_humidity_is_moistened_and_neutralised_as_a_mixing_ratio():
    inputs, around = columns_of(CLIMSIM_V1.inputs.names, levels=60)
    q = CLIMSIM_V1.inputs.channel("q")
    changed = perturb(inputs, Perturbation(top_level=40, moistening=-0.2, neutralise_qv=1.0), **around)
    ratio = 0.8 * (inputs[:, q, :40] / (1 - inputs[:, q, :40])).mean(axis=1, keepdims=True)
    np.testing.assert_allclose(changed[:, q, :40], np.broadcast_to(ratio / (1 + ratio), (2, 40)), rtol=1e-6)
    np.testing.assert_array_equal(changed[:, q, 40:], inputs[:, q, 40:])
    np.testing.assert_array_equal(np.delete(changed, q, axis=1), np.delete(inputs, q, axis=1))


def test_sliders_are_those_whose_inputs_are_there():
    every = ("neutralise_T", "neutralise_qv", "warming", "moistening", "scale_SHF", "scale_LHF", "scale_SOLIN")
    assert sliders_of(PAPER.inputs) == every
    assert sliders_of(CLIMSIM_V1.inputs) == every
    assert sliders_of(choose_variables(("T", "SHF"), ("qc",)).inputs) == ("neutralise_T", "warming", "scale_SHF")
    assert sliders_of(choose_variables(("T", "RH", "SHF"), ("qc",)).inputs) == ("scale_SHF",)  # RH could not follow
    inputs, around = columns_of(("T", "SHF"))
    with pytest.raises(DiffmpError, match="expected qv among the inputs for moistening, found T, SHF"):
        perturb(inputs, Perturbation(top_level=2, moistening=0.1), **around)


def test_derived_inputs_follow_and_stay_to_the_bit_where_nothing_changes():
    inputs, around = columns_of(("T", "RH", "qv", "T_minus_below", "qv_minus_below", "q"))
    inputs[:, 5] = inputs[:, 2] / (1 + inputs[:, 2])
    before = [relative_humidity(inputs[:, 0], inputs[:, 2], around["pressure"] * share) for share in (1.0, 0.8)]
    inputs[0, 1], inputs[1, 1] = before[0][0], before[1][1]  # of a column at another pressure than the nominal one
    changed = perturb(inputs, Perturbation(top_level=2, warming=3.0, moistening=0.5), **around)
    hotter, moister = inputs[:, 0] + [3.0, 3.0, 0, 0], inputs[:, 2] * [1.5, 1.5, 1, 1]
    after = [relative_humidity(hotter, moister, around["pressure"] * share) for share in (1.0, 0.8)]
    np.testing.assert_allclose(changed[:, 1], [after[0][0], after[1][1]], rtol=1e-5)
    np.testing.assert_allclose((changed - inputs)[:, 3], [[0, 0, -3, 0]] * 2, atol=1e-6)
    np.testing.assert_allclose((changed - inputs)[:, 4, 1:3], np.diff(moister - inputs[:, 2])[:, :2], atol=1e-8)
    np.testing.assert_allclose(changed[:, 5], moister / (1 + moister), rtol=1e-5)
    np.testing.assert_array_equal(changed[:, [0, 1, 2, 5], 2:], inputs[:, [0, 1, 2, 5], 2:])
    np.testing.assert_array_equal(perturb(inputs, Perturbation(), **around), inputs)


def test_two_changes_that_do_the_same_have_one_identity():
    """The depth of the layer matters to what changes the layer alone."""
    fluxes = {"scale_SHF": 0.6, "scale_LHF": 0.6}
    assert Perturbation(**fluxes, top_level=5).identity == Perturbation(**fluxes).identity
    assert Perturbation(warming=-2.0, top_level=5).identity != Perturbation(warming=-2.0).identity
    assert Perturbation(moistening=-0.2).identity == Perturbation(moistening=-0.2 + 1e-12).identity
    assert Perturbation(top_level=3).identity == ()
