"""Units as models spell them: the same unit passes, another one is told with its factor."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from diffmp_core.columns.prepare import prepare
from diffmp_core.columns.units import MOST_LETTERS, conversion, is_unit, require_unit
from diffmp_core.errors import DiffmpError
from tests.columns.foreign_files import make_run, on_grid, write_yaml
from tests.columns.test_foreign_run import SIGN


@pytest.mark.parametrize(
    ("wanted", "spellings"),
    [
        ("kg kg-1", ["kg kg-1", "kg/kg", "kg kg^{-1}", "kg kg**-1", "kg kg$^{-1}$", "1", "(kg/kg)", "-", "kg.kg-1"]),
        ("W m-2", ["W m^{-2}", "W/m**2", "W/m2", "W m⁻²", "W/m²", "watts/m^2", "Watt m-2", "J m-2 s-1", "W.m-2"]),
        ("K", ["K", "kelvin", "Kelvin", "degK", "deg K", "degrees K", "[K]", " K "]),
        ("Pa", ["Pa", "pascals", "N m-2", "kg m-1 s-2"]),
        ("K s-1", ["K s^{-1}", "K/s", "K sec-1"]),
        ("kg kg-1 s-1", ["kg kg^{-1} s^{-1}", "kg/kg/s", "1/s", "s**-1"]),
        ("m s-1", ["m s^{-1}", "m/s", "meters per second"]),
        ("degree", ["degrees_north", "degree_east", "degrees", "deg", "degreeN"]),
        ("sr", ["sr", "steradian", "steradians", "rad2"]),
    ],
)
def test_one_unit_has_many_spellings(wanted, spellings):
    for spelling in spellings:
        assert is_unit(spelling, wanted), spelling
        require_unit(xr.DataArray(0.0, name="a", attrs={"units": spelling}), wanted, "run.nc")


@pytest.mark.parametrize(
    ("found", "wanted", "factor", "offset"),
    [
        ("hPa", "Pa", 100.0, 0.0),
        ("mb", "Pa", 100.0, 0.0),
        ("degC", "K", 1.0, 273.15),
        ("C", "K", 1.0, 273.15),
        ("g/kg", "kg kg-1", 1e-3, 0.0),
        ("%", "1", 0.01, 0.0),
        ("K day-1", "K s-1", 1 / 86_400, 0.0),
        ("radian", "degree", 180 / np.pi, 0.0),
        ("km", "m", 1000.0, 0.0),
        ("cm/s", "m s-1", 0.01, 0.0),
    ],
)
def test_another_unit_is_told_with_its_factor(found, wanted, factor, offset):
    assert conversion(found, wanted) == pytest.approx((factor, offset), rel=1e-12)
    with pytest.raises(DiffmpError, match=rf"expected unit '{wanted}' of a in run.nc, found '{found}' \(times "):
        require_unit(xr.DataArray(0.0, name="a", attrs={"units": found}), wanted, "run.nc")


@pytest.mark.parametrize(
    ("found", "wanted"),
    [("m2", "sr"), ("Pa s-1", "m s-1"), ("dB", "1"), ("m2 s-2", "m"), ("F", "K"), ("days since 2000-01-01", "s"),
     ("lb(re 1 mW)", "W"), ("1e400 m", "m"), ("((((", "m"), ("mm/day", "W m-2"), ("K" * 100_000, "K")],
)  # fmt: skip
def test_a_unit_of_another_kind_and_what_is_none_are_refused(found, wanted):
    assert conversion(found, wanted) is None
    with pytest.raises(DiffmpError, match="convert it first") as refusal:
        require_unit(xr.DataArray(0.0, name="a", attrs={"units": found}), wanted, "run.nc")
    assert len(str(refusal.value)) < 100 + MOST_LETTERS


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=MOST_LETTERS + 10), st.sampled_from(["K", "Pa", "1", "W m-2", "m"]))
def test_no_text_raises(text, wanted):
    factor = conversion(text, wanted)
    assert factor is None or len(factor) == 2


def test_a_run_with_the_units_of_mpas_or_icon_is_prepared(tmp_path):
    run = on_grid(make_run(SIGN), np.array([-1.0, 0.0, 1.0]), np.array([179.0, 180.0, 181.0]))
    units = {"qv": "kg kg^{-1}", "qc": "kg kg^{-1}", "qi": "kg/kg", "w": "m s^{-1}", "tend_T_mp": "K s^{-1}",
             "tend_qv_mp": "kg kg^{-1} s^{-1}", "SHF": "W m^{-2}", "LHF": "W/m**2", "SOLIN": "W m**-2"}  # fmt: skip
    for name, unit in units.items():
        run[name].attrs["units"] = unit
    run.to_netcdf(tmp_path / "run.nc")
    fields = write_yaml(tmp_path / "run.yaml", points=9)
    assert prepare(tmp_path / "run.nc", tmp_path / "columns.zarr", kind="highres", fields=fields).exists()
