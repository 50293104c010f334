"""Times as models write them become the dates they mean, or are refused for what is wrong with them."""

from __future__ import annotations

import cftime
import numpy as np
import pytest
import xarray as xr

from diffmp_core.columns.dates import date_of, decode_dates
from diffmp_core.columns.prepare import prepare
from diffmp_core.errors import DiffmpError
from diffmp_core.stores import open_columns
from tests.columns.climsim_files import make_stack
from tests.columns.foreign_files import make_run, on_grid, write_yaml
from tests.columns.test_foreign_run import SIGN

GRID = np.array([-1.0, 0.0, 1.0]), np.array([179.0, 180.0, 181.0])


def dates(values, *, of_file=None, **attrs):
    times = xr.DataArray(np.asarray(values), dims="time", attrs=attrs)
    return [str(date)[:19].replace("T", " ") for date in decode_dates(times, "run.nc", calendar=of_file)]


@pytest.mark.parametrize(
    ("values", "attrs", "expected"),
    [
        ([b"0001-01-01_00:00:00\0", b"0001-01-01_01:00:00"], {}, ["0001-01-01 00:00:00", "0001-01-01 01:00:00"]),
        (["0000-01-01_00:00:00"], {}, ["0000-01-01 00:00:00"]),
        (["2016-08-01 06:30"], {}, ["2016-08-01 06:30:00"]),
        (["2016-08-01T00:00:00.50Z"], {}, ["2016-08-01 00:00:00"]),
        (["2016-02-30_00:00:00"], {"calendar": "360day"}, ["2016-02-30 00:00:00"]),
        ([20160801.0, 20160801.25], {"units": "day as %Y%m%d.%f"}, ["2016-08-01 00:00:00", "2016-08-01 06:00:00"]),
        ([20160831 + (1 - 1e-8)], {"units": "day as %Y%m%d.%f"}, ["2016-09-01 00:00:00"]),
        ([20160801, 20160802], {"units": "days as %Y%m%d"}, ["2016-08-01 00:00:00", "2016-08-02 00:00:00"]),
        ([0, 1, 14], {"units": "months since 2016-01-15 12:00"},
         ["2016-01-15 12:00:00", "2016-02-15 12:00:00", "2017-03-15 12:00:00"]),
        ([0, 3], {"units": "years since 1999-12-31"}, ["1999-12-31 00:00:00", "2002-12-31 00:00:00"]),
        ([0.5], {"units": "months since 2016-01-01", "calendar": "360_day"}, ["2016-01-16 00:00:00"]),
        ([1.5], {"units": "Years since 2016-01-01", "calendar": "360"}, ["2017-07-01 00:00:00"]),
        ([60], {"units": "days since 2016-01-01", "calendar": "360day"}, ["2016-03-01 00:00:00"]),
        ([59], {"units": "days since 2016-01-01", "calendar": "NO_LEAP"}, ["2016-03-01 00:00:00"]),
        ([59], {"units": "days since 2016-01-01", "calendar": "365day"}, ["2016-03-01 00:00:00"]),
        ([59], {"units": "days since 2016-01-01", "calendar": "THIRTY_DAY_MONTHS"}, ["2016-02-30 00:00:00"]),
        ([1], {"units": "Hours Since 2016-01-01"}, ["2016-01-01 01:00:00"]),
        ([0], {"units": "days since 0000-01-01", "calendar": "noleap"}, ["0000-01-01 00:00:00"]),
    ],
)  # fmt: skip
def test_times_become_the_dates_they_mean(values, attrs, expected):
    assert dates(values, **attrs) == expected


def test_the_calendar_of_the_file_counts_where_the_times_name_none():
    assert dates(["2015-02-28_00:00:00"], of_file="gregorian_noleap") == ["2015-02-28 00:00:00"]
    with pytest.raises(DiffmpError, match="calendar 'noleap' .*found 2016-02-29 00:00:00"):
        dates(["2016-02-29_00:00:00"], of_file="gregorian_noleap")


def test_present_dates_are_numpys_and_others_are_kept_whole():
    assert decode_dates(xr.DataArray(["2016-08-01"], dims="time"), "run.nc").dtype == "datetime64[ns]"
    early = decode_dates(xr.DataArray(["0001-01-01"], dims="time"), "run.nc")
    assert early[0] == cftime.datetime(1, 1, 1, calendar="proleptic_gregorian")


@pytest.mark.parametrize(
    ("values", "attrs", "message"),
    [
        (["a"], {}, "expected dates as times in run.nc, found 'a'"),
        ([1.0], {}, "found numbers of unit None; give them a unit such as"),
        ([1.0], {"units": "hours"}, "found numbers of unit 'hours'"),
        (["2016-13-01"], {}, "found 2016-13-01 00:00:00; correct them or the attribute 'calendar'"),
        ([20160230.0], {"units": "day as %Y%m%d.%f"}, "found 2016-02-30"),
        (np.array([20160801.25], "f4"), {"units": "day as %Y%m%d.%f"}, "double precision .*cannot tell days apart"),
        ([0.5], {"units": "months since 2016-01-01"}, "whole months since 2016-01-01 .*found 0.5"),
        ([1], {"units": "months since 2016-01-31"}, "found 2016-02-31"),
        ([0], {"units": "days since 2016-01-01", "calendar": "mars"}, "expected a calendar among .*found 'mars'"),
        ([0], {"units": "days since 0000-01-01"}, "zero not allowed as a reference year"),
        ([0], {"units": "days since forever"}, "'days since forever' .*Unable to parse date string"),
        ([0], {"units": "fortnights since 2016-01-01"}, "'fortnights since 2016-01-01' .*units must be one of"),
        ([1e9], {"units": "days since 2016-01-01"}, "gives no dates .*range"),
        ([0, np.nan], {"units": "days since 2016-01-01"}, "a date of every time in run.nc, found none at time 1"),
    ],
)  # fmt: skip
def test_times_that_are_no_dates_are_refused_for_what_is_wrong(values, attrs, message):
    with pytest.raises(DiffmpError, match=message) as refusal:
        dates(values, **attrs)
    assert "\n" not in str(refusal.value)


def test_times_along_two_dims_are_refused():
    with pytest.raises(DiffmpError, match=r"one dimension in run.nc, found dims \('time', 'y'\)"):
        decode_dates(xr.DataArray(np.zeros((2, 3)), dims=("time", "y")), "run.nc")


def with_times(values, **attrs):
    run = on_grid(make_run(SIGN), *GRID).drop_vars("time")
    return run.assign(time=("time", np.asarray(values), attrs))


@pytest.mark.parametrize(
    ("values", "attrs", "first"),
    [
        (np.array(["0001-01-01_00:00:00", "0001-01-01_01:00:00"], "S19"), {}, "0001-01-01"),
        ([20160801.0, 20160801.25], {"units": "day as %Y%m%d.%f", "calendar": "proleptic_gregorian"}, "2016-08-01"),
        ([0, 1], {"units": "months since 2016-01-01"}, "2016-01-01"),
        ([59, 60], {"units": "days since 2016-01-01", "calendar": "360day"}, "2016-02-30"),
    ],
)
def test_a_run_is_prepared_with_the_dates_it_means(tmp_path, values, attrs, first):
    with_times(values, **attrs).to_netcdf(tmp_path / "run.nc")
    fields = write_yaml(tmp_path / "run.yaml", points=9)
    for name in ("columns.zarr", "columns.nc"):
        columns = open_columns(prepare(tmp_path / "run.nc", tmp_path / name, kind="highres", fields=fields))
        assert str(columns["time"].values[0]).startswith(first)


@pytest.mark.parametrize(
    ("values", "attrs", "message"),
    [
        ([0, 1], {"units": "fortnights since 2016-01-01"}, "found 'fortnights since 2016-01-01'"),
        ([0, 1], {"units": "days since 2016-01-01", "calendar": "mars"}, "found 'mars'"),
        ([0, 0], {"units": "days since 2016-01-01"}, "a time twice: 2016-01-01 00:00:00"),
    ],
)
def test_a_run_of_no_dates_is_refused_for_what_is_wrong_with_them(tmp_path, values, attrs, message):
    with_times(values, **attrs).to_netcdf(tmp_path / "run.nc")
    fields = write_yaml(tmp_path / "run.yaml", points=9)
    with pytest.raises(DiffmpError, match=message):
        prepare(tmp_path / "run.nc", tmp_path / "columns.zarr", kind="highres", fields=fields)


def test_files_that_count_from_their_own_beginning_follow_each_other(tmp_path):
    (tmp_path / "run").mkdir()
    for day in (1, 2):
        one = with_times([0.0, 12.0], units=f"hours since 2016-08-0{day}")
        one.to_netcdf(tmp_path / "run" / f"{3 - day}.nc")
    fields = write_yaml(tmp_path / "run.yaml", points=9)
    columns = open_columns(prepare(tmp_path / "run", tmp_path / "columns.nc", kind="highres", fields=fields))
    assert columns["time"].values.astype("datetime64[h]").astype(str).tolist() == [
        "2016-08-01T00", "2016-08-01T12", "2016-08-02T00", "2016-08-02T12"
    ]  # fmt: skip


def test_files_of_different_calendars_are_refused(tmp_path):
    (tmp_path / "run").mkdir()
    for day, calendar in ((1, "noleap"), (2, "standard")):
        one = with_times([0.0, 12.0], units=f"hours since 2016-08-0{day}", calendar=calendar)
        one.to_netcdf(tmp_path / "run" / f"{day}.nc")
    with pytest.raises(DiffmpError, match=r"one calendar in all files of a run, found \['noleap', 'standard'\]"):
        prepare(
            tmp_path / "run", tmp_path / "columns.nc", kind="highres", fields=write_yaml(tmp_path / "r.yaml", points=9)
        )


def test_a_run_of_one_time_without_a_dim_is_one_sentence(tmp_path):
    run = with_times([0.0, 12.0], units="hours since 2016-08-01").isel(time=0)
    run.to_netcdf(tmp_path / "run.nc")
    fields = write_yaml(tmp_path / "run.yaml", points=9)
    with pytest.raises(DiffmpError, match="expected dims"):
        prepare(tmp_path / "run.nc", tmp_path / "columns.nc", kind="highres", fields=fields)


@pytest.mark.parametrize(("date", "second"), [(80230, 0), (80101, 86_400), (-2147483647, 0), (80101, -1)])
def test_digits_of_climsim_that_are_no_date_are_one_sentence(tmp_path, date, second):
    with pytest.raises(DiffmpError, match="run.nc"):
        date_of(date, second, "noleap", "run.nc")
    make_stack([(80101, 0), (date, second)]).to_netcdf(tmp_path / "stack.nc")
    with pytest.raises(DiffmpError, match="in stack.nc, found .*; (mend|correct) them"):
        prepare(tmp_path / "stack.nc", tmp_path / "columns.zarr")
