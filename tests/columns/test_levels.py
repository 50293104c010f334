"""Choice of levels, nominal heights and masses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffmp_core.columns.levels import (
    choose_levels,
    layer_air_mass,
    nominal_height,
    nominal_pressure,
    refuse_disordered,
    share_weights,
    standard_height,
    standard_pressure,
    stretched_heights,
)
from diffmp_core.columns.sources.climsim import kept_levels
from diffmp_core.errors import DiffmpError


def test_climsim_levels_are_every_second_one_aloft_and_all_of_the_boundary_layer():
    expected = sorted([*range(15, 44, 2), *range(45, 60)], reverse=True)
    assert kept_levels(30).tolist() == expected


@settings(deadline=None)
@given(st.integers(min_value=30, max_value=400))
def test_chosen_levels_are_thirty_from_the_surface_to_the_top_and_never_closer_aloft(candidates):
    chosen = choose_levels(candidates, 30)
    assert len(chosen) == 30
    assert chosen[0] == 0
    assert chosen[-1] == candidates - 1
    assert (np.diff(chosen) > 0).all()
    strides = np.diff(chosen)
    assert strides[-1] == strides.max() == -(-(candidates - 1) // 29)


def test_choosing_from_too_few_levels_is_refused():
    with pytest.raises(DiffmpError, match="expected at least 30 levels below 20 km, found 29; give --levels all"):
        choose_levels(29, 30)
    assert choose_levels(29, 2).tolist() == [0, 28]


@pytest.mark.parametrize("levels", [[0.0, 1.0, 5.0], [5.0, 1.0, 0.0], [3.0], [[0.0, 1.0], [2.0, 7.0]]])
def test_levels_in_order_pass(levels):
    refuse_disordered(np.array(levels), "heights", "x.nc")


@pytest.mark.parametrize(
    ("levels", "found"),
    [
        ([0.0, 2.0, 1.0, 3.0], "found 1 after 2 at level 2"),
        ([3.0, 2.0, 2.0], "found 2 after 2 at level 2"),
        ([0.0, np.nan, 2.0], "found nan after 0 at level 1"),
        ([np.nan, 1.0, 2.0], "found 1 after nan at level 1"),
        ([[0.0, 1.0, 2.0], [0.0, 1.0, 0.5]], "found 0.5 after 1 at level 2"),
    ],
)
def test_the_first_level_out_of_order_is_named(levels, found):
    with pytest.raises(DiffmpError, match=f"heights that rise or fall from level to level in x.nc, {found}"):
        refuse_disordered(np.array(levels), "heights", "x.nc")


def test_standard_atmosphere_has_the_published_values():
    # ICAO Doc 7488/3, geopotential height: 0, 5, 11, 15, 20, 25 km
    published = [101_325.0, 54_019.9, 22_632.1, 12_044.6, 5_474.89, 2_511.02]
    height = [0.0, 5e3, 11e3, 15e3, 20e3, 25e3]
    np.testing.assert_allclose(standard_pressure(height), published, rtol=2e-5)
    np.testing.assert_allclose(standard_height(published), height, atol=0.2)


def test_standard_atmosphere_has_the_published_values_up_to_the_mesopause():
    # U.S. Standard Atmosphere 1976, table I, geopotential height: 32, 40, 47, 50, 51, 60, 70, 71, 80 km
    published = [868.02, 277.52, 110.91, 75.945, 66.939, 20.314, 4.6342, 3.9564, 0.88628]
    height = [32e3, 40e3, 47e3, 50e3, 51e3, 60e3, 70e3, 71e3, 80e3]
    np.testing.assert_allclose(standard_pressure(height), published, rtol=5e-5)
    np.testing.assert_allclose(standard_height(published), height, atol=0.6)


def test_nominal_height_is_zero_at_1000_hpa_and_inverts_nominal_pressure():
    assert nominal_height(np.array([1e5]))[0] == 0.0
    heights = stretched_heights(30)
    np.testing.assert_allclose(nominal_height(nominal_pressure(heights)), heights, rtol=1e-9)


def test_shared_mass_keeps_the_total_and_integrates_a_linear_tendency_exactly():
    pressure = np.linspace(1e5, 5e3, 45) ** 1.0
    kept = choose_levels(45, 30)
    weights = share_weights(pressure, kept)
    mass = np.random.default_rng(0).uniform(50.0, 500.0, 45)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    tendency = 3.0 + 2e-5 * pressure
    assert (mass @ weights) @ tendency[kept] == pytest.approx(mass @ tendency, rel=1e-12)


def test_a_level_gives_its_mass_to_its_two_neighbours_by_nearness():
    weights = share_weights(np.array([1000.0, 900.0, 600.0]), np.array([0, 2]))
    np.testing.assert_allclose(weights, [[1.0, 0.0], [0.75, 0.25], [0.0, 1.0]])


def test_layer_mass_of_a_whole_atmosphere_is_pressure_over_gravity():
    mass = layer_air_mass(np.array([101_325.0, 5e4, 0.0]))
    assert mass.sum() == pytest.approx(10_332.27, abs=0.01)
    assert mass[0] == pytest.approx((101_325 - 5e4) / 9.80665)
