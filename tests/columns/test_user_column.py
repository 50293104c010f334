"""A column of a user's own: there and back, interpolated where it must be, refused in one sentence where it is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from diffmp_core.columns import user_netcdf
from diffmp_core.columns.levels import nominal_pressure
from diffmp_core.columns.user_column import (
    LARGEST,
    continued_words,
    from_text,
    known_levels,
    read_user_column,
    template,
    to_text,
)
from diffmp_core.errors import DiffmpError
from diffmp_core.stores import stack_inputs
from diffmp_core.variables import INPUT_NAMES
from tests.synthetic import make_columns

STORE = make_columns(cells=6)
HEIGHT, PRESSURE = STORE["height"].values, STORE["pressure"].values
INPUT = stack_inputs(STORE.isel(time=[0], cell=[2]))[0]
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


def sounding(*pressures: float, surface: float = 1010.0) -> str:
    """A sounding at pressures [hPa]: T falls by 6.5 K/km to 205 K, qv by a factor e over 2.5 km."""
    lines = ["pressure [hPa],T [K],qv [g/kg],Ps [hPa],SHF,LHF,SOLIN"]
    for number, pressure in enumerate(pressures):
        z = 7.4 * np.log(1010.0 / pressure)
        single = f"{surface},20,120,400" if number == 0 else ",,,"
        lines.append(f"{pressure},{max(300 - 6.5 * z, 205):.6g},{max(18 * np.exp(-z / 2.5), 3e-3):.5g},{single}")
    return "\n".join(lines)


STANDARD_LEVELS = (1009.0, 1000.0, 925.0, 850.0, 700.0, 500.0, 400.0, 300.0, 250.0, 200.0, 150.0, 100.0, 70.0)
TALL = np.append(HEIGHT[:-1], 19_900.0)  # levels of an emulator that reach beyond 70 hPa


def test_a_sounding_that_ends_below_the_emulators_top_is_continued_and_says_so():
    column = read_user_column(sounding(*STANDARD_LEVELS).encode(), height=TALL, pressure=nominal_pressure(TALL))
    first, last = column.known
    assert (first, last) == (0, 29)
    assert column.inputs[T, 29] == pytest.approx(205.0)  # as in the standard atmosphere from 11 to 20 km
    assert column.inputs[QV, 29] == pytest.approx(6.67e-6, rel=1e-3)  # of the last row
    text = to_text(column.inputs, column.known)
    assert known_levels(text) == (0, 29)
    np.testing.assert_array_equal(from_text(text), column.inputs)
    said = continued_words(text, height=TALL)
    assert said == f"its file has nothing above {TALL[28] / 1000:.1f} km: T and qv keep their end values there"


def test_a_sounding_to_100_hpa_is_continued_and_one_to_150_hpa_is_not():
    column = read_user_column(
        sounding(*STANDARD_LEVELS[:-1]).encode(), height=HEIGHT, pressure=nominal_pressure(HEIGHT)
    )
    assert column.known[1] < 29
    np.testing.assert_array_equal(column.inputs[:2, column.known[1] :], column.inputs[:2, -1:].repeat(
        len(HEIGHT) - column.known[1], axis=1))  # fmt: skip
    with pytest.raises(DiffmpError, match=r"or to 15 km at least, found .* to 150 hPa; add what is missing"):
        read_user_column(sounding(*STANDARD_LEVELS[:-2]).encode(), height=HEIGHT, pressure=nominal_pressure(HEIGHT))


def test_a_file_that_begins_above_the_ground_says_so_and_a_whole_one_says_nothing():
    column = read_user_column(sounding(*STANDARD_LEVELS[1:], 50.0).encode(), height=HEIGHT,
                              pressure=nominal_pressure(HEIGHT))  # fmt: skip
    assert column.known[0] == 1
    words = continued_words(to_text(*column), height=HEIGHT)
    assert words == f"its file has nothing below {HEIGHT[1]:.0f} m: T and qv keep their end values there"
    whole = read_user_column(template(INPUT, height=HEIGHT).encode(), height=HEIGHT, pressure=PRESSURE)
    assert whole.known == (0, 30)
    assert continued_words(to_text(*whole), height=HEIGHT) == ""


@pytest.mark.parametrize("end", ["0:31", "5:5", "9:2", "1:", "a:b", "0:30 0:30"])
def test_levels_that_are_none_are_refused(end):
    with pytest.raises(DiffmpError, match="found other text"):
        from_text(f"{to_text(INPUT)} {end}")


@pytest.mark.parametrize("unit", ["kg kg^{-1}", "kg kg**-1", "1", "kg/kg"])
def test_units_are_those_that_readers_of_runs_know(unit):
    text = template(INPUT, height=HEIGHT).replace("SHF [W/m²]", "SHF [W m^{-2}]").replace("T [K]", "T [deg K]")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = [line.split(",") for line in lines[1:]]
    heading = lines[0].replace("qv [g/kg]", f"qv [{unit}]")
    written = [",".join([row[0], row[1], repr(float(row[2]) / 1e3), *row[3:]]) for row in rows]
    np.testing.assert_allclose(read("\n".join([heading, *written])), read(template(INPUT, height=HEIGHT)), rtol=1e-6)


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
