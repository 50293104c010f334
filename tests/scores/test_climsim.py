"""Criteria of the ClimSim benchmark against its formulas written out for arrays in memory."""

import numpy as np
import pytest

from diffmp_core.scores.climsim import CRITERIA, MODEL_LAYERS, EnergyErrors, layer_weights
from diffmp_core.scores.ensemble import reduce_members
from diffmp_core.scores.moments import stack
from diffmp_core.scores.statistics import Statistics
from diffmp_core.variables import LEVELS, OUTPUT_NAMES
from tests.synthetic import make_columns

TIMES, CELLS, MEMBERS = 7, 6, 4
HEAT_CAPACITY, LATENT_HEAT = 1004.64, 2.501e6
UNIT = np.array([3e-5, 2e-8, 1e-5, 1e-6])
HEATING, MOISTENING = OUTPUT_NAMES[:2]


def draw(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth (time, cell, variable, level) and members (time, cell, member, variable, level), physical units."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(TIMES, CELLS, 4, LEVELS))
    members = truth[:, :, None] + rng.normal(0.2, 0.5, size=(TIMES, CELLS, MEMBERS, 4, LEVELS))
    return truth * UNIT[:, None], members * UNIT[:, None]


def errors(truth: np.ndarray, members: np.ndarray, weights: np.ndarray) -> EnergyErrors:
    """Criteria by way of the statistics, one time after the other."""
    single = [Statistics.of(reduce_members(t, m, UNIT)) for t, m in zip(truth, members, strict=True)]
    return EnergyErrors.of(stack(single).merge(0), weights, UNIT)


@pytest.fixture(scope="module")
def weights() -> np.ndarray:
    columns = make_columns(cells=CELLS, times=2)
    columns["area"] = ("cell", np.linspace(1.0, 2.0, CELLS))
    return layer_weights(columns)


def test_weights_are_mass_times_area_over_its_mean():
    columns = make_columns(cells=2, times=2)
    columns["area"] = ("cell", [1.0, 3.0])
    np.testing.assert_allclose(layer_weights(columns), columns["layer_mass"] * np.array([[0.5], [1.5]]))
    np.testing.assert_array_equal(layer_weights(columns.drop_vars("area")), columns["layer_mass"])


def test_criteria_are_those_of_the_benchmark(weights):
    truth, members = draw()
    found = errors(truth, members, weights).overall()
    for i, (name, energy) in enumerate(((HEATING, HEAT_CAPACITY), (MOISTENING, LATENT_HEAT))):
        scale = energy * weights  # the benchmark: weigh truth and prediction, means over time, then cells, then layers
        y, x = truth[:, :, i] * scale, members[:, :, :, i] * scale[:, None]
        mean = x.mean(axis=2)
        assert found[name]["mae"] == pytest.approx(np.abs(mean - y).mean(axis=(0, 1)).sum() / MODEL_LAYERS)
        rmse = np.sqrt(((mean - y) ** 2).mean(axis=0)).mean(axis=0)
        assert found[name]["rmse"] == pytest.approx(rmse.sum() / MODEL_LAYERS)
        departure = (y - y.mean(axis=0)) ** 2
        r2 = 1 - ((mean - y) ** 2).sum(axis=0) / departure.sum(axis=0)
        assert found[name]["r2"] == pytest.approx(r2.mean())
        assert found[name]["r2_pooled"] == pytest.approx(1 - ((mean - y) ** 2).sum() / departure.sum())
        pairs = np.abs(x[:, :, :, None] - x[:, :, None]).sum(axis=(2, 3)) / (2 * MEMBERS * (MEMBERS - 1))
        crps = np.abs(x - y[:, :, None]).mean(axis=2) - pairs
        assert found[name]["crps"] == pytest.approx(crps.mean(axis=(0, 1)).sum() / MODEL_LAYERS)


def test_an_error_of_one_kelvin_a_day_is_its_energy_spread_over_the_layers(weights):
    truth, _ = draw()
    wrong = truth + 1 / 86_400
    found = errors(truth, np.repeat(wrong[:, :, None], MEMBERS, axis=2), weights).overall()[HEATING]
    expected = HEAT_CAPACITY * weights.sum(axis=1).mean() / 86_400 / MODEL_LAYERS
    for criterion in ("mae", "rmse", "crps"):
        assert found[criterion] == pytest.approx(expected)


def test_a_level_alone_has_its_own_energy_and_clouds_have_none(weights):
    truth, members = draw()
    found = errors(truth, members, weights)
    levels = found.by_level()
    assert levels["mae"][0].sum() / MODEL_LAYERS == pytest.approx(found.overall()[HEATING]["mae"])
    assert levels["r2"][1].mean() == pytest.approx(found.overall()[MOISTENING]["r2"])
    for criterion in CRITERIA:
        assert np.isfinite(levels[criterion][:2]).all()
        assert np.isnan(levels[criterion][2:]).all()


def test_groups_of_cells_add_up(weights):
    truth, members = draw()
    parts = [slice(0, 1), slice(1, 4), slice(4, CELLS)]
    added = EnergyErrors.none()
    for part in parts:
        added += errors(truth[:, part], members[:, part], weights[part])
    whole = errors(truth, members, weights).overall()
    for name, criteria in added.overall().items():
        assert criteria == pytest.approx(whole[name], rel=1e-12)


def test_the_mean_over_the_times_has_no_skill_and_the_truth_all(weights):
    truth, _ = draw()
    mean = np.repeat(truth.mean(axis=0, keepdims=True), TIMES, axis=0)
    for guess, r2 in ((mean, 0.0), (truth, 1.0)):
        found = errors(truth, np.repeat(guess[:, :, None], MEMBERS, axis=2), weights).overall()[MOISTENING]
        assert found["r2"] == pytest.approx(r2, abs=1e-9)
        assert found["r2_pooled"] == pytest.approx(r2, abs=1e-9)


@pytest.mark.parametrize("departure", [0.0, 1e-9, 1e-4])
def test_r2_is_the_mean_over_cells_that_vary(weights, departure):
    truth, members = draw()
    truth[:, 2, 0, 7] = UNIT[0] * (1 + departure * np.arange(TIMES) / TIMES)  # the members miss it by half a unit
    found = errors(truth, members, weights)
    others = [cell for cell in range(CELLS) if cell != 2]
    expected = errors(truth[:, others], members[:, others], weights[others]).by_level()["r2"][0, 7]
    assert found.by_level()["r2"][0, 7] == pytest.approx(expected)
    assert -1 < found.overall()[HEATING]["r2"] < 1
    assert found.notes()[0].startswith(f"{HEATING}: mean R2 over 30 of 30 levels, 99%")
    assert len(found.notes()) == 1


@pytest.mark.parametrize("departure", [0.0, 1e-9, 1e-4])
def test_r2_is_the_mean_over_levels_known(weights, departure):
    truth, members = draw()
    truth[:, :, 1, 20:] = UNIT[1] * (1 + departure * np.arange(TIMES) / TIMES)[:, None, None]
    found = errors(truth, members, weights)
    levels = found.by_level()
    assert np.isnan(levels["r2"][1, 20:]).all()
    assert np.isnan(levels["r2_pooled"][1, 20:]).all()
    assert found.overall()[MOISTENING]["r2"] == pytest.approx(levels["r2"][1, :20].mean())
    assert found.levels_known().tolist() == [30, 20]
    assert found.notes()[0].startswith(f"{MOISTENING}: mean R2 over 20 of 30 levels, 67%")
    assert np.isfinite(found.overall()[MOISTENING]["r2_pooled"])


@pytest.mark.parametrize("times", [1, 2, 5])
def test_r2_of_few_times_is_undefined(weights, times):
    truth, members = draw()
    few = errors(truth[:times], members[:times], weights)
    assert np.isnan(few.overall()[HEATING]["r2"])
    assert np.isnan(few.by_level()["r2"]).all()
    assert np.isfinite([few.overall()[HEATING][name] for name in ("mae", "rmse", "crps")]).all()
    assert np.isfinite(few.overall()[HEATING]["r2_pooled"]) == (times > 1)
    assert [note.partition(" (")[0] for note in few.notes()] == [f"{n}: no mean R2" for n in (HEATING, MOISTENING)]


def test_columns_without_layer_mass_have_no_criteria():
    truth, members = draw()
    without = layer_weights(make_columns(cells=CELLS, times=2).drop_vars("layer_mass"))
    found = errors(truth, members, without).overall()[HEATING]
    assert np.isnan([found["mae"], found["rmse"], found["crps"], found["r2_pooled"]]).all()
