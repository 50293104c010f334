"""A whole evaluation: what it writes, and that neither batches nor blocks nor the way through the disk change it."""

import json
import tracemalloc

import numpy as np
import pytest
import scoringrules
import torch
import xarray as xr

from diffmp_core.errors import DiffmpError
from diffmp_core.experiments import load_experiment
from diffmp_core.models.references import AnalogueEnsemble, ClimatologicalEnsemble
from diffmp_core.schema import ColumnSchema
from diffmp_core.scores import evaluate as evaluate_module
from diffmp_core.scores.clear import ClearShare
from diffmp_core.scores.climsim import CRITERIA
from diffmp_core.scores.evaluate import evaluate
from diffmp_core.scores.physical import PhysicalChecks
from diffmp_core.scores.score import SCORES, spread_scores
from diffmp_core.scores.stored import true_store
from diffmp_core.scores.table import CLEAR_NAMES, rich_table
from diffmp_core.scores.tally import Tally
from diffmp_core.stores import (
    ColumnBatch,
    open_columns,
    open_store,
    select_split,
    stack_inputs,
    stack_outputs,
    write_store,
)
from diffmp_core.variables import PAPER
from tests.synthetic import make_columns

MEMBERS, LEVELS = 8, 30
OUTPUTS, OUTPUT_NAMES = PAPER.outputs, PAPER.outputs.names


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_store(make_columns(cells=42, times=7), tmp_path_factory.mktemp("columns") / "columns.zarr")


@pytest.fixture(scope="module")
def analogue(path):
    return AnalogueEnsemble.from_columns(select_split(open_columns(path), "train"))


@pytest.fixture(scope="module")
def scored(path, analogue, tmp_path_factory):
    """Result and experiment folder of an evaluation on all times."""
    out = tmp_path_factory.mktemp("experiment")
    return evaluate(analogue, path, out, members=MEMBERS, split="all", name="Analogue"), out


def direct(path, analogue):
    """Truth (column, 4, level) and members (column, member, 4, level) in units of the truth's std, all in memory."""
    columns = open_columns(path)
    inputs = stack_inputs(columns)
    truth = stack_outputs(columns).astype(float)
    std = truth.std(axis=(0, 2))[:, None]
    members = analogue.sample(torch.from_numpy(inputs), MEMBERS).numpy() / std
    return truth / std, members


def fair_crps(truth, members):
    """Of another library; members on axis 1."""
    return scoringrules.crps_ensemble(truth, members, m_axis=1, estimator="fair", backend="numpy")


class Broken:
    """Emulator whose samples are not finite."""

    kind = "broken"
    schema = ColumnSchema(PAPER, *(make_columns(cells=1)[name].values for name in ("height", "pressure")))

    def sample(self, inputs, members, *, generator, steps, guidance):
        samples = torch.zeros(len(inputs), members, len(OUTPUTS), LEVELS)
        samples[0, 0, 2, 5] = torch.nan
        return samples


def test_overall_and_level_scores_are_those_of_all_values_at_once(path, analogue, scored):
    result, _ = scored
    truth, members = direct(path, analogue)
    mean = members.mean(axis=1)
    for i, name in enumerate(OUTPUT_NAMES):
        scores = result.scores[name]
        assert scores["mse"] == pytest.approx(((mean - truth)[:, i] ** 2).mean(), rel=1e-6)
        assert scores["pcc"] == pytest.approx(np.corrcoef(mean[:, i].ravel(), truth[:, i].ravel())[0, 1], rel=1e-6)
        assert scores["std_ratio"] == pytest.approx(members[:, :, i].std() / truth[:, i].std(), rel=1e-6)
        assert scores["crps_fair"] == pytest.approx(fair_crps(truth, members)[:, i].mean(), rel=1e-6)
    np.testing.assert_allclose(result.averages["level_mse"], ((mean - truth) ** 2).mean(axis=0), rtol=1e-5, atol=1e-12)
    std = stack_outputs(open_columns(path)).std(axis=(0, 2))
    np.testing.assert_allclose(result.averages["truth_std"], std, rtol=1e-5)


def test_fields_are_those_of_each_column(path, analogue, scored):
    result, _ = scored
    truth, members = direct(path, analogue)
    store = open_store(result.store)

    def at(name: str) -> np.ndarray:
        return store[name].transpose("time", "cell", "variable", "level").values.reshape(truth.shape)

    error = members.mean(axis=1) - truth
    np.testing.assert_allclose(at("column_bias"), error, rtol=0.02, atol=1e-6)
    np.testing.assert_allclose(at("column_mse"), error**2, rtol=0.02, atol=1e-6)
    np.testing.assert_allclose(at("column_spread"), members.std(axis=1, ddof=1), rtol=0.02, atol=1e-6)
    np.testing.assert_allclose(at("column_crps_fair"), fair_crps(truth, members), rtol=0.02, atol=1e-6)
    inside = (members.min(axis=1) <= truth) & (truth <= members.max(axis=1))
    np.testing.assert_array_equal(at("column_covered"), inside)


def test_a_store_keeps_the_fields_asked_for_and_all_averages(path, analogue, scored, tmp_path):
    keep = ("column_mse", "column_covered")
    result = evaluate(analogue, path, tmp_path, members=MEMBERS, split="all", name="Analogue", fields=keep)
    few, whole = open_store(result.store).load(), open_store(scored[0].store).load()
    assert {str(name) for name in few.data_vars if str(name).startswith("column_")} == set(keep)
    for name in few.data_vars:
        np.testing.assert_array_equal(few[name], whole[name])
    with pytest.raises(DiffmpError, match="expected fields among .*column_mse.*, found 'mse'"):
        evaluate(analogue, path, tmp_path / "other", members=MEMBERS, split="all", fields=("mse",))


def test_cells_levels_and_all_agree(scored):
    store = open_store(scored[0].store).load()
    for name in ("mse", "crps_fair", "bias", "coverage_ratio", "coverage_ratio_ties"):
        np.testing.assert_allclose(store[f"cell_{name}"].mean("cell"), store[f"level_{name}"], rtol=0.02, atol=2e-3)
        np.testing.assert_allclose(store[f"level_{name}"].mean("level"), store[f"overall_{name}"], rtol=1e-10)


def test_store_follows_the_contract(scored, path):
    result, out = scored
    store = open_store(result.store)
    assert result.store == out / "scores.nc"
    assert store.attrs["diffmp_kind"] == "scores"
    assert store.attrs["members"] == MEMBERS
    assert store["variable"].values.tolist() == list(OUTPUT_NAMES)
    for metric in SCORES:
        assert store[f"cell_{metric}"].dims == ("variable", "level", "cell")
        assert store[f"level_{metric}"].dims == ("variable", "level")
        assert store[f"overall_{metric}"].dims == ("variable",)
    for name in ("mse", "spread", "crps_fair", "bias", "covered"):
        assert store[f"column_{name}"].dims == ("time", "variable", "level", "cell")
    assert store["column_covered"].dtype == np.int8
    columns = open_columns(path)
    for name in ("lat", "lon", "area", "height", "pressure", "time"):
        np.testing.assert_array_equal(store[name], columns[name])
    values = columns.sizes["time"] * columns.sizes["cell"]
    assert (store["histogram_truth"].sum("bin") == values).all()
    assert (store["histogram_members"].sum("bin") == values * MEMBERS).all()
    np.testing.assert_allclose(store["rank_histogram"].sum("rank"), values)
    inside = store["rank_histogram"].isel(rank=slice(1, -1)).sum("rank") / values
    np.testing.assert_allclose(inside, store["level_coverage_ratio_ties"], rtol=1e-10)
    assert store.sizes["rank"] == MEMBERS + 1


def test_scores_of_a_cell_over_a_few_times_are_left_out(path, analogue, tmp_path):
    few = tmp_path / "few.nc"
    write_store(open_columns(path).isel(time=[0, 3]).load().drop_encoding(), few)
    store = open_store(evaluate(analogue, few, tmp_path / "out", members=MEMBERS, split="all").store)
    assert not [name for name in store if str(name).startswith("cell_")]
    expected = store["column_mse"].mean(("time", "cell"))
    np.testing.assert_allclose(store["level_mse"], expected, rtol=0.02, atol=1e-12)


def test_json_has_the_variables_in_order_and_valid_numbers(scored):
    result, out = scored
    table = json.loads((out / "scores.json").read_text())
    assert list(table["scores"]) == list(OUTPUT_NAMES)
    assert all(list(scores) == list(SCORES) for scores in table["scores"].values())
    assert list(table["climsim"]) == list(OUTPUT_NAMES[:2])
    assert all(list(criteria) == list(CRITERIA) for criteria in table["climsim"].values())
    assert (table["members"], table["seed"], table["columns"]) == (MEMBERS, 0, 42 * 7)
    assert (table["steps"], table["guidance"], table["evaluations"]) == (None, None, 0)  # a reference has none
    assert table["emulator"] == "Analogue"
    assert "nan" not in (out / "scores.json").read_text().lower()
    assert table == result.table()


@pytest.mark.parametrize("batch", [5, 1000])
def test_batches_of_any_size_give_the_same(path, analogue, scored, batch):
    other = evaluate(analogue, path, members=MEMBERS, split="all", batch=batch)
    for name in OUTPUT_NAMES:
        expected = [scored[0].scores[name][metric] for metric in SCORES]
        assert [other.scores[name][metric] for metric in SCORES] == pytest.approx(expected, rel=1e-10, nan_ok=True)
    xr.testing.assert_equal(other.averages["histogram_members"], scored[0].averages["histogram_members"])
    xr.testing.assert_allclose(other.averages["rank_histogram"], scored[0].averages["rank_histogram"], rtol=1e-10)
    xr.testing.assert_allclose(other.averages["climsim_crps"], scored[0].averages["climsim_crps"], rtol=1e-10)


def test_blocks_of_cells_give_the_same(path, analogue, scored, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate_module, "CELLS_AT_ONCE", 10)
    other = evaluate(analogue, path, tmp_path / "out", members=MEMBERS, split="all")
    for name in OUTPUT_NAMES:
        expected = [scored[0].scores[name][metric] for metric in SCORES]
        assert [other.scores[name][metric] for metric in SCORES] == pytest.approx(expected, rel=1e-10, nan_ok=True)
    for name, criteria in scored[0].climsim.items():
        assert other.climsim[name] == pytest.approx(criteria, rel=1e-10, nan_ok=True)
    mine, theirs = open_store(other.store), open_store(scored[0].store)
    for name in ("column_mse", "column_covered", "cell_pcc", "cell_kurtosis_ratio"):
        xr.testing.assert_allclose(mine[name], theirs[name], rtol=0.02)


def test_blocks_draw_different_noise():
    seeds = {evaluate_module._block_seed(seed, block) for seed in range(3) for block in range(5)}
    assert len(seeds) == 15
    assert evaluate_module._block_seed(7, 0) == 7


def test_the_experiment_can_be_opened_and_added_to(scored, path, analogue):
    result, out = scored
    first = load_experiment(out)
    assert first.columns == path
    assert [entry.name for entry in first.emulators] == ["Analogue"]
    climatology = ClimatologicalEnsemble.from_columns(select_split(open_columns(path), "train"))
    evaluate(climatology, path, out, members=MEMBERS, split="all", name="Climatology")
    second = load_experiment(out)
    assert [entry.name for entry in second.emulators] == ["Analogue", "Climatology"]
    assert second.emulators[1].scores == out / "climatology.nc"
    assert json.loads(second.emulators[0].table.read_text()) == result.table()


def test_other_columns_are_refused_before_anything_is_drawn(scored, path):
    _, out = scored
    before = sorted(out.iterdir())
    with pytest.raises(DiffmpError, match="expected the columns of the experiment"):
        evaluate(Broken(), path, out, split="test")
    assert sorted(out.iterdir()) == before


def test_a_limited_evaluation_keeps_its_columns(path, analogue, tmp_path):
    result = evaluate(analogue, path, tmp_path, members=MEMBERS, split="train", limit=50)
    assert 48 <= result.columns <= 50
    experiment = load_experiment(tmp_path)
    kept = select_split(open_columns(experiment.columns), experiment.split)
    assert kept.sizes["time"] * kept.sizes["cell"] == result.columns
    store = open_store(result.store)
    np.testing.assert_array_equal(kept["lat"], store["lat"])
    np.testing.assert_array_equal(kept["time"], store["time"])
    again = evaluate(analogue, experiment.columns, members=MEMBERS, split=experiment.split)
    assert again.scores["qc"]["mse"] == pytest.approx(result.scores["qc"]["mse"], rel=1e-6)


def test_same_seed_same_scores_other_seed_others(path):
    climatology = ClimatologicalEnsemble.from_columns(select_split(open_columns(path), "train"))
    one, two, three = (evaluate(climatology, path, members=4, seed=seed).scores for seed in (1, 1, 2))
    assert one == two
    assert one["tend_T_sgs"]["mse"] != three["tend_T_sgs"]["mse"]


def test_samples_that_are_not_finite_are_refused_and_nothing_is_left(path, tmp_path):
    with pytest.raises(DiffmpError, match="expected finite samples, found NaN or infinity in qc"):
        evaluate(Broken(), path, tmp_path / "out", split="test")
    assert not (tmp_path / "out").exists()


def test_a_variable_that_never_varies_is_not_scored_and_that_is_said(analogue, tmp_path):
    columns = make_columns(cells=42, times=7)
    columns["qi"] = columns["qi"] * 0
    columns["qi"].attrs = make_columns(cells=1, times=3)["qi"].attrs
    result = evaluate(analogue, write_store(columns, tmp_path / "dry.nc"), members=MEMBERS, split="all")
    assert result.table()["scores"]["qi"]["mse"] is None
    assert result.scores["qc"]["mse"] > 0
    assert any("qi never varies" in note for note in result.notes)


def test_a_store_is_not_taken_for_an_experiment_folder(path, analogue):
    with pytest.raises(DiffmpError, match="expected a folder for the experiment"):
        evaluate(analogue, path, path, split="test")


def test_levels_where_the_truth_hardly_varies_are_said(scored):
    result, _ = scored
    blank = np.isnan(result.averages["level_std_ratio"].values).sum(axis=1)
    for i, name in enumerate(OUTPUT_NAMES):
        said = f"{name}: correlations and ratios undefined at {blank[i]} level"
        assert any(note.startswith(said) for note in result.notes) == bool(blank[i])
    assert np.isfinite(result.averages["level_mse"]).all()


def test_memory_does_not_grow_with_the_number_of_times():
    def batches(times: int):
        rng = np.random.default_rng(0)
        for time in range(times):
            rows = slice(time * 50, (time + 1) * 50)
            shapes = ((50, 6, LEVELS), (50, 4, LEVELS), (50, MEMBERS, 4, LEVELS))
            inputs, truth, members = (rng.normal(size=shape) for shape in shapes)
            yield ColumnBatch(rows, inputs, truth, PAPER), members

    def peak(times: int) -> int:
        ones = np.ones((50, LEVELS))
        run = Tally(
            variables=PAPER, unit=np.ones(4), masses=ones, areas=ones[:, 0], members=MEMBERS, writer=None, progress=None
        )
        tracemalloc.start()
        run.score_cells(slice(0, 50), batches(times), total=50 * times)
        largest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return largest

    peak(1)
    assert peak(40) < 1.02 * peak(4)


def test_physical_checks_of_all_columns_are_in_table_and_store(scored, path, analogue):
    result, out = scored
    columns = open_columns(path)
    inputs, truth = stack_inputs(columns), stack_outputs(columns)
    masses = np.tile(columns["layer_mass"].values, (columns.sizes["time"], 1))
    members = analogue.sample(torch.from_numpy(inputs), MEMBERS).numpy()
    expected = PhysicalChecks.of(inputs, truth, members, masses, PAPER)
    for name, values in expected.statistics().items():
        np.testing.assert_allclose(result.averages[f"physical_{name}"], values, rtol=1e-6, atol=1e-12)
    table = json.loads((out / "scores.json").read_text())["physical"]
    assert table["energy_residual"]["members_mean"] == pytest.approx(
        expected.table(PAPER)["energy_residual"]["members_mean"]
    )
    assert open_store(out / "scores.nc")["physical_rmse"].dims == ("check",)


def test_shares_without_cloud_of_all_columns_are_in_table_and_store(scored, path, analogue):
    result, out = scored
    columns = open_columns(path)
    inputs, truth = stack_inputs(columns), stack_outputs(columns)
    members = analogue.sample(torch.from_numpy(inputs), MEMBERS).numpy()
    expected = ClearShare.of(truth, members, OUTPUTS)
    np.testing.assert_allclose(result.averages["clear_share_truth"], expected.shares()["truth"])
    assert json.loads((out / "scores.json").read_text())["clear"]["qc"] == pytest.approx(expected.table(OUTPUTS)["qc"])
    assert open_store(out / "scores.nc")["clear_share_members"].dims == ("cloud", "level")


def test_progress_reaches_the_end(path, analogue):
    seen = []
    evaluate(analogue, path, members=2, split="all", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (42 * 7, 42 * 7)


def test_terminal_table_fits_and_shows_every_score(scored):
    table = rich_table(scored[0])
    assert table.row_count == len(SCORES) + 1 + len(CRITERIA) + len(CLEAR_NAMES)
    assert [column.header for column in table.columns] == ["score", *OUTPUT_NAMES, "ideal"]


class OneAnswer:
    """Emulator whose members are all alike; ``kind`` says so, or says nothing."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.schema = Broken.schema

    def sample(self, inputs, members, *, generator, steps, guidance):
        answer = torch.from_numpy(np.random.default_rng(0).normal(size=(len(OUTPUTS), LEVELS)).astype(np.float32))
        return answer.repeat(len(inputs), members, 1, 1)


@pytest.mark.parametrize("kind", ["regression", "of my own"])
@pytest.mark.parametrize("cells", [None, 6])
def test_one_answer_has_no_coverage_ranks_or_spread(path, tmp_path, kind, cells):
    result = evaluate(OneAnswer(kind), path, tmp_path, members=MEMBERS, split="all", name="One", limit=cells)
    table, store = result.table(), true_store(open_store(result.store))
    for scores in table["scores"].values():
        assert {name for name, value in scores.items() if value is None} >= set(spread_scores())
        assert scores["crps_fair"] > 0
    assert table["members"] == store.attrs["members"] == 1
    assert not {str(name) for name in store} & {"column_covered", "column_spread", "rank_histogram"}
    np.testing.assert_array_equal(store["histogram_members"].sum("bin"), store["histogram_truth"].sum("bin"))
    assert table["notes"][0].startswith("one answer for each column")
    assert "one answer" in str(rich_table(result).caption)


def test_a_table_says_which_times_were_scored_whatever_its_experiment_keeps(path, analogue, tmp_path):
    result = evaluate(analogue, path, tmp_path, members=2, split="test", limit=10, name="Few")
    assert result.table()["split"] == "test" == open_store(result.store).attrs["split"]
    assert load_experiment(tmp_path).split == "test"
