"""Whether a column closes its budgets: what it holds, against what its sources and sinks say it has gained."""

from __future__ import annotations

from typing import NamedTuple

from diffmp_core.constants import LATENT_HEAT_FUSION, LATENT_HEAT_VAPORISATION
from diffmp_core.crm.cell import SECONDS_PER_HOUR, Cell, advance
from diffmp_core.crm.column import HEAT_FROZEN_FALL, QI, QS, QV, WATER_SURFACE, S
from diffmp_core.crm.vertical_grid import NX, NZ


class Balance(NamedTuple):
    """One hour of a column.

    water: gained and not accounted for, mm/h (kg m-2).  energy: likewise frozen moist static energy, W m-2.
    least_water: smallest mixing ratio of any kind of water at any point at the end, kg kg-1.  rain: mm.
    """

    water: float
    energy: float
    least_water: float
    rain: float


def column_water(cell: Cell) -> float:
    """All five kinds of water, mean over the points, kg m-2."""
    return float((cell.base.mass[:, None] * cell.state[QV:, :NZ].sum(axis=0)).sum() / NX)


def column_energy(cell: Cell) -> float:
    """Frozen moist static energy s + Lv qv - Lf (qi + qs), mean over the points, J m-2."""
    state = cell.state[:, :NZ]
    energy = state[S] + LATENT_HEAT_VAPORISATION * state[QV] - LATENT_HEAT_FUSION * (state[QI] + state[QS])
    return float((cell.base.mass[:, None] * energy).sum() / NX)


def advance_and_balance(cell: Cell) -> Balance:
    """Run a cell on by an hour, in place, and draw up its budget."""
    cell.budget[:] = 0.0
    water, energy = column_water(cell), column_energy(cell)
    rain = advance(cell)
    return Balance(
        water=column_water(cell) - water - float(cell.budget[WATER_SURFACE:].sum()),
        energy=(column_energy(cell) - energy - float(cell.budget[: HEAT_FROZEN_FALL + 1].sum())) / SECONDS_PER_HOUR,
        least_water=float(cell.state[QV:, :NZ].min()),
        rain=rain,
    )
