"""Reader of the column simulator's raw stores."""

from __future__ import annotations

import numpy as np
import pytest
import zarr

from diffmp_core.columns.prepare import prepare
from diffmp_core.columns.sources import recognise
from diffmp_core.columns.sources.crm import read
from diffmp_core.crm import output_store
from diffmp_core.crm.icosahedral import icosahedral_grid
from diffmp_core.crm.origin import find_origin
from diffmp_core.crm.sea_table import SeaTable
from diffmp_core.crm.surface_map import is_land
from diffmp_core.crm.vertical_grid import N_LEVELS
from diffmp_core.errors import DiffmpError
from diffmp_core.stores import count_splits, open_columns, validate_columns

HOURS = 30


def make_run(path, hours: int = HOURS, finished: bool = True, start: str = "2005-04-01", grid_name: str = "G0", **more):
    """A store in the simulator's layout, filled with numbers instead of a simulation."""
    grid, rng = icosahedral_grid(grid_name), np.random.default_rng(0)
    cells = grid.lat.size
    configuration = {"hours": hours, "start": start, "grid": grid_name, "seed": 0, "scheme": 4, **more}
    output_store.create(path, grid, is_land(grid.lat, grid.lon).astype(float), configuration)
    root = zarr.open_group(str(path), mode="r+", use_consolidated=False)
    for group in (root, *(root[name] for name in ("60km", "30km", "15km"))):
        height = group["height"][:]
        for name, mean in {"T": 300 - 0.006 * height, "qv": 0.015 * np.exp(-height / 2500)}.items():
            group[name][:] = mean * rng.uniform(0.99, 1.01, (hours, cells, N_LEVELS))
        for name, size in {"tend_T_mp": 1e-5, "tend_T_flux": 1e-5, "tend_qv_mp": 1e-8, "tend_qv_flux": 1e-8}.items():
            group[name][:] = rng.normal(0, size, (hours, cells, N_LEVELS))
        for name in ("qc", "qi"):
            group[name][:] = rng.choice([0.0, 1e-20, 1e-5], (hours, cells, N_LEVELS))
        for name in ("SHF", "LHF"):
            group[name][:] = rng.uniform(0, 100, (hours, cells))
        group["layer_mass"][:] = 300.0
    root["Ps"][:] = 1e5
    root["SOLIN"][:] = 250.0
    if finished:
        root[output_store.SIMULATED][:] = 1
    return root


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run"), tmp_path / "run"


def test_a_run_is_recognised_and_follows_the_contract(run):
    _, path = run
    assert recognise(path).name == "crm"
    columns = read(path, spacing_km=120)
    validate_columns(columns, where="run")
    assert columns.attrs["points"] == 24
    assert columns.attrs["simulation_scheme"] == 4
    assert "shaded by cloud" in columns["SOLIN"].attrs["comment"]


def test_the_first_day_is_left_out(run):
    _, path = run
    times = read(path, spacing_km=120)["time"].values
    assert len(times) == HOURS - 24
    assert times[0] == np.datetime64("2005-04-02T01:00")


@pytest.mark.parametrize("spacing_km", [120, 15])
def test_totals_are_equations_4_and_5_of_the_chosen_spacing(run, spacing_km):
    root, path = run
    group = root if spacing_km == 120 else root[f"{spacing_km}km"]
    columns = read(path, spacing_km=spacing_km)
    for quantity in ("T", "qv"):
        expected = group[f"tend_{quantity}_mp"][24:] + group[f"tend_{quantity}_flux"][24:]
        np.testing.assert_allclose(columns[f"tend_{quantity}_sgs"].values, expected, rtol=1e-6)
    np.testing.assert_array_equal(columns["SHF"].values, group["SHF"][24:])
    np.testing.assert_array_equal(columns["Ps"].values, root["Ps"][24:])
    assert set(np.unique(columns["qc"].values)) == {np.float32(0), np.float32(1e-5)}


def test_the_spin_up_can_be_longer(run):
    assert read(run[1], spacing_km=120, spin_up_hours=27).sizes["time"] == HOURS - 27


def test_a_folder_of_runs_is_one_source_of_several_seasons(tmp_path):
    for start in ("2005-07-10", "2005-04-01"):
        make_run(tmp_path / "runs" / start, start=start)
    assert recognise(tmp_path / "runs").name == "crm"
    columns = read(tmp_path / "runs", spacing_km=120)
    validate_columns(columns, where="runs")
    expected = [np.datetime64(f"{day}T01:00") for day in ("2005-04-02", "2005-07-11")]
    assert columns["time"].values[[0, HOURS - 24]].tolist() == np.array(expected, "datetime64[ns]").tolist()
    assert columns.sizes["time"] == 2 * (HOURS - 24)
    assert columns.attrs["simulation_start"] == ["2005-04-01", "2005-07-10"]
    second = read(tmp_path / "runs" / "2005-07-10", spacing_km=120)
    np.testing.assert_array_equal(columns["T"].values[HOURS - 24 :], second["T"].values)


def test_runs_of_different_lengths_make_one_store(tmp_path):
    make_run(tmp_path / "runs" / "one", hours=26)
    make_run(tmp_path / "runs" / "other", hours=37, start="2006-01-01")
    store = open_columns(prepare(tmp_path / "runs", tmp_path / "columns", proportions=(0, 0, 1)))
    assert count_splits(store)["test"] == store.sizes["time"] == 2 + 13


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"start": "2005-04-01"}, "expected runs of different days"),
        ({"start": "2006-01-01", "grid_name": "G1"}, "grid"),
    ],
)
def test_runs_that_do_not_belong_together_are_refused(tmp_path, other, message):
    make_run(tmp_path / "runs" / "one")
    make_run(tmp_path / "runs" / "other", **other)
    with pytest.raises(DiffmpError, match=message):
        read(tmp_path / "runs", spacing_km=120)


def test_a_folder_with_anything_else_inside_is_not_a_source_of_runs(tmp_path):
    make_run(tmp_path / "runs" / "one")
    (tmp_path / "runs" / "notes").mkdir()
    with pytest.raises(DiffmpError, match="raw data that a reader knows"):
        recognise(tmp_path / "runs")


def test_an_unfinished_or_too_short_run_or_unknown_spacing_is_refused(tmp_path, run):
    make_run(tmp_path / "unfinished", finished=False)
    with pytest.raises(DiffmpError, match="finished simulation.*run 'diffmp simulate' on it again"):
        read(tmp_path / "unfinished", spacing_km=120)
    make_run(tmp_path / "short", hours=24)
    with pytest.raises(DiffmpError, match="expected more than 24 simulated hours.*found 24"):
        read(tmp_path / "short", spacing_km=120)
    with pytest.raises(DiffmpError, match="expected a spacing among"):
        read(run[1], spacing_km=50)


def test_levels_that_are_not_in_order_are_refused(tmp_path, run):
    root, path = run
    heights = root["height"][:]
    heights[[4, 5]] = heights[[5, 4]]
    root["height"][:] = heights
    with pytest.raises(
        DiffmpError, match="heights .* that rise or fall from level to level in run, found .* at level 5"
    ):
        prepare(path, tmp_path / "columns.zarr")
    root["height"][:] = np.sort(heights)[::-1]
    with pytest.raises(DiffmpError, match="levels from the surface upward"):
        prepare(path, tmp_path / "columns.zarr")
    assert not (tmp_path / "columns.zarr").exists()


@pytest.mark.parametrize("damage", [lambda chunk: chunk.unlink(), lambda chunk: chunk.write_bytes(b"torn")])
def test_a_run_whose_numbers_are_torn_is_one_sentence_and_no_columns(tmp_path, run, damage):
    damage(next(path for path in sorted((run[1] / "T" / "c").rglob("*")) if path.is_file()))
    with pytest.raises(
        DiffmpError, match="every chunk of T in run, found 1 of 1 missing|in the zarr store .*run, found a torn chunk"
    ) as refusal:
        prepare(run[1], tmp_path / "columns.zarr")
    assert "\n" not in str(refusal.value)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_columns_remember_the_sea_table_of_each_run(tmp_path):
    table = SeaTable(latitude=(0.0,), temperature=((300.0,) * 12,))
    make_run(tmp_path / "runs" / "b", start="2005-07-10", sea_table=table.model_dump(mode="json"))
    make_run(tmp_path / "runs" / "a")
    columns = open_columns(prepare(tmp_path / "runs", tmp_path / "columns.nc"))
    assert find_origin(columns, time=0, cell=3).sea_table is None
    assert find_origin(columns, time=columns.sizes["time"] - 1, cell=3).sea_table == table
    columns = open_columns(prepare(tmp_path / "runs" / "b", tmp_path / "one.nc"))
    assert find_origin(columns, time=0, cell=3).sea_table == table
