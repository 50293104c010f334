"""Column stores: the schema is held, values are checked as they pass, writing is whole or not at all."""

import os
import time

import dask.array
import numpy as np
import pytest
import xarray as xr

from diffmp_core.errors import DiffmpError
from diffmp_core.identity import columns_id
from diffmp_core.storage.files import write_text
from diffmp_core.stores import (
    count_splits,
    iterate_columns,
    open_columns,
    open_store,
    select_split,
    stack_inputs,
    stack_outputs,
    write_store,
)
from diffmp_core.variables import PAPER
from tests.synthetic import make_columns


@pytest.mark.parametrize("name", ["columns.zarr", "columns.nc"])
def test_a_store_comes_back_as_it_was_written(tmp_path, name):
    columns = make_columns()
    write_store(columns, tmp_path / name)
    back = open_columns(tmp_path / name)
    for variable in PAPER.inputs + PAPER.outputs:
        np.testing.assert_array_equal(back[variable.name].values, columns[variable.name].values)
    assert columns_id(back) == columns.attrs["columns_id"]
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_writing_replaces_an_old_store_whole(tmp_path):
    path = tmp_path / "columns.zarr"
    write_store(make_columns(cells=12), path)
    write_store(make_columns(cells=42), path)
    assert open_columns(path).sizes["cell"] == 42


def test_a_failed_write_leaves_the_old_store(tmp_path):
    path = tmp_path / "columns.nc"
    write_store(make_columns(cells=12), path)
    broken = make_columns(cells=20)
    with pytest.raises(ValueError, match="unexpected encoding"):
        write_store(broken, path, encoding={"T": {"no_such_option": 1}})
    assert open_columns(path).sizes["cell"] == 12
    assert [p.name for p in tmp_path.iterdir()] == ["columns.nc"]


def test_chunks_still_at_work_when_another_fails_leave_nothing_behind(tmp_path):
    def work(chunk, block_info):
        if block_info[0]["chunk-location"] == (0,):
            raise ValueError("torn")
        time.sleep(0.3)
        return chunk

    values = dask.array.zeros(2, chunks=1).map_blocks(work, dtype=float, meta=np.array(()))
    with pytest.raises(ValueError, match="torn"):
        write_store(xr.Dataset({"a": ("x", values)}), tmp_path / "a.zarr")
    time.sleep(0.6)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.drop_vars("qv"), "variable 'qv'"),
        (lambda c: c.assign(T=c["T"].assign_attrs(units="degC")), "unit 'K'"),
        (lambda c: c.isel(level=slice(None, None, -1)), "from the surface upward"),
        (lambda c: c.transpose("cell", "time", "level"), "dims"),
        (lambda c: c.assign_attrs(diffmp_kind="crm"), "kind 'crm'"),
        (lambda c: c.drop_vars("height"), "coordinate 'height'"),
    ],
)
def test_what_breaks_the_schema_is_named(tmp_path, change, message):
    write_store(change(make_columns()), tmp_path / "c.nc")
    with pytest.raises(DiffmpError, match=message):
        open_columns(tmp_path / "c.nc")


def test_a_truncated_file_is_one_sentence(tmp_path):
    path = tmp_path / "c.nc"
    write_store(make_columns(), path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DiffmpError, match="HDF5 file that is cut off or damaged"):
        open_store(path)


def test_a_value_that_is_not_finite_is_located():
    columns = make_columns()
    columns["qv"][2, 7, 3] = np.nan
    with pytest.raises(DiffmpError, match="qv.*time index 2, cell index 7"):
        stack_inputs(columns)


def test_walking_in_batches_gives_the_whole():
    columns = make_columns(cells=10, times=3)
    whole = stack_outputs(columns)
    parts = list(iterate_columns(columns, 4))
    np.testing.assert_array_equal(np.concatenate([part.outputs for part in parts]), whole)
    np.testing.assert_array_equal(np.concatenate([part.input("qv") for part in parts]), stack_inputs(columns)[:, 1])
    assert max(map(len, parts)) == 4
    assert [part.rows.start for part in parts][:4] == [0, 4, 8, 10]


def test_single_level_inputs_are_repeated_over_the_levels():
    columns = make_columns()
    stacked = stack_inputs(columns)
    channel = [v.name for v in PAPER.inputs].index("LHF")
    assert (stacked[:, channel] == columns["LHF"].values.reshape(-1, 1)).all()


def test_splits_do_not_overlap():
    columns = make_columns(times=8)
    names = ("train", "validation", "test")
    times = [set(select_split(columns, name)["time"].values) for name in names]
    assert sum(map(len, times)) == 8
    assert count_splits(columns) == {"train": 6, "validation": 1, "test": 1, "gap": 0}
    assert not set.intersection(*times)
    with pytest.raises(DiffmpError, match="no|none"):
        select_split(columns, "gap")


def test_every_variable_converts_to_its_display_unit():
    assert PAPER.stored["tend_T_sgs"].display_factor == pytest.approx(86400)
    assert PAPER.stored["tend_qv_sgs"].display_factor == pytest.approx(86400e3)
    assert [v.name for v in PAPER.outputs] == ["tend_T_sgs", "tend_qv_sgs", "qc", "qi"]


def test_pipes_and_devices_are_neither_waited_for_nor_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for read in (open_store, open_columns):
        with pytest.raises(DiffmpError, match="found a pipe or a device"):
            read(tmp_path / "pipe")
    with pytest.raises(DiffmpError, match="found a pipe or a device"):
        write_text(tmp_path / "pipe", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
    assert not (tmp_path / "pipe").is_file()


@pytest.mark.parametrize("dim", ["time", "cell"])
def test_a_store_without_columns_is_refused(tmp_path, dim):
    write_store(make_columns().isel({dim: slice(0)}), tmp_path / "empty.nc")
    with pytest.raises(DiffmpError, match=f"found none: no {dim}"):
        open_columns(tmp_path / "empty.nc")


def test_a_broken_chunk_is_said_with_its_variable(tmp_path):
    write_store(make_columns(), tmp_path / "columns.zarr")
    chunk = next(path for path in (tmp_path / "columns.zarr" / "qv").rglob("*") if path.is_file() and path.suffix == "")
    chunk.write_bytes(chunk.read_bytes()[:20])
    with pytest.raises(DiffmpError, match="expected values of qv that can be read"):
        stack_inputs(open_columns(tmp_path / "columns.zarr"))
