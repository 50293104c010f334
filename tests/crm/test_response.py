"""The reference response: the same column again, changed once, paired with a control, and with budgets that close."""

import datetime
import threading
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from diffmp_core.crm.answers import SAME_WEATHER
from diffmp_core.crm.budgets import column_energy, column_water
from diffmp_core.crm.cell import STEPS_PER_HOUR, advance, make_cell
from diffmp_core.crm.column import HEAT_FROZEN_FALL, LATENT, QV, SENSIBLE, WATER_SURFACE, S
from diffmp_core.crm.icosahedral import icosahedral_grid
from diffmp_core.crm.origin import Origin, departure, find_origin, mean_profiles, spun_up
from diffmp_core.crm.response import composite, layer_mean, perturb_cell, reference_response
from diffmp_core.crm.surface_map import is_land
from diffmp_core.crm.vertical_grid import NZ
from diffmp_core.errors import DiffmpError
from diffmp_core.physics.perturbation import Perturbation
from diffmp_core.physics.stratification import potential_temperature

pytestmark = pytest.mark.timeout(1500)  # a cold cache compiles here
START = datetime.date(2005, 4, 1)
SEA = Origin(lat=0.0, lon=160.0, index=5, seed=0, start=START, hour=8)
LAND = Origin(lat=-5.0, lon=-60.0, index=6, seed=0, start=START, hour=14)  # 10 h local time


@pytest.fixture
def cell():
    return spun_up(SEA).copy()


def columns_of(lat, lon, **attrs):
    times = np.datetime64("2005-04-01T00:00", "ns") + np.arange(1, 4) * np.timedelta64(24, "h")
    return xr.Dataset(coords={"lat": ("cell", lat), "lon": ("cell", lon), "time": times}, attrs=attrs)


def test_parts_of_an_hour_give_the_same_bits_as_the_hour():
    whole, parts = (make_cell(0.0, 160.0, 5, seed=0, start=START) for _ in range(2))
    rain = advance(whole)
    assert sum(advance(parts, steps=STEPS_PER_HOUR // 6) for _ in range(6)) == pytest.approx(rain, abs=1e-15)
    np.testing.assert_array_equal(parts.state, whole.state)
    assert parts.hour == whole.hour == 1


def test_steps_beyond_the_hour_are_refused(cell):
    advance(cell, steps=STEPS_PER_HOUR - 1)
    with pytest.raises(DiffmpError, match="expected 1 to 1 steps"):
        advance(cell, steps=2)


def test_a_copy_goes_its_own_way_to_the_same_place(cell):
    other, before = cell.copy(), cell.state.copy()
    advance(other)
    np.testing.assert_array_equal(cell.state, before)
    advance(cell)
    np.testing.assert_array_equal(cell.state, other.state)


def test_factors_scale_what_the_air_gets_at_once(cell):
    scaled = cell.copy()
    perturb_cell(scaled, Perturbation(scale_SHF=0.5, scale_LHF=0.25))
    advance(cell, steps=1)
    advance(scaled, steps=1)
    np.testing.assert_allclose(scaled.surface[SENSIBLE], 0.5 * cell.surface[SENSIBLE], rtol=1e-12)
    np.testing.assert_allclose(scaled.surface[LATENT], 0.25 * cell.surface[LATENT], rtol=1e-12)


@pytest.mark.parametrize("origin", [SEA, LAND])
@pytest.mark.parametrize("factor", [0.0, 0.3, 2.0])
def test_budgets_close_with_scaled_fluxes_and_nothing_gets_negative(origin, factor):
    cell = spun_up(origin).copy()
    perturb_cell(cell, Perturbation(scale_SHF=factor, scale_LHF=factor))
    cell.budget[:] = 0.0
    water, energy = column_water(cell), column_energy(cell)
    advance(cell)
    assert abs(column_water(cell) - water - cell.budget[WATER_SURFACE:].sum()) < 1e-9
    assert abs(column_energy(cell) - energy - cell.budget[: HEAT_FROZEN_FALL + 1].sum()) / 3600.0 < 1e-5
    assert cell.state[QV:].min() >= 0.0
    if factor == 0.0:
        assert cell.budget[WATER_SURFACE] == 0.0


def test_land_stays_as_warm_when_the_air_gets_a_part_only():
    """The slab gives the whole flux; did it keep the rest, it would warm and give the same heat again."""
    whole, part = spun_up(LAND).copy(), spun_up(LAND).copy()
    perturb_cell(part, Perturbation(scale_SHF=0.3, scale_LHF=0.3))
    advance(whole)
    advance(part)
    given = (part.budget - spun_up(LAND).budget)[WATER_SURFACE] / (whole.budget - spun_up(LAND).budget)[WATER_SURFACE]
    assert 0.25 < given < 0.4


def test_a_change_moves_the_means_and_leaves_the_departures(cell):
    changed = cell.copy()
    perturb_cell(changed, Perturbation(top_level=5, warming=-1.5, moistening=-0.2))
    (t0, q0), (t1, q1) = mean_profiles(cell), mean_profiles(changed)
    np.testing.assert_allclose(t1 - t0, [-1.5] * 5 + [0.0] * (NZ - 5), atol=1e-9)
    np.testing.assert_allclose(q1 / q0, [0.8] * 5 + [1.0] * (NZ - 5), rtol=1e-12)
    np.testing.assert_allclose(
        changed.state[S, :5] - changed.state[S, :5].mean(axis=1, keepdims=True),
        cell.state[S, :5] - cell.state[S, :5].mean(axis=1, keepdims=True),
        atol=1e-6,
    )
    np.testing.assert_array_equal(changed.state[:S], cell.state[:S])


def test_neutral_layer_keeps_heat_and_water(cell):
    changed = cell.copy()
    perturb_cell(changed, Perturbation(top_level=6, neutralise_T=1.0, neutralise_qv=1.0))
    temperature, vapour = mean_profiles(changed)
    assert np.ptp(potential_temperature(temperature[:6], cell.base.pressure[:6])) < 1e-8
    assert np.ptp(vapour[:6]) < 1e-12
    assert column_water(changed) == pytest.approx(column_water(cell), rel=1e-12)
    assert column_energy(changed) == pytest.approx(column_energy(cell), rel=1e-12)


@pytest.fixture(scope="module")
def response():
    return reference_response(SEA, Perturbation(scale_SHF=0.3, scale_LHF=0.3), hours=2, members=2, workers=2)


def test_response_has_units_and_says_what_it_is(response):
    assert response["tend_T_sgs"].dims == ("run", "member", "hour", "level")
    assert response["tend_T_sgs"].shape == (2, 2, 2, 30)
    assert response["precipitation"].dims == ("run", "member", "hour")
    assert response["precipitation"].attrs["units"] == "kg m-2 s-1"
    assert response["changed"].values == np.datetime64("2005-04-01T08:00")
    assert "initial-value response over hours" in response.attrs["comment"]
    assert all(np.isfinite(response[name]).all() for name in response.data_vars)
    ratio = (response["LHF"].sel(run="perturbed") / response["LHF"].sel(run="control")).isel(hour=0)
    np.testing.assert_allclose(ratio, 0.3, atol=0.05)


def test_members_differ_and_any_number_of_threads_gives_the_same(response):
    heating = response["tend_T_sgs"].sel(run="control", hour=1)
    assert (heating.isel(member=0) != heating.isel(member=1)).any()
    again = reference_response(SEA, Perturbation(scale_SHF=0.3, scale_LHF=0.3), hours=2, members=2, workers=1)
    xr.testing.assert_identical(response, again)


def test_no_change_is_a_response_of_exactly_zero():
    same = reference_response(SEA, Perturbation(top_level=4), hours=1, members=1)
    for name in same.data_vars:
        np.testing.assert_array_equal(same[name].sel(run="perturbed"), same[name].sel(run="control"))


def test_progress_counts_hours_of_columns_and_can_stop_the_run():
    told = []
    reference_response(SEA, Perturbation(), hours=1, members=2, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]

    class StopAfterOne(Exception):
        pass

    def stop(done, total):
        raise StopAfterOne

    with pytest.raises(StopAfterOne):
        reference_response(SEA, Perturbation(), hours=12, members=2, progress=stop)
    assert not any(thread.name.startswith("reference_") for thread in threading.enumerate())


@pytest.mark.parametrize(
    ("options", "words"), [({"hours": 13}, "1 to 12 hours"), ({"members": 0}, "at least 1 member")]
)
def test_options_out_of_bounds_are_one_sentence(options, words):
    with pytest.raises(DiffmpError, match=words):
        reference_response(SEA, Perturbation(), **options)


def test_layer_mean_weighs_by_mass(response):
    mean = layer_mean(response, 3000.0, 9000.0)["tend_T_sgs"]
    inside = (response["height"].values > 3000) & (response["height"].values < 9000)
    values, mass = response["tend_T_sgs"].values[..., inside], response["layer_mass"].values[inside]
    np.testing.assert_allclose(mean, (values * mass).sum(-1) / mass.sum(), rtol=1e-12)
    with pytest.raises(DiffmpError, match="expected a level between"):
        layer_mean(response, 1.0, 2.0)


def test_composite_is_the_mean_with_the_paired_errors(response):
    other = response.copy(deep=True)
    other["precipitation"].loc[{"run": "perturbed"}] += 1.0
    found = composite([response, other])["precipitation"]
    change = (response["precipitation"].diff("run").isel(run=0)).transpose("member", "hour").values
    np.testing.assert_allclose(found.sel(statistic="change"), change.mean(0) + 0.5, rtol=1e-12)
    by_draw = np.sqrt(2 * change.var(0, ddof=1) / 2) / 2
    np.testing.assert_allclose(found.sel(statistic="standard_error"), by_draw, rtol=1e-6)
    np.testing.assert_allclose(found.sel(statistic="standard_error_columns"), np.sqrt(0.5) / np.sqrt(2), rtol=1e-9)
    with pytest.raises(DiffmpError, match="at least one response"):
        composite([])


def test_a_column_of_a_store_is_found_and_run_again(tmp_path):
    from diffmp_core.crm.simulate import simulate

    raw = xr.open_zarr(simulate(tmp_path / "run.zarr", grid="G0", hours=3, seed=2, workers=1))
    origin = find_origin(raw, time=2, cell=7)
    assert (origin.index, origin.hour, origin.seed, origin.start) == (7, 3, 2, START)
    assert departure(origin, raw["T"].values[2, 7]) < SAME_WEATHER
    assert departure(origin, raw["T"].values[1, 7]) > SAME_WEATHER


def test_columns_in_another_order_and_of_several_runs_are_found(tmp_path):
    grid = icosahedral_grid("G1")
    attrs = {f"simulation_{key}": value for key, value in
             {"grid": "G1", "start": ["2005-01-01", "2005-04-03"], "seed": [3, 4]}.items()}  # fmt: skip
    columns = columns_of(grid.lat[::-1], grid.lon[::-1] + 360.0, **attrs, spacing_km=120)
    columns.to_netcdf(tmp_path / "columns.nc")
    columns = xr.load_dataset(tmp_path / "columns.nc")  # a file gives lists of numbers back as arrays
    first, last = find_origin(columns, time=1, cell=2), find_origin(columns, time=2, cell=2)
    assert first.index == last.index == 39
    assert first.lon == grid.lon[39]
    assert (first.start, first.hour, first.seed) == (datetime.date(2005, 1, 1), 92 * 24, 3)
    assert (last.start, last.hour, last.seed) == (datetime.date(2005, 4, 3), 24, 4)


def test_the_shipped_columns_can_be_run_again():
    columns = xr.load_dataset(Path(__file__).parents[2] / "data" / "demo" / "columns.nc")
    origins = [find_origin(columns, time=time, cell=100) for time in range(columns.sizes["time"])]
    assert {origin.index for origin in origins} == {100}
    assert len({(origin.start, origin.hour) for origin in origins}) == columns.sizes["time"]


def test_columns_over_other_land_are_refused():
    """Those of an aqua-planet: the simulator would answer for a continent."""
    grid = icosahedral_grid("G1")
    columns = columns_of(grid.lat, grid.lon, grid="G1", start="2005-04-01", seed=0)
    land = is_land(grid.lat, grid.lon)
    inland, sea = int(np.argmax(land)), int(np.argmin(land))
    aqua = columns.assign_coords(land_fraction=("cell", np.zeros(len(land), dtype=np.float32)))
    with pytest.raises(DiffmpError, match=r"expected the land of this simulator .*fraction 1\), found 0: .*geography"):
        find_origin(aqua, time=0, cell=inland)
    assert find_origin(aqua, time=0, cell=sea).index == sea


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start": None}, "expected columns of the simulator"),
        ({"spacing_km": 60}, "expected columns of 120 km"),
        ({"grid": "G0"}, "expected a cell of the grid G0"),
    ],
)
def test_columns_that_cannot_be_run_again_are_refused(change, words):
    grid = icosahedral_grid("G1")
    columns = columns_of(grid.lat, grid.lon, **({"grid": "G1", "start": "2005-04-01", "seed": 0} | change))
    with pytest.raises(DiffmpError, match=words):
        find_origin(columns, time=0, cell=20)
