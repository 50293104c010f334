"""Coordinates of raw data: what is not the globe in degrees, in shares and square radians is never mapped."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from diffmp_core.columns.mesh import read_mesh
from diffmp_core.columns.prepare import prepare
from diffmp_core.columns.sources.highres import read
from diffmp_core.errors import DiffmpError
from diffmp_core.stores import open_columns
from tests.columns.climsim_files import make_stack, write_pairs
from tests.columns.foreign_files import make_run, on_grid, write_mpas_mesh, write_ugrid_mesh, write_yaml
from tests.columns.test_crm_source import make_run as make_simulation
from tests.columns.test_highres import FINE, make_fields

LAT, LON = np.linspace(-85.0, 85.0, 18), np.arange(0.0, 360.0, 10.0)


def run_on(lat, lon) -> xr.Dataset:
    return on_grid(make_run(np.ones(len(lat) * len(lon)), times=1), np.asarray(lat), np.asarray(lon))


def _called(run: xr.Dataset, **attrs: str) -> xr.Dataset:
    return run.assign_coords(lat=run["lat"].assign_attrs(attrs))


def _rotated(run: xr.Dataset) -> xr.Dataset:
    run = run.assign(pole=((), 0, {"grid_mapping_name": "rotated_latitude_longitude"}))
    run["T"].attrs["grid_mapping"] = "pole"
    return run


@pytest.mark.parametrize(
    ("lat", "lon", "change", "message"),
    [
        (np.radians(LAT), np.radians(LON), lambda run: run, "-1.484 to 1.484 and 0 to 6.109: the globe in radians"),
        (LAT, LON, lambda run: _called(run, units="radian"), r"unit 'degree' of lat .*'radian' \(times 57.2958\)"),
        (LAT, LON, lambda run: _called(run, units="km"), "expected unit 'degree' of lat .*'km'"),
        ([-10.0, 0.0, 50.0, 100.0], LON, lambda run: run, "lat of -90 to 90 degree in run.nc, found 100 at index 3"),
        ([-10.0, 0.0, np.nan, 10.0], LON, lambda run: run, "found nan at index 2"),
        (LAT, LON * 111, lambda run: run, "lon of -360 to 540"),
        (LAT, LON, lambda run: _called(run, standard_name="grid_latitude"), "'grid_latitude lat' as lat"),
        (LAT, LON, _rotated, "expected a grid of geographical .*'rotated_latitude_longitude'"),
    ],
)  # fmt: skip
def test_a_grid_that_is_not_the_globe_in_degrees_is_refused(tmp_path, lat, lon, change, message):
    change(run_on(lat, lon)).to_netcdf(tmp_path / "run.nc")
    with pytest.raises(DiffmpError, match=message):
        read(tmp_path / "run.nc", spacing_km=0, fields=write_yaml(tmp_path / "run.yaml", points=9))


def test_rows_at_the_poles_are_left_out_and_those_of_a_common_grid_are_read(tmp_path):
    run_on(np.linspace(-90.0, 90.0, 19), LON).to_netcdf(tmp_path / "run.nc")
    columns = read(tmp_path / "run.nc", spacing_km=0, fields=write_yaml(tmp_path / "run.yaml", points=9))
    assert np.abs(columns["lat"]).max() < 90


@pytest.mark.parametrize(
    ("share", "options", "message"),
    [
        (np.full(12, 40.0), {}, "land_fraction of 0 to 1 in run.nc, found 40 at index 0 .*is it in per cent"),
        (np.r_[np.nan, np.zeros(11)], {}, "land_fraction .*found nan .*a missing value over sea"),
        (np.full(12, 40.0), {"units": "%"}, r"unit '1' of land_fraction .*'%' \(times 0.01\)"),
    ],
)
def test_a_land_fraction_that_is_none_is_refused_and_a_factor_mends_it(tmp_path, share, options, message):
    write_mpas_mesh(tmp_path / "mesh.nc")
    run = make_run(np.ones(12)).assign(land=("point", share, options))
    run.to_netcdf(tmp_path / "run.nc")
    layout = {"points": 9, "mesh": "mesh.nc", "names": {"land_fraction": "land"}}
    with pytest.raises(DiffmpError, match=message):
        read(tmp_path / "run.nc", spacing_km=0, fields=write_yaml(tmp_path / "run.yaml", **layout))
    if np.isfinite(share).all():
        fields = write_yaml(tmp_path / "run.yaml", **layout, scale={"land_fraction": 0.01})
        assert read(tmp_path / "run.nc", spacing_km=0, fields=fields)["land_fraction"].values == pytest.approx(0.4)


def test_a_ground_that_is_missing_over_sea_is_refused(tmp_path):
    write_mpas_mesh(tmp_path / "mesh.nc")
    make_run(np.ones(12)).assign(ground=("point", np.r_[np.full(3, -9999.0), np.zeros(9)])).to_netcdf(
        tmp_path / "run.nc"
    )
    fields = write_yaml(tmp_path / "run.yaml", points=9, mesh="mesh.nc", names={"surface": "ground"})
    with pytest.raises(DiffmpError, match="expected surface of -500 to 9000 m in run.nc, found -9999 at index 0"):
        read(tmp_path / "run.nc", spacing_km=0, fields=fields)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("area", -0.1, "expected area of .*found -0.1"),
        ("area", np.nan, "expected area of .*found nan"),
        ("area", 5e11, "is it in m2"),
        ("lat", np.nan, "expected lat of .*found nan"),
        ("lat", 4000.0, "expected lat of .*found 4000"),
        ("lon", 2e4, "expected lon of"),
    ],
)
def test_coordinates_of_a_file_with_a_map_are_held_at_the_points_in_use(tmp_path, name, value, message):
    fields = make_fields(FINE)
    values = fields[name].values.copy()
    values[4] = value
    fields.assign_coords({name: ("point", values)}).to_netcdf(tmp_path / "unused.nc")
    assert read(tmp_path / "unused.nc", spacing_km=60).sizes["cell"] == 2
    values[1] = value
    fields.assign_coords({name: ("point", values)}).to_netcdf(tmp_path / "bad.nc")
    with pytest.raises(DiffmpError, match=message):
        read(tmp_path / "bad.nc", spacing_km=60)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw.assign(lat=np.radians(raw["lat"]).assign_attrs(units="radians")), "unit 'degree' of lat"),
        (lambda raw: raw.assign(lat=raw["lat"].where(raw["lat"] > -60)), "expected lat of .*found nan at index 0"),
        (lambda raw: raw.assign(area=raw["area"].where(raw["area"] > 1.1, -1.0)), "expected area of .*at index 0"),
        (lambda raw: raw.assign(area=-raw["area"]), "expected area of .*at index 0"),
        (lambda raw: raw.assign(area=raw["area"].where(raw["area"] > 1.1)), "area of .*found nan at index 0"),
        (lambda raw: raw.assign(in_cam_in_LANDFRAC=raw["in_cam_in_LANDFRAC"].drop_attrs() * 100), "is it in per cent"),
        (lambda raw: raw.assign({n: raw[n] * 1e5 for n in ("hyam", "hybm")}), "hybrid levels .*is it in Pa"),
        (lambda raw: raw.assign(P0=1000.0), "reference pressure P0 of 100000 Pa in stack.nc, found 1000"),
        (lambda raw: raw.assign(hyai=raw["hyai"] * np.nan), "expected nominal pressure of hybrid levels .*found nan"),
    ],
)  # fmt: skip
def test_the_grid_of_climsim_is_held_to_it(tmp_path, change, message):
    stack = make_stack([(80101 + 100 * month, 3600) for month in range(12)])
    change(stack).to_netcdf(tmp_path / "stack.nc")
    with pytest.raises(DiffmpError, match=message):
        prepare(tmp_path / "stack.nc", tmp_path / "columns.zarr")


def test_published_pairs_are_still_read(tmp_path):
    write_pairs(make_stack([(80101, 0), (80201, 0)]), tmp_path / "pairs")
    assert open_columns(prepare(tmp_path / "pairs", tmp_path / "columns.nc")).sizes["time"] == 2


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [("lat", 100.0, "expected lat of"), ("land_fraction", 3.0, "is it in per cent"), ("area", 0.0, "expected area of"),
     ("time", 26, "a time twice: 2005-04-02 02:00:00")],
)  # fmt: skip
def test_coordinates_of_a_simulation_are_held_too(tmp_path, name, value, message):
    root = make_simulation(tmp_path / "run")
    root[name][26 if name == "time" else 3] = value
    with pytest.raises(DiffmpError, match=message):
        prepare(tmp_path / "run", tmp_path / "columns.zarr")


@pytest.mark.parametrize(
    ("factor", "units", "message"),
    [
        (np.pi / 180, "radians", r"expected unit 'degree' of node_lat in mesh.nc, found 'radians' \(times 57.2958\)"),
        (np.pi / 180, None, "the globe in radians"),
        (111.0, None, "expected lat of -90 to 90 degree in mesh.nc, found -9990"),
    ],
)
def test_corners_of_a_mesh_are_degrees(tmp_path, factor, units, message):
    write_ugrid_mesh(tmp_path / "ugrid.nc", rows=4, boxes=6)
    with xr.open_dataset(tmp_path / "ugrid.nc") as mesh:
        for name, standard in (("node_lat", "latitude"), ("node_lon", "longitude")):
            attrs = {"standard_name": standard} | ({"units": units} if units else {})
            mesh = mesh.assign_coords({name: ("node", mesh[name].values * factor, attrs)})
        mesh.to_netcdf(tmp_path / "mesh.nc")
    with pytest.raises(DiffmpError, match=message):
        read_mesh(tmp_path / "mesh.nc")
