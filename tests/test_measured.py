"""The figures of docs/simulator.md: read block by block to the same numbers as at once, and drawn from any runs."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from diffmp_core.crm import climate
from diffmp_core.errors import DiffmpError
from docs.measured import season as season_module
from docs.measured.__main__ import main
from docs.measured.budgets import choose_cells
from docs.measured.climate_tables import mean_over
from docs.measured.regime_profiles import regime_statistics
from docs.measured.season import blocks, profiles, read_season
from docs.measured.weather import WEATHER
from tests.columns.test_crm_source import make_run

SPIN_UP = 6


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("measured") / "run"
    root, generator = make_run(path, grid_name="G2"), np.random.default_rng(1)
    shape = root["precipitation"].shape
    root["precipitation"][:] = generator.gamma(0.5, 6e-5, shape)
    root["w_max"][:] = generator.gamma(1.0, 2.0, shape)
    for group in ("", "15km/"):
        root[f"{group}qc"][:, :, 5:] *= generator.uniform(0, 2, (*shape, 1))
    return path


@pytest.fixture(scope="module")
def season(store):
    return read_season(store, SPIN_UP)


def test_a_season_read_in_small_blocks_is_the_same(store, season, monkeypatch):
    monkeypatch.setattr(season_module, "BLOCK_VALUES", 1)
    small = read_season(store, SPIN_UP)
    assert len(list(blocks(small.run))) == 6  # chunks of 32 of the 162 cells
    xr.testing.assert_allclose(small.fields, season.fields, rtol=1e-6)
    for choose in WEATHER.values():
        np.testing.assert_array_equal(choose(small.fields), choose(season.fields))
    found, expected = (profiles(s, ["stable"])["stable"]["qc"] for s in (small, season))
    np.testing.assert_allclose(np.sort(found, axis=0), np.sort(expected, axis=0))


def test_fields_are_those_of_the_whole_run_after_spin_up(store, season):
    run = climate.after_spin_up(xr.open_zarr(store).load(), SPIN_UP)
    np.testing.assert_allclose(season.fields["rain"], run["precipitation"] * 86400.0, rtol=1e-5)
    np.testing.assert_allclose(season.fields["LWP"], 1e3 * climate.water_path(run["qc"], run), rtol=1e-5)
    area_mean = (run["precipitation"] * run["area"]).sum("cell") / run["area"].sum()
    assert mean_over(season, "rain") == pytest.approx(86400.0 * float(area_mean.mean()), rel=1e-5)
    assert season.fields.sizes == {"time": 24, "cell": 162}


def test_profiles_of_a_kind_are_those_of_its_columns(store, season):
    run = climate.after_spin_up(xr.open_zarr(store).load(), SPIN_UP)
    mask = xr.DataArray(WEATHER["deep convection"](season.fields), dims=("time", "cell"))
    expected = climate.profile_statistics(climate.targets(run)["tend_T_sgs"], mask)
    xr.testing.assert_allclose(regime_statistics([season])["deep convection"]["tend_T_sgs"].drop_vars("height"),
                               expected.drop_vars("height"), rtol=1e-4)  # fmt: skip


def weather(**given) -> xr.Dataset:
    """Fields of one time that are zero but for those given."""
    count = len(next(iter(given.values())))
    names = ("rain", "rain_around", "low_liquid", "IWP", "stability")
    fields = {name: (("time", "cell"), [np.asarray(given.get(name, np.zeros(count)), float)]) for name in names}
    places = {name: ("cell", np.asarray(given.get(name, np.zeros(count)), float)) for name in ("lat", "land_fraction")}
    return xr.Dataset(fields, coords=places)


def chosen(name: str, **given) -> list[int]:
    return np.flatnonzero(WEATHER[name](weather(**given))[0]).tolist()


def test_weather_is_what_happened():
    lat, rain = np.concatenate([np.linspace(-19, 19, 20), np.linspace(36, 60, 20)]), np.arange(40.0)[::-1]
    assert chosen("deep convection", lat=lat, rain_around=rain) == [0, 1]
    assert chosen("mid-latitude storm", lat=lat, rain_around=rain) == [20, 21]
    assert chosen("stable", stability=np.linspace(-5.0, 14.0, 20)) == [18, 19]
    cumulus = {
        "lat": [20, 20, 20, 20, 0, 0, 0, 0], "land_fraction": [0, 0, 0, 1, 0, 0, 0, 0],
        "low_liquid": [1, 3, 9, 9, 9, 9, 9, 9], "IWP": [0, 0, 1, 0, 0, 1, 1, 1],
    }  # fmt: skip
    assert chosen("trade cumulus", **cumulus) == [1]


def test_too_many_columns_are_thinned_at_random(season, monkeypatch):
    monkeypatch.setattr(season_module, "MOST_COLUMNS", 50)
    assert profiles(season, ["stable"])["stable"]["qi"].shape == (50, 30)


def test_figures_and_tables_are_made_from_named_runs(store, tmp_path, capsys):
    main([store], out=tmp_path, work=tmp_path, grid="G2", hours=30, spin_up_hours=SPIN_UP, noise=False)
    assert {path.name for path in tmp_path.iterdir()} == {
        "convection.svg", "latitude.svg", "precipitation.png", "regimes.svg"
    }  # fmt: skip
    shown = capsys.readouterr().out
    assert "2005-04-01 G2 24 h" in shown
    assert "| 1 April |" in shown
    assert "| deep convection |" in shown
    with pytest.raises(DiffmpError, match="runs of different starts"):
        main([store, store], out=tmp_path, work=tmp_path, grid="G2", hours=30, spin_up_hours=SPIN_UP, noise=False)


def test_a_run_that_is_not_finished_is_refused(tmp_path):
    make_run(tmp_path / "run", finished=False)
    with pytest.raises(DiffmpError, match="expected a finished run"):
        read_season(tmp_path / "run", SPIN_UP)


def test_budget_cells_are_drawn_from_all_regions_in_turn():
    chosen = choose_cells("G3", 16, seed=0)
    assert [region for region, *_ in chosen] == list(climate.REGIONS) * 2
    assert len({cell for _, cell, *_ in chosen}) == 16
    for name, _, lat, _ in chosen:
        assert climate.REGIONS[name].low <= abs(lat) < climate.REGIONS[name].high
    assert chosen == choose_cells("G3", 16, seed=0) != choose_cells("G3", 16, seed=1)
