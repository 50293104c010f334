"""Criteria of the ClimSim benchmark against its formulas written out for arrays in memory."""

import numpy as np
import pytest

from diffmp_core.scores.climsim import CRITERIA, MODEL_LAYERS, EnergyErrors, area_weights, layer_masses
from diffmp_core.scores.ensemble import reduce_members
from diffmp_core.scores.moments import stack
from diffmp_core.scores.statistics import Statistics
from diffmp_core.variables import CLIMSIM_V1, PAPER, Channels, choose_variables
from tests.synthetic import make_columns

TIMES, CELLS, MEMBERS = 7, 6, 4
HEAT_CAPACITY, LATENT_HEAT = 1004.64, 2.501e6
UNIT = np.array([3e-5, 2e-8, 1e-5, 1e-6])
HEATING, MOISTENING, LEVELS = "tend_T_sgs", "tend_qv_sgs", 30
OUTPUTS = PAPER.outputs


def draw(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth (time, cell, variable, level) and members (time, cell, member, variable, level), physical units."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(TIMES, CELLS, 4, LEVELS))
    members = truth[:, :, None] + rng.normal(0.2, 0.5, size=(TIMES, CELLS, MEMBERS, 4, LEVELS))
    return truth * UNIT[:, None], members * UNIT[:, None]


def errors(truth: np.ndarray, members: np.ndarray, weights: np.ndarray) -> EnergyErrors:
    """Criteria by way of the statistics, one time after the other; weights (cell, level), masses of cells alike."""
    return errors_of(truth, members, weights, np.ones(len(weights)), unit=UNIT, outputs=OUTPUTS)


def errors_of(truth, members, masses, areas, *, unit: np.ndarray, outputs: Channels) -> EnergyErrors:
    single = [Statistics.of(reduce_members(t, m, unit)) for t, m in zip(truth, members, strict=True)]
    return EnergyErrors.of(stack(single).merge(0), masses, areas, unit, outputs)


@pytest.fixture(scope="module")
def weights() -> np.ndarray:
    columns = make_columns(cells=CELLS, times=2)
    columns["area"] = ("cell", np.linspace(1.0, 2.0, CELLS))
    return layer_masses(columns) * area_weights(columns)[:, None]


def test_cells_count_by_their_area_over_its_mean():
    columns = make_columns(cells=2, times=2)
    columns["area"] = ("cell", [1.0, 3.0])
    np.testing.assert_allclose(area_weights(columns), [0.5, 1.5])
    np.testing.assert_array_equal(area_weights(columns.drop_vars("area")), [1.0, 1.0])
    np.testing.assert_array_equal(layer_masses(columns), columns["layer_mass"])
    truth, members = (values[:, :2] for values in draw())
    masses = layer_masses(columns)
    whole = errors_of(truth, members, masses, np.array([0.5, 1.5]), unit=UNIT, outputs=OUTPUTS).overall(OUTPUTS)
    alone = [errors(truth[:, [c]], members[:, [c]], masses[[c]]).overall(OUTPUTS) for c in (0, 1)]
    for criterion in ("mae", "rmse", "crps"):
        first, second = (cell[HEATING][criterion] for cell in alone)
        assert whole[HEATING][criterion] == pytest.approx(0.25 * first + 0.75 * second)


def test_criteria_are_those_of_the_benchmark(weights):
    truth, members = draw()
    found = errors(truth, members, weights).overall(OUTPUTS)
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
    found = errors(truth, np.repeat(wrong[:, :, None], MEMBERS, axis=2), weights).overall(OUTPUTS)[HEATING]
    expected = HEAT_CAPACITY * weights.sum(axis=1).mean() / 86_400 / MODEL_LAYERS
    for criterion in ("mae", "rmse", "crps"):
        assert found[criterion] == pytest.approx(expected)


def test_a_level_alone_has_its_own_energy_and_clouds_have_none(weights):
    truth, members = draw()
    found = errors(truth, members, weights)
    levels = found.by_level()
    assert levels["mae"][0].sum() / MODEL_LAYERS == pytest.approx(found.overall(OUTPUTS)[HEATING]["mae"])
    assert levels["r2"][1].mean() == pytest.approx(found.overall(OUTPUTS)[MOISTENING]["r2"])
    for criterion in CRITERIA:
        assert levels[criterion].shape == (2, LEVELS)
        assert np.isfinite(levels[criterion]).all()


def test_groups_of_cells_add_up(weights):
    truth, members = draw()
    parts = [slice(0, 1), slice(1, 4), slice(4, CELLS)]
    added = EnergyErrors.none()
    for part in parts:
        added += errors(truth[:, part], members[:, part], weights[part])
    whole = errors(truth, members, weights).overall(OUTPUTS)
    for name, criteria in added.overall(OUTPUTS).items():
        assert criteria == pytest.approx(whole[name], rel=1e-12)


def test_the_mean_over_the_times_has_no_skill_and_the_truth_all(weights):
    truth, _ = draw()
    mean = np.repeat(truth.mean(axis=0, keepdims=True), TIMES, axis=0)
    for guess, r2 in ((mean, 0.0), (truth, 1.0)):
        found = errors(truth, np.repeat(guess[:, :, None], MEMBERS, axis=2), weights).overall(OUTPUTS)[MOISTENING]
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
    assert -1 < found.overall(OUTPUTS)[HEATING]["r2"] < 1
    assert found.notes(OUTPUTS)[0].startswith(f"{HEATING}: mean R2 over 30 of 30 levels, 99%")
    assert len(found.notes(OUTPUTS)) == 1


@pytest.mark.parametrize("departure", [0.0, 1e-9, 1e-4])
def test_r2_is_the_mean_over_levels_known(weights, departure):
    truth, members = draw()
    truth[:, :, 1, 20:] = UNIT[1] * (1 + departure * np.arange(TIMES) / TIMES)[:, None, None]
    found = errors(truth, members, weights)
    levels = found.by_level()
    assert np.isnan(levels["r2"][1, 20:]).all()
    assert np.isnan(levels["r2_pooled"][1, 20:]).all()
    assert found.overall(OUTPUTS)[MOISTENING]["r2"] == pytest.approx(levels["r2"][1, :20].mean())
    assert found.levels_known().tolist() == [30, 20]
    assert found.notes(OUTPUTS)[0].startswith(f"{MOISTENING}: mean R2 over 20 of 30 levels, 67%")
    assert np.isfinite(found.overall(OUTPUTS)[MOISTENING]["r2_pooled"])


@pytest.mark.parametrize("times", [1, 2, 5])
def test_r2_of_few_times_is_undefined(weights, times):
    truth, members = draw()
    few = errors(truth[:times], members[:times], weights)
    assert np.isnan(few.overall(OUTPUTS)[HEATING]["r2"])
    assert np.isnan(few.by_level()["r2"]).all()
    assert np.isfinite([few.overall(OUTPUTS)[HEATING][name] for name in ("mae", "rmse", "crps")]).all()
    assert np.isfinite(few.overall(OUTPUTS)[HEATING]["r2_pooled"]) == (times > 1)
    assert [note.partition(" (")[0] for note in few.notes(OUTPUTS)] == [
        f"{n}: no mean R2" for n in (HEATING, MOISTENING)
    ]


def test_columns_without_layer_mass_have_no_criteria():
    truth, members = draw()
    without = layer_masses(make_columns(cells=CELLS, times=2).drop_vars("layer_mass"))
    found = errors(truth, members, without).overall(OUTPUTS)[HEATING]
    assert np.isnan([found["mae"], found["rmse"], found["crps"], found["r2_pooled"]]).all()


def climsim_v1(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth and members of ClimSim's outputs on its 60 layers, single values repeated, and their units."""
    rng, outputs = np.random.default_rng(seed), CLIMSIM_V1.outputs
    truth = rng.normal(size=(TIMES, CELLS, len(outputs), 60))
    members = truth[:, :, None] + rng.normal(0.2, 0.5, size=(TIMES, CELLS, MEMBERS, len(outputs), 60))
    unit = np.array([3e-5, 2e-8, 5e-8, 90.0, 60.0])
    for values in (truth, members):
        values[..., 2:, :] = values[..., 2:, :1]
        values *= unit[:, None]
    return truth, members, unit


def test_single_values_are_scored_as_the_benchmark_does_without_layers():
    """Precipitation in m/s times 1000 kg m-3 times the latent heat; radiation as it is; both by area, none by mass."""
    truth, members, unit = climsim_v1()
    masses, areas = np.full((CELLS, 60), 170.0), np.linspace(0.5, 1.5, CELLS)
    found = errors_of(truth, members, masses, areas, unit=unit, outputs=CLIMSIM_V1.outputs).overall(CLIMSIM_V1.outputs)
    assert list(found) == list(CLIMSIM_V1.outputs.names)
    for i, (name, energy) in enumerate((("PRECC", 2.501e9), ("NETSW", 1.0), ("FLWDS", 1.0)), start=2):
        scale = energy * areas  # the benchmark: weigh, means over time, then cells
        y, x = truth[:, :, i, 0] * scale, members[:, :, :, i, 0].mean(axis=2) * scale
        assert found[name]["mae"] == pytest.approx(np.abs(x - y).mean())
        assert found[name]["rmse"] == pytest.approx(np.sqrt(((x - y) ** 2).mean(axis=0)).mean())
        r2 = 1 - ((x - y) ** 2).sum(axis=0) / ((y - y.mean(axis=0)) ** 2).sum(axis=0)
        assert found[name]["r2"] == pytest.approx(r2.mean())
    scale = 2.501e6 * 170 * areas[:, None]
    y, x = truth[:, :, 1] * scale, members[:, :, :, 1].mean(axis=2) * scale
    assert found["tend_q_sgs"]["mae"] == pytest.approx(np.abs(x - y).mean())  # over all layers, all alike


def test_single_values_have_criteria_without_layer_mass_and_a_note_of_their_own():
    truth, members, unit = climsim_v1()
    truth[:, 0, 3] = truth[0, 0, 3]
    masses, areas = np.full((CELLS, 60), np.nan), np.ones(CELLS)
    found = errors_of(truth, members, masses, areas, unit=unit, outputs=CLIMSIM_V1.outputs)
    criteria = found.overall(CLIMSIM_V1.outputs)
    assert np.isnan(criteria["tend_T_sgs"]["mae"])
    assert criteria["FLWDS"]["mae"] > 0
    assert found.notes(CLIMSIM_V1.outputs) == (
        "NETSW: mean R2 over 83% of the cells (the truth hardly varies in the others)",
    )


def test_outputs_that_the_benchmark_lacks_have_no_criteria():
    outputs = choose_variables(("T",), ("qc", "qi")).outputs
    truth, members = (values[..., :2, :] for values in draw())
    found = errors_of(truth, members, np.ones((CELLS, LEVELS)), np.ones(CELLS), unit=UNIT[:2], outputs=outputs)
    assert found.overall(outputs) == {}
    assert found.notes(outputs) == ()
