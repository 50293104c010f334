"""Axes that the figures share: which way levels run, in which unit values are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.models import BasicTicker, Range1d
from bokeh.models.annotations import Title
from bokeh.plotting import figure
from numpy.typing import ArrayLike, NDArray

from app.theme import make_figure
from diffmp_core.errors import DiffmpError
from diffmp_core.variables import BY_NAME

VERTICAL_AXES = ("height", "pressure", "level")
UNITS = ("physical", "normalised")

SMALLEST_PLAIN, LARGEST_PLAIN = 1e-4, 1e6
"""Numbers between these are written without a power of ten."""
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

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
}
"""Titles of panels, short enough for a panel of 180 pixels."""


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
    middle = 0.5 * (values[1:] + values[:-1])
    edges = np.concatenate([[2 * values[0] - middle[0]], middle, [2 * values[-1] - middle[-1]]])
    if name != "level":
        edges = np.maximum(edges, 0.0)
    return LevelAxis(name, label, values, edges, float(edges[0]), float(edges[-1]))


@dataclass(frozen=True)
class ValueAxis:
    """Value axis of a figure: ``shown = stored * factor``."""

    factor: float
    label: str


def value_axis(variable: str, units: str, *, truth_std: float | None = None) -> ValueAxis:
    """Value axis of a variable of the table.

    Args:
        variable: name in the table of variables.
        units: one of ``UNITS``; ``normalised`` divides by the standard deviation of the truth.
        truth_std: that standard deviation in the stored unit; without it values stay physical.

    Raises:
        DiffmpError: unknown units.
    """
    if units not in UNITS:
        raise DiffmpError(f"expected units among {UNITS}, found {units!r}; choose one")
    if units == "normalised" and truth_std:
        return ValueAxis(1.0 / float(truth_std), "σ of truth")
    entry = BY_NAME[variable]
    return ValueAxis(entry.display_factor, entry.display_unit)


def separated(profiles: ArrayLike, levels: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Many profiles as one line broken by NaN, the cheapest way to draw an ensemble.

    Args:
        profiles: (profile, level).
        levels: (level,).

    Returns:
        ``x, y``, each (profile * (level + 1),).
    """
    values = np.asarray(profiles, dtype=np.float32)
    gap = np.full((len(values), 1), np.nan, dtype=np.float32)
    x = np.concatenate([values, gap], axis=1).ravel()
    y = np.tile(np.append(np.asarray(levels, dtype=np.float32), np.float32(np.nan)), len(values))
    return x, y


def padded_range(*arrays: ArrayLike, pad: float = 0.06, least: float = 0.0) -> tuple[float, float]:
    """Lowest and highest finite value of the arrays, widened by a share ``pad`` and to at least ``least``."""
    values = np.concatenate([np.ravel(np.asarray(a, dtype=float)) for a in arrays])
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    width = max(high - low, least, 1e-12 * max(abs(low), abs(high), 1.0))
    middle = 0.5 * (low + high)
    return min(low, middle - width / 2) - pad * width, max(high, middle + width / 2) + pad * width


def steady_range(
    current: tuple[float, float], wanted: tuple[float, float], *, slack: float = 2.0
) -> tuple[float, float]:
    """Range that stays where it is while a slider moves.

    It grows at once to hold ``wanted`` and shrinks only when ``slack`` times too wide, so that curves move, not axes.
    """
    low, high = current
    if not np.isfinite([low, high]).all() or (high - low) > slack * (wanted[1] - wanted[0]):
        return wanted
    return min(low, wanted[0]), max(high, wanted[1])


def set_range(target: Range1d, low_high: tuple[float, float]) -> None:
    """Move a range, sending nothing when it is there already; the reset tool then comes back here."""
    if (target.start, target.end) != low_high:
        target.update(start=low_high[0], end=low_high[1], reset_start=low_high[0], reset_end=low_high[1])


def profile_figure(
    *, title: str, height: int, x_range: Range1d, y_range: Range1d, description: str = "", **fixed: Any
) -> figure:
    """Empty figure of the page's style whose toolbar shows on hover and whose value axis has few ticks.

    ``description`` is what a screen reader says of it, if it should say more than the title.
    """
    plot = make_figure(
        dark=False,
        height=height,
        title=title,
        x_range=x_range,
        y_range=y_range,
        min_width=150,
        description=description or title,
        **fixed,
    )
    plot.toolbar.autohide = True
    plot.xaxis.ticker = BasicTicker(desired_num_ticks=4)
    return plot


def set_title(plot: figure, text: str) -> None:
    """Change the words of a title and leave its looks."""
    if isinstance(plot.title, Title) and plot.title.text != text:
        plot.title.text = text


def plain_number(value: float, *, figures: int = 3) -> str:
    """A number to be read: ``2,290``, ``0.0512``, ``3.1×10⁻⁷``, with a true minus; a dash where there is none."""
    if not np.isfinite(value):
        return "–"
    mantissa, exponent = f"{value:.{figures - 1}e}".split("e")
    power = int(exponent)
    if value == 0:
        text = "0"
    elif SMALLEST_PLAIN <= abs(value) < LARGEST_PLAIN:
        text = f"{round(value, figures - 1 - power):,.{max(figures - 1 - power, 0)}f}"
    else:
        text = f"{'' if mantissa == '1' else mantissa + '×'}10{str(power).translate(SUPERSCRIPTS)}"
    return text.replace("-", "−")
