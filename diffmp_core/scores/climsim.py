"""Heating and moistening as the ClimSim benchmark scores them: MAE, RMSE, R2 and CRPS in W/m2.

A tendency x of a layer of mass m [kg m-2] in a cell of area a is weighed and turned into energy,

    x W/m2 = c m a/<a> x,    c = cp (heating) or the latent heat of vaporisation (moistening),

<a> being the mean area of the cells. Criteria are taken over the times of each cell and layer, then averaged over the
cells and over the 60 layers of ClimSim's model, all alike. Here a level stands for several layers and those above 20 km
are left out: what is in W/m2 is added over the levels and divided by ``MODEL_LAYERS``; R2 is averaged over the levels.
R2 of a truth that hardly varies is a ratio of nearly nothing, so the mean is over cells and levels that vary; of fewer
than ``LEAST_TIMES`` times, which depart little from a mean of their own, there is none.

References:
    Yu et al. 2023, arXiv:2306.08754; its code github.com/leap-stc/ClimSim, climsim_utils/data_utils.py: functions
    output_weighting, calc_MAE, calc_RMSE, calc_R2, calc_CRPS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.constants import LATENT_HEAT_VAPORISATION, SPECIFIC_HEAT_DRY_AIR
from diffmp_core.scores.moments import Additive, Array, Sums
from diffmp_core.scores.score import VANISHING_STD
from diffmp_core.scores.statistics import LEAST_TIMES, Statistics
from diffmp_core.variables import LEVELS, OUTPUT_NAMES

ENERGY = {"tend_T_sgs": SPECIFIC_HEAT_DRY_AIR, "tend_qv_sgs": LATENT_HEAT_VAPORISATION}
"""Outputs that are scored in W/m2, and their energy per mass of air [J kg-1 per unit of the output]."""

MODEL_LAYERS = 60
"""Layers of the host model of ClimSim, over which its criteria are averaged."""

CRITERIA = ("mae", "rmse", "r2", "r2_pooled", "crps")
"""Names of the criteria, in the order of every table."""

UNITS = {"mae": "W m-2", "rmse": "W m-2", "crps": "W m-2"}

_CHANNELS = [OUTPUT_NAMES.index(name) for name in ENERGY]


def layer_masses(columns: xr.Dataset) -> Array:
    """Mass of each layer ``(cell, level)`` [kg m-2]; NaN where the columns have no ``layer_mass``."""
    shape = (columns.sizes["cell"], columns.sizes["level"])
    if "layer_mass" not in columns.variables:
        return np.full(shape, np.nan)
    return np.broadcast_to(np.asarray(columns["layer_mass"], dtype=np.float64), shape)


def layer_weights(columns: xr.Dataset) -> Array:
    """Mass of each layer times the area of its cell over the mean area ``(cell, level)`` [kg m-2].

    NaN where the columns have no ``layer_mass``: their criteria are then undefined. Without ``area`` all cells are
    alike.
    """
    mass = layer_masses(columns)
    if "area" not in columns.variables:
        return mass
    area = np.asarray(columns["area"], dtype=np.float64)
    return mass * (area / area.mean())[:, None]


@dataclass(frozen=True)
class EnergyErrors(Additive):
    """Sums over cells of what each cell has over its times; arrays ``(heating and moistening, level)``.

    Attributes:
        cells: number of cells.
        mae: mean absolute error of the ensemble mean [W m-2].
        rmse: root mean square error of the ensemble mean [W m-2].
        r2: 1 - squared error / squared departure of the truth from its mean over the times, of the cells that vary:
            whose truth has a standard deviation of ``VANISHING_STD`` or more over ``LEAST_TIMES`` or more times.
        crps: fair CRPS [W m-2].
        squared_error, squared_departure: both sums of r2 [W2 m-4], mean over the times.
        varying: number of cells that vary.
        variance: of the truth over the times, in units of its one global variance.
    """

    cells: float
    mae: Array
    rmse: Array
    r2: Array
    crps: Array
    squared_error: Array
    squared_departure: Array
    varying: Array
    variance: Array

    @classmethod
    def none(cls) -> Self:
        """Errors of no cell at all."""
        zero = np.zeros((len(ENERGY), LEVELS))
        return cls(0.0, *[zero] * 8)

    @classmethod
    def of(cls, statistics: Statistics, weights: Array, unit: Array) -> Self:
        """Errors of some cells.

        Args:
            statistics: over the times of each cell, ``(cell, variable, level)``, in units of the truth's std.
            weights: of these cells (:func:`layer_weights`), ``(cell, level)``.
            unit: the truth's std, ``(variable,)``, unit of the variable.
        """
        here = statistics[:, _CHANNELS]
        energy = np.array(list(ENERGY.values())) * np.asarray(unit, dtype=np.float64)[_CHANNELS]
        scale = energy[:, None] * weights[:, None, :]
        sums: Sums = here.sums
        squared_error = sums.squared_error / sums.count
        departure = here.truth.m2 / here.truth.count
        varies = (here.truth.std >= VANISHING_STD) & (sums.count >= LEAST_TIMES)
        r2 = np.where(varies, _explained(squared_error, departure), 0.0)
        return cls(
            cells=float(len(weights)),
            mae=(scale * here.spread_and_error.mean_y).sum(axis=0),
            rmse=(scale * np.sqrt(squared_error)).sum(axis=0),
            r2=r2.sum(axis=0),
            crps=(scale * sums.crps / sums.count).sum(axis=0),
            squared_error=(scale**2 * squared_error).sum(axis=0),
            squared_departure=(scale**2 * departure).sum(axis=0),
            varying=varies.sum(axis=0).astype(float),
            variance=departure.sum(axis=0),
        )

    def by_level(self) -> dict[str, Array]:
        """Criteria of each level ``(variable, level)``, as the level's own W/m2; NaN for the clouds."""
        found = {name: getattr(self, name) / self.cells for name in ("mae", "rmse", "crps")}
        found["r2"] = np.divide(self.r2, self.varying, out=np.full_like(self.r2, np.nan), where=self._known)
        found["r2_pooled"] = _explained(self.squared_error, np.where(self._varies, self.squared_departure, 0.0))
        levels = {name: np.full((len(OUTPUT_NAMES), LEVELS), np.nan) for name in CRITERIA}
        for name in CRITERIA:
            levels[name][_CHANNELS] = found[name]
        return levels

    def overall(self) -> dict[str, dict[str, float]]:
        """Criteria over all levels: output -> criterion -> value; NaN where undefined."""
        levels = self.by_level()
        pooled = _explained(self.squared_error.sum(axis=1), self.squared_departure.sum(axis=1))
        found = {name: levels[name][_CHANNELS].sum(axis=1) / MODEL_LAYERS for name in ("mae", "rmse", "crps")}
        known = self.levels_known()
        mean = np.nansum(levels["r2"][_CHANNELS], axis=1)
        mean = np.divide(mean, known, out=np.full(len(ENERGY), np.nan), where=known > 0)
        found |= {"r2": mean, "r2_pooled": pooled}
        return {output: {name: float(found[name][i]) for name in CRITERIA} for i, output in enumerate(ENERGY)}

    def levels_known(self) -> Array:
        """Number of levels that the mean R2 is over ``(variable,)``."""
        return self._known.sum(axis=1).astype(float)

    @property
    def _varies(self) -> NDArray[np.bool_]:
        """Whether the truth of a level varies over the times, in the root mean square over its cells."""
        return self.variance >= VANISHING_STD**2 * self.cells

    @property
    def _known(self) -> NDArray[np.bool_]:
        """Whether a level varies, and with it a cell of enough times."""
        return self._varies & (self.varying > 0)

    def notes(self) -> tuple[str, ...]:
        """One sentence for each output whose mean R2 is not over all levels and cells."""
        said = []
        varying = np.where(self._known, self.varying, 0.0).sum(axis=1)
        for output, levels, cells in zip(ENERGY, self.levels_known(), varying, strict=True):
            every = self.cells * LEVELS
            if not levels:
                said.append(f"{output}: no mean R2 (no cell with a truth that varies over {LEAST_TIMES} or more times)")
            elif cells < every:
                said.append(
                    f"{output}: mean R2 over {levels:.0f} of {LEVELS} levels, {cells / every:.0%} of the values of "
                    "cells and levels (the truth hardly varies at the others)"
                )
        return tuple(said)


def _explained(error: Array, departure: Array) -> Array:
    """1 - error/departure; NaN where nothing departs."""
    return 1.0 - np.divide(error, departure, out=np.full_like(departure, np.nan), where=departure > 0)
