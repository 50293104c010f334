"""One cell of the globe with its column: made from its place, its start and its seed, advanced hour by hour."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from diffmp_core.crm.column import (
    N_BUDGET,
    N_SURFACE,
    SKIN_TEMPERATURE,
    BaseState,
    Forcing,
    Workspace,
    base_state,
    initial_state,
    workspace,
)
from diffmp_core.crm.forcing import Site, hourly_forcing, make_site, mean_wind, surface_pressure_wave
from diffmp_core.crm.sea_table import SeaTable
from diffmp_core.crm.vertical_grid import NX, NZ, TIME_STEP
from diffmp_core.crm.waves import Waves, draw_waves
from diffmp_core.errors import DiffmpError

SECONDS_PER_HOUR = 3600
STEPS_PER_HOUR = round(SECONDS_PER_HOUR / TIME_STEP)
NOISE_AMPLITUDE, NOISE_DEPTH = 0.2, 2000.0  # K, m


@dataclass(kw_only=True, eq=False)
class Cell:
    """One column of the globe on its way through the hours; :func:`advance` changes it in place.

    Attributes:
        index, seed: number of the cell in its grid and seed of the run; with place and start they fix every bit.
        day: day of the year of the start, which is 00 UTC.
        site, base, waves: what stays: the climate of the place, the base state, the waves that force all cells.
        generator: random numbers of the cell, after those of its first noise.
        state, surface, work, budget: fields, surface rows, scratch and accumulated budget of :mod:`.column`.
        sensible_factor, latent_factor, shortwave_factor: factors on what the surface gives and on the clear-sky sun.
        step: steps of ``TIME_STEP`` run so far.
    """

    index: int
    seed: int
    day: int
    site: Site
    base: BaseState
    waves: tuple[Waves, Waves]
    generator: np.random.Generator
    state: NDArray[np.float64]
    surface: NDArray[np.float64]
    work: Workspace
    budget: NDArray[np.float64]
    sensible_factor: float = 1.0
    latent_factor: float = 1.0
    shortwave_factor: float = 1.0
    step: int = 0

    @property
    def hour(self) -> int:
        """Whole hours run so far."""
        return self.step // STEPS_PER_HOUR

    def copy(self) -> Cell:
        """An independent cell in the same state; what stays is shared, and so is the generator."""
        return replace(
            self, state=self.state.copy(), surface=self.surface.copy(), work=workspace(), budget=self.budget.copy()
        )

    def forcing(self) -> Forcing:
        """What acts on the cell during this hour: that of the middle of the hour."""
        hour = self.hour + 0.5
        seconds = hour * SECONDS_PER_HOUR
        forcing = hourly_forcing(self.site, self.waves, self.day + seconds / 86400.0, hour % 24, seconds)
        return forcing._replace(
            sensible_factor=self.sensible_factor,
            latent_factor=self.latent_factor,
            shortwave=forcing.shortwave * self.shortwave_factor,
        )

    def pressure_wave(self) -> float:
        """Departure of surface pressure from the base state now, Pa."""
        return surface_pressure_wave(self.site, self.waves[1], self.hour * SECONDS_PER_HOUR, self.hour % 24)


def temperature_noise(generator: np.random.Generator, base: BaseState, amplitude: float) -> NDArray[np.float64]:
    """Normal noise of temperature (NZ, NX), K, of this amplitude below ``NOISE_DEPTH``, zero above."""
    return amplitude * generator.standard_normal((NZ, NX)) * (base.height < NOISE_DEPTH)[:, None]


def make_cell(
    lat: float, lon: float, index: int, *, seed: int, start: datetime.date, sea_table: SeaTable | None = None
) -> Cell:
    """A cell (degrees) at rest at 00 UTC of its start, with noise drawn from its seed and its number.

    sea_table: of the temperature that the fluxes over sea feel, instead of that of the idealised climate.
    """
    day = start.timetuple().tm_yday
    site = make_site(lat, lon, day)
    if sea_table is not None:
        site = site._replace(sea_temperature=sea_table.at(lat, day))
    base = base_state(site.temperature, site.surface_pressure)
    generator = np.random.default_rng([seed, index])
    noise = temperature_noise(generator, base, NOISE_AMPLITUDE)
    surface = np.zeros((N_SURFACE, NX))
    surface[SKIN_TEMPERATURE] = site.deep_soil if site.land else site.sea_temperature
    return Cell(
        index=index,
        seed=seed,
        day=day,
        site=site,
        base=base,
        waves=draw_waves(seed),
        generator=generator,
        state=initial_state(base, site.vapour, mean_wind(lat), noise),
        surface=surface,
        work=workspace(),
        budget=np.zeros(N_BUDGET),
    )


def advance(cell: Cell, *, steps: int = STEPS_PER_HOUR) -> float:
    """Run a cell on by an hour or a part of one, in place; returns the precipitation meanwhile, kg m-2.

    The forcing is that of the middle of the hour, so parts must not reach into the next one.

    Raises:
        DiffmpError: the winds are no longer finite, or the steps pass the end of the hour.
    """
    from diffmp_core.crm.dynamics import run  # compiled code, loaded where it runs

    left = STEPS_PER_HOUR - cell.step % STEPS_PER_HOUR
    if not 1 <= steps <= left:
        raise DiffmpError(
            f"expected 1 to {left} steps, what is left of the hour, found {steps}; advance in parts of it"
        )
    forcing = cell.forcing()
    ok, fallen = run(cell.state, cell.surface, cell.base, forcing, TIME_STEP, steps, cell.step, cell.work, cell.budget)
    if not ok:
        raise DiffmpError(
            f"expected finite winds, found none in hour {cell.hour + 1} of cell {cell.index} at {cell.site.lat:.2f} N "
            f"{cell.site.lon:.2f} E (simulator); report this cell with its seed {cell.seed}."
        )
    cell.step += steps
    return fallen
