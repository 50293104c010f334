"""Coordinates are held like variables: units, ranges, what they are called, order of times."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from diffmp_core.errors import DiffmpError
from diffmp_core.storage.coordinates import check_areas, check_coordinate, check_places, check_times
from diffmp_core.stores import open_columns, write_store
from tests.synthetic import make_columns

GLOBE = {"lat": np.linspace(-85.0, 85.0, 18), "lon": np.arange(0.0, 360.0, 10.0)}


def places(lat, lon, **attrs):
    return xr.DataArray(np.asarray(lat, float), dims="y", attrs=attrs), np.asarray(lon, float)


@pytest.mark.parametrize(
    ("lat", "lon"),
    [
        (GLOBE["lat"], GLOBE["lon"]),
        ([-90.0, 0.0, 90.0], [-180.0, 0.0, 180.0]),
        ([-1.0, 0.0, 1.0], [179.0, 180.0, 181.0]),
        ([-1.5, 0.0, 1.5], [-1.5, 0.0, 1.5]),  # a small domain, not radians
        ([10.0], [500.0]),
    ],
)
def test_places_of_the_globe_pass(lat, lon):
    check_places(*places(lat, lon, standard_name="latitude"), "run.nc")


@pytest.mark.parametrize(
    ("lat", "lon", "attrs", "message"),
    [
        (np.radians(GLOBE["lat"]), np.radians(GLOBE["lon"]), {}, "the globe in radians; convert them"),
        (np.radians(GLOBE["lat"]), np.radians(GLOBE["lon"] - 180), {"units": "degrees_north"}, "the globe in radians"),
        (GLOBE["lat"] * 111.2, GLOBE["lon"], {}, "expected lat of -90 to 90 degree in run.nc, found -9452 at index 0"),
        (GLOBE["lat"], GLOBE["lon"] * 111.2, {}, "expected lon of -360 to 540 degree .*is it in kilometres"),
        ([0.0, np.nan], [0.0, 1.0], {}, "found nan at index 1 \\(1 of 2\\)"),
        ([0.0, 1.0], [0.0, np.inf], {}, "expected lon of .*found inf at index 1"),
        ([0.0, 1.0], [0.0, 1.0], {"standard_name": "grid_latitude"}, "expected geographical .*'grid_latitude' as lat"),
        ([0.0, 1.0], [0.0, 1.0], {"standard_name": "projection_y_coordinate"}, "expected geographical latitudes"),
        ([0.0, 1.0], [0.0, 1.0], {"long_name": "Rotated latitude"}, "expected geographical latitudes"),
        ([0.0, 1.0], [0.0, 1.0], {"standard_name": "longitude"}, "found 'longitude' as lat"),
    ],
)
def test_places_that_are_none_are_named(lat, lon, attrs, message):
    with pytest.raises(DiffmpError, match=message):
        check_places(*places(lat, lon, **attrs), "run.nc")


def test_areas_are_positive_and_at_most_the_sphere():
    check_areas(np.full(12, 4 * np.pi / 12), "run.nc")
    for bad, message in (
        ([1.0, -0.1], "found -0.1 at index 1"),
        ([1.0, np.nan], "found nan at index 1"),
        ([0.0, 1.0], "found 0 at index 0"),
        ([1e8, 1e8], "is it in m2"),
        ([6.0, 7.0], "at most 12.57 sr together .* found 13"),
    ):
        with pytest.raises(DiffmpError, match=message):
            check_areas(np.array(bad), "run.nc")


@pytest.mark.parametrize(
    ("name", "good", "bad", "message"),
    [
        ("land_fraction", 0.5, 50.0, "is it in per cent"),
        ("land_fraction", 1.0, np.nan, "a missing value over sea"),
        ("pressure", 100.0, 120_001.0, "expected pressure of 1 to 1.2e.05 Pa"),
        ("height", 19_500.0, 9.97e36, "expected height of"),
        ("surface", 4800.0, -999.0, "expected surface of -500 to 9000 m"),
        ("layer_mass", 300.0, -1.0, "expected layer_mass of 0 to"),
    ],
)
def test_other_coordinates_have_limits(name, good, bad, message):
    check_coordinate(name, np.array([good]), "run.nc")
    with pytest.raises(DiffmpError, match=message):
        check_coordinate(name, np.array([good, bad]), "run.nc")


def hours(*numbers: int) -> np.ndarray:
    return np.datetime64("2016-08-01", "ns") + np.array(numbers) * np.timedelta64(1, "h")


def test_times_rise_and_are_all_there():
    check_times(hours(0, 1, 5), "run.nc")
    check_times(hours(3), "run.nc")
    for times, message in (
        (hours(), "at least one time in run.nc"),
        (hours(0, 2, 2), r"a time twice: 2016-08-01 02:00:00 \(time 1\)"),
        (hours(0, 2, 1), r"an earlier one after it: 2016-08-01 02:00:00 \(time 1\), then 2016-08-01 01:00:00; sort"),
        (np.array(["2016-08-01", "NaT"], "datetime64[ns]"), "found none at time 1"),
    ):
        with pytest.raises(DiffmpError, match=message):
            check_times(times, "run.nc")


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        ("lat", np.radians, "the globe in radians"),
        ("land_fraction", lambda share: 100 * share, "is it in per cent"),
        ("area", lambda area: -area, "expected area of"),
        ("pressure", lambda pressure: pressure.where(pressure < 9e4), "expected pressure of"),
        ("layer_mass", lambda mass: mass * np.nan, "expected layer_mass of"),
        ("time", lambda time: time[::-1].values, "rising times"),
    ],
)
def test_a_column_store_of_others_is_held_to_them(tmp_path, name, changed, message):
    columns = make_columns(cells=600)
    if name == "lat":
        columns = columns.assign_coords(lon=np.radians(columns["lon"]))
    columns = columns.assign_coords({name: (columns[name].dims, np.asarray(changed(columns[name])))})
    with pytest.raises(DiffmpError, match=message):
        open_columns(write_store(columns, tmp_path / "columns.nc"))
