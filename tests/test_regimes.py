"""Facts of columns by hand, and the regimes that follow from them."""

import numpy as np
import pytest

from diffmp_core.regimes import HEATING, RAIN, REGIMES, Facts, between, column_facts, stability, water_path
from tests.synthetic import make_columns

GRAVITY, HEAT_CAPACITY = 9.80665, 1004.64


def facts(**given) -> Facts:
    """Facts that are zero but for those given, of as many columns."""
    count = len(next(iter(given.values())))
    nothing = dict.fromkeys(("lat", "land", "heating", "low_liquid", "ice", "stability"), np.zeros(count))
    return Facts(**(nothing | {name: np.asarray(value, dtype=float) for name, value in given.items()}))


def members(name: str, **given) -> list[int]:
    return np.flatnonzero(REGIMES[name].mask(facts(**given))).tolist()


def test_facts_are_column_integrals():
    columns = make_columns(cells=5, times=2)
    columns["tend_T_sgs"][:] = 1 / 86_400
    columns["qc"][:] = 1e-3
    columns["qi"][:] = 1e-5
    found = column_facts(columns)
    mass, height = columns["layer_mass"].values, columns["height"].values
    assert found.heating.shape == (2, 5)
    np.testing.assert_allclose(found.heating[1], HEAT_CAPACITY * mass.sum(axis=1) / 86_400, rtol=1e-6)
    np.testing.assert_allclose(found.low_liquid[0], 1e-3 * mass[:, height < 3000].sum(axis=1), rtol=1e-6)
    np.testing.assert_allclose(found.ice[0], 1e-5 * mass.sum(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(found.lat[1], columns["lat"])
    np.testing.assert_array_equal(found.land[1], columns["land_fraction"])
    one = column_facts(columns.isel(time=1))
    np.testing.assert_array_equal(one.stability, found.stability[1])


def test_columns_without_land_are_all_sea():
    assert (column_facts(make_columns(cells=3, times=2).drop_vars("land_fraction")).land == 0).all()


def test_paths_are_of_the_levels_below():
    columns = make_columns(cells=2, times=2)
    columns["qc"][:] = 1e-4
    mass, height = columns["layer_mass"].values, columns["height"].values
    np.testing.assert_allclose(water_path(columns["qc"], columns)[0], 1e-4 * mass.sum(axis=1), rtol=1e-6)
    low = water_path(columns["qc"], columns, below=5000.0)[0]
    np.testing.assert_allclose(low, 1e-4 * mass[:, height < 5000].sum(axis=1), rtol=1e-6)


def test_neutral_air_has_no_stability_and_an_inversion_has():
    columns = make_columns(cells=2, times=2).astype(float)
    height = columns["height"].values
    columns["T"][:] = 300.0 - GRAVITY / HEAT_CAPACITY * height
    top = int(np.abs(height - 1000.0).argmin())
    columns["T"][0, 1, top] += 3.0
    np.testing.assert_allclose(stability(columns).values, [[0.0, 3.0], [0.0, 0.0]], atol=1e-9)


def test_zones_take_their_lower_edge_on_both_hemispheres():
    assert between(facts(lat=[-10, 10, 9.9, 30, -29.9]), 10, 30).tolist() == [True, True, False, False, True]


def test_convection_is_told_by_rain_where_it_is_known():
    lat = np.concatenate([np.linspace(-19, 19, 20), np.linspace(36, 60, 20)])
    heating, rain = np.arange(40.0), np.arange(40.0)[::-1]
    assert members("deep convection", lat=lat, heating=heating) == [18, 19]
    assert members("deep convection", lat=lat, heating=heating, rain=rain) == [0, 1]
    assert members("mid-latitude storm", lat=lat, heating=heating, rain=rain) == [20, 21]


def test_trade_cumulus_has_liquid_little_ice_and_sea_below():
    chosen = members(
        "trade cumulus",
        lat=[20, 20, 20, 20, 0, 0, 0, 0],
        land=[0, 0, 0, 1, 0, 0, 0, 0],
        low_liquid=[1, 3, 9, 9, 9, 9, 9, 9],
        ice=[0, 0, 1, 0, 0, 1, 1, 1],
    )
    assert chosen == [1]


def test_stable_and_unstable_are_the_two_ends():
    rise = np.linspace(-5.0, 14.0, 20)
    assert members("stable", stability=rise) == [18, 19]
    assert members("unstable", stability=rise) == [0, 1]


def test_a_zone_without_columns_has_no_regime():
    assert members("trade cumulus", lat=[0.0, 50.0]) == []


@pytest.mark.parametrize("name", REGIMES)
def test_rules_can_be_said_in_words(name):
    assert "{" not in REGIMES[name].words()
    differs = REGIMES[name].words(RAIN) != REGIMES[name].words(HEATING)
    assert differs == (name in ("deep convection", "mid-latitude storm"))
