"""Colours, type and figure style of the page, light and dark, once for every tab.

Line colours are those of Okabe and Ito (2008), made for readers who do not see all colours; truth is black on
light and white on dark. The type is the system's, so no font is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import colorcet
from bokeh.models import ColorBar, Plot
from bokeh.palettes import Viridis256
from bokeh.plotting import figure
from bokeh.themes import Theme

from diffmp_core.shipped import ASSETS

PAGE_STYLE = (ASSETS / "dashboard.css").read_text(encoding="utf-8")
"""Style sheet of the texts and tables of the page."""
FONT = 'system-ui, -apple-system, "Segoe UI", "Noto Sans", "Liberation Sans", Arial, sans-serif'


@dataclass(frozen=True, kw_only=True)
class Colours:
    """Named colours of one mode."""

    text: str
    muted: str
    line: str
    paper: str
    page: str
    truth: str
    emulator: str
    perturbed: str
    reference: str
    coast: str
    accent: str
    danger: str


LIGHT = Colours(
    text="#1c2733",
    muted="#5a6875",
    line="#d5dce3",
    paper="#ffffff",
    page="#f4f6f8",
    truth="#111111",
    emulator="#0072b2",
    perturbed="#d55e00",
    reference="#009e73",
    coast="#2b2b2b",
    accent="#0b5a80",
    danger="#b3261e",
)
DARK = Colours(
    text="#e8edf2",
    muted="#a3b1be",
    line="#3a4754",
    paper="#17202a",
    page="#0e151c",
    truth="#ffffff",
    emulator="#56b4e9",
    perturbed="#e69f00",
    reference="#3ccf9f",
    coast="#f2f2f2",
    accent="#7cc4ea",
    danger="#ff8f88",
)

MAP_ASPECT = 1.58
"""Width of the figure of a map, colour bar included, over its height; the zonal mean beside it has a third of that."""

_TOO_LOW = {False: ("#7f2704", "#c2540a", "#e8924a", "#f4cfa8"), True: ("#ffb067", "#d97a2a", "#9a5a2a", "#5f4a3c")}
_PERFECT = {False: "#eef0f2", True: "#2a3742"}
_TOO_HIGH = {False: "#bcd7ec", True: "#28587a"}
"""Colours of classes of coverage by mode: a perfect one recedes, less stands out in even steps of lightness."""
COVERAGE_SHADES = 400
"""Shades that the classes of coverage are made of: their edges are true to 1/400."""


def colours(dark: bool) -> Colours:
    """The named colours of the light or the dark page."""
    return DARK if dark else LIGHT


def coverage_classes(perfect: float, *, dark: bool) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Colours and edges of the classes of coverage from 0 to 1: too low, as of a perfect ensemble, too high.

    The class of a perfect one is as wide as what lies between it and the nearer end; below it are classes of a quarter.
    """
    half = min(1.0 - perfect, perfect) / 2
    low, high = perfect - half, perfect + half
    below = [0.0, *(edge for edge in (0.25, 0.5, 0.75) if edge < low - half)]
    edges = (*below, low, high, 1.0)
    shades = (*_TOO_LOW[dark][4 - len(below) :], _PERFECT[dark], _TOO_HIGH[dark])
    ends = [round(COVERAGE_SHADES * edge) for edge in edges]
    return tuple(shade for shade, (a, b) in zip(shades, pairwise(ends), strict=True) for _ in range(b - a)), edges


def palette(name: Literal["sequential", "diverging"], *, dark: bool) -> tuple[str, ...]:
    """A perceptually even palette that readers with any colour vision can order; zero recedes into the page."""
    match name:
        case "sequential":
            return tuple(Viridis256)
        case "diverging":
            return tuple(colorcet.CET_D4 if dark else colorcet.CET_D1A)


def make_figure(*, dark: bool, height: int | None = 360, description: str = "", **options: Any) -> figure:
    """An empty Bokeh figure in the style of the page, as wide as its place.

    ``description`` is what a screen reader says of it; ``options`` are those of Bokeh's figure.
    """
    plot = figure(
        **{
            "height": height,
            "sizing_mode": "stretch_width",
            "output_backend": "canvas",
            "toolbar_location": "above",
            "tools": "pan,wheel_zoom,box_zoom,reset,save",
            "html_attributes": {"role": "figure", "aria-label": description} if description else {},
        }
        | options
    )
    plot.toolbar.logo = None
    plot.toolbar.active_drag = None
    plot.toolbar.active_scroll = None
    style(plot, dark=dark)
    return plot


def name_figure(plot: Plot, words: str) -> None:
    """Write above a figure whose it is; '' leaves no room for it."""
    if plot.title.text != words:
        plot.title.text = words


def style(plot: Plot, *, dark: bool) -> None:
    """Give a figure the colours of the page; call it again when the page turns light or dark."""
    chosen = colours(dark)
    plot.update(background_fill_color=None, border_fill_color=None, outline_line_color=None)
    plot.title.update(text_color=chosen.text, text_font=FONT, text_font_style="bold")
    for axis in plot.axis:
        axis.update(
            axis_label_text_color=chosen.text,
            axis_label_text_font=FONT,
            axis_label_text_font_style="normal",
            major_label_text_color=chosen.muted,
            major_label_text_font=FONT,
            axis_line_color=chosen.line,
            major_tick_line_color=chosen.line,
            minor_tick_line_color=None,
        )
    for grid in plot.grid:
        grid.grid_line_color = chosen.line
        grid.grid_line_alpha = 0.6
    for legend in plot.legend:
        legend.update(
            background_fill_color=chosen.paper,
            background_fill_alpha=0.85,
            border_line_color=None,
            label_text_color=chosen.text,
            label_text_font=FONT,
        )
    for bar in _colour_bars(plot):
        bar.update(
            background_fill_color=None,
            title_text_color=chosen.text,
            title_text_font=FONT,
            title_text_font_style="normal",
            major_label_text_color=chosen.muted,
            major_label_text_font=FONT,
            bar_line_color=None,
            major_tick_line_color=chosen.line,
        )
    set_type_size(plot)


def set_type_size(plot: Plot, scale: float = 1.0) -> None:
    """Size of the type of a figure: 1 to read at a desk, more to read from afar."""
    title, label, number = (f"{round(size * scale)}px" for size in (14, 13, 12))
    plot.title.text_font_size = title
    for axis in plot.axis:
        axis.update(axis_label_text_font_size=label, major_label_text_font_size=number)
    for legend in plot.legend:
        legend.label_text_font_size = number
    for bar in _colour_bars(plot):
        bar.update(title_text_font_size=label, major_label_text_font_size=number)


def _colour_bars(plot: Plot) -> list[ColorBar]:
    """Colour bars beside a figure; Bokeh's ``select`` would walk over everything that the page holds."""
    return [
        part
        for side in ("above", "below", "left", "right")
        for part in getattr(plot, side)
        if isinstance(part, ColorBar)
    ]


OWN_FIGURES = Theme(json={"attrs": {part: {} for part in ("Axis", "ColorBar", "Figure", "Grid", "Legend", "Title")}})
"""Theme of the document: panel-material-ui restyles no part that it names, so that figures keep :func:`style`."""

HEADINGS = {"h3": "h1", "h5": "div", "h6": "h2", "subtitle1": "h3"}
"""Elements of panel-material-ui's styles of type: the page's name (h3) is its one first heading, h5 only takes room."""

PAGE_THEME = {
    mode: {
        "palette": {
            "primary": {"main": chosen.accent},
            "error": {"main": chosen.danger},
            "background": {"default": chosen.page, "paper": chosen.paper},
            "text": {"primary": chosen.text, "secondary": chosen.muted},
        },
        "typography": {"fontFamily": FONT, "button": {"textTransform": "none"}},
        "shape": {"borderRadius": 8},
        "components": {
            "MuiButtonBase": {
                "styleOverrides": {
                    "root": {"&.Mui-focusVisible": {"outline": f"3px solid {focus}", "outlineOffset": -1}}
                }
            },
            "MuiTypography": {"defaultProps": {"variantMapping": HEADINGS}},
            "MuiFormLabel": {  # of a control that rests, too: it names what is shown (axe-core: color-contrast)
                "styleOverrides": {"root": {"&.Mui-disabled": {"color": chosen.muted}}}
            },
            "MuiLinearProgress": {"defaultProps": {"aria-label": "Working"}},
            "MuiAppBar": {
                "styleOverrides": {
                    "root": {
                        "backgroundColor": bar,
                        "backgroundImage": "none",
                        "color": "#ffffff",
                        "& .MuiIconButton-root": {"color": "#ffffff"},
                    }
                }
            },
        },
    }
    for mode, chosen, bar, focus in (
        ("light", LIGHT, LIGHT.accent, LIGHT.perturbed),
        ("dark", DARK, "#0a2434", DARK.perturbed),
    )
}
"""Theme of panel-material-ui for both modes."""
