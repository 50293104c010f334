"""Columns picked from the data by simple rules that can be said in one sentence: presets and composites.

Every rule looks at the truth and the inputs of one time, so that it picks what its name says in any data set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from diffmp_core.constants import SPECIFIC_HEAT_DRY_AIR
from diffmp_core.crm.climate import LOW_CLOUD_TOP, STABILITY_TOP

COMPOSITE_SIZE = 40
"""Columns in a composite, or fewer where a region has fewer."""

DRY_LAPSE_RATE = 0.0098
"""Fall of temperature with height in a neutral dry layer [K m-1], g / cp rounded."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Facts:
    """What the rules look at, each (cell,): latitude and longitude [degrees], land fraction [1], column-integrated
    subgrid heating [W m-2], liquid below ``LOW_CLOUD_TOP`` and ice of the whole column [kg m-2], stability [K]."""

    lat: Array
    lon: Array
    land: Array
    heating: Array
    low_liquid: Array
    ice: Array
    stability: Array


def column_facts(columns: xr.Dataset, time: int) -> Facts:
    """Facts about every column of one time of a column store (dims time, cell, level)."""
    now = columns.isel(time=time)
    mass = np.broadcast_to(_float(now["layer_mass"]), (now.sizes["cell"], now.sizes["level"]))
    height = _float(now["height"])
    static = _float(now["T"]) + DRY_LAPSE_RATE * height
    land = _float(now["land_fraction"]) if "land_fraction" in now.coords else np.zeros(now.sizes["cell"])
    return Facts(
        lat=_float(now["lat"]),
        lon=_float(now["lon"]),
        land=land,
        heating=SPECIFIC_HEAT_DRY_AIR * (_float(now["tend_T_sgs"]) * mass).sum(axis=-1),
        low_liquid=(_float(now["qc"]) * mass)[:, height < LOW_CLOUD_TOP].sum(axis=-1),
        ice=(_float(now["qi"]) * mass).sum(axis=-1),
        stability=static[:, int(np.abs(height - STABILITY_TOP).argmin())] - static[:, 0],
    )


@dataclass(frozen=True)
class Selection:
    """A rule: which columns it admits, by what it ranks them (None: it takes all alike), and both in words."""

    words: str
    admits: Callable[[Facts], NDArray[np.bool_]]
    ranks_by: Callable[[Facts], Array] | None = None

    def ranked(self, facts: Facts) -> NDArray[np.int64]:
        """Cells admitted, best first; in the order of the cells where nothing ranks them."""
        cells = np.flatnonzero(self.admits(facts))
        if self.ranks_by is None:
            return cells
        return cells[np.argsort(-self.ranks_by(facts)[cells], kind="stable")]

    def composite(self, facts: Facts, size: int = COMPOSITE_SIZE) -> NDArray[np.int64]:
        """At most ``size`` cells: the best ones, or every n-th of those admitted where nothing ranks them."""
        cells = self.ranked(facts)
        if len(cells) <= size or self.ranks_by is not None:
            return cells[:size]
        return cells[np.linspace(0, len(cells) - 1, size).round().astype(int)]


def _float(array: xr.DataArray) -> Array:
    return np.asarray(array, dtype=float)


def _tropics(facts: Facts) -> NDArray[np.bool_]:
    return np.abs(facts.lat) < 20


PRESETS: dict[str, Selection] = {
    "deep convection": Selection(
        "most column-integrated heating within 20° of the equator", _tropics, lambda facts: facts.heating
    ),
    "trade cumulus": Selection(
        "most liquid cloud below 3 km over sea between 10° and 30°, among the half with least ice",
        lambda facts: (
            (np.abs(facts.lat) > 10)
            & (np.abs(facts.lat) < 30)
            & (facts.land < 0.5)
            & (facts.ice <= np.median(facts.ice))
        ),
        lambda facts: facts.low_liquid,
    ),
    "mid-latitude storm": Selection(
        "most column-integrated heating between 35° and 65°",
        lambda facts: (np.abs(facts.lat) > 35) & (np.abs(facts.lat) < 65),
        lambda facts: facts.heating,
    ),
    "stable": Selection(
        "largest rise of dry static energy from the lowest level to 1 km",
        lambda facts: np.isfinite(facts.stability),
        lambda facts: facts.stability,
    ),
    "unstable": Selection(
        "largest fall of dry static energy from the lowest level to 1 km",
        lambda facts: np.isfinite(facts.stability),
        lambda facts: -facts.stability,
    ),
}
"""Single columns worth a look."""

COMPOSITES: dict[str, Selection] = {
    "convecting tropics": Selection(
        f"the {COMPOSITE_SIZE} columns with most column-integrated heating within 20° of the equator",
        _tropics,
        lambda facts: facts.heating,
    ),
    "tropical ocean": Selection(
        f"{COMPOSITE_SIZE} columns spread evenly over the sea within 20° of the equator",
        lambda facts: _tropics(facts) & (facts.land < 0.5),
    ),
    "tropical land": Selection(
        f"{COMPOSITE_SIZE} columns spread evenly over land within 20° of the equator",
        lambda facts: _tropics(facts) & (facts.land >= 0.5),
    ),
    "mid-latitudes": Selection(
        f"{COMPOSITE_SIZE} columns spread evenly between 35° and 60°",
        lambda facts: (np.abs(facts.lat) > 35) & (np.abs(facts.lat) < 60),
    ),
}
"""Many columns whose mean response is shown; the names are those of ``app.state.COMPOSITES``."""
