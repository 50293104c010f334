"""High-resolution fields on an unstructured mesh, small enough to be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from diffmp_core.columns.sources import recognise
from diffmp_core.columns.sources.highres import read
from diffmp_core.errors import DiffmpError
from diffmp_core.stores import validate_columns

POINTS = 5
SIGN = np.array([1.0, -1.0, -1.0, 1.0, 0.0])  # of w' and of the departures; points 0, 3 | 1, 2 below share no neighbour


def make_fields(heights: np.ndarray, times: int = 2) -> xr.Dataset:
    """Two cells, {0, 2} and {1, 3}, and point 4 in none.

    Departures of T grow by 1 K/km, those of qv with the square of height, and w' is 1 m/s of the same sign: the fluxes
    are z/1000 K m/s and 1e-12 z^2 m/s.
    """
    z = heights[:, None]
    profiles = {
        "T": 300.0 - 0.005 * z + SIGN * z / 1000.0,
        "qv": 1e-3 + 0.012 * np.exp(-z / 3000.0) + 1e-12 * SIGN * z**2,
        "w": 0.25 + SIGN + 0.0 * z,
        "tend_T_mp": np.array([1e-4, 2e-4, 3e-4, 4e-4, 9.0]) + 0.0 * z,
        "tend_qv_mp": np.array([1e-8, 2e-8, 3e-8, 4e-8, 9.0]) + 0.0 * z,
        "qc": np.array([2e-6, 0.0, 4e-6, 1e-30, 9.0]) + 0.0 * z,
        "qi": np.zeros((len(heights), POINTS)),
    }
    surface = {"Ps": [1e5, 9e4, 1e5, 9e4, 1.0], "SHF": [0.0, 10, 20, 30, 9e9], "LHF": [100.0] * 5, "SOLIN": [1.0] * 5}
    fields = xr.Dataset(
        {name: (("time", "z", "point"), np.broadcast_to(value, (times, len(heights), POINTS)))
         for name, value in profiles.items()}
        | {name: (("time", "point"), np.broadcast_to(value, (times, POINTS))) for name, value in surface.items()},
        coords={
            "time": np.datetime64("2020-01-01", "ns") + np.arange(times) * np.timedelta64(1, "h"),
            "z": ("z", heights, {"units": "m"}),
            "lat": ("point", [10.0, 0.0, 20.0, 0.0, 80.0]),
            "lon": ("point", [0.0, 359.0, 0.0, 1.0, 0.0]),
            "area": ("point", [0.1, 0.2, 0.1, 0.2, 5.0]),
        },
    )  # fmt: skip
    fields["cell_of_point"] = ("point", np.array([0, 1, 0, 1, -1]))
    return fields


FINE = np.arange(41) * 500.0  # 0 to 20 km: 40 levels below 20 km


@pytest.fixture
def coarse(tmp_path):
    make_fields(FINE).to_netcdf(tmp_path / "fields.nc")
    assert recognise(tmp_path / "fields.nc").name == "highres"
    return read(tmp_path / "fields.nc", spacing_km=60).load()


def test_levels_are_chosen_among_the_files_own(coarse):
    validate_columns(coarse, where="fields.nc")
    assert set(coarse["height"].values) <= set(FINE)
    assert coarse["height"].values[-1] == 19_500
    assert coarse["height"].values[:20].tolist() == FINE[:20].tolist()


def test_means_are_equation_1_over_the_points_of_each_cell(coarse):
    np.testing.assert_allclose(coarse["T"].values[0, :, 4], 300 - 0.005 * 2000)
    np.testing.assert_allclose(coarse["Ps"].values[0], [1e5, 9e4])
    np.testing.assert_allclose(coarse["SHF"].values[0], [10, 20])
    np.testing.assert_allclose(coarse["qc"].values[0, :, 3], [3e-6, 0.0], rtol=1e-6)


def test_subgrid_heating_is_microphysics_minus_the_gradient_of_the_flux(coarse):
    # cell 0 has points 0 and 2 (signs + and -), cell 1 points 1 and 3: flux z/1000, tendency -1e-3 K/s in both
    np.testing.assert_allclose(coarse["tend_T_sgs"].values[0, 0], 2e-4 - 1e-3, rtol=1e-5)
    np.testing.assert_allclose(coarse["tend_T_sgs"].values[0, 1], 3e-4 - 1e-3, rtol=1e-5)


def test_subgrid_moistening_differentiates_before_levels_are_chosen(coarse):
    # centred differences of z^2 are exact on even levels: -2e-12 z
    height = coarse["height"].values[1:]
    np.testing.assert_allclose(coarse["tend_qv_sgs"].values[1, 0, 1:], 2e-8 - 2e-12 * height, rtol=1e-5)


def test_places_of_cells_come_from_their_points(coarse):
    np.testing.assert_allclose(coarse["lat"], [15.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(coarse["lon"], [0.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(coarse["area"], [0.2, 0.4])


def test_layer_mass_is_the_air_below_20_km_scaled_by_surface_pressure(coarse):
    total = coarse["layer_mass"].sum("level").values
    assert total[0] == pytest.approx((1e5 - 5400) / 9.80665, rel=2e-3)  # ICAO: 54 hPa 20 km above 1000 hPa
    assert total[1] / total[0] == pytest.approx(0.9)


def test_cells_of_unequal_size_given_by_their_points(tmp_path):
    fields = make_fields(FINE).drop_vars("cell_of_point")
    fields["points_of_cell"] = (("cell", "n"), np.array([[0, 2], [3, -1]]))
    fields.to_netcdf(tmp_path / "fields.nc")
    columns = read(tmp_path / "fields.nc", spacing_km=60)
    np.testing.assert_allclose(columns["tend_T_sgs"].values[0, 0], 2e-4 - 1e-3, rtol=1e-5)
    np.testing.assert_allclose(columns["tend_T_sgs"].values[0, 1], 4e-4, rtol=1e-5)  # one point has no eddies
    np.testing.assert_allclose(columns["SHF"].values[0], [10, 30])


def test_heights_may_be_a_coordinate_along_numbered_levels(tmp_path, coarse):
    numbered = make_fields(FINE).swap_dims(z="lev")
    numbered.to_netcdf(tmp_path / "numbered.nc")
    xr.testing.assert_equal(read(tmp_path / "numbered.nc", spacing_km=60).load(), coarse)


def test_a_file_of_few_levels_is_interpolated_in_height(tmp_path):
    make_fields(np.linspace(0.0, 20_000.0, 21)).rename(z="lev").to_netcdf(tmp_path / "few.nc")
    columns = read(tmp_path / "few.nc", spacing_km=60)
    height = columns["height"].values
    np.testing.assert_allclose(columns["T"].values[0, 0], 300 - 0.005 * height, rtol=1e-6)
    assert (np.diff(height) > 0).all()
    assert height[0] < 100
    assert height[-1] < 20_000


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: f.drop_vars("w"), "expected variable 'w'"),
        (lambda f: f.drop_vars("cell_of_point"), "expected a map cell_of_point or points_of_cell"),
        (lambda f: f.isel(z=slice(None, None, -1)), "heights z that rise"),
        (
            lambda f: f.isel(z=[0, 1, 3, 2, *range(4, 41)]),
            "heights z .* bad.nc, found 1000 after 1500 at level 3; sort",
        ),
        (lambda f: f.isel(z=[0, 0, *range(1, 41)]), "found 0 after 0 at level 1"),
        (lambda f: f.assign_coords(z=f["z"].where(f["z"] != 2000)), "found nan after 1500 at level 4"),
        (lambda f: f.assign_coords(z=f["z"] / 1000), "to 18 km or more .* found 0 to 20 m"),
        (lambda f: f.isel(time=[1, 0]), "rising times"),
        (lambda f: f.assign(T=f["T"].assign_attrs(units="degC")), "expected unit 'K' of T .*'degC'"),
        (lambda f: f.assign(T=f["T"].isel(time=0)), "expected dims"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(tmp_path, damage, message):
    damage(make_fields(FINE)).to_netcdf(tmp_path / "bad.nc")
    with pytest.raises(DiffmpError, match=message):
        read(tmp_path / "bad.nc", spacing_km=60)
