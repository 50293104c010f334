"""Regimes: columns picked from data by rules that can be said in one sentence.

One definition for the figures of the simulator's climate and for the presets of the dashboard. Datasets have the dims
(time, cell, level) or (cell, level) and the names and units of a column store (docs/contracts.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.constants import GRAVITY, SPECIFIC_HEAT_DRY_AIR

LOW_CLOUD_TOP = 3000.0
"""Cloud below this height counts as low [m]."""

STABILITY_TOP = 1000.0
"""Stability is the rise of dry static energy over cp from the lowest level to this height [m]."""

HEATING = "column-integrated heating"
RAIN = "rain in the hours before and after"

Array = NDArray[np.float64]


def water_path(content: xr.DataArray, columns: xr.Dataset, *, below: float = np.inf) -> xr.DataArray:
    """Mass of a kind of water per area, kg m-2: (..., cell, level) -> (..., cell), of the levels below a height [m]."""
    return (content * columns["layer_mass"].where(columns["height"] < below, 0.0)).sum("level")


def column_heating(columns: xr.Dataset) -> xr.DataArray:
    """Column integral of the subgrid heating, W m-2, (..., cell)."""
    return SPECIFIC_HEAT_DRY_AIR * (columns["tend_T_sgs"] * columns["layer_mass"]).sum("level")


def stability(columns: xr.Dataset) -> xr.DataArray:
    """Rise of dry static energy over cp from the lowest level to ``STABILITY_TOP``, K, (..., cell)."""
    static = columns["T"] + GRAVITY / SPECIFIC_HEAT_DRY_AIR * columns["height"]
    top = int(np.abs(columns["height"].values - STABILITY_TOP).argmin())
    return static.isel(level=top) - static.isel(level=0)


@dataclass(frozen=True)
class Facts:
    """What the rules look at, arrays of one shape, (time, cell) or (cell,).

    Attributes:
        lat: latitude [degrees north].
        land: land fraction [1].
        heating: column-integrated subgrid heating [W m-2].
        low_liquid: liquid below ``LOW_CLOUD_TOP`` [kg m-2].
        ice: ice of the whole column [kg m-2].
        stability: of :func:`stability` [K].
        rain: mean precipitation around the instant [kg m-2 s-1]; None where it is not known.
    """

    lat: Array
    land: Array
    heating: Array
    low_liquid: Array
    ice: Array
    stability: Array
    rain: Array | None = None

    @property
    def convection(self) -> Array:
        """What tells convection: ``rain``, else ``heating``.

        The subgrid heating is noise in large part, and profiles of a target must not be picked by its own noise; but
        a column store has no rain.
        """
        return self.heating if self.rain is None else self.rain


def column_facts(columns: xr.Dataset, *, rain: xr.DataArray | None = None) -> Facts:
    """Facts about every column, of the truth and the inputs alone.

    Args:
        columns: at one time, (cell, level), or more, (time, cell, level). Without ``land_fraction`` all is sea.
        rain: mean precipitation around each instant [kg m-2 s-1], where it is known.
    """
    surface = columns["T"].isel(level=0)

    def values(field: xr.DataArray) -> Array:
        return np.asarray(field.broadcast_like(surface).transpose(*surface.dims), dtype=np.float64)

    return Facts(
        lat=values(columns["lat"]),
        land=values(columns["land_fraction"] if "land_fraction" in columns.variables else xr.zeros_like(surface)),
        heating=values(column_heating(columns)),
        low_liquid=values(water_path(columns["qc"], columns, below=LOW_CLOUD_TOP)),
        ice=values(water_path(columns["qi"], columns)),
        stability=values(stability(columns)),
        rain=None if rain is None else values(rain),
    )


@dataclass(frozen=True)
class Regime:
    """The columns of a zone, ranked: the first is the most typical, the first ``share`` of them are the regime.

    Attributes:
        zone: where, in words.
        most: what they have most of, in words; {convection} stands for ``HEATING`` or ``RAIN``.
        share: part of the columns of the zone.
        admits: which columns lie in the zone.
        ranks_by: what ranks them, the largest first.
    """

    zone: str
    most: str
    share: float
    admits: Callable[[Facts], NDArray[np.bool_]]
    ranks_by: Callable[[Facts], Array]

    def words(self, convection: str = HEATING) -> str:
        """The rule in words, by what tells convection."""
        return f"{self.most.format(convection=convection)} {self.zone}"

    def mask(self, facts: Facts) -> NDArray[np.bool_]:
        """Columns of the regime, in the shape of the facts: over all times together, so that quiet hours have few."""
        admitted, score = self.admits(facts), self.ranks_by(facts)
        if not admitted.any():
            return admitted
        return admitted & (score >= np.quantile(score[admitted], 1.0 - self.share))


def between(facts: Facts, low: float, high: float) -> NDArray[np.bool_]:
    """Which columns lie between two absolute latitudes [degrees], the lower one included."""
    return (np.abs(facts.lat) >= low) & (np.abs(facts.lat) < high)


def _everywhere(facts: Facts) -> NDArray[np.bool_]:
    return np.isfinite(facts.stability)


def _convective(zone: str, low: float, high: float) -> Regime:
    """The tenth with most convection between two absolute latitudes [degrees]."""
    return Regime(
        zone=zone,
        most="most {convection}",
        share=0.1,
        admits=lambda facts: between(facts, low, high),
        ranks_by=lambda facts: facts.convection,
    )


def _layered(change: str, sign: float) -> Regime:
    """The tenth of all columns with the largest ``change``, rise (sign 1) or fall (-1), of dry static energy."""
    return Regime(
        zone="from the lowest level to 1 km",
        most=f"largest {change} of dry static energy",
        share=0.1,
        admits=_everywhere,
        ranks_by=lambda facts: sign * facts.stability,
    )


REGIMES = {
    "deep convection": _convective("within 20° of the equator", 0, 20),
    "trade cumulus": Regime(
        zone="over sea between 10° and 30°, among the half of the world's columns with least ice",
        most="most liquid cloud below 3 km",
        share=0.5,
        admits=lambda facts: between(facts, 10, 30) & (facts.land < 0.5) & (facts.ice <= np.median(facts.ice)),
        ranks_by=lambda facts: facts.low_liquid,
    ),
    "mid-latitude storm": _convective("between 35° and 65°", 35, 65),
    "stable": _layered("rise", 1.0),
    "unstable": _layered("fall", -1.0),
}
"""Regimes by name."""
