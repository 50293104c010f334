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
from diffmp_core.columns.user_column import check_text, continued_words, from_text, known_levels, template, to_text
from diffmp_core.columns.user_file import LARGEST, read_user_column
from diffmp_core.errors import DiffmpError
from diffmp_core.schema import ColumnSchema, schema_of
from diffmp_core.stores import stack_inputs
from diffmp_core.variables import PAPER, choose_variables
from tests.synthetic import make_columns

STORE = make_columns(cells=6)
HEIGHT = STORE["height"].values
INPUT = stack_inputs(STORE.isel(time=[0], cell=[2]))[0]
T, QV, PS, SHF, LHF, SOLIN = range(6)


SCHEMA = schema_of(STORE)


def on(height: np.ndarray) -> ColumnSchema:
    """The same variables on other levels."""
    return ColumnSchema(SCHEMA.variables, height, nominal_pressure(height))


def read(text: str) -> np.ndarray:
    return read_user_column(text.encode(), SCHEMA).inputs


def table(place: str, values: np.ndarray, *, temperature="T [K]", humidity="qv [g/kg]", factor: float = 1e3) -> str:
    """A file with T = 300 - 6.5 K/km and qv falling linearly, at heights in km that ``values`` stand for."""
    lines = [f"{place},{temperature},{humidity},Ps,SHF,LHF,SOLIN"]
    for number, (written, z) in enumerate(values):
        single = "101000,20,120,400" if number == 0 else ",,,"
        lines.append(f"{written:.17g},{300 - 6.5 * z:.17g},{(20 - z) * factor * 1e-3:.17g},{single}")
    return "\n".join(lines)


def test_the_template_is_the_column():
    found = read(template(INPUT, SCHEMA))
    np.testing.assert_allclose(found[T], INPUT[T], atol=0.006)
    np.testing.assert_allclose(found[QV], INPUT[QV], rtol=6e-5)
    np.testing.assert_allclose(found[[PS, SHF, LHF, SOLIN], 0], INPUT[[PS, SHF, LHF, SOLIN], 0], rtol=6e-5)


def test_text_there_and_back():
    once = from_text(to_text(INPUT, SCHEMA), SCHEMA)
    np.testing.assert_allclose(once, INPUT, rtol=5e-5)
    assert to_text(once, SCHEMA) == to_text(INPUT, SCHEMA)
    assert len(to_text(INPUT, SCHEMA)) < 600


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
    one = STORE[list(PAPER.inputs.names)].isel(time=0, cell=2).drop_vars(("time", "split"))
    for kind in ("NETCDF4", "NETCDF3_CLASSIC"):
        one.drop_attrs(deep=False).to_netcdf(tmp_path / "one.nc", format=kind)
        content = (tmp_path / "one.nc").read_bytes()
        found = read_user_column(content, SCHEMA).inputs
        np.testing.assert_allclose(found, INPUT, rtol=6e-5)
    with pytest.raises(DiffmpError, match="it is truncated"):
        read_user_column(content[: len(content) // 2], SCHEMA)


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
    column = read_user_column(sounding(*STANDARD_LEVELS).encode(), on(TALL))
    first, last = column.known
    assert (first, last) == (0, 29)
    assert column.inputs[T, 29] == pytest.approx(205.0)  # as in the standard atmosphere from 11 to 20 km
    assert column.inputs[QV, 29] == pytest.approx(6.67e-6, rel=1e-3)  # of the last row
    text = to_text(column.inputs, SCHEMA, column.known)
    assert known_levels(text, SCHEMA) == (0, 29)
    np.testing.assert_array_equal(from_text(text, SCHEMA), column.inputs)
    said = continued_words(text, on(TALL))
    assert said == f"its file has nothing above {TALL[28] / 1000:.1f} km: T and qv keep their end values there"


def test_a_sounding_to_100_hpa_is_continued_and_one_to_150_hpa_is_not():
    column = read_user_column(sounding(*STANDARD_LEVELS[:-1]).encode(), on(HEIGHT))
    assert column.known[1] < 29
    np.testing.assert_array_equal(column.inputs[:2, column.known[1] :], column.inputs[:2, -1:].repeat(
        len(HEIGHT) - column.known[1], axis=1))  # fmt: skip
    with pytest.raises(DiffmpError, match=r"or to 15 km at least, found .* to 150 hPa; add what is missing"):
        read_user_column(sounding(*STANDARD_LEVELS[:-2]).encode(), on(HEIGHT))


def test_a_file_that_begins_above_the_ground_says_so_and_a_whole_one_says_nothing():
    column = read_user_column(sounding(*STANDARD_LEVELS[1:], 50.0).encode(), on(HEIGHT))  # fmt: skip
    assert column.known[0] == 1
    words = continued_words(to_text(column.inputs, SCHEMA, column.known), SCHEMA)
    assert words == f"its file has nothing below {HEIGHT[1]:.0f} m: T and qv keep their end values there"
    whole = read_user_column(template(INPUT, SCHEMA).encode(), SCHEMA)
    assert whole.known == (0, 30)
    assert continued_words(to_text(whole.inputs, SCHEMA, whole.known), SCHEMA) == ""


@pytest.mark.parametrize("end", ["0:31", "5:5", "9:2", "1:", "a:b", "0:30 0:30"])
def test_levels_that_are_none_are_refused(end):
    with pytest.raises(DiffmpError, match="found other text"):
        from_text(f"{to_text(INPUT, SCHEMA)} {end}", SCHEMA)


@pytest.mark.parametrize("unit", ["kg kg^{-1}", "kg kg**-1", "1", "kg/kg"])
def test_units_are_those_that_readers_of_runs_know(unit):
    text = template(INPUT, SCHEMA).replace("SHF [W/m²]", "SHF [W m^{-2}]").replace("T [K]", "T [deg K]")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = [line.split(",") for line in lines[1:]]
    heading = lines[0].replace("qv [g/kg]", f"qv [{unit}]")
    written = [",".join([row[0], row[1], repr(float(row[2]) / 1e3), *row[3:]]) for row in rows]
    np.testing.assert_allclose(read("\n".join([heading, *written])), read(template(INPUT, SCHEMA)), rtol=1e-6)


def test_a_netcdf_file_of_many_columns_is_refused(tmp_path: Path):
    STORE[list(PAPER.inputs.names)].isel(time=0).drop_vars(("time", "split")).to_netcdf(tmp_path / "many.nc")
    with pytest.raises(DiffmpError, match=r"along one dimension.*send one column only"):
        read_user_column((tmp_path / "many.nc").read_bytes(), SCHEMA)


def test_a_file_that_kills_or_stalls_its_reader_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    xr.Dataset({"T": ("level", np.arange(3.0))}).to_netcdf(tmp_path / "some.nc")
    content = (tmp_path / "some.nc").read_bytes()
    for executable in ("/bin/false", "/bin/true"):
        monkeypatch.setattr(user_netcdf.sys, "executable", executable)
        with pytest.raises(DiffmpError, match="that cannot be read"):
            read_user_column(content, SCHEMA)


GOOD = template(INPUT, SCHEMA)


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
        read_user_column(content, SCHEMA)


@pytest.mark.parametrize(
    "text", ["", "1 2", "nan " * 63 + "1", to_text(INPUT, SCHEMA).replace(" ", ",", 1), "1e9 " * 63 + "1"]
)
def test_other_text_is_refused(text):
    with pytest.raises(DiffmpError):
        from_text(text, SCHEMA)


DEEP = np.array([50.0, 1000, 3000, 6000, 9000, 12_000, 16_000, 20_000, 26_000, 40_000, 60_000])
RICH = ColumnSchema(
    choose_variables(("lat", "qc", "T", "RH", "q", "T_minus_below", "Ps"), ("PRECC",)), DEEP, nominal_pressure(DEEP)
)


def rich(heights: np.ndarray, *, heading: str = "height,T,qv [g/kg],qc [mg/kg],Ps [hPa],lat [°N]") -> bytes:
    lines = [heading]
    for number, z in enumerate(heights):
        temperature, vapour = max(300 - 6.5e-3 * z, 216.65), max(16 * np.exp(-z / 2500), 2e-3)
        lines.append(f"{z},{temperature},{vapour},{20 if z < 2000 else 0},{'1000,45' if number == 0 else ','}")
    return "\n".join(lines).encode()


def test_other_inputs_are_read_and_derived_on_the_levels_of_the_columns():
    found = read_user_column(rich(np.append(DEEP, 66_000.0)), RICH).inputs
    lat, qc, t, rh, q, step, ps = found
    assert (lat[0], ps[0]) == (45.0, 1e5)
    np.testing.assert_allclose(qc[:3], [2e-5, 2e-5, 0.0])
    vapour = np.maximum(16e-3 * np.exp(-DEEP / 2500), 2e-6)
    np.testing.assert_allclose(q, vapour / (1 + vapour), rtol=1e-4)
    np.testing.assert_allclose(step[1:], np.diff(t), atol=0.02)
    assert step[0] == 0
    partial = vapour[1] * 461.5 / 287.04 / (1 + vapour[1] * 461.5 / 287.04) * nominal_pressure(1000.0)
    assert rh[1] == pytest.approx(partial / (611.2 * np.exp(17.67 * (t[1] - 273.15) / (t[1] - 29.65))), rel=1e-4)


def test_a_template_of_other_inputs_is_the_column_and_so_is_its_text():
    column = read_user_column(rich(np.append(DEEP, 66_000.0)), RICH).inputs
    np.testing.assert_array_equal(from_text(to_text(column, RICH), RICH), column)
    again = read_user_column(template(column, RICH).encode(), RICH)
    np.testing.assert_allclose(again.inputs, column, rtol=1e-3, atol=1e-9)  # temperatures of five digits
    assert again.known == (0, 11)


def test_a_sounding_goes_on_as_the_standard_atmosphere_in_columns_that_reach_the_mesosphere():
    column = read_user_column(rich(DEEP[:8]), RICH)
    assert column.known == (0, 8)
    # ICAO: 216.65 K to 20 km, 222.65 at 26, 251.05 at 40, 245.45 at 60 km; the surface is 111 m up there
    np.testing.assert_allclose(column.inputs[2, 7:], [216.65, 222.65, 251.05, 245.45], atol=0.5)
    said = continued_words(to_text(column.inputs, RICH, column.known), RICH)
    assert said == (
        "its file has nothing above 20.0 km: T goes on as the standard atmosphere does, qc, RH, q and T_minus_below "
        "keep their end values there"
    )


def test_what_is_missing_is_what_neither_stands_in_a_file_nor_follows_from_it():
    with pytest.raises(DiffmpError, match="T, RH, q, T_minus_below and Ps in the file, found .*; add lat$"):
        read_user_column(rich(DEEP, heading="height,T,qv [g/kg],qc [mg/kg],Ps [hPa],other"), RICH)
    with pytest.raises(DiffmpError, match="; add RH, q$"):
        read_user_column(rich(DEEP, heading="height,T,other,qc [mg/kg],Ps [hPa],lat"), RICH)


def test_a_file_of_a_store_means_its_inputs_where_an_output_bears_the_name(tmp_path: Path):
    schema = ColumnSchema(choose_variables(("T", "qc"), ("qc",)), HEIGHT, SCHEMA.pressure)
    column = xr.Dataset(
        {"T": ("level", INPUT[T]), "qc": ("level", 0 * INPUT[T]), "input_qc": ("level", INPUT[QV] / 1e3)}
    )
    column.to_netcdf(tmp_path / "one.nc")
    found = read_user_column((tmp_path / "one.nc").read_bytes(), schema).inputs
    np.testing.assert_allclose(found[1], INPUT[QV] / 1e3, rtol=1e-4)


OLD = "300 299 298 290 285 5 4 3 2 1 1000 10 100 300"


def test_an_address_of_an_old_page_is_read():
    """The numbers that pages wrote before columns had a schema: T [K], qv [g/kg], Ps [hPa] and three fluxes [W/m²]."""
    schema = ColumnSchema(PAPER, HEIGHT[:5], SCHEMA.pressure[:5])
    found = from_text(OLD, schema)
    np.testing.assert_allclose(found[0], [300, 299, 298, 290, 285])
    np.testing.assert_allclose(found[1], [5e-3, 4e-3, 3e-3, 2e-3, 1e-3])
    np.testing.assert_allclose(found[2:, 0], [1e5, 10, 100, 300])
    assert to_text(found, schema, (0, 4)) == f"{OLD} 0:4"


@pytest.mark.parametrize("text", [OLD, f"{OLD} 0:4", "1e-05", "-3.5 1e+06"])
def test_numbers_can_be_of_some_column(text):
    assert check_text(text) == text


@pytest.mark.parametrize("text", ["", " ", "1  2", "nan", "1e400 x", "1,2", "0:4", "1 0:4 0:4", "1 " * 20_000 + "1"])
def test_other_text_is_of_none(text):
    with pytest.raises(DiffmpError, match="expected numbers of a column with a blank between, found other text"):
        check_text(text)
