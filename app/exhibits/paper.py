"""How exhibits look on paper: type, lines, title above, attribution below; one home for all of them.

Nothing here uses pyplot, so that figures of many sessions do not meet; :func:`save_page` is to be called by one thread.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure

from diffmp_core import __version__

from ..data.axes import LevelAxis
from ..figures.colouring import Colouring
from ..figures.theme import LIGHT

DOTS_PER_INCH = 300
LETTERS_PER_INCH = {12: 9.8, 9: 14.5, 6.5: 20}
"""How many letters of a size [points] fit into an inch, with room to spare."""
LINE = 1.45
"""Height of a line of text over the size of its letters."""
MARK = "#d55e00"
"""Colour of the ring around a selected column and of the frame of a selected level."""
MARGIN = 0.12
"""Room at the edges of a page [inches]."""
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.edgecolor": LIGHT.muted,
    "axes.labelcolor": LIGHT.text,
    "axes.titlecolor": LIGHT.text,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LIGHT.line,
    "grid.linewidth": 0.5,
    "xtick.color": LIGHT.muted,
    "ytick.color": LIGHT.muted,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "svg.hashsalt": "diffmp",
}
"""Words stay words in SVG and PDF: they can be edited, searched and read aloud."""


def draw_page(draw: Callable[[xr.Dataset, Figure], None], data: xr.Dataset, size: tuple[float, float]) -> Figure:
    """A page with the drawing between title, subtitle and verdict, and cautions and attribution of the dataset."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, dpi=DOTS_PER_INCH, facecolor="white")
        width, height = size
        top, bottom = height - MARGIN, MARGIN
        for text, points, weight, colour in (
            (data.attrs["title"], 12, "bold", LIGHT.text),
            (data.attrs.get("subtitle", ""), 9, "normal", LIGHT.muted),
            (data.attrs.get("verdict", ""), 9, "normal", LIGHT.text),
        ):
            if not text:
                continue
            wrapped = _wrap(text, width, points)
            look = {"fontsize": points, "fontweight": weight, "color": colour, "va": "top", "ha": "left"}
            figure.text(MARGIN / width, top / height, wrapped, look)
            top -= _height(wrapped, points)
        for text, colour in ((data.attrs["attribution"], LIGHT.muted), (data.attrs.get("cautions", ""), LIGHT.text)):
            if not text:
                continue
            wrapped = _wrap(text, width, 6.5)
            figure.text(MARGIN / width, bottom / height, wrapped, fontsize=6.5, va="bottom", ha="left", color=colour)
            bottom += _height(wrapped, 6.5)
        figure.set_layout_engine("constrained", rect=(0.01, bottom / height, 0.98, (top - bottom) / height))
        draw(data, figure)
    return figure


def save_page(figure: Figure, data: xr.Dataset, target: Path | str | IO[bytes], *, suffix: str = "") -> None:
    """Write a page as PNG, SVG or PDF, with title, cautions and attribution in its metadata.

    ``suffix`` (``png``, ``svg``, ``pdf``) is needed where the target has no name.
    """
    kind = suffix or Path(str(target)).suffix.lstrip(".").lower()
    title, maker = data.attrs["title"], f"DIFF-MP {__version__}"
    words = " ".join(data.attrs[name] for name in ("verdict", "cautions", "attribution") if data.attrs.get(name))
    metadata = {
        "png": {"Title": title, "Description": words, "Software": maker},
        "svg": {"Title": title, "Description": words, "Creator": maker, "Date": None},
        "pdf": {"Title": title, "Subject": words, "Creator": maker},
    }.get(kind)
    with mpl.rc_context(STYLE):
        figure.savefig(target, format=kind or None, metadata=metadata)


def _wrap(text: str, width: float, points: float) -> str:
    return textwrap.fill(text, int((width - 2 * MARGIN) * LETTERS_PER_INCH[points]))


def _height(text: str, points: float) -> float:
    return (text.count("\n") + 1) * points * LINE / 72 if text else 0.0


def level_panel(axes: Axes, levels: LevelAxis, *, title: str, label: str, left: bool) -> None:
    """Name and bound a panel with levels upward; only the panel at the ``left`` of a row names its levels."""
    axes.set_title(title)
    axes.set_xlabel(label)
    axes.set_ylim(levels.start, levels.end)
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(4))
    if left:
        axes.set_ylabel(levels.label)
    else:
        axes.tick_params(labelleft=False)


def zero_line(axes: Axes) -> None:
    """A thin line upward at zero."""
    axes.axvline(0, color=LIGHT.muted, linewidth=0.6, linestyle=":")


def coloured(colouring: Colouring) -> tuple[ListedColormap, Normalize, dict[float, str]]:
    """Colour map, its ends, and the words of its bar ('' where numbers will do), as on the light page."""
    shades, low, high, labels = colouring.scale(dark=False)
    norm = LogNorm(low, high, clip=True) if colouring.logarithmic else Normalize(low, high, clip=True)
    return ListedColormap(list(shades)), norm, labels


def colour_bar(
    figure: Figure, axes: Axes | list[Axes], mappable: ScalarMappable, title: str, labels: dict[float, str]
) -> None:
    """Horizontal colour bar below the axes, one for all of them."""
    bar = figure.colorbar(mappable, ax=axes, orientation="horizontal", fraction=0.05, pad=0.03, aspect=45)
    bar.outline.set_visible(False)
    bar.set_label(title)
    if labels:
        bar.minorticks_off()
        bar.set_ticks(list(labels), labels=list(labels.values()))


def finite(values: Any) -> np.ndarray:
    """Values with NaN masked, for a mesh or an image."""
    return np.ma.masked_invalid(np.asarray(values, dtype=float))
