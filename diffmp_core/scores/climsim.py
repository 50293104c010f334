"""Outputs as the ClimSim benchmark scores them: MAE, RMSE, R2 and CRPS in W/m2.

A tendency x of a layer of mass m [kg m-2] in a cell of area a is weighed and turned into energy,

    x W/m2 = c m a/<a> x,    c = cp (heating) or the latent heat of vaporisation (moistening),

<a> being the mean area of the cells. A single value has no layer: it is c a/<a> x, with c = 1 for a radiative flux and
the latent heat of vaporisation times the density of water for precipitation. Criteria are taken over the times of each
cell and layer, then averaged over the cells and over the 60 layers of ClimSim's model, all alike. Where levels are
fewer a level stands for several layers, and those above the top level are left out: what is in W/m2 is added over the
levels and divided by ``MODEL_LAYERS``; R2 is averaged over the levels.
R2 of a truth that hardly varies is a ratio of nearly nothing, so the mean is over cells and levels that vary; of fewer
than ``LEAST_TIMES`` times, which depart little from a mean of their own, there is none.

References:
    Yu et al. 2023, arXiv:2306.08754; its code github.com/leap-stc/ClimSim, climsim_utils/data_utils.py: constants
    target_energy_conv, functions output_weighting, calc_MAE, calc_RMSE, calc_R2, calc_CRPS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.constants import LATENT_HEAT_VAPORISATION, SPECIFIC_HEAT_DRY_AIR, WATER_DENSITY
from diffmp_core.scores.moments import Additive, Array, Sums
from diffmp_core.scores.score import VANISHING_STD
from diffmp_core.scores.statistics import LEAST_TIMES, Statistics
from diffmp_core.variables import Channels

ENERGY = {
    "tend_T_sgs": SPECIFIC_HEAT_DRY_AIR,
    "tend_qv_sgs": LATENT_HEAT_VAPORISATION,
    "tend_q_sgs": LATENT_HEAT_VAPORISATION,
    "PRECC": LATENT_HEAT_VAPORISATION * WATER_DENSITY,
    "NETSW": 1.0,
    "FLWDS": 1.0,
}
"""Outputs that are scored in W/m2: energy per mass of air [J kg-1] or area [J m-2] and unit of the output."""

MODEL_LAYERS = 60
"""Layers of the host model of ClimSim, over which its criteria are averaged."""

CRITERIA = ("mae", "rmse", "r2", "r2_pooled", "crps")
"""Names of the criteria, in the order of every table."""

UNITS = {"mae": "W m-2", "rmse": "W m-2", "crps": "W m-2"}


def energy_outputs(outputs: Channels) -> Channels:
    """Those of some outputs that are scored in W/m2."""
    return Channels(variable for variable in outputs if variable.name in ENERGY)


def layer_masses(columns: xr.Dataset) -> Array:
    """Mass of each layer ``(cell, level)`` [kg m-2]; NaN where the columns have no ``layer_mass``."""
    shape = (columns.sizes["cell"], columns.sizes["level"])
    if "layer_mass" not in columns.variables:
        return np.full(shape, np.nan)
    return np.broadcast_to(np.asarray(columns["layer_mass"], dtype=np.float64), shape)


def area_weights(columns: xr.Dataset) -> Array:
    """Area of each cell over their mean ``(cell,)``; without ``area`` all cells are alike."""
    if "area" not in columns.variables:
        return np.ones(columns.sizes["cell"])
    area = np.asarray(columns["area"], dtype=np.float64)
    return area / area.mean()


@dataclass(frozen=True)
class EnergyErrors(Additive):
    """Sums over cells of what each cell has over its times; arrays ``(output in W/m2, level)``.

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
    def of(cls, statistics: Statistics, masses: Array, areas: Array, unit: Array, outputs: Channels) -> Self:
        """Errors of some cells.

        Args:
            statistics: over the times of each cell, ``(cell, output, level)``, in units of the truth's std.
            masses: of the layers of these cells (:func:`layer_masses`), ``(cell, level)``.
            areas: of these cells (:func:`area_weights`), ``(cell,)``.
            unit: the truth's std, ``(output,)``, unit of the output.
            outputs: which channel is what.
        """
        scored = energy_outputs(outputs)
        channels = [outputs.channel(name) for name in scored.names]
        here = statistics[:, channels]
        energy = np.array([ENERGY[name] for name in scored.names]) * np.asarray(unit, dtype=np.float64)[channels]
        weights = np.where(scored.is_single, 1.0, masses[:, None, :]) * areas[:, None, None]
        scale = energy[:, None] * weights
        sums: Sums = here.sums
        squared_error = sums.squared_error / sums.count
        departure = here.truth.m2 / here.truth.count
        varies = (here.truth.std >= VANISHING_STD) & (sums.count >= LEAST_TIMES)
        r2 = np.where(varies, _explained(squared_error, departure), 0.0)
        return cls(
            cells=float(len(areas)),
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
        """Criteria of each level ``(output in W/m2, level)``, as the level's own W/m2; NaN where undefined."""
        found = {name: getattr(self, name) / self.cells for name in ("mae", "rmse", "crps")}
        found["r2"] = np.divide(self.r2, self.varying, out=np.full_like(self.r2, np.nan), where=self._known)
        found["r2_pooled"] = _explained(self.squared_error, np.where(self._varies, self.squared_departure, 0.0))
        return {name: found[name] for name in CRITERIA}

    def overall(self, outputs: Channels) -> dict[str, dict[str, float]]:
        """Criteria over all levels: output -> criterion -> value; NaN where undefined."""
        scored = energy_outputs(outputs)
        levels = self.by_level()
        layers = np.array([MODEL_LAYERS if variable.profile else self.mae.shape[1] for variable in scored])
        pooled = _explained(self.squared_error.sum(axis=1), self.squared_departure.sum(axis=1))
        found = {name: levels[name].sum(axis=1) / layers for name in ("mae", "rmse", "crps")}
        known = self.levels_known()
        mean = np.nansum(levels["r2"], axis=1)
        mean = np.divide(mean, known, out=np.full(len(scored), np.nan), where=known > 0)
        found |= {"r2": mean, "r2_pooled": pooled}
        return {output: {name: float(found[name][i]) for name in CRITERIA} for i, output in enumerate(scored.names)}

    def levels_known(self) -> Array:
        """Number of levels that the mean R2 is over ``(output in W/m2,)``."""
        return self._known.sum(axis=1).astype(float)

    @property
    def _varies(self) -> NDArray[np.bool_]:
        """Whether the truth of a level varies over the times, in the root mean square over its cells."""
        return self.variance >= VANISHING_STD**2 * self.cells

    @property
    def _known(self) -> NDArray[np.bool_]:
        """Whether a level varies, and with it a cell of enough times."""
        return self._varies & (self.varying > 0)

    def notes(self, outputs: Channels) -> tuple[str, ...]:
        """One sentence for each output whose mean R2 is not over all levels and cells."""
        said = []
        every = self.cells * self.mae.shape[-1]
        varying = np.where(self._known, self.varying, 0.0).sum(axis=1)
        for output, levels, cells in zip(energy_outputs(outputs), self.levels_known(), varying, strict=True):
            if not levels:
                said.append(
                    f"{output.name}: no mean R2 (no cell with a truth that varies over {LEAST_TIMES} or more times)"
                )
            elif cells < every and output.profile:
                said.append(
                    f"{output.name}: mean R2 over {levels:.0f} of {self.mae.shape[-1]} levels, {cells / every:.0%} of "
                    "the values of cells and levels (the truth hardly varies at the others)"
                )
            elif cells < every:
                share = f"{cells / every:.0%} of the cells"
                said.append(f"{output.name}: mean R2 over {share} (the truth hardly varies in the others)")
        return tuple(said)


def _explained(error: Array, departure: Array) -> Array:
    """1 - error/departure; NaN where nothing departs."""
    return 1.0 - np.divide(error, departure, out=np.full_like(departure, np.nan), where=departure > 0)
