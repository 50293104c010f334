"""Columns by what happened in them: here the truth is described, and nothing is scored.

Scores must not be read from such columns: a perfect ensemble has too little of what they were picked for (as
diffmp_core/physics/regimes.py says, whose regimes are of inputs alone).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr

from diffmp_core.physics.regimes import Mask, between, top_share


def _rainiest(fields: xr.Dataset, low: float, high: float) -> Mask:
    """The tenth with most rain in the hours before and after, between two absolute latitudes [degrees]."""
    return top_share(fields["rain_around"].values, 0.1, among=_zone(fields, low, high))


def _trade_cumulus(fields: xr.Dataset) -> Mask:
    """Sea between 10° and 30°, of the half of the world's columns with least ice: the half with most low liquid."""
    ice, sea = fields["IWP"].values, fields["land_fraction"].values < 0.5
    return top_share(fields["low_liquid"].values, 0.5, among=_zone(fields, 10, 30) & sea & (ice <= np.median(ice)))


def _most_stable(fields: xr.Dataset) -> Mask:
    """The tenth with the largest rise of dry static energy."""
    return top_share(fields["stability"].values, 0.1, among=np.ones(fields["stability"].shape, bool))


def _zone(fields: xr.Dataset, low: float, high: float) -> Mask:
    return np.broadcast_to(between(fields["lat"].values, low, high), fields["rain"].shape)


WEATHER: Mapping[str, Callable[[xr.Dataset], Mask]] = {
    "deep convection": lambda fields: _rainiest(fields, 0, 20),
    "trade cumulus": _trade_cumulus,
    "mid-latitude storm": lambda fields: _rainiest(fields, 35, 65),
    "stable": _most_stable,
}
"""Which columns, (time, cell), of the fields of :class:`docs.measured.season.Season`."""
