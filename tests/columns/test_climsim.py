"""Reader of ClimSim data: stacked files and published pairs, and the real excerpt."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from diffmp_core.columns.choice import ColumnChoice, choose
from diffmp_core.columns.plausibility import LIMITS
from diffmp_core.columns.sources import recognise
from diffmp_core.columns.sources.climsim import kept_levels, read
from diffmp_core.errors import DiffmpError
from diffmp_core.physics.solar import cosine_zenith, declination_of, hour_of
from diffmp_core.schema import variables_of
from diffmp_core.stores import validate_columns
from diffmp_core.variables import CLIMSIM_V1, PAPER, Channels, ColumnVariables, Variable, choose_variables
from tests.columns.climsim_files import make_stack, real_file, write_pairs

DATES = [(80101, 62400), (80110, 43200), (81229, 1200)]


@pytest.fixture
def stack(tmp_path):
    path = tmp_path / "stack.nc"
    make_stack(DATES).to_netcdf(path)
    return path


def test_both_forms_are_recognised_and_give_the_same_columns(tmp_path, stack):
    write_pairs(make_stack(DATES), tmp_path / "pairs" / "0008-01")
    (tmp_path / "pairs" / "0008-01" / "ClimSim_low-res_grid-info.nc").rename(
        tmp_path / "pairs" / "ClimSim_low-res_grid-info.nc"
    )
    assert recognise(stack).name == recognise(tmp_path / "pairs").name == "climsim"
    told = []
    pairs = read(tmp_path / "pairs", spacing_km=120, progress=lambda done, total, what: told.append((done, total)))
    xr.testing.assert_equal(read(stack, spacing_km=120), pairs)
    assert told[-1] == (6, 6)


def test_a_single_published_file_is_read_with_its_partner(tmp_path):
    write_pairs(make_stack(DATES), tmp_path)
    first = tmp_path / "E3SM-MMF.mli.0008-01-10-43200.nc"
    assert read(first, spacing_km=120)["time"].values[0].isoformat() == "0008-01-10T12:00:00"


def test_columns_follow_the_contract(stack):
    columns = read(stack, spacing_km=120)
    validate_columns(columns, where="stack.nc")
    assert columns["time"].values[2].isoformat() == "0008-12-29T00:20:00"
    assert columns["time"].values[0].calendar == "noleap"
    assert columns["lon"].min() >= -180
    assert columns["lon"].max() < 180
    assert float(columns["area"].sum()) == pytest.approx(4 * np.pi)
    assert (np.diff(columns["pressure"]) < 0).all()
    assert "top of the model" in columns["SOLIN"].attrs["comment"]
    assert "radiation included" in columns["tend_T_sgs"].attrs["comment"]


def test_tendencies_are_differences_over_1200_s_and_humidity_is_a_mixing_ratio(stack):
    raw, columns = make_stack(DATES), read(stack, spacing_km=120)
    time, cell, level = 1, 4, 7
    place = {"sample": time, "ncol": cell, "lev": kept_levels(30)[level]}
    assert place["lev"] == 52
    q, q_after = (float(raw[f"{p}_state_q0001"].isel(place)) for p in ("in", "out"))
    here = columns.isel(time=time, cell=cell, level=level)
    heating = float(raw["out_state_t"].isel(place) - raw["in_state_t"].isel(place)) / 1200.0
    assert float(here["tend_T_sgs"]) == pytest.approx(heating, rel=1e-6)
    assert float(here["qv"]) == pytest.approx(q / (1 - q), rel=1e-6)
    moistening = (q_after / (1 - q_after) - q / (1 - q)) / 1200.0
    assert float(here["tend_qv_sgs"]) == pytest.approx(moistening, rel=1e-6)
    assert float(here["qc"]) == pytest.approx(float(raw["out_state_q0002"].isel(place)) / (1 - q_after), rel=1e-6)


def test_cloud_below_the_threshold_is_exactly_zero(stack):
    ice = read(stack, spacing_km=120)["qi"].values
    assert set(np.unique(ice > 0)) == {False, True}
    assert ice[ice > 0].min() > 1e-6


def test_layer_mass_holds_all_air_below_the_uppermost_kept_level(stack):
    raw, columns = make_stack(DATES), read(stack, spacing_km=120)
    top = 1e5 * raw["hyai"].values[15] + raw["in_state_ps"].mean("sample").values * raw["hybi"].values[15]
    expected = (raw["in_state_ps"].mean("sample").values - top) / 9.80665
    np.testing.assert_allclose(columns["layer_mass"].sum("level"), expected, rtol=1e-6)


def test_heights_do_not_depend_on_the_times(tmp_path, stack):
    make_stack([(80601, 0)], seed=9).to_netcdf(tmp_path / "other.nc")
    other = read(tmp_path / "other.nc", spacing_km=120)
    np.testing.assert_array_equal(other["height"], read(stack, spacing_km=120)["height"])


def test_times_out_of_order_are_sorted_and_twice_the_same_is_refused(tmp_path):
    make_stack([DATES[1], DATES[0]]).to_netcdf(tmp_path / "unsorted.nc")
    times = read(tmp_path / "unsorted.nc", spacing_km=120)["time"].values
    assert times[0] < times[1]
    make_stack([DATES[1], DATES[1]]).to_netcdf(tmp_path / "twice.nc")
    with pytest.raises(DiffmpError, match="found a time twice: 0008-01-10 12:00:00"):
        read(tmp_path / "twice.nc", spacing_km=120)


def test_a_missing_grid_file_or_partner_is_one_clear_sentence(tmp_path):
    write_pairs(make_stack(DATES), tmp_path)
    (tmp_path / "ClimSim_low-res_grid-info.nc").unlink()
    with pytest.raises(DiffmpError, match=r"expected ClimSim_low-res_grid-info.nc .* found none; fetch it"):
        read(tmp_path, spacing_km=120)
    (tmp_path / "E3SM-MMF.mlo.0008-01-10-43200.nc").unlink()
    with pytest.raises(DiffmpError, match=r"expected an 'mlo' file beside .*, found none for 1 of 3"):
        read(tmp_path, spacing_km=120)


def test_a_truncated_pair_is_refused(tmp_path):
    write_pairs(make_stack(DATES), tmp_path)
    path = tmp_path / "E3SM-MMF.mlo.0008-01-10-43200.nc"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DiffmpError, match=r"expected \d+ bytes of E3SM-MMF.mlo.0008-01-10-43200.nc"):
        read(tmp_path, spacing_km=120)


def test_levels_upside_down_or_of_another_grid_are_refused(tmp_path):
    make_stack(DATES).isel(lev=slice(None, None, -1)).to_netcdf(tmp_path / "flipped.nc")
    with pytest.raises(DiffmpError, match="flip dimension 'lev'"):
        read(tmp_path / "flipped.nc", spacing_km=120)
    make_stack(DATES).isel(lev=slice(0, 45)).to_netcdf(tmp_path / "other.nc")
    with pytest.raises(DiffmpError, match="expected 60 levels in other.nc, found 45"):
        read(tmp_path / "other.nc", spacing_km=120)


def test_real_excerpt_equals_hand_subtraction_and_is_plausible():
    path = real_file("climsim_lowres_dev.nc")
    columns = read(path, spacing_km=120).load()
    with xr.open_dataset(path, decode_times=False) as raw:
        before, after = (raw[f"{p}_state_t"].isel(sample=5).values.astype(float) for p in ("in", "out"))
        heating = ((after - before) / 1200.0)[:, kept_levels(30)]
    np.testing.assert_allclose(columns["tend_T_sgs"].isel(time=5), heating, rtol=1e-6, atol=1e-12)
    for name in PAPER.stored:
        low, high, _ = LIMITS[name]
        assert low <= float(columns[name].min()) <= float(columns[name].max()) <= high, name
    assert columns.sizes == {"time": 74, "cell": 384, "level": 30}


def test_real_excerpt_dries_by_the_rain_and_its_integral_matches_all_levels():
    path = real_file("climsim_lowres_dev.nc")
    columns = read(path, spacing_km=120).load()
    drying = -(columns["tend_qv_sgs"] * columns["layer_mass"]).sum("level") * 86_400
    assert 2.0 < float(drying.mean()) < 3.5  # mm/day: the global mean rain
    with xr.open_dataset(path, decode_times=False) as raw:
        interfaces = raw["P0"].values * raw["hyai"].values + raw["in_state_ps"].values[..., None] * raw["hybi"].values
        mass = np.diff(interfaces, axis=-1)[..., 15:] / 9.80665
        tendency = (raw["out_state_q0001"].values.astype(float) - raw["in_state_q0001"].values) / 1200.0
    full = -(tendency[..., 15:] * mass).sum(axis=-1) * 86_400
    assert float(drying.mean()) == pytest.approx(full.mean(), rel=0.05)
    assert np.corrcoef(drying.values.ravel(), full.ravel())[0, 1] > 0.98


def choice_of(*inputs: str, outputs: tuple[str, ...] = ("tend_T_sgs",), levels=None) -> ColumnChoice:
    return ColumnChoice(choose_variables(inputs, outputs), levels)


def test_the_benchmarks_own_variables_are_those_of_the_files_on_all_levels(stack):
    raw = make_stack(DATES)
    columns = read(stack, choice=choose("climsim-v1"), spacing_km=120)
    validate_columns(columns, where="stack.nc")
    assert variables_of(columns) == CLIMSIM_V1
    assert columns.sizes["level"] == 60
    upward = raw.isel(lev=slice(None, None, -1))
    np.testing.assert_allclose(columns["q"], upward["in_state_q0001"], rtol=1e-6)
    change = (upward["out_state_q0001"] - upward["in_state_q0001"]) / 1200.0
    np.testing.assert_allclose(columns["tend_q_sgs"], change, rtol=1e-6, atol=1e-16)
    for ours, theirs in {"PRECC": "cam_out_PRECC", "NETSW": "cam_out_NETSW", "FLWDS": "cam_out_FLWDS"}.items():
        np.testing.assert_allclose(columns[ours], raw[f"out_{theirs}"], rtol=1e-6)
        assert columns[ours].dims == ("time", "cell")
    weight = np.diff(raw["hyai"].values + raw["hybi"].values)[::-1] * 1e5 / 9.80665
    assert columns["layer_mass"].shape == (6, 60)
    np.testing.assert_allclose(
        columns["layer_mass"].sum("level"), raw["in_state_ps"].mean("sample") / 9.80665, rtol=1e-6
    )
    np.testing.assert_allclose(columns["layer_mass"].values[:, -20:], weight[-20:][None].repeat(6, 0), rtol=1e-6)
    assert columns["layer_mass"].attrs["comment"].endswith("column integral")


def test_cloud_before_the_step_is_an_input_beside_cloud_after_it(stack):
    raw, levels = make_stack(DATES), kept_levels(30)
    columns = read(stack, choice=choice_of("T", "qv", "qc", "u", "ocean_fraction", outputs=("qc",)), spacing_km=120)
    assert [name for name in columns.data_vars] == ["T", "qv", "input_qc", "u", "ocean_fraction", "qc"]
    for name, prefix in (("input_qc", "in"), ("qc", "out")):
        q, v = (raw[f"{prefix}_state_{n}"].values[..., levels] for n in ("q0002", "q0001"))
        np.testing.assert_allclose(columns[name], q / (1 - v), rtol=1e-6)
    assert "before the physics step" in columns["input_qc"].attrs["comment"]
    np.testing.assert_allclose(columns["u"], raw["in_state_u"].values[..., levels], rtol=1e-6)
    np.testing.assert_allclose(columns["ocean_fraction"], raw["in_cam_in_OCNFRAC"], rtol=1e-6)


def test_relative_humidity_has_the_pressure_of_the_hybrid_levels(stack):
    raw, levels = make_stack(DATES), kept_levels(30)
    columns = read(stack, choice=choice_of("RH", "T_minus_below", "land_fraction"), spacing_km=120)
    assert list(columns.data_vars) == ["RH", "T_minus_below", "input_land_fraction", "tend_T_sgs"]
    t, q = (raw[f"in_state_{name}"].values[..., levels] for name in ("t", "q0001"))
    a, b = (raw[name].values[levels] for name in ("hyam", "hybm"))
    pressure = 1e5 * a + raw["in_state_ps"].values[..., None] * b
    partial = q * pressure / (287.04 / 461.5 * (1 - q) + q)  # q = epsilon e / (p - (1 - epsilon) e)
    saturated = 611.2 * np.exp(17.67 * (t - 273.15) / (t - 29.65))
    np.testing.assert_allclose(columns["RH"], partial / saturated, rtol=1e-5)
    np.testing.assert_allclose(columns["T_minus_below"][..., 1:], np.diff(t, axis=-1), rtol=1e-4, atol=1e-4)
    assert (columns["T_minus_below"][..., 0] == 0).all()
    np.testing.assert_allclose(columns["input_land_fraction"], raw["in_cam_in_LANDFRAC"], rtol=1e-6)


def test_fewer_levels_still_hold_all_air_below_the_uppermost(stack):
    few, many = (read(stack, choice=choice_of("T", levels=n), spacing_km=120) for n in (12, 30))
    assert few.sizes["level"] == 12
    assert float(few["height"][-1]) == float(many["height"][-1])
    np.testing.assert_allclose(few["layer_mass"].sum("level"), many["layer_mass"].sum("level"), rtol=1e-6)


def test_a_variable_defined_in_a_file_is_looked_for_under_its_own_name(tmp_path):
    wind = Variable("state_u", "U", "eastward wind", "m s-1", "m/s", 1.0)
    ocean = Variable("cam_in_OCNFRAC", "f", "sea", "1", "1", 1.0, profile=False)
    other = Variable("pbuf_TAUX", "tau", "stress", "N m-2", "N/m2", 1.0, profile=False)
    choice = ColumnChoice(ColumnVariables(Channels([wind, ocean]), PAPER.outputs))
    write_pairs(make_stack(DATES), tmp_path)
    columns = read(tmp_path, choice=choice, spacing_km=120)
    np.testing.assert_allclose(
        columns["state_u"], make_stack(DATES)["in_state_u"].values[..., kept_levels(30)], rtol=1e-6
    )
    with pytest.raises(DiffmpError, match="expected variable 'pbuf_TAUX' in E3SM-MMF.mli"):
        read(tmp_path, choice=ColumnChoice(ColumnVariables(Channels([other]), PAPER.outputs)), spacing_km=120)


def test_the_sun_of_the_real_excerpt_stands_where_its_insolation_says():
    """Insolation is the mean over the step of 20 minutes after the date, and varies with the distance of the sun."""
    columns = read(real_file("climsim_lowres_dev.nc"), choice=choice_of("SOLIN", "cos_zenith"), spacing_km=120).load()
    insolation, times = columns["SOLIN"].values, columns["time"].values
    declination, hour = declination_of(times)[:, None], hour_of(times)[:, None]
    lat, lon = columns["lat"].values, columns["lon"].values
    over_step = [cosine_zenith(lat, lon, declination, hour + minute / 60) for minute in range(21)]
    cosine = np.mean(over_step, axis=0)
    constant = (insolation * cosine).sum(axis=1) / (cosine**2).sum(axis=1)
    assert np.abs(insolation / constant[:, None] - cosine).max() < 0.003
    assert constant.min() == pytest.approx(1361 * 0.967, rel=0.01)
    assert constant.max() == pytest.approx(1361 * 1.034, rel=0.01)
    np.testing.assert_allclose(columns["cos_zenith"], over_step[0], atol=1e-6)
