import numpy as np
import pytest
import xarray as xr

from diffmp_core.crm import climate
from diffmp_core.crm.simulate import simulate
from diffmp_core.errors import DiffmpError

GRAVITY, HEAT_CAPACITY = 9.80665, 1004.64


def make_run(
    lat, *, lon=None, area=None, land=None, hours=1, height=(100.0, 1000.0, 5000.0), mass=(200.0, 500.0, 300.0)
):
    """A store of neutral, dry, still columns to fill in."""
    cells, levels = len(lat), len(height)
    profile, surface = ("time", "cell", "level"), ("time", "cell")
    temperature = 300.0 - GRAVITY / HEAT_CAPACITY * np.broadcast_to(height, (hours, cells, levels))
    nothing = {
        name: (profile, np.zeros((hours, cells, levels)))
        for name in ("qv", "qc", "qi", "tend_T_mp", "tend_T_flux", "tend_qv_mp", "tend_qv_flux")
    }
    return xr.Dataset(
        nothing | {"T": (profile, temperature), "precipitation": (surface, np.zeros((hours, cells)))},
        coords={
            "time": np.datetime64("2005-04-01T01", "ns") + np.arange(hours) * np.timedelta64(1, "h"),
            "lat": ("cell", np.asarray(lat, float)),
            "lon": ("cell", np.zeros(cells) if lon is None else np.asarray(lon, float)),
            "area": ("cell", np.ones(cells) if area is None else np.asarray(area, float)),
            "land_fraction": ("cell", np.zeros(cells) if land is None else np.asarray(land, float)),
            "height": ("level", np.asarray(height)),
            "layer_mass": (("cell", "level"), np.broadcast_to(mass, (cells, levels))),
        },
    )


def test_means_are_weighted_by_area():
    run = make_run([0, 0, 0], area=[1, 1, 2])
    field = xr.DataArray([1.0, 2.0, 3.0], dims="cell")
    assert float(climate.area_mean(field, run["area"])) == 2.25
    assert float(climate.area_mean(field, run["area"], field > 1)) == pytest.approx(8 / 3)
    assert np.isnan(climate.area_mean(field, run["area"], field > 5))


def test_zonal_means_take_each_cell_once_and_the_poles_too():
    run = make_run([-90, 0, 9, 10, 90], area=[1, 1, 3, 1, 1])
    means = climate.zonal_mean(xr.DataArray([1.0, 2.0, 6.0, 7.0, 8.0], dims="cell"), run, width=10)
    assert means.sel(latitude=[-85, 5, 15, 85]).values.tolist() == [1.0, 5.0, 7.0, 8.0]
    assert np.isnan(means.sel(latitude=-5))


def test_the_itcz_halves_the_rain_within_the_tropics_and_may_lie_inside_a_cell():
    run = make_run([-10, 4, 14, 50], area=np.full(4, np.radians(6) ** 2))
    assert climate.itcz_latitude(xr.DataArray([1.0, 2.0, 1.0, 99.0], dims="cell"), run) == pytest.approx(4.0)
    # 2.5 of 5 parts: 1 below, and 1.5 of the 2 of the middle cell, which reaches from 1 to 7 degrees
    assert climate.itcz_latitude(xr.DataArray([1.0, 2.0, 2.0, 99.0], dims="cell"), run) == pytest.approx(5.5)


def test_low_cloud_and_fog_are_told_by_their_water():
    run = make_run([0, 0, 0])
    run["qc"][0, 0] = [0.0, 1.9e-5, 1.0]  # 9.5 g m-2 below 3 km, and much above
    run["qc"][0, 1] = [0.0, 2.1e-5, 0.0]
    run["qc"][0, 2] = [2e-5, 0.0, 0.0]
    assert climate.cloudy(run).values.tolist() == [[False, True, False]]
    assert climate.foggy(run).values.tolist() == [[False, False, True]]


def test_local_time_goes_with_longitude():
    run = make_run([0, 0, 0], lon=[0, 90, -180], hours=2)
    assert climate.local_hour(run).values.tolist() == [[1, 7, 13], [2, 8, 14]]
    assert climate.local_hour(run, shift=-1.5).values.tolist() == [[23.5, 5.5, 11.5], [0.5, 6.5, 12.5]]


def test_composites_by_local_time_take_only_the_cells_asked_for():
    run = make_run([0, 0, 0], lon=[0, 90, 0], hours=24)
    field = climate.local_hour(run).copy()
    field[:, 2] = 1000.0
    composite = climate.by_local_hour(field, climate.local_hour(run), xr.DataArray([True, True, False], dims="cell"))
    assert composite["local_hour"].values.tolist() == [*range(1, 24, 2)]
    np.testing.assert_allclose(composite, np.arange(0, 24, 2) + 0.5)  # hours 0 and 1, 2 and 3, ...


def test_the_targets_are_equations_4_and_5():
    run = make_run([0.0])
    run["tend_T_mp"][:], run["tend_T_flux"][:] = 1.0, 2.0
    run["tend_qv_mp"][:], run["tend_qv_flux"][:] = 3.0, 5.0
    targets = climate.targets(run)
    assert (targets["tend_T_sgs"] == 3.0).all()
    assert (targets["tend_qv_sgs"] == 8.0).all()


def test_column_heating_is_in_watts():
    run = make_run([0.0])
    run["tend_T_mp"][:] = 1e-5
    assert climate.column_heating(run).item() == pytest.approx(HEAT_CAPACITY * 1e-5 * 1000.0)


def test_paths_are_of_the_levels_below():
    run = make_run([0.0, 0.0])
    run["qc"][:] = 1e-4
    np.testing.assert_allclose(climate.water_path(run["qc"], run), [[0.1, 0.1]])
    np.testing.assert_allclose(climate.water_path(run["qc"], run, below=1000.1), [[0.07, 0.07]])


def test_rain_around_an_instant_is_that_of_both_hours():
    run = make_run([0.0], hours=3)
    run["precipitation"][:, 0] = [1.0, 3.0, 7.0]
    assert climate.rain_around(run)[:, 0].values.tolist() == [2.0, 5.0, 7.0]


def test_profile_statistics_are_of_the_columns_asked_for():
    run = make_run(np.zeros(12))
    run["qc"][0, :11] = np.arange(11.0)[:, None]
    run["qc"][0, 11] = 1e3
    where = xr.DataArray([[True] * 11 + [False]], dims=("time", "cell"))
    found = climate.profile_statistics(run["qc"], where)
    assert found.sel(level=1).to_series().to_dict() == {"mean": 5.0, "p10": 1.0, "p50": 5.0, "p90": 9.0}
    with pytest.raises(DiffmpError, match="at least one column"):
        climate.profile_statistics(run["qc"], xr.zeros_like(where))


def test_a_run_shorter_than_its_spin_up_is_refused():
    run = make_run([0.0], hours=3)
    assert climate.after_spin_up(run, 2).sizes["time"] == 1
    with pytest.raises(DiffmpError, match="spin-up of 3 h"):
        climate.after_spin_up(run, 3)


def test_the_regions_leave_no_latitude_between_0_and_30_out():
    run = make_run([0, 9.9, 10, 29.9, 35, 65, 90], land=[0, 1, 0, 1, 0, 1, 1])
    member = {name: np.flatnonzero(region.mask(run)).tolist() for name, region in climate.REGIONS.items()}
    assert [*member.values()] == [[0], [1], [2], [3], [4], [], [], [5, 6]]


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_it_rains_most_over_equatorial_seas_and_not_too_much_anywhere(tmp_path):
    raw = (
        xr.open_zarr(simulate(tmp_path / "run.zarr", grid="G1", hours=48, workers=1)).load().isel(time=slice(24, None))
    )
    rain = 86400.0 * raw.precipitation.mean("time")  # mm/day
    mean = float((rain * raw.area).sum() / raw.area.sum())
    assert 0.8 < mean < 5.0
    equatorial = (np.abs(raw.lat) < 12) & (raw.land_fraction == 0)
    assert float(rain.where(equatorial).mean()) > 2 * float(rain.where(np.abs(raw.lat) > 20).mean())
    assert float(raw.w_max.max()) > 5.0  # m/s, deep convection
    assert float(raw.w_max.max()) < 40.0
    fog = raw.qc.isel(level=0).mean("time")
    assert float(fog.max()) < 3e-4  # kg/kg
