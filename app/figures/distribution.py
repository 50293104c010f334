"""Distribution of an output at every level: truth beside emulators, where they differ, and how far apart they are.

The counts come from the score store (``histogram_truth``, ``histogram_members``); Figure 10 of the paper
(doi:10.20944/preprints202409.1262.v1) is the model of the heatmaps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from bokeh.events import Tap
from bokeh.models import (
    ColumnDataSource,
    FixedTicker,
    GlyphRenderer,
    HoverTool,
    LinearColorMapper,
    LogColorMapper,
    Range1d,
)
from bokeh.models.annotations import ColorBar, Span
from bokeh.plotting import figure

from ..data.axes import LevelAxis, level_axis
from .axes import profile_figure, set_range, set_title
from .heatmap import (
    LEAST_SHARE,
    edges_of,
    hollow,
    least_share,
    occupied,
    ratio_colours,
    ratios_of,
    share_colours,
    shares_of,
    stretch,
)
from .theme import Colours, colours, style

RATIO_LIMIT = 2.0
"""The colours of a ratio end at this power of two (four times too rare, four times too frequent)."""

RATIO_LABELS = {-2.0: "1/4", -1.0: "1/2", 0.0: "1", 1.0: "2", 2.0: "4"}
"""What is written at the colour bar of a ratio, by its logarithm."""

BETWEEN = "one from the other"
"""What the distance between two emulators is called."""

TITLE_OFFSET = -36.0
"""Titles begin above the vertical axis [pixels]: names of emulators are wider than a narrow frame."""
BELOW_FRAME = 104
"""Height of what is below a frame, axis and colour bar or legend [pixels]; the same for all, so that levels align."""

SMALL_LEGEND = {"glyph_height": 12, "glyph_width": 16, "label_height": 12, "label_standoff": 5}
"""Size of the entries of a legend [pixels]."""


class DistributionPanels:
    """Heatmaps value x level of one output on shared axes: truth, each emulator, each difference; distance, one level.

    ``show`` puts in new counts; the figures stay. ``figures`` maps ``truth``, ``distance``, ``density``, and for each
    emulator ``share NAME`` and ``ratio NAME`` to a Bokeh figure.
    """

    def __init__(
        self,
        emulators: Sequence[str],
        *,
        compact: bool = False,
        minus: bool = False,
        on_level: Callable[[float], None] | None = None,
    ) -> None:
        """Empty figures; ``compact`` ones are lower, without legends and without the figure of one level.

        ``minus``: of two emulators the first over the second, instead of each over the truth, and their distance.
        """
        height = 260 if compact else 340
        self.emulators, self.minus = tuple(emulators), minus
        between = (BETWEEN,) if minus else ()
        self.x_range, self.y_range = Range1d(start=-1, end=1), Range1d(start=0, end=1)
        self.distance_range, self.share_range = Range1d(start=0, end=1), Range1d(start=LEAST_SHARE, end=1)
        self.image = ColumnDataSource(data={})
        self.curves = {name: ColumnDataSource(data={"x": [], "y": []}) for name in (*emulators, *between, "floor")}
        self.steps = {name: ColumnDataSource(data={"x": [], "y": []}) for name in ("truth", *emulators)}
        self.step_lines: dict[str, GlyphRenderer] = {}
        self.share_mapper = LogColorMapper(
            palette=share_colours(False),
            low=LEAST_SHARE,
            high=1.0,
            low_color="rgba(0,0,0,0)",
            nan_color="rgba(0,0,0,0)",
        )
        self.ratio_mapper = LinearColorMapper(
            palette=ratio_colours(False), low=-RATIO_LIMIT, high=RATIO_LIMIT, nan_color="rgba(0,0,0,0)"
        )
        self.level_line = Span(dimension="width", line_width=1, line_dash="dashed")
        self.figures: dict[str, figure] = {
            "truth": self._heatmap("Truth", "truth", height, "Share of the true values by value and level")
        }
        for name in emulators:
            share, ratio = f"share {name}", f"ratio {name}"
            self.figures[share] = self._heatmap(
                name, share, height, f"Share of the values of {name} by value and level"
            )
            if minus and name != emulators[0]:
                continue
            over = emulators[-1] if minus else "the truth"
            title = f"Ratio to {over}" if minus else "Ratio to truth"
            words = f"Share of the values of {name} over that of {over}, by value and level"
            self.figures[ratio] = self._heatmap(title, ratio, height, words)
        self.figures["distance"] = self._distance(height)
        if not compact:
            self.figures["density"] = self._density(height)
        for plot in self.figures.values():
            if on_level is not None and plot is not self.figures.get("density"):
                plot.on_event(Tap, lambda event: on_level(event.y))

    def _heatmap(self, title: str, column: str, height: int, description: str) -> figure:
        plot = self._profile(title, height, self.x_range, description)
        is_ratio = column.startswith("ratio")
        mapper = self.ratio_mapper if is_ratio else self.share_mapper
        shape: dict[str, Any] = {"image": column, "x": "x", "y": "y", "dw": "dw", "dh": "dh", "color_mapper": mapper}
        image = plot.image(source=self.image, **shape)
        bar = ColorBar(color_mapper=mapper, height=8, padding=2, background_fill_alpha=0.0)
        if is_ratio:
            bar.update(
                title=f"times the share in {self.emulators[-1] if self.minus else 'the truth'}",
                ticker=FixedTicker(ticks=list(RATIO_LABELS)),
                major_label_overrides=RATIO_LABELS,
            )
        else:
            bar.title = "share of values"
        plot.add_layout(bar, "below")
        rows = [("value, level", "$x{0.00}, $y{0.0}"), ("share in truth", "@truth{0.0e+0}")]
        rows += [(f"share in {name}", f"@{{share {name}}}{{0.0e+0}}") for name in self.emulators]
        plot.add_tools(HoverTool(renderers=[image], tooltips=rows))
        return plot

    def _distance(self, height: int) -> figure:
        plot = self._profile(
            "Distance from the truth",
            height,
            self.distance_range,
            "Wasserstein distance of each emulator from the truth at every level, and that of a perfect emulator",
        )
        self.curve_lines = {
            name: plot.line(
                "x",
                "y",
                source=source,
                line_width=2,
                line_dash="dotted" if name == "floor" else "solid",
                legend_label="perfect emulator" if name == "floor" else name,
            )
            for name, source in self.curves.items()
        }
        plot.legend.update(location="left", padding=0, margin=0, spacing=1, **SMALL_LEGEND)
        plot.add_layout(plot.legend[0], "below")
        plot.add_tools(
            HoverTool(tooltips=[("distance", "$x{0.000}"), ("at", "$y{0.0}")], mode="hline", line_policy="nearest")
        )
        return plot

    def _density(self, height: int) -> figure:
        plot, self.step_lines = share_figure("One level", self.steps, self.x_range, self.share_range, height=height)
        return plot

    def _profile(self, title: str, height: int, x_range: Range1d, description: str) -> figure:
        """Figure with levels upward, the chosen one marked; all have the same frame, so that levels align."""
        plot = profile_figure(
            title=title,
            height=height,
            x_range=x_range,
            y_range=self.y_range,
            min_border_bottom=BELOW_FRAME,
            description=description,
        )
        plot.title.offset = TITLE_OFFSET
        plot.add_layout(self.level_line)
        return plot

    @property
    def rows(self) -> list[list[str]]:
        """Names of the figures as they stand above each other."""
        ratios = [name for name in self.figures if name.startswith("ratio ")]
        return [
            ["truth", *(f"share {name}" for name in self.emulators)],
            ["distance", *ratios],
            *([["density"]] if "density" in self.figures else []),
        ]

    def show(self, data: xr.Dataset, *, vertical: str, level: int) -> None:
        """Draw a dataset.

        Args:
            data: what :meth:`diffmp_app.exhibits.distribution.Distribution.gather` gives, of these emulators.
            vertical: vertical axis.
            level: level whose distribution the last figure shows.
        """
        levels, edges = _levels(data, vertical), edges_of(data)
        low, high = sorted((levels.start, levels.end))
        image: dict[str, list[object]] = {"x": [edges[0]], "dw": [edges[-1] - edges[0]], "y": [low], "dh": [high - low]}
        least = least_share(data["truth_count"].values)
        self.share_mapper.low = 0.7 * least
        for name, share in shares_of(data).items():
            image["truth" if name == "truth" else f"share {name}"] = [stretch(hollow(share, least), levels)]
        image |= {f"ratio {name}": [stretch(ratio, levels)] for name, ratio in ratios_of(data).items()}
        self.image.data = image
        self._show_curves(data, levels)
        self.show_level(data, vertical=vertical, level=level)
        set_range(self.x_range, occupied(data))
        set_range(self.y_range, (levels.start, levels.end))
        label = data["value"].axis_label
        for name, plot in self.figures.items():
            plot.xaxis.axis_label = f"mean shift [{label}]" if name == "distance" else label
            if name != "density":
                plot.yaxis.axis_label = levels.label

    def _show_curves(self, data: xr.Dataset, levels: LevelAxis) -> None:
        distances = dict(zip(self.emulators, data["distance"].values, strict=True))
        if self.minus:
            distances[BETWEEN] = data["distance_between"].values
        distances["floor"] = data["distance_perfect"].values
        for name, source in self.curves.items():
            source.data = {"x": distances[name], "y": levels.values}
        widest = max(float(np.nan_to_num(distance).max()) for distance in distances.values())
        set_range(self.distance_range, (0.0, 1.08 * widest or 1.0))

    def show_level(self, data: xr.Dataset, *, vertical: str, level: int) -> None:
        """Draw the distribution of one level and mark it in the heatmaps."""
        levels = _levels(data, vertical)
        self.level_line.location = float(levels.values[level])
        if "density" not in self.figures:
            return
        at = {name: share[level] for name, share in shares_of(data).items()}
        show_steps(self.steps, at, edges_of(data))
        set_range(self.share_range, share_range(at, least_share(data["truth_count"].values)))
        set_title(self.figures["density"], f"At {levels.describe(level)}")

    def paint(self, dark: bool) -> None:
        """Colours for a dark or a light page."""
        chosen = colours(dark)
        for plot in self.figures.values():
            style(plot, dark=dark)
        self.share_mapper.palette = share_colours(dark)
        self.ratio_mapper.palette = ratio_colours(dark)
        self.level_line.line_color = chosen.muted
        for lines in (self.curve_lines, self.step_lines):
            for name, line in lines.items():
                line.glyph.line_color = role_colour(name, self.emulators, chosen)


def _levels(data: xr.Dataset, vertical: str) -> LevelAxis:
    return level_axis(vertical, height=data["height"].values, pressure=data["pressure"].values)


def share_figure(
    title: str, steps: Mapping[str, ColumnDataSource], x_range: Range1d, y_range: Range1d, *, height: int
) -> tuple[figure, dict[str, GlyphRenderer]]:
    """An empty figure of shares by value, and its line for each source."""
    plot = profile_figure(
        title=title,
        height=height,
        x_range=x_range,
        y_range=y_range,
        y_axis_type="log",
        y_axis_label="share of the values in a bin",
        description="Share of the values in each bin, truth and emulators",
    )
    lines = {
        name: plot.step("x", "y", source=source, mode="after", line_width=1.6, legend_label=name)
        for name, source in steps.items()
    }
    plot.legend.update(location="top_right", padding=4, spacing=2, **SMALL_LEGEND)
    plot.add_tools(HoverTool(tooltips=[("value", "$x{0.00}"), ("share", "@y{0.0e+0}")], line_policy="prev"))
    return plot, lines


def show_steps(steps: Mapping[str, ColumnDataSource], shares: Mapping[str, np.ndarray], edges: np.ndarray) -> None:
    """Draw shares (bin,) as steps; what never occurs is left out."""
    for name, source in steps.items():
        source.data = {"x": edges[:-1], "y": np.where(shares[name] > 0, shares[name], np.nan)}


def share_range(shares: Mapping[str, np.ndarray], least: float) -> tuple[float, float]:
    """Range of an axis of shares, from the least that is drawn to the greatest."""
    return 0.7 * least, 1.5 * max(least, *(float(share.max()) for share in shares.values()))


def role_colour(name: str, emulators: Sequence[str], chosen: Colours) -> str:
    """Colour of the truth, an emulator, what a perfect one has, or the distance between two."""
    if name == "truth":
        return chosen.truth
    if name == "floor":
        return chosen.muted
    if name == BETWEEN:
        return chosen.reference
    return (chosen.emulator, chosen.perturbed, chosen.reference)[emulators.index(name) % 3]
