"""Which way levels run, and in which unit values are read: what every figure of a quantity has in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from diffmp_core.errors import DiffmpError
from diffmp_core.variables import Channels, Variable

VERTICAL_AXES = ("height", "pressure", "level")
UNITS = ("physical", "normalised")

TITLES = {
    "T": "Temperature",
    "theta": "Potential temperature",
    "qv": "Water vapour",
    "Ps": "Surface pressure",
    "SHF": "Sensible heat flux",
    "LHF": "Latent heat flux",
    "SOLIN": "Incoming sunlight",
    "tend_T_sgs": "Subgrid heating",
    "tend_qv_sgs": "Subgrid moistening",
    "qc": "Cloud liquid",
    "qi": "Cloud ice",
    "q": "Specific humidity",
    "u": "Eastward wind",
    "v": "Northward wind",
    "tend_q_sgs": "Subgrid moistening",
    "PRECC": "Precipitation",
    "NETSW": "Net short-wave",
    "FLWDS": "Downward long-wave",
}
"""Titles of panels by name, short enough for a panel of 180 pixels; other variables are called by their long names."""


def title_of(variable: Variable) -> str:
    """What the page calls a variable."""
    return TITLES.get(variable.name) or variable.long_name[:1].upper() + variable.long_name[1:]


def titles_of(variables: Channels) -> dict[str, str]:
    """What the page calls some variables, by name; with the name where two are called the same."""
    titles = {variable.name: title_of(variable) for variable in variables}
    every = list(titles.values())
    return {name: title if every.count(title) == 1 else f"{title} ({name})" for name, title in titles.items()}


@dataclass(frozen=True)
class LevelAxis:
    """Vertical axis of a figure.

    ``values`` (level,) and ``edges`` (level + 1,) are in the unit of the label; ``start`` is the bottom of the figure
    (nearest the surface) and ``end`` its top, so that pressure runs downward.
    """

    name: str
    label: str
    values: NDArray[np.float64]
    edges: NDArray[np.float64]
    start: float
    end: float

    def describe(self, level: int) -> str:
        """One level in words, e.g. ``level 7, 0.85 km`` (level 0 is nearest the surface)."""
        if self.name == "level":
            return f"level {level}"
        number, unit = self.values[level], self.label.split("[")[-1].rstrip("]")
        return f"level {level}, {number:.3g} {unit}"


def level_axis(name: str, *, height: ArrayLike, pressure: ArrayLike) -> LevelAxis:
    """Vertical axis by name.

    Args:
        name: one of ``VERTICAL_AXES``.
        height: nominal height (level,), m.
        pressure: nominal pressure (level,), Pa.

    Raises:
        DiffmpError: an unknown name.
    """
    if name == "height":
        values = np.asarray(height, dtype=float) / 1000.0
        label = "height [km]"
    elif name == "pressure":
        values = np.asarray(pressure, dtype=float) / 100.0
        label = "pressure [hPa]"
    elif name == "level":
        values = np.arange(np.size(height), dtype=float)
        label = "level, 0 nearest the surface"
    else:
        raise DiffmpError(f"expected a vertical axis among {VERTICAL_AXES}, found {name!r}; choose one")
    sides = edges(values) if name == "level" else np.maximum(edges(values), 0.0)
    return LevelAxis(name, label, values, sides, float(sides[0]), float(sides[-1]))


def edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges ``(value + 1,)`` of cells about values."""
    middle = 0.5 * (values[1:] + values[:-1])
    return np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])


@dataclass(frozen=True)
class ValueAxis:
    """Value axis of a figure: ``shown = stored * factor``."""

    factor: float
    label: str


def value_axis(variable: Variable, units: str, *, truth_std: float | None = None) -> ValueAxis:
    """Value axis of a variable.

    Args:
        variable: whose values are drawn.
        units: one of ``UNITS``; ``normalised`` divides by the standard deviation of the truth.
        truth_std: that standard deviation in the stored unit; without it values stay physical.

    Raises:
        DiffmpError: unknown units.
    """
    if units not in UNITS:
        raise DiffmpError(f"expected units among {UNITS}, found {units!r}; choose one")
    if units == "normalised" and truth_std:
        return ValueAxis(1.0 / float(truth_std), "σ of truth")
    return ValueAxis(variable.display_factor, variable.display_unit)
