"""Water and energy of a column close every hour while it rains, and no kind of water gets negative."""

import datetime

import numpy as np
import pytest

from diffmp_core.constants import LATENT_HEAT_FUSION, LATENT_HEAT_VAPORISATION, SPECIFIC_HEAT_DRY_AIR
from diffmp_core.crm.budgets import advance_and_balance, column_energy, column_water
from diffmp_core.crm.cell import make_cell
from diffmp_core.crm.climate import REGIONS
from diffmp_core.crm.column import QI, QR, QV, WATER_FALL, S

pytestmark = pytest.mark.timeout(1500)  # a cold cache compiles here: 40 s on a free core, far more on a busy one
START = datetime.date(2005, 4, 1)
SITES = [(0.0, 160.0, 30), (-5.0, -60.0, 20), (50.0, 100.0, 14), (-60.0, 30.0, 22)]
MOST_WATER, MOST_ENERGY = 1e-9, 1e-5  # mm/h, W m-2


def cell_at(lat, lon, index=0):
    return make_cell(lat, lon, index, seed=0, start=START)


def test_contents_are_the_mass_of_water_and_the_heat_it_stands_for():
    cell, warmer = cell_at(0.0, 160.0), cell_at(0.0, 160.0)
    mass = cell.base.mass.sum()
    cell.state[QV:] = 0.0
    warmer.state[QV:] = 0.0
    warmer.state[S, :-1] += SPECIFIC_HEAT_DRY_AIR
    assert column_energy(warmer) - column_energy(cell) == pytest.approx(SPECIFIC_HEAT_DRY_AIR * mass, rel=1e-9)
    for kind, heat in ((QV, LATENT_HEAT_VAPORISATION), (QI, -LATENT_HEAT_FUSION), (QR, 0.0)):
        wet = cell_at(0.0, 160.0)
        wet.state[QV:] = 0.0
        wet.state[kind, :-1] = 1e-3
        assert column_water(wet) == pytest.approx(1e-3 * mass)
        assert column_energy(wet) - column_energy(cell) == pytest.approx(1e-3 * heat * mass, rel=1e-6, abs=1e-3)


@pytest.mark.parametrize(("lat", "lon", "hours"), SITES)
def test_water_and_energy_close_every_hour_and_stay_positive(lat, lon, hours):
    cell = cell_at(lat, lon)
    rain = 0.0
    for _ in range(hours):
        balance = advance_and_balance(cell)
        assert abs(balance.water) < MOST_WATER
        assert abs(balance.energy) < MOST_ENERGY
        assert balance.least_water >= 0.0
        np.testing.assert_allclose(balance.rain, -cell.budget[WATER_FALL], rtol=1e-9, atol=1e-15)
        rain += balance.rain
    assert rain > 0.05  # mm: the budgets closed while it rained


def test_what_comes_from_nowhere_shows_in_the_balance(monkeypatch):
    from diffmp_core.crm import budgets

    def leaky(cell):
        cell.state[QV, 0] += 1e-9
        return 0.0

    monkeypatch.setattr(budgets, "advance", leaky)
    cell = cell_at(0.0, 160.0)
    balance = advance_and_balance(cell)
    assert balance.water == pytest.approx(1e-9 * cell.base.mass[0], rel=1e-3)
    assert balance.energy == pytest.approx(1e-9 * cell.base.mass[0] * LATENT_HEAT_VAPORISATION / 3600.0, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("region", REGIONS.values(), ids=REGIONS.keys())
def test_budgets_close_over_twenty_days(region):
    from diffmp_core.crm.icosahedral import icosahedral_grid
    from diffmp_core.crm.surface_map import is_land

    mesh = icosahedral_grid("G3")
    away, land = np.abs(mesh.lat), is_land(mesh.lat, mesh.lon)
    inside = np.flatnonzero((away >= region.low) & (away < region.high) & (land == region.land))
    index = int(np.random.default_rng(0).choice(inside))
    cell = cell_at(mesh.lat[index], mesh.lon[index], index)
    balances = np.array([advance_and_balance(cell) for _ in range(480)])
    assert np.abs(balances[:, 0]).max() < MOST_WATER
    assert np.abs(balances[:, 1]).max() < MOST_ENERGY
    assert balances[:, 2].min() >= 0.0
