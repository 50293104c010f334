"""Identity of columns: it sees values, places, times and what made them, and knows a choice of times again."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dask.array
import numpy as np
import pytest
import xarray as xr

from diffmp_core import identity
from diffmp_core.identity import (
    DIGEST,
    columns_id,
    emulator_id,
    kept_id,
    layout_id,
    run_labels,
    same_columns,
    time_digests,
    time_labels,
    with_digests,
)
from diffmp_core.schema import variables_attrs
from diffmp_core.stores import open_columns, select_split, write_store
from diffmp_core.variables import PAPER
from tests.synthetic import make_columns

SEASONS = {
    "simulation_grid": "G3",
    "simulation_start": ["2005-04-01", "2005-04-02"],
    "simulation_seed": [0, 7],
}


def changed(columns: xr.Dataset, name: str, amount: float, **where: int) -> xr.Dataset:
    columns = columns.copy(deep=True)
    columns[name][where] = columns[name][where] + amount
    return columns


@pytest.mark.parametrize("name", list(PAPER.stored))
def test_one_value_changes_it(name):
    columns = make_columns(cells=12)
    value = columns[name].values.flat[-1]
    other = columns.copy(deep=True)
    other[name].values.flat[-1] = np.nextafter(value, np.float32(np.inf))
    assert layout_id(other) == layout_id(columns)
    assert columns_id(other) != columns_id(columns)
    assert not same_columns(columns_id(other), columns_id(columns))


@pytest.mark.parametrize(
    "change",
    [
        lambda columns: make_columns(cells=12, seed=1),
        lambda columns: columns.isel(cell=[1, 0, *range(2, 12)]),
        lambda columns: columns.isel(time=[1, 0, *range(2, 6)]),
        lambda columns: columns.assign_coords(land_fraction=0 * columns["land_fraction"]),  # an aqua-planet
        lambda columns: columns.assign_coords(lat=columns["lat"] + 1),
        lambda columns: columns.assign_coords(time=columns["time"] + np.timedelta64(1, "D")),
        lambda columns: columns.assign_attrs(simulation_seed=1),
        lambda columns: columns.assign_attrs(simulation_sea_table="{}"),
        lambda columns: columns.assign_attrs(simulation_scheme=5),
    ],
)
def test_seed_places_times_land_and_sea_change_it(change):
    columns = make_columns(cells=12).assign_attrs(simulation_seed=0, simulation_scheme=4)
    assert columns_id(change(columns)) != columns_id(columns)


def test_a_split_has_its_own_and_the_split_is_no_part_of_it():
    columns = make_columns(cells=12)
    anew = columns.assign_coords(split=columns["split"].copy(data=columns["split"].values[::-1]))
    assert columns_id(anew) == columns_id(columns)
    assert columns_id(select_split(anew, "train")) != columns_id(select_split(columns, "train"))


@pytest.mark.parametrize("name", ["columns.zarr", "columns.nc"])
@pytest.mark.parametrize("lazy", [False, True])
def test_digests_are_kept_with_the_values_however_they_are_written(tmp_path, name, lazy):
    columns = make_columns(cells=50).assign_attrs(SEASONS)
    written = columns.chunk({"time": 4, "cell": 7}) if lazy else columns
    back = open_columns(write_store(with_digests(written), tmp_path / name))
    assert isinstance(with_digests(written)[DIGEST].data, dask.array.Array) == lazy
    assert kept_id(back) == columns_id(back, trust=False) == columns_id(columns)
    test = select_split(back, "test")
    assert kept_id(test) == columns_id(select_split(columns, "test"))


def test_kept_digests_are_read_and_no_value_but_of_the_first_time(monkeypatch):
    columns = with_digests(make_columns(cells=12))
    read = []
    digest_times = identity._digest_times
    monkeypatch.setattr(identity, "_digest_times", lambda *values: read.append(len(values[0])) or digest_times(*values))
    assert columns_id(columns)
    assert read == [1]
    columns_id(columns, trust=False)
    assert sum(read) == 1 + 6


def test_digests_of_other_cells_or_values_are_not_believed():
    columns = with_digests(make_columns(cells=12))
    some = columns.isel(cell=slice(5))
    assert columns_id(some) == columns_id(some.drop_vars(DIGEST))
    warmer = columns.assign(T=columns["T"] + 1)
    assert columns_id(warmer) == columns_id(warmer.drop_vars(DIGEST)) != columns_id(columns)
    assert kept_id(warmer) == columns_id(warmer)  # and not as if nobody could tell
    assert kept_id(columns.drop_vars(DIGEST)) == layout_id(columns)
    edited = changed(columns, "T", 1.0, time=3, cell=2)  # only who reads all can tell
    assert columns_id(edited, trust=False) != columns_id(columns)


def test_an_older_id_is_of_the_same_columns_as_far_as_it_tells():
    columns = make_columns(cells=12)
    old, new = layout_id(columns), columns_id(columns)
    assert same_columns(old, new)
    assert same_columns(new, new)
    assert not same_columns(old, columns_id(make_columns(cells=13)))
    assert not same_columns(new, columns_id(make_columns(cells=12, seed=1)))


def test_no_times_have_an_identity_too():
    none = with_digests(make_columns(cells=4)).isel(time=[])
    assert time_digests(none).shape == (0,)
    assert columns_id(none)


def test_digests_do_not_depend_on_how_many_times_are_read_at_once(monkeypatch):
    columns = make_columns(cells=12)
    whole = columns_id(columns)
    monkeypatch.setattr(identity, "CELLS_READ_AT_ONCE", 24)
    assert columns_id(columns) == whole


def test_each_time_is_of_the_run_that_began_last_before_it():
    columns = make_columns(cells=2, times=12).assign_attrs(SEASONS)  # from 2 April, 00 UTC, three-hourly
    assert run_labels(columns) == ["G3 2005-04-01 seed 0", *["G3 2005-04-02 seed 7"] * 11]
    assert run_labels(make_columns(cells=2, times=2)) == ["", ""]
    assert time_labels(columns)[:2] == ["2005-04-02T00:00:00", "2005-04-02T03:00:00"]


def test_an_emulator_is_its_model_its_weights_and_its_normalisation():
    config = {
        "model": {"kind": "diffusion"},
        "seal": {"sha256": {"weights.safetensors": "a", "domain.safetensors": "b"}},
    }
    known = emulator_id(config)
    assert emulator_id(config | {"seal": {"sha256": {"weights.safetensors": "a"}}}) == known
    assert emulator_id(config | {"seal": {"sha256": {"weights.safetensors": "c"}}}) != known
    assert emulator_id(config | {"model": {"kind": "regression"}}) != known
    assert emulator_id({"model": {}}) is None


@pytest.mark.parametrize(
    "seal", ["../..", 7, ["x"], {"sha256": "x"}, {"sha256": {"weights.safetensors": date(2005, 1, 1)}}, {}, None]
)
def test_a_seal_that_is_none_identifies_no_emulator(seal):
    assert emulator_id({"model": {"kind": "cvae"}, "seal": seal}) is None


def test_shipped_columns_keep_their_ids():
    columns = open_columns(Path(__file__).parents[1] / "data" / "demo" / "columns.nc")
    assert columns_id(columns, trust=False) == "f3ae14bd7112-696f1e2009176ef3"
    assert kept_id(columns) == layout_id(columns) == "f3ae14bd7112"


def test_columns_that_say_what_they_are_made_of_have_the_ids_of_those_that_mean_the_papers_choice():
    columns = make_columns(cells=12)
    assert columns_id(columns.assign_attrs(variables_attrs(PAPER))) == columns_id(columns)
