"""Axes as the figures draw them: ranges, ticks, titles and numbers to be read."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import BasicTicker, Range1d
from bokeh.models.annotations import Title
from bokeh.plotting import figure
from numpy.typing import ArrayLike, NDArray

from .theme import make_figure

SMALLEST_PLAIN, LARGEST_PLAIN = 1e-4, 1e6
"""Numbers between these are written without a power of ten."""
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


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
