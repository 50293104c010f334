"""Columns to test with: a warm tropical sea, a cool midlatitude sea, and empty neutral air."""

from typing import NamedTuple

import numpy as np
import pytest

from diffmp_core.crm import column, forcing
from diffmp_core.crm.vertical_grid import NX, NZ, layer_heights
from diffmp_core.crm.waves import draw_waves

DAY = 91


class Column(NamedTuple):
    """One column ready to run."""

    site: forcing.Site
    base: column.BaseState
    state: np.ndarray
    surface: np.ndarray
    work: column.Workspace
    budget: np.ndarray

    def forcing(self, hour):
        seconds = (hour + 0.5) * 3600.0
        return forcing.hourly_forcing(self.site, draw_waves(0), DAY + seconds / 86400, (hour + 0.5) % 24, seconds)


def make_column(lat, lon, seed=0):
    site = forcing.make_site(lat, lon, DAY)
    base = column.base_state(site.temperature, site.surface_pressure)
    noise = 0.2 * np.random.default_rng(seed).standard_normal((NZ, NX)) * (base.height < 2000)[:, None]
    state = column.initial_state(base, site.vapour, forcing.mean_wind(lat), noise)
    surface = np.zeros((column.N_SURFACE, NX))
    surface[column.SKIN_TEMPERATURE] = site.deep_soil if site.land else site.sea_temperature
    return Column(site, base, state, surface, column.workspace(), np.zeros(column.N_BUDGET))


@pytest.fixture
def tropical_column():
    return make_column(0.0, 160.0)


@pytest.fixture
def neutral_column():
    """Dry air of constant dry static energy at rest."""
    temperature = 300.0 - 9.80665 / 1004.64 * layer_heights()
    temperature = np.maximum(temperature, 300.0 - 9.80665 / 1004.64 * 10000.0)
    base = column.base_state(temperature, 1.0e5)
    state = column.initial_state(base, np.zeros(NZ), np.zeros(NZ), np.zeros((NZ, NX)))
    return Column(None, base, state, np.zeros((column.N_SURFACE, NX)), column.workspace(), np.zeros(column.N_BUDGET))
