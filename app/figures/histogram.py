"""Distribution of a single value: shares of truth and emulators in one figure, and where they differ in another."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, FixedTicker, GlyphRenderer, HoverTool, Range1d
from bokeh.models.annotations import Span
from bokeh.plotting import figure

from .axes import plain_number, profile_figure, set_range, set_title
from .distribution import (
    RATIO_LABELS,
    RATIO_LIMIT,
    SMALL_LEGEND,
    role_colour,
    share_figure,
    share_range,
    show_steps,
)
from .heatmap import LEAST_SHARE, edges_of, least_share, occupied, ratios_of, shares_of
from .theme import colours, style


class HistogramPanels:
    """Shares of truth and emulators by value, and the ratios of the shares; ``show`` puts in new counts.

    ``figures`` maps ``density`` and ``ratio`` to a Bokeh figure.
    """

    def __init__(self, emulators: Sequence[str], *, compact: bool = False, minus: bool = False) -> None:
        """Empty figures; ``minus``: of two emulators the first over the second, instead of each over the truth."""
        height, compared = 260 if compact else 340, emulators[:1] if minus else emulators
        self.emulators = tuple(emulators)
        self.x_range, self.share_range = Range1d(start=-1, end=1), Range1d(start=LEAST_SHARE, end=1)
        self.steps = {name: ColumnDataSource(data={"x": [], "y": []}) for name in ("truth", *emulators)}
        self.ratios = {name: ColumnDataSource(data={"left": [], "right": [], "y": []}) for name in compared}
        density, self.step_lines = share_figure("Shares", self.steps, self.x_range, self.share_range, height=height)
        self.zero = Span(location=0, dimension="width", line_width=1, line_dash="dotted")
        self.figures = {"density": density, "ratio": self._ratio(height, over=emulators[-1] if minus else "truth")}

    @property
    def rows(self) -> list[list[str]]:
        """Names of the figures as they stand above each other."""
        return [["density", "ratio"]]

    def show(self, data: xr.Dataset, *, vertical: str = "", level: int = 0) -> None:
        """Draw what :meth:`diffmp_app.exhibits.distribution.Distribution.gather` gives of a single value."""
        shares, edges = shares_of(data), edges_of(data)
        show_steps(self.steps, shares, edges)
        for name, ratio in ratios_of(data).items():
            self.ratios[name].data = {"left": edges[:-1], "right": edges[1:], "y": ratio}
        set_range(self.x_range, occupied(data))
        set_range(self.share_range, share_range(shares, least_share(data["truth_count"].values)))
        unit = data["value"].axis_label
        for plot in self.figures.values():
            plot.xaxis.axis_label = unit
        perfect = plain_number(float(data["distance_perfect"]))
        set_title(self.figures["density"], f"Distance from the truth [{unit}], perfect: {perfect}")
        _, *items = self.figures["density"].legend.items  # the first is the truth
        for item, name, distance in zip(items, self.emulators, data["distance"].values, strict=True):
            item.label = value(f"{name}: {plain_number(float(distance))}")

    def show_level(self, data: xr.Dataset, *, vertical: str, level: int) -> None:
        """Nothing: a single value is at no level."""

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        chosen = colours(dark)
        for plot in self.figures.values():
            style(plot, dark=dark)
        self.zero.line_color = chosen.muted
        for name, line in self.step_lines.items():
            line.glyph.line_color = role_colour(name, self.emulators, chosen)
        for name, bars in self.ratio_bars.items():
            bars.glyph.fill_color = role_colour(name, self.emulators, chosen)

    def _ratio(self, height: int, *, over: str) -> figure:
        plot = profile_figure(
            title=f"Times the share in {over}",
            height=height,
            x_range=self.x_range,
            y_range=Range1d(start=-RATIO_LIMIT, end=RATIO_LIMIT),
            y_axis_label=f"times the share in {over}",
            description=f"How many times more often than {over} emulators have the values of each bin, where counting "
            "noise does not explain it",
        )
        plot.yaxis.update(ticker=FixedTicker(ticks=list(RATIO_LABELS)), major_label_overrides=RATIO_LABELS)
        plot.add_layout(self.zero)
        self.ratio_bars: dict[str, GlyphRenderer] = {
            name: plot.quad("left", "right", "y", 0, source=source, fill_alpha=0.55, line_color=None, legend_label=name)
            for name, source in self.ratios.items()
        }
        plot.legend.update(location="top_right", padding=4, spacing=2, **SMALL_LEGEND)
        plot.add_tools(HoverTool(tooltips=[("value", "@left{0.00} to @right{0.00}"), ("log2 ratio", "@y{0.00}")]))
        return plot
