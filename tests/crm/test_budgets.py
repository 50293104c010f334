import numpy as np
import pytest

from diffmp_core.constants import LATENT_HEAT_FUSION, LATENT_HEAT_VAPORISATION
from diffmp_core.crm.column import HEAT_FROZEN_FALL, QI, QS, QV, WATER_FALL, WATER_SURFACE, S
from diffmp_core.crm.dynamics import run
from diffmp_core.crm.vertical_grid import NX, NZ, TIME_STEP

from .conftest import make_column

pytestmark = pytest.mark.timeout(1500)  # a cold cache compiles here: 40 s on a free core, far more on a busy one
SITES = [(0.0, 160.0, 30), (-5.0, -60.0, 20), (50.0, 100.0, 14), (-60.0, 30.0, 22)]


def column_water(column):
    return (column.base.mass[:, None] * column.state[QV:, :NZ].sum(axis=0)).sum() / NX


def column_energy(column):
    state = column.state
    energy = state[S] + LATENT_HEAT_VAPORISATION * state[QV] - LATENT_HEAT_FUSION * (state[QI] + state[QS])
    return (column.base.mass[:, None] * energy[:NZ]).sum() / NX


@pytest.mark.parametrize(("lat", "lon", "hours"), SITES)
def test_water_and_energy_close_every_hour_and_stay_positive(lat, lon, hours):
    column = make_column(lat, lon)
    rain = 0.0
    for hour in range(hours):
        column.budget[:] = 0.0
        water, energy = column_water(column), column_energy(column)
        ok, fallen = run(
            column.state,
            column.surface,
            column.base,
            column.forcing(hour),
            TIME_STEP,
            120,
            hour * 120,
            column.work,
            column.budget,
        )
        assert ok
        assert abs(column_water(column) - water - column.budget[WATER_SURFACE:].sum()) < 1e-9  # mm in the hour
        gained = column.budget[: HEAT_FROZEN_FALL + 1].sum()
        assert abs(column_energy(column) - energy - gained) / 3600.0 < 1e-5  # W/m2
        assert column.state[QV:].min() >= 0.0
        np.testing.assert_allclose(fallen, -column.budget[WATER_FALL], rtol=1e-9, atol=1e-15)
        rain += fallen
    assert rain > 0.05  # mm: the budgets closed while it rained
