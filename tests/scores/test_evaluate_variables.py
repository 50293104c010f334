"""Evaluations of other columns than the paper's: ClimSim's on 60 levels, and emulators of some variables of a store."""

import numpy as np
import pytest
import torch
import xarray as xr

from diffmp_core.errors import DiffmpError
from diffmp_core.models.references import AnalogueEnsemble
from diffmp_core.schema import ColumnSchema, variables_attrs, variables_of
from diffmp_core.scores.climsim import CRITERIA
from diffmp_core.scores.evaluate import evaluate
from diffmp_core.scores.score import SCORES
from diffmp_core.scores.stored import counted_levels
from diffmp_core.scores.table import rich_table
from diffmp_core.stores import open_columns, open_store, select_split, write_store
from diffmp_core.variables import CLIMSIM_V1, PAPER, Channels, ColumnVariables
from tests.scores.test_evaluate import Broken, OneAnswer
from tests.synthetic import make_columns

MEMBERS = 8


def columns_of(variables: ColumnVariables, *, levels: int, cells: int = 42, times: int = 7) -> xr.Dataset:
    """Columns of made-up values of some variables on levels to 60 km, one layer as heavy as the other."""
    rng, frame = np.random.default_rng(1), make_columns(cells=cells, times=times)
    height = np.linspace(50.0, 6e4, levels)
    shapes = {True: (times, cells, levels), False: (times, cells)}
    values = {
        name: (v.dims, np.abs(rng.normal(size=shapes[v.profile])).astype(np.float32), v.attrs)
        for name, v in variables.stored.items()
    }
    coordinates = {name: frame[name] for name in ("time", "split", "lat", "lon", "area")}
    pressure = 1e5 * np.exp(-height / 7400)
    mass = np.full((cells, levels), 1e4 / levels)
    levels_of = {"height": ("level", height), "pressure": ("level", pressure), "layer_mass": (("cell", "level"), mass)}
    attrs = {"diffmp_kind": "columns", "title": "Made up", "source": "made up", "spacing_km": 120}
    return xr.Dataset(values, coordinates | levels_of, attrs | variables_attrs(variables))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_store(make_columns(cells=42, times=7), tmp_path_factory.mktemp("columns") / "columns.zarr")


@pytest.fixture(scope="module")
def climsim(tmp_path_factory):
    """Result and columns of an evaluation of ClimSim's variables on 60 levels."""
    folder = tmp_path_factory.mktemp("climsim")
    path = write_store(columns_of(CLIMSIM_V1, levels=60), folder / "columns.zarr")
    analogue = AnalogueEnsemble.from_columns(select_split(open_columns(path), "train"))
    return evaluate(analogue, path, folder / "out", members=MEMBERS, split="all", name="Analogue"), open_columns(path)


def test_single_values_are_scored_once_and_stand_at_every_level(climsim):
    result, columns = climsim
    store = open_store(result.store)
    assert variables_of(store) == CLIMSIM_V1
    assert store["variable"].values.tolist() == list(CLIMSIM_V1.outputs.names)
    assert store.sizes["level"] == 60
    truth = columns["PRECC"].values.astype(float).ravel()
    std = truth.std()
    assert result.averages["truth_std"].sel(variable="PRECC").item() == pytest.approx(std, rel=1e-6)
    rain = store.sel(variable="PRECC")
    for name in ("column_mse", "cell_pcc", "level_crps_fair", "histogram_truth", "rank_histogram", "climsim_mae"):
        values = rain[name].transpose("level", ...).values
        np.testing.assert_array_equal(values, np.broadcast_to(values[:1], values.shape))
    assert (rain["histogram_truth"].sum("bin") == truth.size).all()
    counts = store["histogram_truth"].sel(variable="PRECC").isel(level=counted_levels(store, "PRECC"))
    assert int(counts.sum()) == truth.size
    assert store["histogram_truth"].isel(level=counted_levels(store, "tend_q_sgs")).sizes["level"] == 60
    level, overall = rain["level_mse"].values[0], rain["overall_mse"].item()
    assert result.scores["PRECC"]["mse"] == overall == pytest.approx(level, rel=1e-12)
    misses = 2.501e9 * std * np.sqrt(store["cell_mse"].sel(variable="PRECC")[0]).mean().item()
    assert result.climsim["PRECC"]["rmse"] == pytest.approx(misses, rel=0.01)


def test_parts_that_no_output_has_are_left_out_and_the_others_there(climsim):
    result, _ = climsim
    table, store = result.table(), open_store(result.store)
    assert table["clear"] == {}
    assert "cloud" not in store.dims
    assert list(table["physical"]) == ["moistening", "energy_residual", "overdried_share", "overdried_vapour"]
    assert list(table["climsim"]) == list(CLIMSIM_V1.outputs.names)
    assert rich_table(result).row_count == len(SCORES) + 1 + len(CRITERIA)


def test_an_emulator_of_fewer_outputs_in_another_order_is_scored_on_its_own(path, tmp_path):
    few = PAPER.outputs.named("qi"), PAPER.outputs.named("tend_T_sgs")
    variables = ColumnVariables(Channels((PAPER.inputs.named("SHF"), PAPER.inputs.named("T"))), Channels(few))

    class Shy(OneAnswer):
        """Answers with what its first input is, and with zero."""

        def sample(self, inputs, members, *, generator, steps, guidance):
            assert (inputs[:, 0, 0] == inputs[:, 0, -1]).all()
            return torch.stack([0 * inputs[:, 0], 1e-7 * inputs[:, 0]], dim=1)[:, None].expand(-1, members, -1, -1)

    emulator = Shy("shy")
    emulator.schema = ColumnSchema(variables, Broken.schema.height, Broken.schema.pressure)
    result = evaluate(emulator, path, tmp_path, members=2, split="all")
    columns = open_columns(path)
    assert list(result.scores) == ["qi", "tend_T_sgs"]
    error = 1e-7 * columns["SHF"].values[..., None] - columns["tend_T_sgs"].values
    std = columns["tend_T_sgs"].values.std(dtype=float)
    assert result.scores["tend_T_sgs"]["mse"] == pytest.approx((error**2).mean(dtype=float) / std**2, rel=1e-5)
    assert result.table()["physical"] == {}
    assert "check" not in open_store(result.store).dims
    assert variables_of(open_store(result.store)) == variables


def test_columns_without_an_output_of_the_emulator_are_refused_in_a_sentence(climsim, path):
    emulator = AnalogueEnsemble.from_columns(select_split(open_columns(path), "train"))
    with pytest.raises(DiffmpError, match="expected output tend_qv_sgs in the column store|expected input qv in the"):
        evaluate(emulator, climsim[0].columns_path, split="all")
