"""Facts of columns by hand, the regimes that follow from them, and a perfect ensemble in each of them."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import xarray as xr

from diffmp_core.errors import DiffmpError
from diffmp_core.physics.moisture import saturation_mixing_ratio
from diffmp_core.physics.regimes import (
    COMPOSITE,
    INPUT_FACTS,
    REGIMES,
    Facts,
    between,
    column_facts,
    represent,
    stability,
    top_share,
)
from diffmp_core.schema import variables_attrs
from diffmp_core.scores.ensemble import reduce_members
from diffmp_core.variables import PAPER, ColumnVariables, choose_variables
from tests.synthetic import make_columns

GRAVITY, HEAT_CAPACITY = 9.80665, 1004.64


def facts(**given) -> Facts:
    """Facts that are zero but for those given, of as many columns."""
    count = len(next(iter(given.values())))
    nothing = {field.name: np.zeros(count) for field in fields(Facts)}
    return Facts(**(nothing | {name: np.asarray(value, dtype=float) for name, value in given.items()}))


def members(name: str, **given) -> list[int]:
    return np.flatnonzero(REGIMES[name].mask(facts(**given))).tolist()


def test_facts_are_those_of_each_time():
    columns = make_columns(cells=5, times=3)
    found, one = column_facts(columns), column_facts(columns.isel(time=1))
    for field in fields(Facts):
        assert getattr(found, field.name).shape == (3, 5)
        np.testing.assert_array_equal(getattr(found, field.name)[1], getattr(one, field.name))
    np.testing.assert_array_equal(one.lat, columns["lat"])
    np.testing.assert_array_equal(one.land, columns["land_fraction"])
    np.testing.assert_array_equal(one.latent, columns["LHF"][1])


def test_facts_know_nothing_of_the_outputs():
    columns = make_columns(cells=5, times=2)
    inputs = columns.drop_vars([variable.name for variable in PAPER.outputs])
    for field in fields(Facts):
        np.testing.assert_array_equal(
            getattr(column_facts(columns), field.name), getattr(column_facts(inputs), field.name)
        )


def test_humidities_are_shares_of_what_a_layer_would_hold():
    columns = make_columns(cells=4, times=2).astype(float).isel(time=0)
    height = columns["height"].values
    columns["Ps"][:] = 1e5
    mass = columns["layer_mass"].values
    below = (np.cumsum(mass, axis=1) - mass / 2) / (np.cumsum(mass, axis=1) - mass / 2)[:, -1:]
    pressure = 1e5 - (1e5 - columns["pressure"].values[-1]) * below
    saturated = saturation_mixing_ratio(columns["T"].values, pressure)
    columns["qv"][:] = saturated * np.where(height < 1500, 0.9, np.where(height < 3000, 0.0, 0.4))
    found = column_facts(columns)
    np.testing.assert_allclose(found.low_humidity, 0.9)
    np.testing.assert_allclose(found.middle_humidity, 0.4)
    layer = height < 9000
    expected = (columns["qv"].values * mass)[:, layer].sum(1) / (saturated * mass)[:, layer].sum(1)
    np.testing.assert_allclose(found.humidity, expected)
    np.testing.assert_allclose(found.vapour, (columns["qv"].values * mass).sum(axis=1))


def test_facts_are_the_same_of_specific_humidity_and_ask_for_what_they_need():
    columns = make_columns(cells=4, times=2).astype(float)
    moist = choose_variables(("q", "Ps", "T"), PAPER.outputs.names)
    other = columns.assign(q=columns["qv"] / (1 + columns["qv"])).drop_vars(["qv", "SHF", "LHF"])
    found, expected = column_facts(other.assign_attrs(variables_attrs(moist))), column_facts(columns)
    for name in ("energy", "inhibition", "vapour", "middle_humidity"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-9, atol=1e-9)
    assert (found.sensible == 0).all()
    for lost in ("T", "q", "Ps"):
        fewer = ColumnVariables(type(moist.inputs)(v for v in moist.inputs if v.name != lost), moist.outputs)
        with pytest.raises(DiffmpError, match=f"found '{'qv' if lost == 'q' else lost}'; choose one of these"):
            column_facts(other.assign_attrs(variables_attrs(fewer)))


def test_parcels_are_not_lifted_into_the_mesosphere():
    columns = make_columns(cells=4, times=2)
    above = columns.isel(level=[-1, -1, -1]).assign_coords(
        height=("level", [25_000.0, 40_000.0, 60_000.0]), pressure=("level", [2500.0, 300.0, 20.0])
    )
    deep = xr.concat([columns, above], "level", data_vars="minimal", coords="minimal", compat="override")
    middles = np.sqrt(deep["pressure"].values[1:] * deep["pressure"].values[:-1])
    mass = -np.diff(np.concatenate([[1e5], middles, [0.0]])) / GRAVITY
    deep["layer_mass"] = deep["layer_mass"] * 0.0 + mass
    columns["layer_mass"] = columns["layer_mass"] * 0.0 + mass[:30]
    most, usual = column_facts(deep).inhibition.max(), column_facts(columns).inhibition.max()
    assert most == pytest.approx(usual, rel=0.3)  # to 60 km it is ten times as much


def test_columns_without_land_are_all_sea():
    assert (column_facts(make_columns(cells=3, times=2).drop_vars("land_fraction")).land == 0).all()


def test_neutral_air_has_no_stability_and_an_inversion_has():
    height = make_columns(cells=2, times=2)["height"].values
    temperature = np.tile(300.0 - GRAVITY / HEAT_CAPACITY * height, (2, 1))
    temperature[1, int(np.abs(height - 1000.0).argmin())] += 3.0
    np.testing.assert_allclose(stability(temperature, height), [0.0, 3.0], atol=1e-9)


def test_zones_take_their_lower_edge_on_both_hemispheres():
    assert between(np.array([-10, 10, 9.9, 30, -29.9]), 10, 30).tolist() == [True, True, False, False, True]


def test_the_top_share_is_taken_of_those_admitted():
    admitted = np.array([True] * 10 + [False])
    assert np.flatnonzero(top_share(np.arange(11.0), 0.2, among=admitted)).tolist() == [8, 9]
    assert not top_share(np.arange(3.0), 0.2, among=np.zeros(3, bool)).any()


def test_deep_convection_is_possible_and_the_air_above_moist():
    lat, moist = np.linspace(-19, 19, 20), np.arange(20.0)
    assert members("deep convection", lat=lat, middle_humidity=moist) == [18, 19]
    energy, inhibition = np.full(20, 1000.0), np.zeros(20)
    energy[19], inhibition[18] = 100.0, 200.0
    energy[:4], inhibition[4:8] = 100.0, 200.0
    given = {"lat": lat, "middle_humidity": moist, "energy": energy, "inhibition": inhibition}
    assert members("deep convection", **given) == [17]


def test_trade_cumulus_is_moist_below_dry_air_over_sea():
    chosen = members(
        "trade cumulus",
        lat=[20, 20, 20, 20, 0, 20],
        land=[0, 0, 0, 1, 0, 0],
        low_humidity=[0.5, 0.9, 0.95, 0.99, 0.99, 0.99],
        middle_humidity=[0.1, 0.2, 0.9, 0.1, 0.1, 0.8],
    )
    assert chosen == [1]


def test_storms_are_nearest_to_saturation():
    assert members("mid-latitude storm", lat=np.linspace(36, 60, 20), humidity=np.arange(20.0)[::-1]) == [0, 1]


def test_stable_and_unstable_are_the_two_ends():
    rise = np.linspace(-5.0, 14.0, 20)
    assert members("stable", stability=rise) == [18, 19]
    assert members("unstable", stability=rise) == [0, 1]


def test_a_zone_without_columns_has_no_regime():
    assert members("trade cumulus", lat=[0.0, 50.0]) == []
    assert np.isinf(REGIMES["trade cumulus"].distance(facts(lat=[0.0, 50.0]))).all()


def test_the_most_typical_column_lies_in_the_middle_of_the_regime():
    made = column_facts(make_columns(cells=642, times=3))
    for name, regime in REGIMES.items():
        inside, distance = regime.mask(made), regime.distance(made)
        np.testing.assert_array_equal(np.isfinite(distance), inside)
        best = np.unravel_index(np.argmin(distance), distance.shape)
        for fact in INPUT_FACTS:  # no single input is an extreme of the regime
            values = getattr(made, fact)
            assert np.mean(values[inside] <= values[best]) > 0.1 or values[best] == values[inside].min(), (name, fact)
            assert np.mean(values[inside] >= values[best]) > 0.1 or values[best] == values[inside].max(), (name, fact)


def test_typical_cells_are_ranked_at_each_time():
    regime, made = REGIMES["stable"], column_facts(make_columns(cells=642, times=3))
    for time in range(3):
        cells = regime.typical_cells(made, time)
        np.testing.assert_array_equal(np.sort(cells), np.flatnonzero(regime.mask(made)[time]))
        assert (np.diff(regime.distance(made)[time][cells]) >= 0).all()


def test_distance_is_that_of_ranks():
    value = np.array([[0.0, 1.0, 2.0, 3.0, 1e9]])
    made = facts(**{name: value[0] for name in INPUT_FACTS})
    everywhere = REGIMES["stable"].__class__("all", lambda known: np.ones(known.lat.shape, bool))
    np.testing.assert_allclose(everywhere.distance(made), [0.4, 0.2, 0.0, 0.2, 0.4])


def test_a_composite_is_spread_evenly_over_all():
    cells = represent(np.arange(10 * COMPOSITE) % 2 == 0)
    assert len(set(cells)) == COMPOSITE
    assert set(np.diff(cells)) == {10}
    assert cells.mean() == pytest.approx(5 * COMPOSITE, abs=6)
    np.testing.assert_array_equal(represent(np.array([False, True, True])), [1, 2])


MEMBERS = 15
PERFECT = (MEMBERS - 1) / (MEMBERS + 1)
MIDDLE_LEVEL = 12


@pytest.fixture(scope="module")
def perfect() -> xr.Dataset:
    """Columns whose outputs were drawn (draw,) times: what happens in one draw says no more of the others than the
    inputs do, so that any draw is the truth and the others a perfect ensemble of it."""
    columns = make_columns(cells=642, times=4, seed=3)
    chance = np.random.default_rng(4).gamma(1.0, 1.0, (MEMBERS + 1, 4, 642, 1))
    strength, height = columns["LHF"].values[..., None] / 100 * chance, columns["height"].values
    high, low = np.exp(-(((height - 6000) / 3000) ** 2)), np.exp(-(((height - 900) / 500) ** 2))
    profiles = {"tend_T_sgs": 1e-4 * high, "tend_qv_sgs": -3e-8 * high, "qc": 1e-4 * low, "qi": 1e-5 * high}
    dims = ("draw", "time", "cell", "level")
    drawn = {name: (dims, (strength * profile).astype(np.float32)) for name, profile in profiles.items()}
    return columns.assign(drawn)


def bias_and_coverage(perfect: xr.Dataset, mask: np.ndarray, *, truth: int) -> tuple[float, float, float]:
    """Bias of the heating [K/day], its standard error over the columns picked, and coverage; one draw is the truth."""
    heating = (
        perfect["tend_T_sgs"].transpose("time", "cell", "draw", "level").values[mask][:, :, None, MIDDLE_LEVEL, None]
    )
    found = reduce_members(heating[:, truth], np.delete(heating, truth, axis=1), [1 / 86_400])
    error = found.error.ravel()
    return error.mean(), error.std(ddof=1) / np.sqrt(error.size), found.covered_ties.mean()


@pytest.mark.parametrize("name", REGIMES)
def test_a_perfect_ensemble_is_perfect_in_every_regime(name, perfect):
    covered = []
    for truth in (0, 5, 10):
        mask = REGIMES[name].mask(column_facts(perfect.isel(draw=truth)))
        assert mask.sum() > 50
        bias, error, coverage = bias_and_coverage(perfect, mask, truth=truth)
        assert abs(bias) < 4 * error
        covered.append(coverage)
    assert np.mean(covered) == pytest.approx(PERFECT, abs=0.05)


def test_it_is_not_where_columns_are_picked_by_what_happened(perfect):
    heating = perfect["tend_T_sgs"].isel(draw=0).sum("level").values
    zone = np.broadcast_to(between(perfect["lat"].values, 0, 20), heating.shape)
    bias, error, coverage = bias_and_coverage(perfect, top_share(heating, 0.1, among=zone), truth=0)
    assert bias < -10 * error
    assert coverage < PERFECT - 0.1
