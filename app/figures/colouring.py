"""Colours of values on a map or a section, and what their colour bar says."""

from __future__ import annotations

from dataclasses import dataclass

from bokeh.models import BasicTicker, ColorBar, FixedTicker, LinearColorMapper

from app.metrics import Palette
from app.theme import COVERAGE_EDGES, palette


@dataclass(frozen=True, kw_only=True)
class Colouring:
    """Which palette, from which value to which, and the title of the colour bar.

    ``yes_no`` says that a coverage holds only 0 and 1.
    """

    palette: Palette
    low: float
    high: float
    title: str
    yes_no: bool = False


def make_colour_bar(*, dark: bool) -> tuple[LinearColorMapper, ColorBar]:
    """A colour mapper and the horizontal colour bar of it."""
    mapper = LinearColorMapper(palette=palette("sequential", dark=dark), low=0.0, high=1.0, nan_color="rgba(0,0,0,0)")
    return mapper, ColorBar(
        color_mapper=mapper, orientation="horizontal", height=12, padding=6, margin=0, title_standoff=6
    )


def apply_colouring(colouring: Colouring, mapper: LinearColorMapper, bar: ColorBar, *, dark: bool) -> None:
    """Change a colour mapper and its bar in place."""
    shades = palette(colouring.palette, dark=dark)
    ticks: tuple[float, ...] = ()
    labels: dict[float, str] = {}
    if colouring.yes_no:
        shades, ticks, labels = (shades[0], shades[-1]), (0.25, 0.75), {0.25: "not covered", 0.75: "covered"}
    elif colouring.palette == "coverage":
        ticks, labels = COVERAGE_EDGES, {edge: f"{100 * edge:.0f} %" for edge in COVERAGE_EDGES}
    if tuple(mapper.palette) != tuple(shades):
        mapper.palette = shades
        bar.update(
            ticker=FixedTicker(ticks=list(ticks)) if ticks else BasicTicker(desired_num_ticks=7),
            major_label_overrides=labels,
        )
    mapper.update(low=colouring.low, high=colouring.high)
    bar.title = colouring.title
