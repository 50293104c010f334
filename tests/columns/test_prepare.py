"""From raw files to a column store, with good and bad input."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from diffmp_core.columns.prepare import prepare
from diffmp_core.columns.sources import recognise
from diffmp_core.errors import DiffmpError
from diffmp_core.identity import columns_id, kept_id
from diffmp_core.stores import SPLITS, iterate_columns, open_columns, select_split, write_store
from tests.columns.climsim_files import make_stack, real_file
from tests.columns.test_highres import FINE, make_fields
from tests.full_disk import full_disk
from tests.synthetic import make_columns

DATES = [(80101 + 100 * month, 3600) for month in range(12)]


@pytest.fixture
def stack(tmp_path):
    path = tmp_path / "stack.nc"
    make_stack(DATES).to_netcdf(path)
    return path


@pytest.mark.parametrize("name", ["columns.zarr", "columns.nc"])
def test_a_store_is_written_whole_with_split_and_provenance(tmp_path, stack, name):
    told = []
    out = prepare(stack, tmp_path / "out" / name, progress=lambda done, total, what: told.append((done, total)))
    columns = open_columns(out)
    assert columns.sizes == {"time": 12, "cell": 6, "level": 30}
    assert columns["time"].values[3].isoformat() == "0008-04-01T01:00:00"
    for split in SPLITS[:3]:
        assert select_split(columns, split).sizes["time"] > 0
    assert columns["split"].attrs["flag_meanings"] == "train validation test gap"
    assert columns.attrs["diffmp_source_kind"] == "climsim"
    assert str(tmp_path) not in str(columns.attrs)
    assert kept_id(columns) == columns_id(columns, trust=False)
    assert sum(len(batch) for batch in iterate_columns(columns, 4)) == 72
    assert told[-1] == (100, 100)
    assert [path.name for path in out.parent.iterdir()] == [name]


def test_both_formats_hold_the_same_and_the_same_again(tmp_path, stack):
    first, second = prepare(stack, tmp_path / "a.zarr"), prepare(stack, tmp_path / "a.nc")
    xr.testing.assert_equal(open_columns(first), open_columns(second))
    assert kept_id(open_columns(first)) == kept_id(open_columns(second))


def test_high_resolution_fields_become_a_store_too(tmp_path):
    make_fields(FINE).to_netcdf(tmp_path / "fields.nc")
    columns = open_columns(prepare(tmp_path / "fields.nc", tmp_path / "columns.nc", spacing_km=60))
    assert columns.attrs["spacing_km"] == 60
    assert columns["time"].dtype == np.dtype("datetime64[ns]")


def _in_celsius(raw):
    return raw.assign({name: (raw[name] - 273.15).drop_attrs() for name in ("in_state_t", "out_state_t")})


def _scaled(*names, factor):
    return lambda raw: raw.assign({name: (raw[name] * factor).drop_attrs() for name in names})


def _with_value(name, value):
    def damage(raw):
        raw[name][4, 3, ...] = value
        return raw

    return damage


def _upside_down(raw):
    profiles = [name for name in raw.data_vars if "lev" in raw[name].dims and "ncol" in raw[name].dims]
    return raw.assign({name: (raw[name].dims, raw[name].values[..., ::-1]) for name in profiles})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: raw.drop_vars("in_pbuf_SHFLX"), "expected variable 'in_pbuf_SHFLX' in bad.nc"),
        (lambda raw: raw.drop_vars("hyai"), "expected variable 'hyai' in bad.nc"),
        (lambda raw: raw.assign(in_state_ps=raw["in_state_ps"].assign_attrs(units="hPa")), "expected unit 'Pa'"),
        (_in_celsius, "expected T of 120 to 350 K .*degrees Celsius"),
        (_scaled("in_state_ps", factor=0.01), "expected Ps of .*hPa"),
        (_scaled("in_state_q0001", "out_state_q0001", factor=1e3), "expected qv of .*g/kg"),
        (_scaled("out_state_q0002", factor=1e3), "expected qc of"),
        (_with_value("in_state_t", np.nan), "expected finite values of T"),
        (_with_value("in_pbuf_LHFLX", np.inf), "expected finite values of LHF"),
        (_with_value("out_state_q0002", -1e-4), "expected qc of 0 to"),
        (_upside_down, "upside down"),
        (lambda raw: raw.isel(lev=slice(None, None, -1)), "flip dimension 'lev'"),
        (
            lambda raw: raw.isel(lev=[0, 2, 1, *range(3, 60)]),
            r"hyam \+ hybm that rise or fall .* bad.nc, found .* level 2",
        ),
    ],
)
def test_bad_data_are_refused_and_nothing_is_left_behind(tmp_path, damage, message):
    damage(make_stack(DATES)).to_netcdf(tmp_path / "bad.nc")
    with pytest.raises(DiffmpError, match=message):
        prepare(tmp_path / "bad.nc", tmp_path / "columns.zarr")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.nc"]


@pytest.mark.parametrize("name", ["columns.zarr", "columns.nc"])
def test_a_full_disk_is_told_from_a_bad_source_and_leaves_nothing_behind(tmp_path, stack, name):
    with full_disk(4000), pytest.raises(DiffmpError, match=f"expected room to write .*{name}, found File too large"):
        prepare(stack, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["stack.nc"]
    assert open_columns(prepare(stack, tmp_path / name)).sizes["time"] == 12


def test_what_a_killed_run_left_half_written_is_in_nobodys_way(tmp_path, stack):
    (tmp_path / ".columns.zarr.0123abcd.part").mkdir()
    (tmp_path / ".columns.zarr.0123abcd.part" / "zarr.json").write_text("{")
    assert open_columns(prepare(stack, tmp_path / "columns.zarr")).sizes["time"] == 12


def test_a_truncated_file_is_refused(tmp_path, stack):
    whole = stack.read_bytes()
    stack.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(
        DiffmpError, match="stack.nc, found an HDF5 file that is cut off or damaged .*; fetch or copy it again"
    ):
        prepare(stack, tmp_path / "columns.zarr")
    with pytest.raises(DiffmpError, match="stack.nc, found an HDF5 file that is cut off or damaged"):
        prepare(stack, tmp_path / "columns.zarr", kind="climsim")
    assert [path.name for path in tmp_path.iterdir()] == ["stack.nc"]


def test_a_store_without_times_is_refused(tmp_path):
    make_stack(DATES).isel(sample=slice(0, 0)).to_netcdf(tmp_path / "empty.nc")
    with pytest.raises(DiffmpError, match="expected at least one time in empty.nc"):
        prepare(tmp_path / "empty.nc", tmp_path / "columns.zarr")


def test_foreign_and_missing_sources_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DiffmpError, match="found neither .*; name another file"):
        prepare(tmp_path / "notes.txt", tmp_path / "columns.zarr")
    with pytest.raises(DiffmpError, match="expected raw data that a reader knows"):
        prepare(tmp_path, tmp_path / "columns.zarr")
    with pytest.raises(DiffmpError, match="found nothing; check the path"):
        prepare(tmp_path / "none.nc", tmp_path / "columns.zarr")
    with pytest.raises(DiffmpError, match="expected a source among"):
        recognise(tmp_path, kind="grist")


@pytest.mark.parametrize("kind", ["crm", "climsim", "highres"])
def test_forcing_the_wrong_reader_is_refused(tmp_path, kind):
    write_store(make_columns(cells=4, times=2), tmp_path / "columns.zarr")
    with pytest.raises(DiffmpError):
        prepare(tmp_path / "columns.zarr", tmp_path / "again.zarr", kind=kind)


@pytest.mark.parametrize("name", ["columns.zarr", "columns.nc"])
def test_a_prepared_store_needs_no_preparing(tmp_path, name):
    write_store(make_columns(cells=4, times=2), tmp_path / name)
    with pytest.raises(DiffmpError, match="store of kind 'columns' .* needs no preparing"):
        prepare(tmp_path / name, tmp_path / "again.zarr")


def test_whatever_lies_under_the_name_of_the_store_stays(tmp_path, stack):
    (tmp_path / "columns.nc").write_text("precious")
    with pytest.raises(DiffmpError, match="found something at .*columns.nc; remove it"):
        prepare(stack, tmp_path / "columns.nc")
    assert (tmp_path / "columns.nc").read_text() == "precious"


def test_the_real_sequence_is_all_test(tmp_path):
    out = prepare(real_file("climsim_lowres_sequence.nc"), tmp_path / "columns.zarr")
    assert select_split(open_columns(out), "test").sizes["time"] == 10
