"""Which columns a region and a regime select."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from diffmp_core.physics.regimes import REGIMES, Facts, Mask, between

from ..state.choices import Choices

REGIONS: Mapping[str, tuple[str, Callable[[Facts], Mask]]] = {
    "globe": ("the globe", lambda facts: np.ones(facts.lat.shape, bool)),
    "tropics": ("the tropics (within 20° of the equator)", lambda facts: between(facts.lat, 0, 20)),
    "tropical ocean": (
        "the sea within 20° of the equator",
        lambda facts: between(facts.lat, 0, 20) & (facts.land < 0.5),
    ),
    "tropical land": ("land within 20° of the equator", lambda facts: between(facts.lat, 0, 20) & (facts.land >= 0.5)),
    "mid-latitudes": ("the mid-latitudes (35° to 60°)", lambda facts: between(facts.lat, 35, 60)),
    "land": ("land", lambda facts: facts.land >= 0.5),
    "ocean": ("the ocean", lambda facts: facts.land < 0.5),
}
"""Named regions: in words, and which columns lie in them. A box is made of four numbers."""

WHY_BY_INPUTS = (
    "Regimes are chosen by what the emulator is given, never by what happened: among columns picked because it rained, "
    "even a perfect ensemble has too little rain on average, and misses the truth too often."
)


def selects_all(choices: Choices) -> bool:
    """Whether region and regime leave no column out."""
    return choices.region == "globe" and choices.regime == "any"


def selected(choices: Choices, facts: Facts, lon: NDArray[np.float64]) -> Mask:
    """Columns in region and regime, in the shape of the facts.

    A regime is ranked among the columns of its own zone on the globe; the region then cuts it.

    Args:
        facts: about all columns, (time, cell).
        lon: longitudes in -180..180 (cell,) [degrees]; a box whose west lies east of its east crosses the date line.
    """
    if choices.region == "box":
        west, east = choices.west, choices.east
        within = (lon >= west) & (lon <= east) if west <= east else (lon >= west) | (lon <= east)
        mask = (facts.lat >= choices.south) & (facts.lat <= choices.north) & within
    else:
        mask = REGIONS[choices.region][1](facts)
    return mask if choices.regime == "any" else mask & REGIMES[choices.regime].mask(facts)


def selection_words(choices: Choices) -> str:
    """Region and regime in words, for the middle of a sentence."""
    if choices.region == "box":
        where = f"the box {choices.south}° to {choices.north}° north, {choices.west}° to {choices.east}° east"
    else:
        where = REGIONS[choices.region][0]
    return where if choices.regime == "any" else f"{choices.regime} (by inputs) in {where}"
