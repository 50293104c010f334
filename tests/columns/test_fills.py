"""Fill values and impossible ones are found where values are still those of points, before anything is averaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

from diffmp_core.columns.plausibility import LIMITS, check_values
from diffmp_core.columns.prepare import prepare
from diffmp_core.errors import DiffmpError
from diffmp_core.stores import open_columns, write_store
from tests.columns.climsim_files import make_stack
from tests.columns.foreign_files import make_run, on_grid, write_yaml
from tests.columns.test_crm_source import make_run as make_simulation
from tests.columns.test_foreign_run import SIGN
from tests.columns.test_highres import FINE, make_fields
from tests.synthetic import make_columns

LAT, LON = np.array([-1.0, 0.0, 1.0]), np.array([179.0, 180.0, 181.0])


def run_of_nine() -> xr.Dataset:
    """Nine points, one column."""
    return on_grid(make_run(SIGN), LAT, LON)


def refused(folder: Path, run: xr.Dataset, name: str = "run.nc", **options: object) -> str:
    """The sentence with which ``prepare`` refuses a run of nine points."""
    if name.endswith(".nc"):
        run.to_netcdf(folder / name)
    fields = write_yaml(folder / "run.yaml", points=9, **options)
    with pytest.raises(DiffmpError) as refusal:
        prepare(folder / name, folder / "columns.zarr", kind="highres", fields=fields)
    assert "\n" not in str(refusal.value)
    assert not (folder / "columns.zarr").exists()
    return str(refusal.value)


@pytest.mark.parametrize(
    ("name", "fill", "found"),
    [
        ("T", -999.0, "expected T of 120 to 350 K in run.nc, found -999 at time 2016-08-01 01:00:00"),
        ("w", -9999.0, "expected w of -150 to 150 m s-1 in run.nc, found -9999 at time"),
        ("w", 99.0 * 9.81, "is it in Pa s-1"),
        ("SHF", -9999.0, "expected SHF of -900 to 3000 W m-2 in run.nc, found -9999 at time"),
        ("SHF", -999.0, "found -999 at time 2016-08-01 01:00:00, point 4 (1 of 9 values"),
        ("LHF", -999.0, "expected LHF of"),
        ("Ps", 0.0, "expected Ps of"),
        ("qc", -999e-5, "expected qc of"),
        ("tend_T_mp", -9.99, "expected tend_T_mp of"),
        ("tend_qv_mp", 9.96921e36, "expected tend_qv_mp of"),
        ("T", np.nan, "expected finite values of T in run.nc, found nan at time 2016-08-01 01:00:00"),
        ("w", np.nan, "expected finite values of w in run.nc, found nan at time 2016-08-01 01:00:00"),
        ("SOLIN", np.inf, "expected finite values of SOLIN in run.nc, found inf at time 2016-08-01 01:00:00, point 4"),
    ],
)
def test_one_bad_value_of_nine_points_is_named_with_time_and_point(tmp_path, name, fill, found):
    run = run_of_nine()
    run[name][(1, 3, 1, 1) if run[name].ndim == 4 else (1, 1, 1)] = fill
    sentence = refused(tmp_path, run)
    assert found in sentence
    assert "point 4" in sentence
    assert ("level 3 from the ground" in sentence) == (run[name].ndim == 4)


def test_a_marked_fill_is_no_value_whatever_it_is(tmp_path):
    run = run_of_nine()
    run["T"][0, 5, 2, 0] = 250.0
    run["T"].encoding["_FillValue"] = 250.0
    assert "expected finite values of T in run.nc, found nan at time 2016-08-01 00:00:00" in refused(tmp_path, run)


def test_a_fill_on_interfaces_is_found_though_they_are_averaged(tmp_path):
    run = run_of_nine()
    half = np.zeros((2, 41, 3, 3))
    half[0, 7, 0, 2] = -9999.0
    run = run.drop_vars("w").assign(w=(("time", "half", "lat", "lon"), half))
    assert "expected w of -150 to 150 m s-1 in run.nc" in refused(tmp_path, run, dims={"interface": "half"})


def test_a_fill_in_specific_humidity_is_found_before_it_becomes_a_mixing_ratio(tmp_path):
    run = run_of_nine()
    run["qv"][0, 0, 1, 1] = -999.0  # q/(1 - q) = -0.999
    assert "expected qv of -0.0001 to 0.06 kg kg-1 in run.nc, found -999 at" in refused(
        tmp_path, run, humidity="specific"
    )


def test_points_in_no_column_may_hold_what_they_like(tmp_path):
    fields = make_fields(FINE)
    for name in ("T", "w"):
        fields[name] = fields[name].copy(data=fields[name].values.copy())
    fields["T"][:, :, 4] = -999.0
    fields["w"][:, :, 4] = np.nan
    fields.to_netcdf(tmp_path / "fields.nc")
    assert open_columns(prepare(tmp_path / "fields.nc", tmp_path / "columns.zarr", spacing_km=60)).sizes["cell"] == 2
    fields["T"][1, 7, 2] = -999.0
    fields.to_netcdf(tmp_path / "bad.nc")
    with pytest.raises(DiffmpError, match=r"found -999 at time 2020-01-01 01:00:00, level 7 from the ground, point 2 "):
        prepare(tmp_path / "bad.nc", tmp_path / "bad.zarr", spacing_km=60)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("out_state_q0001", -999.0, "expected qv of .*found -999 at time 0008-02-01 01:00:00, cell 2, level 7"),
        ("out_state_t", -999.0, "expected T of .*found -999 at time 0008-02-01 01:00:00"),
        ("out_state_q0003", np.nan, "expected finite values of qi .*cell 2, level 7 from the ground"),
        ("in_pbuf_SHFLX", -999.0, "expected SHF of .*found -999 at time 0008-02-01 01:00:00, cell 2 "),
    ],
)
def test_a_fill_in_climsim_is_found_in_the_state_before_differences_and_ratios(tmp_path, name, value, message):
    """A fill of -999 after the step is a ratio of -0.999 and a tendency of -8e-4 per second: weather, for a limit."""
    stack = make_stack([(80101 + 100 * month, 3600) for month in range(12)])
    stack[name][(1, 2, 52) if stack[name].ndim == 3 else (1, 2)] = value
    stack.to_netcdf(tmp_path / "stack.nc")
    with pytest.raises(DiffmpError, match=message):
        prepare(tmp_path / "stack.nc", tmp_path / "columns.zarr")


def test_a_fill_in_a_part_of_the_simulators_tendency_is_found_in_the_part(tmp_path):
    root = make_simulation(tmp_path / "run")
    root["tend_qv_mp"][27, 3, 2], root["tend_qv_flux"][27, 3, 2] = 1.0, -1.0  # cancel
    either = "expected tend_qv_(mp of .*found 1|flux of .*found -1) at time 2005-04-02 04:00:00, cell 3"
    with pytest.raises(DiffmpError, match=either):  # parts are read at once
        prepare(tmp_path / "run", tmp_path / "columns.zarr")


def test_text_is_no_number(tmp_path):
    run = run_of_nine()
    assert "expected numbers of T in run.nc" in refused(tmp_path, run.assign(T=run["T"].astype(str)))


def test_limits_hold_at_both_ends_and_inside():
    for name, (low, high, _) in LIMITS.items():
        check_values(name, np.array([low, 0.5 * (low + high), high], dtype=np.float64), "file")
        for bad in (low - abs(low) * 1e-3 - 1e-9, high * 1.001, np.nan):
            with pytest.raises(DiffmpError, match=f" of {name} |expected {name} "):
                check_values(name, np.array([low, bad]), "file")


def _without_chunk(folder: Path, name: str, number: int = 0) -> None:
    """Remove one chunk of an array of a zarr store."""
    chunks = [path for path in (folder / name / "c").rglob("*") if path.is_file()]
    sorted(chunks)[number].unlink()


def zeros_by_default(run: xr.Dataset, path: Path) -> None:
    """A zarr store as zarr itself makes them: lost chunks read as 0."""
    group = zarr.open_group(path, mode="w")
    for name, variable in run.variables.items():
        kept = variable.values.astype("int64") if name == "time" else variable.values
        array = group.create_array(
            str(name), shape=kept.shape, chunks=(1, *kept.shape[1:]), dtype=kept.dtype, fill_value=0,
            dimension_names=variable.dims, config={"write_empty_chunks": True},
        )  # fmt: skip
        array[...] = kept
        array.attrs.update({"units": "nanoseconds since 1970-01-01"} if name == "time" else {})


@pytest.mark.parametrize("name", ["T", "w", "SHF", "lat"])
def test_a_lost_chunk_that_reads_as_zeros_is_named(tmp_path, name):
    zeros_by_default(run_of_nine(), tmp_path / "run.zarr")
    _without_chunk(tmp_path / "run.zarr", name, 1)
    sentence = refused(tmp_path, run_of_nine(), "run.zarr")
    assert f"every chunk of {name} in run.zarr, found 1 of " in sentence
    assert "missing (first: c/1" in sentence
    assert "read as 0" in sentence


def test_chunks_without_cloud_may_be_left_out_and_the_store_says_so(tmp_path):
    zeros_by_default(run_of_nine(), tmp_path / "run.zarr")
    _without_chunk(tmp_path / "run.zarr", "qi", 1)
    fields = write_yaml(tmp_path / "run.yaml", points=9)
    columns = open_columns(prepare(tmp_path / "run.zarr", tmp_path / "columns.zarr", kind="highres", fields=fields))
    assert columns.attrs["chunks_read_as_zero"] == "qi: 1 of 2"


@pytest.mark.parametrize("name", ["T", "qi", "split", "time", "lat", "layer_mass"])
def test_a_column_store_that_lost_a_chunk_is_not_opened(tmp_path, name):
    make_stack([(80101 + 100 * month, 3600) for month in range(12)]).to_netcdf(tmp_path / "stack.nc")
    store = prepare(tmp_path / "stack.nc", tmp_path / "columns.zarr")
    _without_chunk(store, name)
    with pytest.raises(
        DiffmpError, match=rf"every chunk of {name} in columns.zarr, found 1 of \d+ missing \(first: c/0"
    ):
        open_columns(store)


def test_a_store_without_cloud_or_with_one_split_keeps_all_its_chunks(tmp_path):
    columns = make_columns()
    columns["qi"][:], columns["split"][:] = 0.0, 0
    assert open_columns(write_store(columns, tmp_path / "columns.zarr"))["qi"].max() == 0


@pytest.mark.parametrize(("group", "spacing"), [("", 120), ("15km", 15)])
def test_a_simulation_that_lost_a_chunk_is_named(tmp_path, group, spacing):
    make_simulation(tmp_path / "run")
    _without_chunk(tmp_path / "run" / group, "tend_T_flux")
    with pytest.raises(DiffmpError, match="every chunk of tend_T_flux in run, found 1 of"):
        prepare(tmp_path / "run", tmp_path / "columns.zarr", spacing_km=spacing)
