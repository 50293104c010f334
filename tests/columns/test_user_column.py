"""A column of a user's own: there and back, interpolated where it must be, refused in one sentence where it is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from diffmp_core.columns import user_netcdf
from diffmp_core.columns.user_column import LARGEST, from_text, read_user_column, template, to_text
from diffmp_core.errors import DiffmpError
from diffmp_core.stores import stack_channels
from diffmp_core.variables import INPUT_NAMES, INPUTS
from tests.synthetic import make_columns

STORE = make_columns(cells=6)
HEIGHT, PRESSURE = STORE["height"].values, STORE["pressure"].values
INPUT = stack_channels(STORE.isel(time=[0], cell=[2]), INPUTS)[0]
T, QV, PS, SHF, LHF, SOLIN = range(6)


def read(text: str) -> np.ndarray:
    return read_user_column(text.encode(), height=HEIGHT, pressure=PRESSURE).inputs


def table(place: str, values: np.ndarray, *, temperature="T [K]", humidity="qv [g/kg]", factor: float = 1e3) -> str:
    """A file with T = 300 - 6.5 K/km and qv falling linearly, at heights in km that ``values`` stand for."""
    lines = [f"{place},{temperature},{humidity},Ps,SHF,LHF,SOLIN"]
    for number, (written, z) in enumerate(values):
        single = "101000,20,120,400" if number == 0 else ",,,"
        lines.append(f"{written:.17g},{300 - 6.5 * z:.17g},{(20 - z) * factor * 1e-3:.17g},{single}")
    return "\n".join(lines)


def test_the_template_is_the_column():
    found = read(template(INPUT, height=HEIGHT))
    np.testing.assert_allclose(found[T], INPUT[T], atol=0.006)
    np.testing.assert_allclose(found[QV], INPUT[QV], rtol=6e-5)
    np.testing.assert_allclose(found[[PS, SHF, LHF, SOLIN], 0], INPUT[[PS, SHF, LHF, SOLIN], 0], rtol=6e-5)


def test_text_there_and_back():
    once = from_text(to_text(INPUT))
    np.testing.assert_allclose(once, INPUT, rtol=5e-5)
    assert to_text(once) == to_text(INPUT)
    assert len(to_text(INPUT)) < 600


def test_heights_are_interpolated_in_either_order():
    z = np.linspace(0, 20, 9)
    rows = [(height * 1000, height) for height in z]
    for values in (rows, rows[::-1]):
        found = read(table("height", values))
        np.testing.assert_allclose(found[T], 300 - 6.5e-3 * HEIGHT, atol=0.006)
        np.testing.assert_allclose(found[QV], (20 - HEIGHT / 1000) * 1e-3, rtol=1e-4)
    assert found[SHF, 0] == found[SHF, -1] == 20.0


def test_pressures_are_interpolated_in_their_logarithm_and_follow_the_surface():
    """Pressures of a surface at 1010 hPa whose levels lie at 1.01 times the nominal pressures."""
    rows = [(1.01e3 * np.exp(-height / 7.4), height) for height in np.linspace(0, 20, 21)]
    found = read(table("pressure [hPa]", rows))
    np.testing.assert_allclose(found[T], 300 - 6.5e-3 * HEIGHT, atol=0.01)


def test_units_are_converted():
    z = np.linspace(0, 20, 9)
    kelvin = read(table("height", [(height * 1000, height) for height in z]))
    text = table(
        "z [km]", [(height, height) for height in z], temperature="T (degC)", humidity="qv [kg/kg]", factor=1.0
    )
    lines = text.splitlines()
    cells = [line.split(",") for line in lines[1:]]
    celsius = [",".join([cell[0], repr(float(cell[1]) - 273.15), *cell[2:]]) for cell in cells]
    np.testing.assert_allclose(read("\n".join([lines[0], *celsius])), kelvin, rtol=1e-4)
    specific = [",".join([*cell[:2], repr(float(cell[2]) / (1 + float(cell[2]))), *cell[3:]]) for cell in cells]
    heading = lines[0].replace("qv [kg/kg]", "q [kg/kg]").replace("T (degC)", "T [K]")
    np.testing.assert_allclose(read("\n".join([heading, *specific])), kelvin, rtol=1e-4)


def test_columns_of_a_store_can_be_loaded(tmp_path: Path):
    one = STORE[list(INPUT_NAMES)].isel(time=0, cell=2).drop_vars(("time", "split"))
    for kind in ("NETCDF4", "NETCDF3_CLASSIC"):
        one.drop_attrs(deep=False).to_netcdf(tmp_path / "one.nc", format=kind)
        content = (tmp_path / "one.nc").read_bytes()
        found = read_user_column(content, height=HEIGHT, pressure=PRESSURE).inputs
        np.testing.assert_allclose(found, INPUT, rtol=6e-5)
    with pytest.raises(DiffmpError, match="it is truncated"):
        read_user_column(content[: len(content) // 2], height=HEIGHT, pressure=PRESSURE)


def test_a_netcdf_file_of_many_columns_is_refused(tmp_path: Path):
    STORE[list(INPUT_NAMES)].isel(time=0).drop_vars(("time", "split")).to_netcdf(tmp_path / "many.nc")
    with pytest.raises(DiffmpError, match=r"along one dimension.*send one column only"):
        read_user_column((tmp_path / "many.nc").read_bytes(), height=HEIGHT, pressure=PRESSURE)


def test_a_file_that_kills_or_stalls_its_reader_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    xr.Dataset({"T": ("level", np.arange(3.0))}).to_netcdf(tmp_path / "some.nc")
    content = (tmp_path / "some.nc").read_bytes()
    for executable in ("/bin/false", "/bin/true"):
        monkeypatch.setattr(user_netcdf.sys, "executable", executable)
        with pytest.raises(DiffmpError, match="that cannot be read"):
            read_user_column(content, height=HEIGHT, pressure=PRESSURE)


GOOD = template(INPUT, height=HEIGHT)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected a heading and 1 to 1000 rows"),
        ("a,b\n1,2\n", "found none of them; add T, qv, Ps"),
        (GOOD.replace("T [K]", "T [F]"), r"expected T in K or degC.*found 'F'"),
        (GOOD.replace("T [K]", "T [degC]"), "expected T of 120 to 350 K"),
        (GOOD.replace("qv [g/kg]", "qv [kg/kg]"), "is it in g/kg"),
        (GOOD.replace("height [m]", "height [km]"), "found 44.* km; add what is missing"),
        ("\n".join(GOOD.splitlines()[:20]), "add what is missing"),
        (GOOD.replace("Ps [hPa]", "other"), "add Ps"),
        (GOOD.replace("SHF [W/m²]", "T"), "expected one column T in the table, found two"),
        (GOOD.replace(",,,,", ",,,7,", 1), "expected one value of LHF, found several"),
        (GOOD.replace("height [m]", "number"), None),
        ("\n".join(GOOD.splitlines()[:-1]).replace("height [m]", "number"), "values on the emulator's 30 levels"),
        (GOOD.replace(GOOD.splitlines()[5].split(",")[1], "warm"), "expected a number of T in row 3.*found 'warm'"),
        (GOOD.replace(GOOD.splitlines()[5].split(",")[1], "nan"), "expected finite values of T"),
        ("x" * (LARGEST + 1), "expected a file of at most 1,000,000 bytes"),
        ("\0\1\2", "expected a heading"),
        ("\n".join(["height,T", *["1,2"] * 2000]), "expected a heading and 1 to 1000 rows"),
    ],
)
def test_what_is_no_column_is_one_sentence(text, words):
    if words is None:
        read(text)  # as many levels as the emulator has, lowest first, need no place
        return
    with pytest.raises(DiffmpError, match=words) as refused:
        read(text)
    assert "\n" not in str(refused.value)


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_nothing_in_a_file_raises_anything_else(content):
    if content[:3] == b"CDF" or content[:4] == b"\x89HDF":
        return
    with pytest.raises(DiffmpError):
        read_user_column(content, height=HEIGHT, pressure=PRESSURE)


@pytest.mark.parametrize("text", ["", "1 2", "nan " * 63 + "1", to_text(INPUT).replace(" ", ",", 1), "1e9 " * 63 + "1"])
def test_other_text_is_refused(text):
    with pytest.raises(DiffmpError):
        from_text(text)
