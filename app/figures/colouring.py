"""Colours of values on a map or a section, and what their colour bar says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bokeh.models import (
    BasicTicker,
    ColorBar,
    ColumnDataSource,
    ContinuousColorMapper,
    CustomJSHover,
    FixedTicker,
    GlyphRenderer,
    LinearColorMapper,
    LogColorMapper,
)
from bokeh.plotting import figure

from diffmp_core.scores.maps import Palette

from .axes import plain_number
from .theme import coverage_classes, palette

NOTHING = "rgba(0,0,0,0)"
"""Colour of a missing value."""

MOST_TICKS = 6
"""Ticks of a logarithmic colour bar at most, beside its ends."""
ROOM = 0.1
"""Part of a logarithmic colour bar that the words at each end need for themselves."""
TINY = 1e-9
"""Rounding of a number that is 1, 2 or 5 times a power of ten."""


@dataclass(frozen=True, kw_only=True)
class Colouring:
    """Which palette, from which value to which, and the title of the colour bar.

    ``logarithmic`` colours need a positive ``low``. Of a coverage ``perfect`` is what a perfect ensemble has, which
    parts too little from too much; ``yes_no`` says that it holds only 0 and 1.
    """

    palette: Palette
    low: float
    high: float
    title: str
    logarithmic: bool = False
    yes_no: bool = False
    perfect: float = 1.0

    def scale(self, *, dark: bool) -> tuple[Sequence[str], float, float, dict[float, str]]:
        """Shades, the values where they begin and end, and what is written at the colour bar ({}: plain numbers)."""
        low, high = self.low, self.high
        if self.palette == "coverage":
            shades, edges = coverage_classes(self.perfect, dark=dark)
            if self.yes_no:
                uncovered, covered = shades[0], shades[round(self.perfect * (len(shades) - 1))]
                return (uncovered, covered), low, high, {0.25: "not covered", 0.75: "covered"}
            return shades, low, high, {edge: f"{100 * edge:.0f} %" for edge in (*edges[:-2], 1.0)}
        shades = palette(self.palette, dark=dark)
        if self.logarithmic:
            low, high = nice_range(low, high)
            return shades, low, high, logarithmic_labels(low, high)
        return shades, low, high, {}


@dataclass(frozen=True)
class ColouredImage:
    """An image with its colour bar, drawn twice: with linear and with logarithmic colours, one of which is seen.

    (Bokeh's images listen only to the mapper that they were made with.)
    """

    linear: GlyphRenderer
    logarithmic: GlyphRenderer
    bar: ColorBar

    @property
    def images(self) -> list[GlyphRenderer]:
        """Both images, for a hover."""
        return [self.linear, self.logarithmic]

    @property
    def mapper(self) -> LinearColorMapper | LogColorMapper:
        """The colours seen."""
        return self.bar.color_mapper

    def colour(self, colouring: Colouring, *, dark: bool) -> None:
        """Change what is seen, palette, range and colour bar in place."""
        shades, low, high, labels = colouring.scale(dark=dark)
        mapper = (self.logarithmic if colouring.logarithmic else self.linear).glyph.color_mapper
        if tuple(mapper.palette) != tuple(shades):
            mapper.palette = shades
        mapper.update(low=low, high=high)
        if labels != self.bar.major_label_overrides:
            set_ticks(self.bar, list(labels), desired=7)
            self.bar.major_label_overrides = labels
        if self.mapper is not mapper:
            self.bar.color_mapper = mapper
            for image in self.images:
                image.visible = image.glyph.color_mapper is mapper
        self.bar.title = colouring.title


def add_coloured_image(plot: figure, source: ColumnDataSource, *, dark: bool) -> ColouredImage:
    """Draw the image of a source (columns ``image, x, y, dw, dh``) with a colour bar below the figure."""
    shades = palette("sequential", dark=dark)
    linear, logarithmic = (
        plot.image(
            image="image",
            x="x",
            y="y",
            dw="dw",
            dh="dh",
            source=source,
            color_mapper=mapper(palette=shades, low=0.1, high=1.0, nan_color=NOTHING),
            visible=mapper is LinearColorMapper,
        )
        for mapper in (LinearColorMapper, LogColorMapper)
    )
    return ColouredImage(linear, logarithmic, add_colour_bar(plot, linear.glyph.color_mapper))


def add_colour_bar(plot: figure, mapper: ContinuousColorMapper) -> ColorBar:
    """A colour bar below a figure, as wide as it."""
    bar = ColorBar(
        color_mapper=mapper,
        ticker=BasicTicker(desired_num_ticks=7),
        orientation="horizontal",
        height=12,
        padding=6,
        margin=0,
        title_standoff=6,
    )
    plot.add_layout(bar, "below")
    return bar


def set_ticks(part: ColorBar, ticks: list[float], *, desired: int) -> None:
    """Ticks of a colour bar where they shall be; with none about ``desired`` at round numbers.

    Another ticker in the place of the first would have Bokeh walk over the whole page, which takes it 10 ms and more.
    """
    if not ticks:
        if not isinstance(part.ticker, BasicTicker):
            part.ticker = BasicTicker(desired_num_ticks=desired)
    elif isinstance(part.ticker, FixedTicker):
        part.ticker.ticks = ticks
    else:
        part.ticker = FixedTicker(ticks=ticks)


def nice_range(low: float, high: float) -> tuple[float, float]:
    """The range widened at each end to 1, 2 or 5 times a power of ten; ``0 < low < high``."""
    steps = [(digit, 10.0**power) for power in range(_power(low) - 1, _power(high) + 2) for digit in (1, 2, 5)]
    nice = [digit * scale for digit, scale in steps]
    below, above = low * (1 + TINY), high * (1 - TINY)
    return max(step for step in nice if step <= below), min(step for step in nice if step >= above)


def logarithmic_labels(low: float, high: float) -> dict[float, str]:
    """Ticks of a logarithmic colour bar and what is written there.

    Inner ticks are powers of ten, with 2 and 5 times them on a short bar and fewer on a long one. The ends say that
    what lies beyond them, zero included, has their colour.
    """
    powers = range(_power(low), _power(high) + 1)
    length = math.log10(high / low)
    ticks: list[float] = []
    for digits, every in (((1, 2, 5), 1), ((1,), 1), ((1,), 2), ((1,), 4)):
        wanted = (digit * 10.0**power for power in powers if power % every == 0 for digit in digits)
        ticks = [tick for tick in wanted if ROOM < math.log10(tick / low) / length < 1 - ROOM]
        if len(ticks) <= MOST_TICKS:
            break
    inner = {tick: plain_number(tick, figures=1) for tick in ticks}
    return {low: f"≤ {plain_number(low, figures=1)}"} | inner | {high: f"≥ {plain_number(high, figures=1)}"}


def number_hover() -> CustomJSHover:
    """Formatter of a hover: three figures, with thousands separated; a dash where there is no value."""
    return CustomJSHover(
        code='return Number.isFinite(value) ? value.toLocaleString("en", {maximumSignificantDigits: 3}) : "–"'
    )


def _power(value: float) -> int:
    """Power of ten at or below a positive value."""
    return math.floor(math.log10(value) + TINY)
